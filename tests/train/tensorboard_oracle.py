"""TensorBoard itself reads our event files, also those of a run in two parts."""

import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
failures = 0


def check(what, actual, expected):
    global failures
    failures += actual != expected
    print(f"{'ok  ' if actual == expected else 'FAIL'} {what}: {actual}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [BUILD / "tests" / "train_test", "--gtest_filter=TensorBoardEvents.*", "--gtest_brief=1"],
            env={**os.environ, "NOISESCOPE_EVENTS": folder}, check=True, stdout=subprocess.DEVNULL)
        events = EventAccumulator(folder, size_guidance={"scalars": 0})
        events.Reload()
        check("tags", sorted(events.Tags()["scalars"]), ["loss", "validation_loss/sigma_2"])
        loss = events.Scalars("loss")
        check("steps, without those after the checkpoint", [e.step for e in loss],
              [100, 200, 300, 400, 500, 600, 700])
        check("values", [round(e.value, 5) for e in loss],
              [1.0, 0.5, 0.33333, 0.25, 50.0, 60.0, 70.0])
        check("wall times rise", all(a.wall_time <= b.wall_time for a, b in itertools.pairwise(loss)),
              True)
    return failures


if __name__ == "__main__":
    sys.exit(main())
