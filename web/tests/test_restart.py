"""A server that goes and comes again, and a run that is not trained far enough to draw."""

import re
import shutil
import socket
from pathlib import Path

import pytest
from conftest import open_page, serve
from playwright.sync_api import BrowserContext, expect
from studio_page import ASKED_MS


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.slow  # servers end and start
def test_answers_of_a_server_that_is_gone_are_marked(context: BrowserContext, faults: list[str]) -> None:
    port = free_port()
    server = serve("world", port)
    studio = open_page(context, next(server), faults)
    studio.draw()
    area = studio.ask_why()
    stale = area.get_by_text("The program was started anew")
    expect(stale).to_be_hidden()
    server.close()
    expect(studio.page.get_by_text("No connection to the studio")).to_be_visible()
    again = serve("world", port)
    other = open_page(context, next(again), faults)
    other.draw()  # what the answer is about is there again, under the same number
    expect(stale).to_be_visible(timeout=ASKED_MS)
    expect(area.get_by_text(re.compile("^“red” was decided"))).to_be_visible()
    studio.ask_why()
    expect(stale).to_be_hidden()
    faults.clear()  # the browser logs that nobody answered for a while
    again.close()


@pytest.mark.slow
def test_a_run_is_watched_before_it_can_draw(
    context: BrowserContext, run: Path, tmp_path: Path, faults: list[str]
) -> None:
    young = tmp_path / "young"
    late = ["model.safetensors", "training.json", "checkpoints"]
    shutil.copytree(run, young)
    for name in late:
        (young / name).rename(tmp_path / name)
    server = serve(str(young))
    studio = open_page(context, next(server), faults)
    expect(studio.page.get_by_text("no checkpoint yet that could draw")).to_be_visible()
    expect(studio.page.locator(".u-over").first).to_be_visible()
    expect(studio.prompt).to_be_hidden()
    studio.screenshot("a5_waiting")
    assert studio.violations() == []
    for name in late:
        (tmp_path / name).rename(young / name)  # whole at once, as a training writes it
    expect(studio.prompt).to_be_visible(timeout=ASKED_MS)
    studio.draw()
    faults.clear()  # the line was cut in between
    server.close()
