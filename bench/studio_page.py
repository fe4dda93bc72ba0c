"""What the studio's page costs in real Chromium, beside the program alone.

    .venv/bin/python bench/studio_page.py RUN        on an idle machine; prints a table

Seconds from Enter to the finished picture against the server's own seconds, to the first clean estimate on screen, the
longest frame while the slider sweeps over drawn states, the ranked words of a pixel, and cancelling of few and of many
pictures. Medians of rounds.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "web/tests"))

from playwright.sync_api import expect, sync_playwright  # noqa: E402
from studio_page import PROMPT, StudioPage  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]

# Times in the page: of Enter, of the first state that is shown, of the finished picture.
WATCH = """() => {
  window.seen = {};
  document.querySelector('#prompt').addEventListener('keydown', (event) => {
    if (event.key === 'Enter') window.seen = { enter: performance.now() };
  }, true);
  const look = () => {
    const now = performance.now(), slider = document.querySelector('[aria-label="Noise level"], input[type=range]');
    const text = slider?.getAttribute('aria-valuetext') ?? '';
    if (window.seen.enter && !window.seen.first && text && !text.includes('finished')) window.seen.first = now;
    if (window.seen.enter && window.seen.first && !window.seen.finished && text.includes('finished'))
      window.seen.finished = now;
    requestAnimationFrame(look);
  };
  look();
}"""

SWEEP = """async () => {
  const slider = [...document.querySelectorAll('input[type=range]')].find((one) => one.max > 5);
  const frames = [];
  let last = performance.now();
  for (let round = 0; round < 3; round++)
    for (let state = 0; state <= Number(slider.max); state++) {
      slider.value = String(state);
      slider.dispatchEvent(new Event('input', { bubbles: true }));
      await new Promise(requestAnimationFrame);
      frames.push(performance.now() - last);
      last = performance.now();
    }
  return frames;
}"""


def drawings(studio, rounds):
    studio.page.evaluate(WATCH)
    rows = []
    for seed in range(rounds):
        studio.draw(PROMPT, seed=seed)
        studio.page.wait_for_function("() => window.seen.finished", timeout=20000)
        seen = studio.page.evaluate("() => window.seen")
        branch = studio.api("branches")["branches"][-1]
        rows.append((seen["finished"] - seen["enter"], seen["first"] - seen["enter"], 1000 * branch["seconds"]))
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def pixel_ms(studio, rounds):
    studio.ask_why()
    job = studio.api("jobs")["jobs"][-1]["id"]
    times = []
    for k in range(rounds):
        begun = time.perf_counter()
        studio.api(f"why/{job}/pixel?x={k}&y={k}&source=model")
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


# From the press of the button until nothing is drawn any more, which is when it cannot be pressed again.
CANCEL = """() => new Promise((resolve) => {
  const button = [...document.querySelectorAll('button')].find((each) => each.innerText === 'Cancel drawing');
  const begun = performance.now();
  const look = () => (button.disabled ? resolve(performance.now() - begun) : requestAnimationFrame(look));
  button.click();
  look();
})"""


def cancel_ms(studio, pictures, rounds):
    studio.number("Steps").fill("250")
    studio.number("Pictures").fill(str(pictures))
    times = []
    for k in range(rounds):
        studio.prompt.press("Enter")
        expect(studio.button("Cancel drawing")).to_be_enabled()
        studio.page.wait_for_timeout(400 + 37 * k)  # in other places of a step
        times.append(studio.page.evaluate(CANCEL))
    return times


def measure(address, rounds):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        studio = StudioPage(browser.new_page(viewport={"width": 1440, "height": 1000}))
        studio.page.goto(address)
        studio.draw(PROMPT, seed=99)
        finished, first, own = drawings(studio, rounds)
        frames = studio.page.evaluate(SWEEP)
        print("| what | measured |\n|---|---|")
        print(f"| Enter to finished picture, the program's own | {finished:.0f} ms, {own:.0f} ms |")
        print(f"| Enter to the first state on screen | {first:.0f} ms |")
        print(f"| frames of the slider: median, longest | {statistics.median(frames):.1f} ms, {max(frames):.1f} ms |")
        print(f"| ranked words of a pixel | {pixel_ms(studio, rounds):.1f} ms |")
        for pictures in (1, 4, 16):
            times = cancel_ms(studio, pictures, rounds)
            print(f"| cancel {pictures} pictures: median, longest | {statistics.median(times):.0f} ms, "
                  f"{max(times):.0f} ms |")
        print(f"| load of the machine meanwhile | {os.getloadavg()[0]:.1f} |")
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run folder, or 'world'")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    command = [ROOT / "build/noisescope", "studio", options.run, "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            measure(server.stdout.readline().split()[-1], options.rounds)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
