"""A2: why is this here?"""

import re
from collections.abc import Iterator

import pytest
from conftest import open_page
from playwright.sync_api import Browser, Locator, expect
from studio_page import ASKED_MS, StudioPage


@pytest.fixture(scope="module")
def answered(browser: Browser, address: str) -> Iterator[tuple[StudioPage, list[str]]]:
    """One answer for all tests that look at it, and what was wrong with its page."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    studio = open_page(context, address, faults)
    studio.draw()
    studio.ask_why()
    yield studio, faults
    context.request.delete(f"{studio.host}/api/branches/{studio.api('branches')['branches'][0]['id']}")
    context.close()


@pytest.fixture
def asked(answered: tuple[StudioPage, list[str]]) -> Iterator[StudioPage]:
    yield answered[0]
    assert not answered[1]


@pytest.fixture
def area(asked: StudioPage) -> Locator:
    return asked.open_area("Why")


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


def test_a_pixel_names_its_words_with_intervals(asked: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    rows = area.get_by_role("row")
    expect(rows.nth(1)).to_contain_text(re.compile(r"\[.+, .+\]"))
    told = area.locator("tbody td:nth-child(2)").all_inner_texts()
    sizes = [abs(float(text.split("[")[0].replace("−", "-"))) for text in told]
    assert len(sizes) >= 3
    assert sizes == sorted(sizes, reverse=True), "largest first"
    asked.screenshot("a2_pixel")


def test_a_pixel_of_the_picture_names_its_words(asked: StudioPage, area: Locator) -> None:
    large = asked.large()
    box = large.bounding_box()
    assert box
    model = asked.api("model")
    cell = box["width"] / model["image"][2]
    large.click(position={"x": 5.5 * cell, "y": 7.5 * cell})
    expect(area.get_by_role("heading", name="Pixel 5, 7", exact=True)).to_be_visible()
    asked.open_area("Change")
    large.click(position={"x": 9.5 * cell, "y": 7.5 * cell})
    asked.open_area("Why")
    expect(area.get_by_role("heading", name="Pixel 5, 7", exact=True)).to_be_visible()


def test_arrow_keys_walk_over_the_map(asked: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    area.locator(".maps canvas").first.focus()
    heading = area.get_by_role("heading", name=re.compile(r"^Pixel \d+, \d+$"))
    x, y = (int(part) for part in re.findall(r"\d+", heading.inner_text()))
    asked.press("ArrowRight")
    expect(heading).to_have_text(f"Pixel {x + 1}, {y}")
    asked.press("ArrowDown")
    expect(heading).to_have_text(f"Pixel {x + 1}, {y + 1}")
    asked.press("ArrowLeft")
    expect(heading).to_have_text(f"Pixel {x}, {y + 1}")


def test_another_word_has_another_map(asked: StudioPage, area: Locator) -> None:
    canvas = area.locator(".maps canvas").first
    chips = area.get_by_role("group", name=re.compile("^Words of the prompt")).get_by_role("button")
    maps = []
    for chip in (chips.first, chips.last):
        chip.click()
        expect(canvas).to_have_attribute("aria-label", re.compile(f"map of “{chip.inner_text()}”"))
        asked.page.wait_for_timeout(150)
        maps.append(asked.pixels(canvas))
    assert maps[0] != maps[1]


def test_a_brushed_range_of_levels_is_the_window_of_the_map(asked: StudioPage, area: Locator) -> None:
    expect(area.get_by_text("Summed over all levels").first).to_be_visible()
    plot = area.locator(".u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    asked.page.mouse.move(box["x"] + 0.2 * box["width"], middle)
    asked.page.mouse.down()
    asked.page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=4)
    asked.page.mouse.up()
    expect(area.get_by_text(re.compile(r"log-SNR −[\d.]+ to −?[\d.]+\.$"))).to_be_visible()
    asked.screenshot("a2_window")
    area.get_by_role("button", name="Show all levels").click()
    expect(area.get_by_text(re.compile(r"blue against it\.\s+Summed over all levels"))).to_be_visible()


def test_a_blind_map_stands_beside(asked: StudioPage, area: Locator) -> None:
    area.get_by_label("Blind baseline").select_option(label="edges")
    expect(area.get_by_text("Blind: edges")).to_be_visible()
    expect(area.locator(".maps canvas").nth(1)).to_be_visible()
    asked.screenshot("a2_blind")


def test_a_sentence_says_when_a_word_was_decided_and_until_when_it_can_be_changed(
    asked: StudioPage, area: Locator
) -> None:
    words = area.get_by_role("group", name=re.compile("^Words of the prompt"))
    words.get_by_role("button", name="red", exact=True).click()
    expect(area.get_by_text(re.compile(r"^“red” was decided between states \d+ and \d+\."))).to_be_visible()
    area.get_by_role("button", name=re.compile("^Until when could it become “")).click()
    told = re.compile(r"“red” can be changed to “\w+” until state \d+|the change to “\w+” still takes")
    expect(area.get_by_text(told)).to_be_visible(timeout=ASKED_MS)
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    expect(area.get_by_text(re.compile("^Here (“.+” speaks most|most is said against)"))).to_be_visible()
    asked.screenshot("a2_sentence")


def test_a_level_of_the_table_moves_the_slider(asked: StudioPage, area: Locator) -> None:
    area.locator(".maps canvas").first.click(position={"x": 60, "y": 90})
    area.get_by_title(re.compile("^Move the slider to")).first.click()
    expect(asked.slider).not_to_have_value(str(asked.last()))
