"""What several processes gain and cost: the demo's training by one process of one and two threads and by two processes
of one thread, in turns, on an otherwise idle machine with two cores. Two trainings that know nothing of each other, one
thread each, are what the machine's cores and memory give at most.

    .venv/bin/python bench/processes.py [--rounds 3] [--steps 120] [--batch 32]

Prints images a second and ratios (medians over rounds, with their range). Each run trains the same blocks, so all end
with the same weights where their threads are equal.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/noisescope"
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
PAIR_ALONE = "two trainings apart, one thread each"
CASES = {
    "one process, one thread": (1, 1, 2),
    "one process, two threads": (1, 2, 2),
    "one process, two threads, whole batches": (1, 2, 1),
    "two processes, one thread each": (2, 1, 2),
    PAIR_ALONE: (1, 1, 2),
}


def settings(steps, batch, blocks):
    return [
        "--set",
        f"train.budget={steps}steps",
        "--set",
        f"train.batch_size={batch}",
        "--set",
        f"train.blocks={blocks}",
        "--set",
        "train.validate_every=0",
        "--set",
        "train.log_every=20",
        "--set",
        "train.validation_samples=16",
        "--set",
        "calibration.pictures=0",
        "--set",
        "train.checkpoint_seconds=0",
    ]


def images_per_second(base, case, arguments):
    """Of the training; the sum where there are two."""
    processes, threads, blocks = CASES[case]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    with tempfile.TemporaryDirectory() as folder:
        runs = [pathlib.Path(folder) / str(k) for k in range(2 if case == PAIR_ALONE else 1)]
        started = []
        for run in runs:
            shutil.copytree(base, run)  # with its encoder and embeddings: diffusion training alone is timed
            program = [str(PROGRAM), "train", "--quiet", "--threads", str(threads), "--out", str(run)]
            launcher = [*TORCHRUN, "--nproc-per-node", str(processes)] if processes > 1 else []
            started.append(subprocess.Popen([*launcher, *program, *arguments(blocks)], stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL, env=environment))
        codes = [process.wait() for process in started]
        if any(codes):
            raise RuntimeError(f"{case}: exit codes {codes}")
        return sum(rate_of(run) for run in runs)


def rate_of(run):
    """Median over the lines of metrics, without the first, in which everything is warmed up."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return statistics.median([line["images_per_second"] for line in lines if "images_per_second" in line][1:])


def prepared(folder, arguments):
    """A run whose encoder is trained and whose network is not."""
    base = pathlib.Path(folder) / "base"
    few = ["--set", "clip_train.images=0", "--set", "clip_train.steps=20"]
    subprocess.run([PROGRAM, "train", "--quiet", "--out", base, *few, *arguments(2)], check=True, capture_output=True)
    for name in ("checkpoints", "model.safetensors", "training.json", "metrics.jsonl", "metrics.csv", "config.yaml"):
        path = base / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return base, lambda blocks: [*few, *arguments(blocks)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--batch", type=int, default=32)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base, arguments = prepared(folder, lambda blocks: settings(flags.steps, flags.batch, blocks))
        rounds = [{case: images_per_second(base, case, arguments) for case in CASES} for _ in range(flags.rounds)]
    report = {
        "what": f"demo training, batch {flags.batch}",
        "cores": len(os.sched_getaffinity(0)),
        "images_per_second": {},
    }
    for case in CASES:
        report["images_per_second"][case] = round(statistics.median(one[case] for one in rounds), 1)
    two, one, pair, whole = (list(CASES)[k] for k in (3, 0, 1, 2))
    for name, ratio in {
        "two processes / one of two threads": lambda r: r[two] / r[pair],
        "two processes / one of two threads, whole batches": lambda r: r[two] / r[whole],
        "two processes / twice one of one thread": lambda r: r[two] / (2 * r[one]),
        "two trainings apart / twice one of one thread": lambda r: r[PAIR_ALONE] / (2 * r[one]),
        "two processes / two trainings apart": lambda r: r[two] / r[PAIR_ALONE],
    }.items():
        ratios = [ratio(one_round) for one_round in rounds]
        report[name] = {
            "ratio": round(statistics.median(ratios), 3),
            "range": [round(min(ratios), 3), round(max(ratios), 3)],
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
