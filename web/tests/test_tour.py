"""A7: the guided tour."""

import re

import pytest
from playwright.sync_api import expect
from studio_page import StudioPage
from tour_walk import TourWalk

NAMES = ["noise", "estimate", "decided", "prompt", "guidance", "first_noise", "late", "pixels", "copies", "summary"]


def walk_the_tour(studio: StudioPage, of: str) -> None:
    walk = TourWalk(studio)
    walk.begin()
    violations = []
    for place, name in enumerate(NAMES):
        getattr(walk, name)()
        violations += studio.violations_in_light_and_dark(f"a7_{of}_{place + 1}_{name}")
        if name != NAMES[-1]:
            walk.next()
    assert violations == []


@pytest.mark.slow
def test_the_whole_tour_by_keyboard_alone(studio: StudioPage) -> None:
    walk_the_tour(studio, "world")


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
    expect(studio.button("Guided tour")).to_be_focused()
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
    expect(panel.get_by_text("0 of 10 answered, 1 tried")).to_be_visible()
    panel.get_by_label("Nothing").check()
    panel.get_by_role("button", name="Check my answer").click()
    expect(panel.get_by_text("1 of 10 answered", exact=True)).to_be_visible()


def test_a_question_names_the_branch_that_it_is_about(studio: StudioPage) -> None:
    studio.draw(seed=3)
    studio.draw(seed=4)
    studio.button("Guided tour").click()
    panel = studio.page.get_by_role("region", name="Guided tour")
    panel.get_by_role("button", name=re.compile("^2: ")).click()
    expect(panel.locator("legend")).to_contain_text("seed 4")
    studio.branches.first.click()
    expect(panel.locator("legend")).to_contain_text("seed 3")
