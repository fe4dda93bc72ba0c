"""What each part of xNoise's recipe costs: a ladder from xNoise's recipe to ours, one ingredient a rung,
and each flaw put back alone into ours. Equal seconds of training, equal cores; scene accuracy at several s.

    make && .venv/bin/pip install -r requirements-test.txt
    .venv/bin/python bench/ablation/run.py --quick               # one seed, 20 s each: 15 minutes
    .venv/bin/python bench/ablation/run.py                       # three seeds, 120 s each: 3 hours
    .venv/bin/python bench/ablation/run.py --only ladder-0-seed  # some of it

The speed of every run is measured first, in --rounds rounds (OUT/speeds.json, the best counts); a run then trains as
many images as it makes in --seconds, so that other work on the machine costs time, but changes no number. (--quick
trains seconds, and no variants of ours.) Every run is a folder below OUT; finished ones are not repeated, so a stopped
table goes on. Every run of a seed shares one CLIP. report.py makes table and figure of what is there.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = yaml.safe_load((pathlib.Path(__file__).parent / "ingredients.yaml").read_text())
INGREDIENTS, VARIANTS = RECIPE["ingredients"], RECIPE["variants"]
SPEED_SECONDS = 6


def settings(ours):
    """Configuration with the named ingredients as ours and the others as xNoise's."""
    values = dict(RECIPE["common"])
    for ingredient in INGREDIENTS:
        values |= ingredient["ours" if ingredient["name"] in ours else "seed"]
    return values


def experiments():
    """Name and settings of every run of a seed: the ladder, then ours less one ingredient each (ours less the last
    is the last rung but one), then variants of ours."""
    names = [ingredient["name"] for ingredient in INGREDIENTS]
    for rung in range(len(names) + 1):
        yield f"ladder-{rung}-{names[rung - 1] if rung else 'seed'}", settings(names[:rung])
    for name in names[:-1]:
        yield f"without-{name}", settings([other for other in names if other != name])
    for variant in VARIANTS:
        yield variant["name"], settings(names) | variant["values"]


def override(key, value):
    return ["--set", f"{key}={json.dumps(value) if not isinstance(value, str) else value}"]


def overrides(values):
    return [word for key, value in values.items() for word in override(key, value)]


class Bench:
    def __init__(self, args):
        self.program, self.out, self.threads = args.program, args.out, args.threads
        self.seconds, self.clip_seconds = args.seconds, args.clip_seconds
        self.samples, self.rounds = args.samples, args.rounds
        self.speeds = {}  # images a second of every run; empty: runs train seconds

    def call(self, *words):
        print("$ noisescope", *words, file=sys.stderr)
        subprocess.run([self.program, *map(str, words), "--threads", str(self.threads)], check=True)

    def clip(self, seed):
        folder = self.out / f"clip-{seed}"
        if not (folder / "clip").exists():
            self.call("train", "--quiet", "--seed", seed, "--out", folder, "--set", "train.budget=1steps",
                      "--set", f"clip_train.seconds={self.clip_seconds}", "--set", "train.validate_every=0")
        return folder / "clip"

    def train(self, folder, values, seed, budget):
        values = values | {"train.budget": budget, "clip_folder": str(self.clip(seed)),
                           "evaluation.samples": self.samples, "evaluation.sweep_samples": self.samples}
        self.call("train", "--quiet", "--seed", seed, "--out", folder, *overrides(values))

    def measure(self, runs):
        """Images a second of every run on all cores: the best of rounds over all of them, kept in OUT/speeds.json."""
        path = self.out / "speeds.json"
        rounds = json.loads(path.read_text()) if path.exists() else {}
        for count in range(1, self.rounds + 1):
            for name, values in runs.items():
                if len(rounds.setdefault(name, [])) < count:
                    rounds[name].append(self.speed(name, values))
                    path.write_text(json.dumps(rounds, indent=1))
        self.speeds = {name: max(values) for name, values in rounds.items()}

    def speed(self, name, values):
        # What measures as it trains pays for that once: over all seconds.
        seconds = self.seconds if name == "levels-information" else SPEED_SECONDS
        with tempfile.TemporaryDirectory(dir=self.out) as folder:
            self.train(folder, values, 0, f"{seconds}s")
            training = json.loads((pathlib.Path(folder) / "training.json").read_text())
        return training["images"] / training["seconds"]

    def run(self, name, values, seed):
        folder = self.out / name / f"seed-{seed}"
        if (folder / "evaluation.json").exists():
            return
        budget = f"{round(self.speeds[name] * self.seconds)}images" if self.speeds else f"{self.seconds}s"
        self.train(folder, values, seed, budget)
        self.call("evaluate", folder, "--quiet")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, 20 s of training, 64 pictures")
    parser.add_argument("--seeds", type=int, nargs="*", default=None, help="(default 0 1 2; quick: 0)")
    parser.add_argument("--seconds", type=float, default=None, help="of training (default 120; quick: 20)")
    parser.add_argument("--samples", type=int, default=None, help="pictures at each s (128; quick: 64)")
    parser.add_argument("--clip-seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=3, help="of measuring speeds (default 3)")
    parser.add_argument("--threads", type=int, default=0, help="of every run (0: all cores)")
    parser.add_argument("--only", nargs="*", help="names of runs (default: all)")
    parser.add_argument("--list", action="store_true", help="print the names of the runs")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs" / "ablation")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "noisescope")
    args = parser.parse_args()
    for name, full, quick in (("seeds", [0, 1, 2], [0]), ("seconds", 120, 20), ("samples", 128, 64)):
        if getattr(args, name) is None:
            setattr(args, name, quick if args.quick else full)
    return args


def main():
    args = parse_arguments()
    runs = dict(experiments())
    unknown = set(args.only or ()) - runs.keys()
    if unknown:
        sys.exit(f"expected runs of --list, got {', '.join(sorted(unknown))}")
    if args.list:
        return print("\n".join(runs))
    bench = Bench(args)
    bench.out.mkdir(parents=True, exist_ok=True)
    if not args.quick:
        bench.measure({name: runs[name] for name in args.only or runs})
    usual = [name for name in runs if not (args.quick and name.startswith("levels"))]
    for seed in args.seeds:
        for name in args.only or usual:
            bench.run(name, runs[name], seed)
    return None


if __name__ == "__main__":
    main()
