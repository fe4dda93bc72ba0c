"""The tour on a trained run: whatever the network says of its own pictures, nothing is held against the page."""

import os

import pytest
from conftest import open_page, serve
from playwright.sync_api import BrowserContext
from test_tour import walk_the_tour

RUN = os.environ.get("NOISESCOPE_DEMO_RUN", "")


@pytest.mark.skipif(not RUN, reason="NOISESCOPE_DEMO_RUN names no run")
def test_the_whole_tour_on_a_trained_run(context: BrowserContext, faults: list[str]) -> None:
    for address in serve(RUN):
        walk_the_tour(open_page(context, address, faults), "demo")
