"""A8: keyboard, screen readers, light and dark, narrow screens, reduced motion."""

import re

from conftest import open_page
from playwright.sync_api import Browser, expect
from studio_page import StudioPage


def test_nothing_is_held_against_any_area_in_light_and_dark(studio: StudioPage) -> None:
    studio.draw(pictures=2)
    studio.ask_why().locator(".maps canvas").first.click()
    for area in ("Change", "Why", "Methods", "Keep"):
        panel = studio.open_area(area)
        if area == "Methods":
            expect(panel.get_by_text("evaluations of the model").first).to_be_visible()
        assert studio.violations_in_light_and_dark(f"a8_{area.lower()}") == []


def test_a_narrow_screen_shows_all_without_scrolling_sideways(
    browser: Browser, address: str, faults: list[str]
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="en-GB", has_touch=True)
    studio = open_page(context, address, faults)
    studio.draw()
    studio.button("Guided tour").click()
    studio.ask_why()
    for area in ("Change", "Why", "Methods", "Keep"):
        studio.open_area(area)
        wide = studio.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 360, f"{area} is {wide} pixels wide"
        studio.screenshot(f"a8_narrow_{area.lower()}")
    context.close()


def test_keys_move_the_slider_and_help_is_there(studio: StudioPage) -> None:
    studio.draw()
    studio.page.locator("#stage").focus()
    studio.press("Home", "ArrowRight", "ArrowRight")
    assert studio.state() == 2
    studio.press("?")
    dialog = studio.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    studio.screenshot("a8_keys")
    studio.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_drawing_is_announced(studio: StudioPage) -> None:
    studio.draw()
    expect(studio.page.get_by_role("status").filter(has_text="Drawn in")).to_have_count(1)


def test_the_page_speaks_german(studio: StudioPage) -> None:
    studio.page.get_by_label("Language").select_option(label="Deutsch")
    expect(studio.page.locator("html")).to_have_attribute("lang", "de")
    expect(studio.button("Zeichnen")).to_be_visible()
    studio.button("Führung").click()
    expect(studio.page.get_by_role("heading", name=re.compile("Was Rauschen ist"))).to_be_visible()
    studio.screenshot("a8_german")
    assert studio.violations() == []


def test_nothing_moves_where_motion_is_unwanted(studio: StudioPage) -> None:
    studio.page.emulate_media(reduced_motion="reduce")
    studio.draw()
    moving = studio.page.evaluate("() => document.getAnimations().length")
    assert moving == 0
