"""A5: watch a training."""

import re

from conftest import open_page
from playwright.sync_api import BrowserContext, expect
from studio_page import StudioPage


def test_a_world_has_no_training(studio: StudioPage) -> None:
    area = studio.open_area("Training")
    expect(area.get_by_text("no training to look at")).to_be_visible()


def test_curves_previews_and_a_word(context: BrowserContext, run_address: str, faults: list[str]) -> None:
    studio = open_page(context, run_address, faults)
    area = studio.open_area("Training")
    expect(area.get_by_text(re.compile("images seen")).first).to_be_visible()
    expect(area.locator(".u-over").first).to_be_visible()
    area.get_by_label("Word", exact=True).fill("red")
    area.get_by_role("button", name="Ask", exact=True).click()
    expect(area.get_by_role("img", name=re.compile("^Nats decided for “red”"))).to_be_visible(timeout=20_000)
    studio.screenshot("a5_training")
    assert studio.violations() == []
