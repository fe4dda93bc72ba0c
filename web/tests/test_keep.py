"""A6: nothing is trapped in it."""

from conftest import open_page
from playwright.sync_api import BrowserContext, expect
from studio_page import StudioPage


def test_a_link_restores_what_was_seen(
    studio: StudioPage, context: BrowserContext, address: str, faults: list[str]
) -> None:
    studio.draw(seed=7)
    studio.move_to(11)
    seen = studio.pixels(studio.large())
    studio.open_area("Keep").get_by_role("button", name="Copy link").click()
    link = studio.page.evaluate("() => navigator.clipboard.readText()")
    other = open_page(context, address, faults)
    other.page.goto(link)
    other.page.reload()
    expect(other.slider).to_have_value("11")
    expect(other.prompt).to_have_value(studio.prompt.input_value())
    expect(other.large()).to_be_visible()
    other.wait_pixels(other.large(), seen)


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


def test_commands_can_be_copied(context: BrowserContext, run_address: str, faults: list[str]) -> None:
    studio = open_page(context, run_address, faults)
    studio.draw()
    area = studio.open_area("Keep")
    for name, begins in (("Copy as command", "noisescope sample"), ("Copy as Python", "import noisescope as ns")):
        area.get_by_role("button", name=name).click()
        expect(area.get_by_role("button", name="Copied.").last).to_be_visible()
        assert studio.page.evaluate("() => navigator.clipboard.readText()").startswith(begins)
