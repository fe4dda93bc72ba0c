"""Pixel flipping in one thread: this library against quantus 0.6.0, side by side: the same pictures, maps,
linear softmax classifier in float32 (what quantus hands to models), pixels set to 0 one at a time. Checks
that the curves are equal to 1e-5 (in float64, tests/explain/metric/faithfulness_oracle.py: 1e-6), then
times both in turns. quantus is given all pictures as one batch: the more there are, the less of its time
is Python's. Prints JSON with medians and their ratio (above 1: we are faster).

    ninja -C build flipping_bench
    .venv/bin/python bench/peers/pixel_flipping.py [--pictures 16] [--side 32] [--rounds 5]
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from metric_oracles import quantus  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

CLASSES = 10
TOLERANCE = 1e-5  # products of batches of other sizes are rounded in another order


def fixture(pictures, side):
    draw = np.random.default_rng(0)
    return {
        "weights": 0.1 * draw.standard_normal((CLASSES, side * side), dtype=np.float32),
        "labels": np.arange(pictures) % CLASSES,
        "pictures": draw.standard_normal((pictures, 1, side, side), dtype=np.float32),
        "maps": draw.standard_normal((pictures, side, side), dtype=np.float32),
    }


class Linear(torch.nn.Module):
    """Logits by the same product as tests/explain/metric/softmax_classifier.h."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.from_numpy(weights))

    def forward(self, x):
        return (self.weights @ x.flatten(1).T).T


class Theirs:
    def __init__(self, case, step):
        self.model = Linear(case["weights"]).eval()
        self.metric = quantus.PixelFlipping(features_in_step=step, perturb_baseline=0.0, abs=False,
                                            normalise=False, disable_warnings=True)
        self.case = case

    def run(self):
        case = self.case
        return self.metric(model=self.model, x_batch=case["pictures"], y_batch=case["labels"],
                           a_batch=case["maps"][:, None], softmax=True, device="cpu",
                           batch_size=len(case["labels"]))


class Ours:
    def __init__(self, program, case, step, folder):
        save_file(case, folder / "fixture.safetensors")
        pipe = subprocess.PIPE
        command = [program, folder / "fixture.safetensors", folder / "result.safetensors", str(step)]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{program} did not start")
        self.curves = load_file(folder / "result.safetensors")["curves"]

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bench/flipping_bench")
    args = parser.parse_args()
    torch.set_num_threads(1)
    case = fixture(args.pictures, args.side)
    theirs = Theirs(case, args.step)
    differences, own, other = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(args.program, case, args.step, pathlib.Path(folder))
        for _ in range(args.rounds):
            own.append(ours.seconds())
            start = time.perf_counter()
            curves = theirs.run()
            other.append(time.perf_counter() - start)
            differences.append(np.abs(np.asarray(curves) - ours.curves).max())
        ours.close()
    worst = float(np.max(differences))  # NaN stays
    ratios = [b / a for a, b in zip(own, other, strict=True)]
    print(json.dumps({
        "pictures": args.pictures,
        "pixels": args.side**2,
        "largest_difference": worst,
        "ours_ms": round(1e3 * statistics.median(own), 2),
        "quantus_ms": round(1e3 * statistics.median(other), 2),
        "ratio": round(statistics.median(ratios), 2),
        "range": [round(min(ratios), 2), round(max(ratios), 2)],
    }, indent=2))
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
