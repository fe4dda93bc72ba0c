"""The guided tour as somebody takes it who has no mouse: each step done, answered and looked at."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect
from studio_page import ASKED_MS, StudioPage

MAP_WORDS = re.compile("^Words of the prompt")


def number_after(text: str, words: str) -> float:
    found = re.search(re.escape(words) + r"\s*(−?\d[\d.]*)", text)
    assert found, f"no number after {words!r} in {text!r}"
    return float(found.group(1).rstrip(".").replace("−", "-"))


class TourWalk:
    def __init__(self, studio: StudioPage) -> None:
        self.studio = studio
        self.panel = studio.page.get_by_role("region", name="Guided tour")
        self.radios = self.panel.get_by_role("radio")

    # What every step needs

    def begin(self) -> None:
        expect(self.studio.prompt).to_be_visible()
        self.studio.tab_to("Guided tour")
        self.studio.press("Enter")

    def is_at(self, title: str) -> None:
        expect(self.panel.get_by_role("heading", name=title)).to_be_focused()

    def next(self) -> None:
        self.studio.tab_to("Next")
        self.studio.press("Enter")

    def check(self) -> str:
        tasks = self.panel.get_by_role("list", name="To do").get_by_role("listitem")
        expect(self.panel.locator("li.done")).to_have_count(tasks.count())
        self.studio.tab_to("Check my answer" if self.radios.count() else "I am there")
        self.studio.press("Enter")
        verdict = self.panel.locator(".right, .wrong")
        expect(verdict).to_be_visible()
        return verdict.inner_text()

    def choose_until_right(self) -> str:
        """Tries the choices from the first to the last."""
        for place in range(self.radios.count()):
            self.studio.tab_to(self.option(max(place - 1, 0)))
            self.studio.press("Space" if place == 0 else "ArrowDown")
            expect(self.radios.nth(place)).to_be_checked()
            text = self.check()
            if text.startswith("Right."):
                return text
        raise AssertionError("none of the choices is right")

    def option(self, place: int) -> str:
        return self.panel.locator("fieldset label").nth(place).inner_text()

    def place_at_level(self, branch: int, level: float) -> None:
        levels = self.studio.api(f"branches/{branch}")["log_snrs"]
        near = min((abs(each - level), state) for state, each in enumerate(levels) if each is not None)
        self.studio.slide_to(near[1])

    def newest_branch(self) -> int:
        return int(self.studio.api("branches")["branches"][-1]["id"])

    def open_area(self, name: str) -> None:
        self.studio.tab_to(f"Open “{name}”")
        self.studio.press("Enter")

    def ask_why(self) -> Locator:
        self.studio.tab_to("Noising paths")
        self.studio.page.keyboard.insert_text("2")
        self.studio.tab_to("Ask why")
        self.studio.press("Enter")
        chips = self.studio.page.get_by_role("group", name=MAP_WORDS)
        expect(chips).to_be_visible(timeout=ASKED_MS)
        return chips

    def change(self, kind: str, state: int) -> None:
        """Makes a change of a kind from a state on."""
        self.studio.slide_to(state)
        self.studio.tab_to("What to change")
        chosen = self.studio.page.get_by_role("radio", name=kind, exact=True)
        while not chosen.is_checked():
            self.studio.press("ArrowRight")
        self.press_to_draw("Draw with this change")
        expect(self.studio.button("End the comparison")).to_be_visible()

    def press_to_draw(self, button: str) -> None:
        self.studio.tab_to(button)
        with self.studio.drawing():
            self.studio.press("Enter")

    def walk_tree(self, *keys: str) -> None:
        """Goes to the tree of branches and presses keys there."""
        self.studio.tab_to("treeitem")
        self.studio.press(*keys)

    # The steps

    def noise(self) -> None:
        self.is_at("What noise is")
        with self.studio.drawing():
            self.studio.press("/", "Enter")
        self.studio.slide_to(0)
        self.choose_until_right()
        assert self.radios.nth(2).is_checked(), "nothing can be read off pure noise"

    def estimate(self) -> None:
        self.is_at("The clean estimate")
        self.studio.tab_to("Shown large")
        self.studio.press("ArrowRight")
        self.studio.slide_to(self.studio.last() // 2 + 2)
        self.studio.slide_to(int(number_after(self.check(), "(state")))
        assert self.check().startswith("Right.")

    def decided(self) -> None:
        self.is_at("When colour, shape and place are decided")
        self.open_area("Why")
        self.ask_why()
        word = re.search("“(.+)”", self.panel.locator("legend").inner_text())
        assert word
        self.studio.tab_to(word.group(1))
        self.studio.press("Enter")
        told = self.check()
        self.place_at_level(self.newest_branch(), number_after(told, "half decided at log-SNR"))
        assert self.check().startswith("Right.")

    def prompt(self) -> None:
        self.is_at("What the prompt adds")
        self.studio.tab_to("Shown large")
        self.studio.press(*["ArrowRight"] * 4)
        self.studio.slide_to(6)
        told = self.check()
        self.place_at_level(self.newest_branch(), number_after(told, "differ most at log-SNR"))
        assert self.check().startswith("Right.")

    def guidance(self) -> None:
        self.is_at("What guidance does")
        self.studio.tab_to("Guidance")
        self.studio.page.keyboard.insert_text("6")
        self.press_to_draw("Draw")
        self.choose_until_right()

    def first_noise(self) -> None:
        self.is_at("What the first noise fixes")
        self.studio.tab_to("Solver")
        self.studio.page.keyboard.type("dpmpp_2m")
        for button in ("Draw", "Next seed"):
            self.press_to_draw(button)
        self.open_area("Change")
        self.change("Noise anew", 0)
        self.choose_until_right()

    def late(self) -> None:
        self.is_at("Changing one word late or early")
        self.change("Word", self.studio.last() // 8)
        self.change("Word", 7 * self.studio.last() // 8)
        self.choose_until_right()

    def pixels(self) -> None:
        self.is_at("Which pixels belong to a word")
        self.walk_tree("Home", "Enter")  # the picture whose words were asked
        self.open_area("Why")
        word = re.search("“(.+)”", self.panel.locator("legend").inner_text())
        assert word
        self.studio.tab_to(word.group(1))
        self.studio.press("Enter")
        self.point_at_peak(word.group(1))
        assert self.check().startswith("Right.")

    def point_at_peak(self, word: str) -> None:
        job = self.studio.newest_why()
        named = re.sub(r" \((\d+)\)$", r":\1", word)  # of two squares, the second is square:2
        index = [each["word"] for each in self.studio.api(f"why/{job}")["words"]].index(named)
        values = self.studio.floats(f"why/{job}/map?word={index}&source=model")
        nats = values[: len(values) // 2]
        side = 32
        peak = max(range(len(nats)), key=lambda at: abs(nats[at]))
        x, y = peak % side - side // 2, peak // side - side // 2
        self.studio.tab_to("Model: map of")
        self.studio.press(*["ArrowRight" if x > 0 else "ArrowLeft"] * abs(x))
        self.studio.press(*["ArrowDown" if y > 0 else "ArrowUp"] * abs(y))
        if x == y == 0:
            self.studio.press("ArrowRight", "ArrowLeft")

    def copies(self) -> None:
        self.is_at("Does it copy its training pictures?")
        self.walk_tree("ArrowDown", "Enter")  # the one with more guidance
        self.walk_tree("ArrowDown", "ArrowDown", "c")  # the one with another seed
        expect(self.studio.button("End the comparison")).to_be_visible()
        self.choose_until_right()

    def summary(self) -> None:
        self.is_at("What you have seen")
        self.walk_tree("F2")
        self.studio.page.keyboard.insert_text("the best")
        self.studio.press("Enter")
        self.choose_until_right()
        expect(self.panel.get_by_text("10 of 10 answered")).to_be_visible()
