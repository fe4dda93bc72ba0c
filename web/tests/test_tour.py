"""A7: the guided tour."""

from playwright.sync_api import expect
from studio_page import StudioPage
from tour_walk import TourWalk

NAMES = ["noise", "estimate", "decided", "prompt", "guidance", "first_noise", "late", "pixels", "copies", "summary"]


def look(studio: StudioPage, name: str) -> list[str]:
    """Takes a picture of a step in light and in dark, and asks axe-core what it has against it."""
    found = []
    for scheme in ("dark", "light"):
        studio.page.emulate_media(color_scheme=scheme)
        studio.screenshot(f"a7_{name}_{scheme}")
        found += [f"{name}, {scheme}: {each}" for each in studio.violations()]
    return found


def test_the_whole_tour_by_keyboard_alone(studio: StudioPage) -> None:
    walk = TourWalk(studio)
    walk.begin()
    violations = []
    for place, name in enumerate(NAMES):
        getattr(walk, name)()
        violations += look(studio, f"{place + 1}_{name}")
        if name != NAMES[-1]:
            walk.next()
    assert violations == []


def test_it_can_be_left_and_resumed(studio: StudioPage) -> None:
    studio.button("Guided tour").click()
    panel = studio.page.get_by_role("region", name="Guided tour")
    studio.draw()
    studio.move_to(0)
    panel.get_by_label("Nothing").check()
    panel.get_by_role("button", name="Check my answer").click()
    expect(panel.get_by_text("1 of 10 answered")).to_be_visible()
    panel.get_by_role("button", name="Next").click()
    panel.get_by_role("button", name="Leave the tour").click()
    expect(panel).to_be_hidden()
    studio.page.reload()
    studio.button("Guided tour").click()
    expect(panel.get_by_role("heading", name="The clean estimate")).to_be_visible()
    expect(panel.get_by_text("1 of 10 answered")).to_be_visible()


def test_a_wrong_answer_is_told_apart_and_explained(studio: StudioPage) -> None:
    studio.button("Guided tour").click()
    panel = studio.page.get_by_role("region", name="Guided tour")
    expect(panel.get_by_role("button", name="Check my answer")).to_be_disabled()
    studio.draw()
    studio.move_to(0)
    panel.get_by_label("The shapes already").check()
    panel.get_by_role("button", name="Check my answer").click()
    expect(panel.locator(".wrong")).to_contain_text("Not quite.")
    expect(panel.locator(".wrong")).to_contain_text("% of its variation")
