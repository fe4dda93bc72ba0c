"""A1: draw and scrub."""

import re

from playwright.sync_api import expect
from studio_page import PROMPT, StudioPage


def test_a_picture_grows_out_of_noise_under_one_slider(studio: StudioPage) -> None:
    studio.draw()
    finished = studio.pixels(studio.large())
    small = studio.page.locator("#stage .planes canvas")
    planes = [studio.pixels(small.nth(plane)) for plane in range(small.count())]
    studio.screenshot("a1_finished")
    studio.move_to(0)
    assert len(planes) == 5
    expect(studio.slider).to_have_attribute("aria-valuetext", re.compile("^log-SNR −.*, state 0 of"))
    studio.wait_other_pixels(studio.large(), finished)
    for plane, before in enumerate(planes):  # one slider moves every plane
        studio.wait_other_pixels(small.nth(plane), before)
    studio.screenshot("a1_first_noise")


def test_several_seeds_stand_side_by_side(studio: StudioPage) -> None:
    studio.draw(pictures=3)
    pictures = [studio.pixels(studio.large(picture)) for picture in range(3)]
    assert pictures[0] != pictures[1] != pictures[2] != pictures[0]
    studio.move_to(5)
    studio.screenshot("a1_side_by_side")


def test_play_walks_through_the_states_and_stops_at_the_picture(studio: StudioPage) -> None:
    studio.draw()
    studio.move_to(studio.last() - 8)
    studio.button("Play").click()
    expect(studio.button("Pause")).to_be_visible()
    expect(studio.button("Play")).to_be_visible()
    assert studio.state() == studio.last()


def test_unknown_words_are_marked_as_they_are_typed(studio: StudioPage) -> None:
    studio.prompt.fill("a rad square")
    hint = studio.page.get_by_text("The model does not know “rad”.")
    expect(hint).to_be_visible()
    studio.screenshot("a1_unknown_word")
    studio.button("Write “red”").click()
    expect(studio.prompt).to_have_value("a red square")
    expect(hint).to_be_hidden()


def test_captions_are_completed_by_keyboard(studio: StudioPage) -> None:
    studio.prompt.fill("")
    studio.prompt.press_sequentially("a red sq")
    options = studio.page.get_by_role("listbox", name="Completions").get_by_role("option")
    expect(options.first).to_be_visible()
    studio.press("ArrowDown", "Enter")
    expect(studio.prompt).to_have_value(re.compile("^a red square"))
    expect(options.first).to_be_hidden()


CLICK_AS_SOON_AS_ENABLED = """(button) => {
  const look = () => (button.disabled ? requestAnimationFrame(look) : button.click());
  look();
}"""


def test_a_drawing_can_be_cancelled(studio: StudioPage) -> None:
    studio.number("Steps").fill("250")
    studio.number("Pictures").fill("16")
    studio.prompt.fill(PROMPT)
    studio.button("Cancel drawing").evaluate(CLICK_AS_SOON_AS_ENABLED)
    studio.prompt.press("Enter")
    expect(studio.page.locator("#stage").get_by_text("Cancelled.")).to_be_visible()


def test_what_the_studio_refuses_is_said(studio: StudioPage, faults: list[str]) -> None:
    studio.prompt.fill("a purple elephant")
    studio.prompt.press("Enter")
    alert = studio.page.get_by_role("alert").first
    expect(alert).to_contain_text("purple")
    faults.clear()  # the browser logs the refusal as an error
