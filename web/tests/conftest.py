"""The page of a running studio in real Chromium.

NOISESCOPE_PROGRAM: the program (default: build/noisescope). NOISESCOPE_PAGE: a folder to serve as the page instead of
the one in the program. NOISESCOPE_SCREENSHOTS: a folder for pictures of what the tests saw. Whatever a test looks at,
it fails too where the page logged an error (a breach of its content security policy is one) or asked another host.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")

try:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
    from studio_page import StudioPage

    MISSING = "" if CHROMIUM.exists() else f"there is no {CHROMIUM}"
except ImportError as error:
    MISSING = str(error)

# Without a browser there is nothing to collect, which pytest tells by its exit status 5.
collect_ignore_glob = ["test_*.py"] if MISSING else []

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ADDRESS = re.compile(r"http://[^\s\"]+token=[^\s\"]+")
STOP_SECONDS = 20

# A run that has seen 32 pictures: everything works, nothing is any good.
TINY_RUN = """
  data.world_samples=200 clip.embedding_dim=16 clip.text.width=16 clip.text.layers=1 clip.text.heads=2
  clip.image.channels=[8,8,8,8] clip.image.hidden=16 clip_train.seconds=0 clip_train.steps=5 clip_batch_size=8
  network.channels=[8,8] network.attention_resolutions=[8] network.head_width=8 network.embedding_width=16
  network.condition_map_channels=4 train.budget=8steps train.batch_size=4 train.validation_samples=4
  sample.grid.steps=4
"""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes tens of seconds; runs with the slow checks")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MISSING:
        terminalreporter.write_line(f"no browser tests: {MISSING}")


def program() -> str:
    return os.environ.get("NOISESCOPE_PROGRAM", str(REPOSITORY / "build" / "noisescope"))


def serve(model: str, port: int = 0) -> Generator[str, None, None]:
    """The address of a studio, which ends with the session."""
    page = os.environ.get("NOISESCOPE_PAGE")
    command = [program(), "studio", model, "--port", str(port), "--no-open", *(["--page", page] if page else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield printed_address(process)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def printed_address(process: subprocess.Popen[str]) -> str:
    told = []
    for line in process.stdout or []:
        told.append(line)
        if found := ADDRESS.search(line):
            return found.group()
    raise AssertionError("expected the studio to print its address, got:\n" + "".join(told))


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    yield from serve("world")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has hardly been trained."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    settings = [word for setting in TINY_RUN.split() for word in ("--set", setting)]
    subprocess.run([program(), "train", "--out", str(folder), "--quiet", *settings], check=True)
    return folder


@pytest.fixture(scope="session")
def run_address(run: Path) -> Iterator[str]:
    yield from serve(str(run))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def watch(page: Page, host: str, faults: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text} ({message.location['url']})")

    def on_request(request: Request) -> None:
        if not request.url.startswith((host, "blob:" + host)):
            faults.append(f"asked another host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: faults.append(f"error of the page: {error}"))
    page.on("request", on_request)


def open_page(context: BrowserContext, address: str, faults: list[str]) -> StudioPage:
    page = context.new_page()
    page.set_default_timeout(15_000)
    watch(page, address.split("/?")[0], faults)
    page.goto(address)
    return StudioPage(page)


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What was wrong with a page, whatever the test looked at. A test that provokes an error clears it."""
    found: list[str] = []
    yield found
    assert not found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def studio(context: BrowserContext, address: str, faults: list[str]) -> Iterator[StudioPage]:
    """A page of the studio of a world, in which nothing was drawn yet."""
    studio = open_page(context, address, faults)
    yield studio
    host, branches = studio.host, studio.api("branches")["branches"]
    for page in context.pages:
        page.close()
    for branch in branches:
        if branch["parent"] is None:
            context.request.delete(f"{host}/api/branches/{branch['id']}")
