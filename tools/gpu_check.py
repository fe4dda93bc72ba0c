"""Tries the program on a GPU in at most eight minutes: that everything runs there, gives the numbers of the CPU, and
how fast it is in how much memory.

    python3 tools/gpu_check.py [--device cuda] [--program build/noisescope] [--minutes 8] [--out FILE.json]

Needs a built program and nothing but Python's own library. Another device than CUDA's is a rehearsal with smaller
parts: `--device cpu`, or `--device standin --program build/tests/noisescope_standin`. Ends with exit status 1 if
anything failed or differs; what there was no time for is named and not counted.
"""

import argparse
import array
import json
import math
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROMPT = "a red square left of a blue disc on dark"


def settings(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


SMALL = settings({
    "train.batch_size": 16, "train.validation_samples": 16, "data.world_samples": 400, "clip_train.steps": 20,
    "clip_train.seconds": 0, "clip_batch_size": 32, "network.dropout": 0.1, "train.optimizer.kind": "muon",
    "calibration.pictures": 0, "train.log_every": 1,
})
TINY = settings({"network.channels": "[16,16]", "network.attention_resolutions": "[8]", "clip_train.steps": 3})
LARGE = settings({"network.channels": "[128,256,384]", "network.blocks_per_level": 2, "network.embedding_width": 384})
# What the CPU's numbers and the device's may differ by, as a share of the largest number. A GPU adds in another order,
# multiplies in convolutions with 10 bits (TF32) unless told otherwise, and a training carries that on.
LOSSES, PICTURES = 1e-2, 1e-2


class Check:
    def __init__(self, arguments, folder):
        self.device, self.program = arguments.device, arguments.program.resolve()
        self.folder, self.deadline = folder, time.monotonic() + 60 * arguments.minutes
        self.rows, self.is_rehearsal = [], not arguments.device.startswith("cuda")
        self.small = SMALL + TINY if self.is_rehearsal else SMALL

    def left(self):
        return self.deadline - time.monotonic()

    def run(self, *words, device=None):
        """Runs a command to its end and gives its JSON result and its seconds. Raises RuntimeError if it fails."""
        begin = time.monotonic()
        command = [self.program, *map(str, words), "--device", device or self.device, "--json", "--quiet"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=max(10, self.left()))
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words[:3]))}: exit status {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout), time.monotonic() - begin

    def part(self, name, needs, work):
        """One row of the table: `work` gives what was found, or raises."""
        if self.left() < needs:
            return self.add(name, None, f"left out: {self.left():.0f} s are left")
        begin = time.monotonic()
        try:
            found = work()
            self.add(name, True, found, time.monotonic() - begin)
        except (RuntimeError, OSError, KeyError, subprocess.TimeoutExpired) as error:
            self.add(name, False, str(error), time.monotonic() - begin)

    def add(self, name, holds, found, seconds=0.0):
        self.rows.append({"part": name, "holds": holds, "found": found, "seconds": round(seconds, 1)})
        verdict = {True: "ok  ", False: "FAIL", None: "----"}[holds]
        print(f"{verdict} {name:<10} {seconds:6.1f} s  {found}", flush=True)


def expect(holds, text):
    if not holds:
        raise RuntimeError(text)


def floats_of(path):
    """All numbers of the floating tensors of a safetensors file, those that are not finite left out."""
    with path.open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    values = []
    for name in sorted(header.keys() - {"__metadata__"}):
        kind = {"F32": "f", "F64": "d"}.get(header[name]["dtype"])
        if kind:
            begin, end = header[name]["data_offsets"]
            values += filter(math.isfinite, array.array(kind, body[begin:end]))
    return values


def distance(found, expected):
    expect(len(found) == len(expected) > 0, f"{len(found)} numbers instead of {len(expected)}")
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) / max(1e-6, max(map(abs, expected)))


def losses_of(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


class MemoryWatch:
    """The most memory of the GPU that is in use meanwhile, MiB; of the CPU the largest process."""

    def __init__(self, on_gpu):
        self.most, self._stop, self._on_gpu = 0, threading.Event(), on_gpu
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(0.5):
            asked = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
                                   capture_output=True, text=True)
            used = [int(line) for line in asked.stdout.split() if line.isdigit()]
            self.most = max([self.most, *used])

    def __enter__(self):
        if self._on_gpu and shutil.which("nvidia-smi"):
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if not self._on_gpu:
            self.most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def train_equally(check):
    for device, name in ((check.device, "here"), ("cpu", "on_cpu")):
        check.run("train", *check.small, "--set", "train.budget=20steps", "--out", name, device=device)
    off = distance(losses_of(check.folder / "here"), losses_of(check.folder / "on_cpu"))
    expect(off <= LOSSES, f"losses are off by {off:.1e}, more than {LOSSES:.0e}")
    return f"20 steps with Muon and dropout, losses off by {off:.1e} (at most {LOSSES:.0e})"


