"""A day of work in one process: thousands of calls that sample and explain, and what they leave in memory.

    PYTHONPATH=build/python python tests/trust/memory.py [--calls 10000] [--run runs/demo]

Without --run the exact world and a network trained for a few steps. Fails where the resident set grows by more than
`--mib` between a tenth of the calls and their end.
"""

import argparse
import ctypes
import gc
import pathlib
import sys
import tempfile
import time

import torch

import noisescope as ns

PROMPT = "a red square left of a blue disc on dark"
TINY = {"data.world_samples": 200, "clip_train.images": 0, "clip_train.steps": 2, "clip_batch_size": 8,
        "network.channels": [8, 8], "network.attention_resolutions": [8], "network.head_width": 8,
        "network.embedding_width": 16, "train.budget": "2steps", "train.batch_size": 4, "train.validation_samples": 4,
        "calibration.pictures": 0}


def resident_mib():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free, but kept for the next step, is not leaked
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def calls_of(model):
    """Functions that are called in turn."""
    few = {"grid": {"steps": 3}}
    trajectory = model.trajectory([PROMPT], seed=1, **few)
    pictures = trajectory.pictures
    return {
        "sample": lambda seed: model.sample([PROMPT], seed=seed, **few),
        "trajectory": lambda seed: list(model.trajectory([PROMPT], seed=seed, **few).steps(progress=False)),
        "redraw": lambda seed: trajectory.redraw(1, scale=1 + seed % 3, progress=False),
        "evidence": lambda seed: ns.explain.evidence(model, pictures, PROMPT, word="red", paths=2, steps=4, seed=seed,
                                                     progress=False),
        "information map": lambda seed: ns.explain.information_map(model, pictures, PROMPT, paths=1, draws=2,
                                                                   levels=2, pilot_draws=1, seed=seed, progress=False),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10000)
    parser.add_argument("--mib", type=float, default=8, help="growth that is let through")
    parser.add_argument("--run", help="a run folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = ns.load(options.run or ns.train(folder + "/run", overrides=TINY, progress=False).folder)
        calls = list(calls_of(model).values())
        begin, sizes = time.monotonic(), []
        for number in range(options.calls):
            calls[number % len(calls)](number)
            if (number + 1) % max(1, options.calls // 10) == 0:
                sizes.append(resident_mib())
                print(f"{number + 1} calls, {time.monotonic() - begin:.0f} s, {sizes[-1]:.1f} MiB", flush=True)
    grown = sizes[-1] - sizes[0]
    print(f"grown by {grown:.1f} MiB over the last nine tenths")
    return 1 if grown > options.mib else 0


if __name__ == "__main__":
    sys.exit(main())
