"""What tests do with the page: as somebody would, by the names that are read on it."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import APIResponse, Locator, Page, expect

AXE = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
PROMPT = "a red square left of a blue disc on dark"
MOST_TABS = 180
DRAWN_MS = 40_000
ASKED_MS = 120_000

TABS_AT_A_TIME = 6

# The names of all that has the focus from here on, one after the other.
LISTEN_TO_FOCUS = """() => {
  const nameOf = (element) => {
    const labels = [...(element.labels ?? [])].map((label) => label.innerText);
    const group = element.type === 'radio' ? element.closest('fieldset')?.querySelector('legend')?.innerText : '';
    const own = ['role', 'aria-label'].map((name) => element.getAttribute(name));
    return [...own, ...labels, element.innerText, group].filter(Boolean);
  };
  window.focused ??= document.addEventListener('focusin', (event) => focused.push(nameOf(event.target))) ?? [];
  focused.length = 0;
}"""


@cache
def axe_source() -> str:
    return AXE.read_text()


class StudioPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    # Drawing and scrubbing

    def button(self, name: str, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def number(self, name: str) -> Locator:
        return self.page.get_by_role("spinbutton", name=name, exact=True)

    @property
    def prompt(self) -> Locator:
        return self.page.locator("#prompt")

    @property
    def slider(self) -> Locator:
        return self.page.get_by_role("slider", name="Noise level")

    def draw(self, prompt: str = PROMPT, seed: int = 0, pictures: int = 1) -> None:
        self.prompt.fill(prompt)
        self.number("Seed").fill(str(seed))
        self.number("Pictures").fill(str(pictures))
        with self.drawing():
            self.prompt.press("Enter")
        self.wait_for(lambda: self.state() == self.last(), "the slider never came to the finished picture")

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """What is done inside draws one branch; until that is drawn."""
        expect(self.page.locator("main[aria-busy='false']")).to_be_visible()  # Branches from before are there.
        before = self.branches.count()
        yield
        expect(self.branches).to_have_count(before + 1)
        expect(self.page.locator(".thumbnail.pending")).to_have_count(0, timeout=DRAWN_MS)
        expect(self.button("Cancel drawing")).to_be_disabled(timeout=DRAWN_MS)

    @property
    def branches(self) -> Locator:
        return self.page.get_by_role("treeitem")

    def outcome(self, column: int = 0) -> Locator:
        """What comes of a picture, while the slider stands before its end."""
        return self.page.locator("#stage .outcome canvas").nth(column)

    def move_to(self, state: int) -> None:
        self.slider.fill(str(state))

    def state(self) -> int:
        return int(self.slider.input_value())

    def last(self) -> int:
        """The state that is the finished picture."""
        return int(self.slider.get_attribute("max") or 0)

    def large(self, picture: int = 0) -> Locator:
        return self.page.locator("#stage .large canvas").nth(picture)

    def pixels(self, canvas: Locator) -> list[int]:
        """RGBA of a canvas, once the states under the slider are here and the frame that it waits for is drawn."""
        expect(self.page.locator("#stage [aria-busy='true']")).to_have_count(0, timeout=DRAWN_MS)
        read = """(canvas) => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
          resolve([...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]))))"""
        return canvas.evaluate(read)

    def wait_pixels(self, canvas: Locator, wanted: list[int]) -> None:
        self.wait_for(lambda: self.pixels(canvas) == wanted, "the canvas never showed what was seen before")

    def wait_other_pixels(self, canvas: Locator, than: list[int]) -> None:
        self.wait_for(lambda: self.pixels(canvas) != than, "the canvas never showed anything else")

    def wait_for(self, holds: Callable[[], bool], otherwise: str) -> None:
        for _ in range(DRAWN_MS // 100):
            if holds():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(otherwise)

    # Areas

    def open_area(self, name: str) -> Locator:
        self.page.get_by_role("tab", name=name, exact=True).click()
        return self.page.get_by_role("tabpanel", name=name, exact=True)

    def ask_why(self) -> Locator:
        """Evidence of few paths, so that it is quick."""
        area = self.open_area("Why")
        area.get_by_role("spinbutton", name="Noising paths").fill("2")
        area.get_by_role("button", name=re.compile("^Ask (why|again)$")).click()
        expect(area.get_by_role("group", name=re.compile("^Words of the prompt"))).to_be_visible(timeout=ASKED_MS)
        expect(area.locator(".maps canvas").first).to_be_visible()
        return area

    def copied(self, name: str) -> str:
        """What the button of this name under Keep copies, once it says that it has."""
        button = self.open_area("Keep").get_by_role("button", name=name).element_handle()
        button.click()
        self.wait_for(lambda: button.inner_text() == "Copied.", f"{name!r} never said that it has copied")
        return str(self.page.evaluate("() => navigator.clipboard.readText()"))

    # What the server says of itself

    @property
    def host(self) -> str:
        return "/".join(self.page.url.split("/")[:3])

    def get(self, path: str) -> APIResponse:
        response = self.page.request.get(f"{self.host}/api/{path}")
        assert response.ok, f"{path}: {response.status} {response.text()}"
        return response

    def api(self, path: str) -> Any:
        return self.get(path).json()

    def newest_why(self) -> str:
        """The job of the newest answer to "why"."""
        return str([job["id"] for job in self.api("jobs")["jobs"] if job["kind"] == "why"][-1])

    def floats(self, path: str) -> tuple[float, ...]:
        body = self.get(path).body()
        return struct.unpack(f"<{len(body) // 4}f", body)

    # By keyboard alone

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self, name: str) -> list[bool]:
        """Whether the name of what had the focus begins like this, one after the other."""
        return [any(each.strip().startswith(name) for each in names) for names in self.page.evaluate("() => focused")]

    def tab_to(self, name: str) -> None:
        """Walks by Tab to the control whose name begins like this."""
        for _ in range(0, MOST_TABS, TABS_AT_A_TIME):
            self.page.evaluate(LISTEN_TO_FOCUS)
            self.press(*["Tab"] * TABS_AT_A_TIME)
            passed = self.focused(name)
            if True in passed:
                self.press(*["Shift+Tab"] * (len(passed) - 1 - passed.index(True)))
                if not self.focused(name)[-1]:  # between the end of the page and its start nothing has the focus
                    self.press("Shift+Tab")
                if self.focused(name)[-1]:  # else something came or went on the way back: on, once more around
                    return
        raise AssertionError(f"no control {name!r} was reached by {MOST_TABS} presses of Tab")

    def slide_to(self, state: int) -> None:
        self.tab_to("Noise level")
        self.press("Home", *["ArrowRight"] * state)

    # What is seen

    def violations(self, colours_alone: bool = False) -> list[str]:
        """What axe-core has against the page as it is; where it is not installed, nothing but a warning.

        `colours_alone`: what differs between light and dark, where all else was asked of the same page.
        """
        if not AXE.exists():
            warnings.warn("axe-core is not installed (npm ci in web): it was not asked", stacklevel=2)
            return []
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(axe_source())
        only = {"runOnly": ["color-contrast", "link-in-text-block"]} if colours_alone else {}
        found = self.page.evaluate("(only) => axe.run(document, { resultTypes: ['violations'], ...only })", only)[
            "violations"
        ]
        return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]

    def violations_in_light_and_dark(self, name: str) -> list[str]:
        """The same in both, with a picture of each."""
        found = []
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.screenshot(f"{name}_{scheme}")
            found += [f"{name}, {scheme}: {each}" for each in self.violations(colours_alone=scheme == "dark")]
        self.page.emulate_media(color_scheme="light")
        return found

    def screenshot(self, name: str) -> None:
        if folder := os.environ.get("NOISESCOPE_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
