"""A3: change one thing."""

import re

from playwright.sync_api import expect
from studio_page import ASKED_MS, StudioPage


def change(studio: StudioPage, kind: str, state: int) -> None:
    studio.move_to(state)
    area = studio.open_area("Change")
    area.get_by_role("radio", name=kind, exact=True).check()


def apply(studio: StudioPage) -> None:
    with studio.drawing():
        studio.button("Draw with this change").click()
    expect(studio.page.get_by_text("difference", exact=True).first).to_be_visible()


def test_a_word_changed_early_makes_another_picture_beside_the_old(studio: StudioPage) -> None:
    studio.draw()
    before = studio.pixels(studio.large())
    change(studio, "Word", 2)
    studio.page.get_by_role("combobox", name="Word", exact=True).select_option(label="red")
    studio.page.get_by_label("becomes").select_option(label="green")
    apply(studio)
    studio.wait_pixels(studio.outcome(0), before)  # the old one stands first
    studio.wait_other_pixels(studio.outcome(1), before)
    assert studio.state() == 2, "the slider stays"
    studio.screenshot("a3_word")
    studio.outcome(1).click()
    assert studio.state() == studio.last()
    studio.wait_pixels(studio.large(0), before)


def test_what_is_changed_stays_the_same_and_changes_stand_beside_it(studio: StudioPage) -> None:
    studio.draw(seed=5)
    base = studio.page.get_by_role("tabpanel", name="Change").get_by_text("What is changed:")
    for scale in ("2", "3"):
        change(studio, "Guidance", 3)
        studio.page.get_by_label("Guidance scale").fill(scale)
        apply(studio)
        expect(base).to_contain_text("a red square left of a blue disc")
    names = [item.inner_text().split(",")[0] for item in studio.branches.all()]
    assert names[1:] == ["guidance 2", "guidance 3"]
    assert [item.get_attribute("aria-level") for item in studio.branches.all()] == ["1", "2", "2"]
    studio.branches.nth(1).get_by_role("button", name="Compare").click()
    expect(studio.page.locator("#stage .outcome canvas")).to_have_count(3)
    studio.screenshot("a3_three_beside")


def test_a_change_is_tried_at_every_state(studio: StudioPage) -> None:
    studio.draw()
    change(studio, "Word", 2)
    area = studio.open_area("Change")
    area.get_by_label("becomes").select_option(label="green")
    area.get_by_role("button", name="Try this change at every state").click()
    told = area.get_by_text(
        re.compile("“red” can be changed to “green” until state |the change to “green” still takes")
    )
    expect(told).to_be_visible(timeout=ASKED_MS)
    pictures = area.get_by_role("list", name="What became of the picture").get_by_role("button")
    expect(pictures).to_have_count(24)
    studio.wait_other_pixels(pictures.last.locator("canvas"), studio.pixels(pictures.first.locator("canvas")))
    studio.screenshot("a3_sweep")
    with studio.drawing():
        pictures.first.click()
    expect(studio.branches.last).to_contain_text("red → green, from state 0")
    area.get_by_role("radio", name="Guidance", exact=True).check()
    area.get_by_label("Scales, separated by commas").fill("1, 4")
    area.get_by_role("button", name="Try these scales").click()
    expect(area.get_by_text(re.compile("The words are read (best|equally well) at"))).to_be_visible(timeout=ASKED_MS)
    assert studio.violations() == []


def test_the_boxes_of_a_move_say_from_and_to(studio: StudioPage) -> None:
    studio.draw()
    finished = studio.pixels(studio.large())
    change(studio, "Move noise", 0)
    picker = studio.page.get_by_role("group", name="Box", exact=True)
    assert picker.inner_text().split() == ["from", "to"]
    studio.wait_pixels(picker.locator("canvas"), finished)  # drawn on what comes of the noise
    studio.page.get_by_role("radio", name="clean estimate at this level").check()
    studio.wait_other_pixels(picker.locator("canvas"), finished)
    studio.screenshot("a3_move")
    apply(studio)


def test_a_box_is_dragged_and_its_noise_drawn_anew(studio: StudioPage) -> None:
    studio.draw()
    change(studio, "Noise anew", 0)
    picker = studio.page.get_by_role("group", name="Box", exact=True)
    picker.scroll_into_view_if_needed()
    place = picker.bounding_box()
    assert place
    studio.page.mouse.move(place["x"] + 0.25 * place["width"], place["y"] + 0.25 * place["height"])
    studio.page.mouse.down()
    studio.page.mouse.move(place["x"] + 0.6 * place["width"], place["y"] + 0.6 * place["height"], steps=3)
    studio.page.mouse.up()
    expect(picker.get_by_role("button", name=re.compile(r"^Box: 1\d × 1\d pixels at 8, 8"))).to_be_visible()
    studio.screenshot("a3_box")
    apply(studio)


def test_guidance_in_a_window_and_a_u_turn(studio: StudioPage) -> None:
    studio.draw()
    change(studio, "Guidance", 3)
    studio.page.get_by_label("Guidance scale").fill("4")
    studio.page.get_by_label("Only within a window of noise levels").check()
    apply(studio)
    change(studio, "U-turn", 12)
    apply(studio)
    studio.screenshot("a3_u_turn")


def test_branches_are_named_compared_and_deleted(studio: StudioPage) -> None:
    studio.draw(seed=1)
    studio.draw(seed=2)
    items = studio.page.get_by_role("treeitem")
    count = items.count()
    studio.button("Name").click()
    studio.page.get_by_label("Name of the branch").fill("the second")
    studio.page.get_by_label("Name of the branch").press("Enter")
    named = studio.page.get_by_role("treeitem", name=re.compile("^the second"))
    expect(named).to_be_visible()
    items.nth(count - 2).get_by_role("button", name="Compare").click()
    expect(studio.button("End the comparison")).to_be_visible()
    studio.screenshot("a3_compare")
    studio.button("Delete").click()
    expect(named).to_have_count(0)
    expect(items).to_have_count(count - 1)
