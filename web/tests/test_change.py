"""A3: change one thing."""

import re

from playwright.sync_api import expect
from studio_page import StudioPage


def change(studio: StudioPage, kind: str, state: int) -> None:
    studio.move_to(state)
    area = studio.open_area("Change")
    area.get_by_role("radio", name=kind, exact=True).check()


def apply(studio: StudioPage) -> None:
    studio.button("Draw with this change").click()
    expect(studio.page.get_by_text("difference", exact=True).first).to_be_visible()
    studio.wait_drawn()


def test_a_word_changed_early_makes_another_picture_beside_the_old(studio: StudioPage) -> None:
    studio.draw()
    before = studio.pixels(studio.large())
    change(studio, "Word", 2)
    studio.page.get_by_role("combobox", name="Word", exact=True).select_option(label="red")
    studio.page.get_by_label("becomes").select_option(label="green")
    apply(studio)
    assert studio.pixels(studio.large(0)) == before, "the old one stands first"
    assert studio.pixels(studio.large(1)) != before
    expect(studio.page.get_by_role("treeitem")).to_have_count(2)
    studio.screenshot("a3_word")


def test_a_box_is_dragged_and_its_noise_drawn_anew(studio: StudioPage) -> None:
    studio.draw()
    change(studio, "Noise anew", 0)
    picker = studio.page.get_by_role("group", name="Box")
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
