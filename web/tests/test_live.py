"""A page that carries its model, opened from a file: no server, no request."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import open_page, program
from playwright.sync_api import BrowserContext, Page, expect
from studio_page import PROMPT, StudioPage


@pytest.fixture(scope="session")
def live_file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("live") / "live.html"
    subprocess.run([program(), "export", "page", str(run), "--out", str(file), "--quiet"], check=True)
    return file


@pytest.fixture
def live(context: BrowserContext, live_file: Path, faults: list[str]) -> StudioPage:
    page: Page = context.new_page()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(live_file.as_uri())
    return StudioPage(page)


def test_draws_what_the_program_draws(
    live: StudioPage, context: BrowserContext, run_address: str, faults: list[str]
) -> None:
    live.draw(PROMPT, seed=3, pictures=2)
    served = open_page(context, run_address, faults)
    served.draw(PROMPT, seed=3, pictures=2)
    for picture in range(2):
        mine, theirs = live.pixels(live.large(picture)), served.pixels(served.large(picture))
        assert sum(abs(a - b) for a, b in zip(mine, theirs, strict=True)) / len(mine) <= 1


def test_explains_and_changes(live: StudioPage) -> None:
    live.draw(PROMPT)
    area = live.ask_why()
    expect(area.locator(".maps canvas").first).to_be_visible()
    live.move_to(1)
    with live.drawing():
        live.open_area("Change").get_by_role("button", name="Draw with this change").click()
    with live.page.expect_download():
        live.open_area("Keep").get_by_role("button", name="All pictures shown (PNG)").click()


def test_says_what_needs_the_program(live: StudioPage) -> None:
    live.draw(PROMPT)
    for name in ("Methods", "Keep"):
        expect(live.open_area(name).get_by_text(re.compile("noisescope studio"))).to_be_visible()
    assert live.violations() == []
