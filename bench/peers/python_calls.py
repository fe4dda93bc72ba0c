"""What a call from Python costs: one tensor function, and sampling against the program, in one run.

    PYTHONPATH=build/python .venv/bin/python bench/peers/python_calls.py RUN [--rounds 5] [--count 64]

Prints JSON: microseconds per call of add_noise on a tiny tensor (a bound of the overhead, since the work is in it),
and seconds of drawing from Python over seconds of drawing by the program (1 = the same).
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import torch

import noisescope as ns

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "build" / "noisescope"
PROMPT = "a red square left of a blue disc on dark"


def call_microseconds(calls=20000):
    x, eps, sigma = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1)
    ns.add_noise(x, eps, sigma)
    begun = time.perf_counter()
    for _ in range(calls):
        ns.add_noise(x, eps, sigma)
    return (time.perf_counter() - begun) / calls * 1e6


def program_seconds(run, count):
    done = subprocess.run([PROGRAM, "sample", run, "--prompt", PROMPT, "--count", str(count), "--json", "--quiet",
                           "--set", "sample.batch_size=64"], capture_output=True, check=True)
    return json.loads(done.stdout)["seconds"]


def python_seconds(run, count):
    begun = time.perf_counter()
    run.sample([PROMPT] * count, progress=False, batch_size=64)
    return time.perf_counter() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=128)
    args = parser.parse_args()
    run = ns.load(args.run)
    run.sample(PROMPT, progress=False)
    ratios = [python_seconds(run, args.count) / program_seconds(args.run, args.count) for _ in range(args.rounds)]
    print(json.dumps({"call_microseconds": call_microseconds(), "sampling_ratio": statistics.median(ratios),
                      "ratios": ratios}))


if __name__ == "__main__":
    main()
