"""A4: all methods."""

import re

import pytest
from playwright.sync_api import Locator, expect
from studio_page import StudioPage


@pytest.fixture
def area(studio: StudioPage) -> Locator:
    studio.draw(pictures=2)
    area = studio.open_area("Methods")
    expect(area.get_by_text(re.compile("evaluations of the model")).first).to_be_visible()
    return area


def item(area: Locator, method: str) -> Locator:
    return area.get_by_role("listitem").filter(has=area.page.get_by_text(method, exact=True))


def test_every_method_says_what_it_asks_and_costs(studio: StudioPage, area: Locator) -> None:
    methods = studio.api("methods")["methods"]
    items = area.get_by_role("listitem")
    expect(items).to_have_count(len(methods))
    for method, text in zip(methods, items.all_inner_texts(), strict=True):
        assert method["question"] in text
        assert re.search("evaluations|at once|needs|looks at", text), text
    studio.screenshot("a4_methods")


def test_options_are_a_form_and_an_answer_has_its_parts(studio: StudioPage, area: Locator) -> None:
    geometry = item(area, "trajectory_geometry")
    geometry.get_by_text("Options").click()
    geometry.get_by_label("tolerance").fill("0.2")
    geometry.get_by_role("button", name=re.compile("^Ask: ")).click()
    answer = area.get_by_role("article", name=re.compile("What happened between"))
    expect(answer).to_be_visible()
    expect(answer.locator("dl")).to_be_visible()
    images = answer.locator("img:visible").all()
    assert images
    for image in images:
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("complete", True)
        assert image.evaluate("(image) => image.naturalWidth") > 0
    for name in ("Numbers (JSON)", "Arrays (safetensors)"):
        link = answer.get_by_role("link", name=name).evaluate("(link) => link.href")
        assert studio.page.request.get(link).ok
    studio.screenshot("a4_answer")


def test_all_that_fits_into_a_budget_is_asked(studio: StudioPage, area: Locator) -> None:
    area.get_by_label("Seconds for all").fill("0.5")
    told = area.get_by_text(re.compile(r"^(\d+) of \d+ methods fit")).inner_text()
    area.get_by_role("button", name="Ask all within this budget").click()
    expect(area.get_by_role("article")).to_have_count(int(told.split()[0]), timeout=30_000)
    expect(area.get_by_role("button", name="Ask all within this budget")).to_be_enabled()