def resume(check):
    trained, _ = check.run("train", *check.small, "--set", "train.budget=30steps", "--out", "here")
    expect(trained["steps"] == 30, f"{trained['steps']} steps instead of 30")
    check.run("sample", "here", "--prompt", PROMPT, "--no-animation", "--out", "moved", device="cpu")
    return "goes on from its checkpoint; its model is read on the CPU"


def sample_equally(check):
    worst = 0.0
    for solver in ("dpmpp_2m_sde", "heun", "ddpm"):
        for device in {"cpu", check.device}:
            check.run("sample", "on_cpu", "--prompt", PROMPT, "--pictures", 2, "--no-animation", "--array",
                      "safetensors", "--set", f"sample.sampler.solver={solver}", "--out", f"{solver}-{device}",
                      device=device)
        arrays = [next((check.folder / f"{solver}-{device}").glob("*.safetensors")) for device in (check.device, "cpu")]
        worst = max(worst, distance(*map(floats_of, arrays)))
    expect(worst <= PICTURES, f"pictures are off by {worst:.1e}, more than {PICTURES:.0e}")
    return f"three solvers, pictures off by {worst:.1e} (at most {PICTURES:.0e})"


def explain_equally(check):
    methods = "evidence,counterfactual,information_map,trajectory_geometry"
    for device in {"cpu", check.device}:
        check.run("explain", "on_cpu", "--prompt", PROMPT, "--pictures", 3, "--paths", 2, "--methods", methods,
                  "--set", "evidence.steps=8", "--set", "information_map.draws=4", "--out", f"explained-{device}",
                  device=device)
    files = [check.folder / f"explained-{device}" / "evidence.safetensors" for device in (check.device, "cpu")]
    off = distance(*map(floats_of, files))
    expect(off <= 10 * PICTURES, f"evidence is off by {off:.1e}, more than {10 * PICTURES:.0e}")
    return f"four methods, evidence off by {off:.1e} (at most {10 * PICTURES:.0e})"


def speed(check):
    """Images a second of training and pictures a second of sampling, of the demo's network and of a large one."""
    found = []
    steps, batch = (4, 32) if check.is_rehearsal else (60, 256)
    for name, network in [("demo", [])] if check.is_rehearsal else [("demo", []), ("large", LARGE)]:
        size = settings({"train.batch_size": batch, "train.budget": f"{steps}steps", "train.log_every": 20})
        with MemoryWatch(not check.is_rehearsal) as memory:
            trained, _ = check.run("train", *check.small, *network, *size, "--out", f"fast-{name}")
        found.append(f"{name}: {trained['images'] / trained['seconds']:.0f} images/s trained, {memory.most} MiB")
        drawn, _ = check.run("sample", f"fast-{name}", "--prompt", PROMPT, "--pictures", batch, "--no-animation",
                             "--out", f"drawn-{name}", "--set", f"sample.batch_size={batch}")
        found.append(f"{batch / drawn['seconds']:.0f} pictures/s drawn")
    return ", ".join(found)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or another one for a rehearsal")
    parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path("build/noisescope"), help="noisescope")
    parser.add_argument("--minutes", type=float, default=8, help="what does not fit is left out")
    parser.add_argument("--out", type=pathlib.Path, help="also write the table as JSON")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments, pathlib.Path(folder))
        for name, needs, work in (("train", 10, train_equally), ("resume", 10, resume), ("sample", 10, sample_equally),
                                  ("explain", 10, explain_equally), ("speed", 20, speed)):
            check.part(name, needs, lambda work=work: work(check))
            if name == "train" and not check.rows[-1]["holds"]:
                break  # nothing else can be right
    failed = [row["part"] for row in check.rows if row["holds"] is False]
    if arguments.out:
        arguments.out.write_text(json.dumps({"device": arguments.device, "parts": check.rows}, indent=1) + "\n")
    print("failed: " + ", ".join(failed) if failed else "everything that was tried holds")
    return 1 if failed else 0


sys.exit(main())
