"""Pillow decodes our films: the same number of frames, sizes, times, looping and pixels. APNG and
WebP are lossless and must be equal; GIF may differ by what 256 colours cost, and must not differ
where there are no more than 256."""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageSequence

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
FRAME_MS, LAST_MS = 120, 1500
# Mean and largest error of a GIF in levels of 255. The films named here hold a plane of the colour
# cube for each frame, the others at most 256 colours. Dithering pays with single pixels.
MANY_COLOURS = ("gradient", "still", "single")
GIF_ERROR = {"film.gif": (9, 28), "per_frame.gif": (3.5, 16), "dithered.gif": (3.5, 24)}
failures = 0


def check(what, actual, good):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {actual}")


def pixels(image):
    return np.asarray(image.convert("RGB"), dtype=np.int16)


def decode(path):
    """Frames, their durations in ms and how often the film loops (0: for ever)."""
    with Image.open(path) as film:
        frames, times = [], []
        for frame in ImageSequence.Iterator(film):
            frame.load()
            frames.append(pixels(frame))
            times.append(round(frame.info.get("duration", 0)))
        return frames, times, film.info.get("loop"), film.n_frames


def on_timeline(frames, times):
    """What is shown, and until when: frames that do not differ count as one."""
    shown, end = [], 0
    for frame, time in zip(frames, times, strict=True):
        end += time
        if shown and np.array_equal(shown[-1][0], frame):
            shown[-1] = (frame, end)
        else:
            shown.append((frame, end))
    return shown


def check_film(name, path, truth):
    what = f"{name}/{path.name}"
    frames, times, loop, count = decode(path)
    check(f"{what} sizes", frames[0].shape, all(f.shape == truth[0].shape for f in frames))
    moves = len(truth) > 1
    check(f"{what} loops for ever", loop, loop == 0 or not moves)
    wanted_times = [FRAME_MS] * (len(truth) - 1) + [LAST_MS]
    expected = on_timeline(truth, wanted_times)
    if len(expected) == len(truth):  # otherwise encoders may drop frames and keep the time
        check(f"{what} frames", count, count == len(truth))
        check(f"{what} durations", times, times == wanted_times or not moves)
    if moves:
        check(f"{what} whole time", sum(times), sum(times) == sum(wanted_times))
    lossless = path.suffix != ".gif" or name not in MANY_COLOURS
    shown = on_timeline(frames, times)
    check(f"{what} steps", len(shown), len(shown) == len(expected))
    for (frame, end), (wanted, wanted_end) in zip(shown, expected, strict=True):
        check(f"{what} until {wanted_end} ms", end, end == wanted_end or not moves)
        error = np.abs(frame - wanted)
        mean, largest = (0, 0) if lossless else GIF_ERROR[path.name]
        check(f"{what} error {error.mean():.2f}, largest", error.max(),
              error.mean() <= mean and error.max() <= largest)


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [BUILD / "tests" / "viz_test", "--gtest_filter=AnimationFiles.*", "--gtest_brief=1"],
            env={**os.environ, "NOISESCOPE_ORACLE_DIR": folder}, check=True,
            stdout=subprocess.DEVNULL)
        films = sorted(p for p in pathlib.Path(folder).iterdir() if p.is_dir())
        check("films", [p.name for p in films],
              [p.name for p in films] == ["drawn", "gradient", "plain", "ramp", "single", "still"])
        for film in films:
            count = len(list(film.glob("frame_*.png")))
            truth = [pixels(Image.open(film / f"frame_{k}.png")) for k in range(count)]
            for path in sorted(film.glob("*.*")):
                if not path.name.startswith("frame_"):
                    check_film(film.name, path, truth)
        _, times, _, _ = decode(pathlib.Path(folder) / "rounded.gif")
        check("GIF rounds 128 ms and 1996 ms to 10 ms", times, times == [130] * 4 + [2000])
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
