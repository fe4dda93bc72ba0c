"""A6: nothing is trapped in it."""

from conftest import open_page
from playwright.sync_api import Browser, BrowserContext, expect
from studio_page import StudioPage


def test_a_link_restores_what_was_seen(
    studio: StudioPage, context: BrowserContext, address: str, faults: list[str]
) -> None:
    studio.draw(seed=7)
    studio.move_to(11)
    seen = studio.pixels(studio.large())
    link = studio.copied("Copy link")
    other = open_page(context, address, faults)
    other.page.goto(link)
    other.page.reload()
    expect(other.slider).to_have_value("11")
    expect(other.prompt).to_have_value(studio.prompt.input_value())
    expect(other.large()).to_be_visible()
    other.wait_pixels(other.large(), seen)
    assert "noisescope studio world" in studio.open_area("Keep").inner_text()


def test_a_link_of_another_server_is_opened_by_pasting_it(
    studio: StudioPage, context: BrowserContext, address: str, faults: list[str]
) -> None:
    studio.draw(seed=8)
    studio.draw(seed=9)
    studio.branches.first.get_by_role("button", name="Compare").click()
    studio.open_area("Keep").get_by_role("button", name="Copy link").click()
    link = studio.page.evaluate("() => navigator.clipboard.readText()")
    other = open_page(context, address, faults)
    area = other.open_area("Keep")
    area.get_by_label("Open a link").fill(link.replace(studio.host, "http://127.0.0.1:1"))
    area.get_by_role("button", name="Open", exact=True).click()
    expect(other.branches.nth(1)).to_contain_text("shown")
    expect(other.branches.nth(0)).to_contain_text("beside")
    area.get_by_label("Open a link").fill("http://127.0.0.1:1/#nothing")
    area.get_by_role("button", name="Open", exact=True).click()
    expect(other.page.get_by_role("alert")).to_contain_text("no recipe")


def test_who_has_a_link_but_no_token_is_told_what_to_start(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    response = page.goto(address.split("/?")[0] + "/#v1.abc")
    assert response
    assert response.status == 401
    expect(page.get_by_role("heading")).to_have_text("This studio is somebody's own")
    expect(page.locator("body")).to_contain_text("noisescope studio MODEL")
    context.close()


def test_what_is_seen_can_be_taken_along(studio: StudioPage) -> None:
    studio.draw()
    area = studio.open_area("Keep")
    studio.screenshot("a6_keep")
    begins = {
        "Picture (PNG)": b"\x89PNG",
        "Film (WebP)": b"RIFF",
        "Numbers (JSON)": b"{",
        "Report of branches": b"<!doctype html>",
    }
    for name, first in begins.items():
        response = studio.page.request.get(area.get_by_role("link", name=name).evaluate("(link) => link.href"))
        assert response.ok, name
        assert response.body()[: len(first)].lower() == first.lower(), name
    with studio.page.expect_download() as download:
        area.get_by_role("button", name="All pictures shown (PNG)").click()
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"


def test_what_was_said_to_why_can_be_taken_along(studio: StudioPage) -> None:
    studio.draw()
    studio.ask_why()
    area = studio.open_area("Keep")
    for name, part in (("Why: words and curves (JSON)", b"half_point"), ("Why: maps (safetensors)", b"red/model/map")):
        response = studio.page.request.get(area.get_by_role("link", name=name).evaluate("(link) => link.href"))
        assert part in response.body(), name
    report = studio.page.request.get(
        area.get_by_role("link", name="Report of branches").evaluate("(link) => link.href")
    ).text()
    assert "Why is this here?" in report


def test_commands_can_be_copied(context: BrowserContext, run_address: str, faults: list[str]) -> None:
    studio = open_page(context, run_address, faults)
    studio.draw()
    for name, begins in (("Copy as command", "noisescope sample"), ("Copy as Python", "import noisescope as ns")):
        assert studio.copied(name).startswith(begins)


def test_commands_say_all_that_stands_side_by_side(
    context: BrowserContext, run_address: str, faults: list[str]
) -> None:
    studio = open_page(context, run_address, faults)
    studio.draw(seed=3)
    for state in (1, 2):
        studio.move_to(state)
        with studio.drawing():
            studio.open_area("Change").get_by_role("button", name="Draw with this change").click()
    studio.branches.nth(studio.branches.count() - 2).get_by_role("button", name="Compare").click()
    expect(studio.page.locator("#stage").get_by_text("seed 3 · guidance 2 ·")).to_be_visible()
    drawn, late, early = studio.copied("Copy as command").splitlines()
    assert drawn.startswith("noisescope sample")
    assert "--out rewound_1 --step 2" in late
    assert "--out rewound_2 --step 1" in early
