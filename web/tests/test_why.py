"""A2: why is this here?"""

import re

import pytest
from playwright.sync_api import Locator, expect
from studio_page import StudioPage


@pytest.fixture
def area(studio: StudioPage) -> Locator:
    studio.draw()
    return studio.ask_why()


def test_cost_is_said_before_and_an_answer_comes(studio: StudioPage) -> None:
    studio.draw()
    area = studio.open_area("Why")
    expect(area.get_by_text(re.compile(r"\d evaluations of the model"))).to_be_visible()
    studio.ask_why()
    expect(area.get_by_text("of at most")).to_be_visible()
    studio.screenshot("a2_answer")


def test_a_word_is_asked_against_alternatives_that_are_named(studio: StudioPage) -> None:
    studio.draw()
    area = studio.open_area("Why")
    area.get_by_role("combobox", name="Words", exact=True).select_option(label="left")
    expect(area.get_by_role("button", name="Ask why")).to_be_disabled()
    area.get_by_label("Instead of it").fill("right")
    studio.ask_why()
    expect(area.get_by_role("button", name="left", exact=True)).to_be_visible()
    assert [word["alternatives"] for word in studio.api("why/" + studio.newest_why())["words"]] == [["right"]]


def test_a_pixel_names_its_words_with_intervals(studio: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    rows = area.get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\[.+, .+\]"))
    told = area.locator("tbody td:nth-child(2)").all_inner_texts()
    sizes = [abs(float(text.split("[")[0].replace("−", "-"))) for text in told]
    assert len(sizes) >= 3
    assert sizes == sorted(sizes, reverse=True), "largest first"
    studio.screenshot("a2_pixel")


def test_arrow_keys_walk_over_the_map(studio: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.focus()
    studio.press("ArrowRight")
    heading = area.get_by_role("heading", name=re.compile(r"^Pixel \d+, \d+$"))
    expect(heading).to_have_text("Pixel 17, 16")
    studio.press("ArrowDown")
    expect(heading).to_have_text("Pixel 17, 17")


def test_another_word_has_another_map(studio: StudioPage, area: Locator) -> None:
    canvas = area.locator(".maps canvas").first
    chips = area.get_by_role("group", name=re.compile("^Words of the prompt")).get_by_role("button")
    maps = []
    for chip in (chips.first, chips.last):
        chip.click()
        expect(canvas).to_have_attribute("aria-label", re.compile(f"map of “{chip.inner_text()}”"))
        studio.page.wait_for_timeout(150)
        maps.append(studio.pixels(canvas))
    assert maps[0] != maps[1]


def test_a_brushed_range_of_levels_is_the_window_of_the_map(studio: StudioPage, area: Locator) -> None:
    expect(area.get_by_text("all levels", exact=False).first).to_be_visible()
    plot = area.locator(".u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    studio.page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    studio.page.mouse.down()
    studio.page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=4)
    studio.page.mouse.up()
    expect(area.get_by_text(re.compile(r"log-SNR −[\d.]+ to −?[\d.]+$"))).to_be_visible()
    studio.screenshot("a2_window")
    area.get_by_role("button", name="Show all levels").click()
    expect(area.get_by_text(re.compile(r"blue against it\.\s+all levels"))).to_be_visible()


def test_a_blind_map_stands_beside(studio: StudioPage, area: Locator) -> None:
    area.get_by_label("Blind baseline").select_option(label="edges")
    expect(area.get_by_text("Blind: edges")).to_be_visible()
    assert area.locator(".maps canvas").count() >= 2
    studio.screenshot("a2_blind")


def test_a_sentence_says_when_a_word_was_decided_and_until_when_it_can_be_changed(
    studio: StudioPage, area: Locator
) -> None:
    expect(area.get_by_text(re.compile(r"^“red” was decided between states \d+ and \d+\."))).to_be_visible()
    area.get_by_role("button", name=re.compile("^Until when could it become “")).click()
    told = re.compile(r"“red” can be changed to “\w+” until state \d+|the change to “\w+” still takes")
    expect(area.get_by_text(told)).to_be_visible(timeout=60_000)
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    expect(area.get_by_text(re.compile("^Here (“.+” speaks most|most is said against)"))).to_be_visible()
    studio.screenshot("a2_sentence")


def test_a_level_of_the_table_moves_the_slider(studio: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    area.get_by_title(re.compile("^Move the slider to")).first.click()
    assert studio.state() < studio.last()
