"""Every command of the program on the stand-in device: it writes the numbers that it writes on the CPU.

The same words are run twice, in a folder for each device; then the files are compared: JSON and tables by number,
arrays and pictures by value. Trainings start from the same seed; what comes after them reads one and the same run.
Names of commands as arguments: only these, after the trainings.
"""

import csv
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = pathlib.Path(os.environ.get("NOISESCOPE_STANDIN", BUILD / "tests" / "noisescope_standin"))
PROMPT = "a red square left of a blue disc on dark"


def settings(values):
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


SMALL = settings({
    "train.batch_size": 4, "train.precision": "float32", "train.validation_samples": 4, "train.log_every": 1,
    "train.optimizer.kind": "muon",
    "data.world_samples": 200, "clip_train.steps": 3, "clip_train.seconds": 0, "clip_batch_size": 8,
    "network.channels": "[16,16]", "network.attention_resolutions": "[8]", "network.dropout": 0.1,
    "sample.grid.steps": 4, "calibration.pictures": 8,
})
FEW = settings({"evaluation.samples": 8, "evaluation.sweep_samples": 4, "evaluation.scales": "[1,2]"})
SOLVERS = ["ddpm", "ddim", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"]

DEMO = ["demo", *SMALL, *FEW, "--set", "train.budget=2steps", "--no-animation", "--out", "runs/demo"]

TRAINING = [
    DEMO,
    ["train", *SMALL, "--set", "train.budget=2steps", "--out", "runs/tiny"],
    ["train", *SMALL, "--set", "train.budget=4steps", "--out", "runs/tiny"],  # goes on
    ["train", "--from", "runs/tiny", "--set", "train.budget=2steps", "--out", "runs/more"],
]
READING = [
    DEMO,  # again, of the network that the CPU trained
    *(["sample", "runs/tiny", "--prompt", PROMPT, "--pictures", "2", "--no-animation", "--array", "safetensors",
       "--record", "full", "--single", "--set", f"sample.sampler.solver={solver}", "--out", f"samples/{solver}"]
      for solver in SOLVERS),
    ["rewind", "runs/tiny", "--record", "samples/dpmpp_2m/record.safetensors", "--step", "1", "--word", "red=green"],
    ["rewind", "runs/tiny", "--prompt", PROMPT, "--step", "2", "--scale", "4", "--block", "0,8,16,16",
     "--out", "rewound"],
    ["explain", "runs/tiny", "--record", "samples/heun/record.safetensors", "--paths", "2", "--out", "explained",
     "--methods", "evidence,counterfactual,guidance_anatomy,trajectory_geometry"],
    ["calibrate", "runs/tiny", "--set", "calibration.pictures=9"],
    ["evaluate", "runs/tiny", *FEW],
    ["report", "runs/tiny", "--prompt", PROMPT, "--no-animation", *FEW],
    ["verify", "--model", "runs/tiny", "--checks", "localisation", "--out", "verified"],
    ["clip", "embed", "--model", "runs/tiny/clip", "--texts", "texts.txt", "--out", "embedded.safetensors"],
    ["clip", "classify", "--model", "runs/tiny/clip", "samples/heun", "--labels", "red disc,blue square", "--json"],
    ["clip", "similarity", "--model", "runs/tiny/clip", "samples/heun", "--text", "a red disc", "--text", "a blue disc",
     "--json"],
]
FAILS = {"verify"}  # a network of four steps falls short, on both devices alike
# Of times, places and words of the machine there is nothing to compare.
IGNORED = {"seconds", "wall_seconds", "clip_seconds", "images_per_second", "machine", "command", "command_line", "out",
           "file", "files", "report", "folder", "model", "seconds_per_image", "peak_rss_mb"}

problems = []


def run(words, device, folder):
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run([PROGRAM, *words, "--device", device, "--quiet"], cwd=folder, capture_output=True, text=True,
                          timeout=300, env=environment)
    if done.returncode != 0 and words[0] not in FAILS:
        said = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("frame #"))
        problems.append(f"{' '.join(words)} on {device}: exit status {done.returncode}\n{said}")
    return done


def distance(found, expected):
    """Of two arrays, as a share of the largest number; NaN and infinity must stand in the same places."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape or not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return math.inf
    finite = np.isfinite(expected)
    if not finite.any():
        return 0.0
    return float(np.abs(found - expected)[finite].max() / max(1e-3, np.abs(expected[finite]).max()))


def leaves(json_value, at=""):
    """(path, value) of everything in a JSON document that is compared."""
    if isinstance(json_value, dict):
        for key, inside in json_value.items():
            if key not in IGNORED:
                yield from leaves(inside, f"{at}/{key}")
    elif isinstance(json_value, list):
        for place, inside in enumerate(json_value):
            yield from leaves(inside, f"{at}/{place}")
    else:
        yield at, json_value


def compare_documents(found, expected, what, bound):
    mine, its = dict(leaves(found)), dict(leaves(expected))
    if mine.keys() != its.keys():
        problems.append(f"{what}: other keys: {sorted(mine.keys() ^ its.keys())[:5]}")
        return
    for key, value in its.items():
        if isinstance(value, float):
            allowed = 1e-3 if "correlation" in key else bound  # of maps, which may be off by as much
            if abs(mine[key] - value) > allowed * max(1, abs(value)):
                problems.append(f"{what}{key}: {mine[key]} instead of {value}")
        elif isinstance(value, int) and mine[key] != value:
            problems.append(f"{what}{key}: {mine[key]} instead of {value}")


def compare_arrays(found, expected, what, bound):
    if found.keys() != expected.keys():
        problems.append(f"{what}: other arrays: {sorted(found.keys() ^ expected.keys())[:5]}")
        return
    for name, values in expected.items():
        if name.endswith("eigenvectors"):  # they turn where variances are nearly equal
            continue
        if (off := distance(found[name], values)) > bound:
            problems.append(f"{what}: {name} is off by {off:.1e}")


def compare_files(found, expected, what, bound):
    """Compares files of one name by what they hold. Returns whether it could."""
    kind = expected.suffix
    if kind == ".json":
        compare_documents(json.loads(found.read_text()), json.loads(expected.read_text()), what, bound)
    elif kind == ".jsonl":
        lines = [[json.loads(line) for line in path.read_text().splitlines()] for path in (found, expected)]
        compare_documents(*lines, what, bound)
    elif kind == ".csv":
        tables = [list(csv.DictReader(path.open())) for path in (found, expected)]
        for table in tables:
            for row in table:
                row.update({key: float(cell) for key, cell in row.items() if cell not in ("", None)})
        compare_documents(*tables, what, bound)
    elif kind == ".safetensors":
        compare_arrays(load_file(found), load_file(expected), what, bound)
    elif kind == ".png":
        pictures = [np.asarray(Image.open(path).convert("RGB"), np.int64) for path in (found, expected)]
        if pictures[0].shape != pictures[1].shape or np.abs(pictures[0] - pictures[1]).max() > 1:
            problems.append(f"{what}: another picture")
    else:
        return False
    return True


# Weights move by whole learning rates where a gradient is rounding alone, and what is made of them with it.
OF_WEIGHTS = ("checkpoints/", "model.safetensors", "clip/", "clip_checkpoint", "calibration",
              *(f"runs/demo/{made}" for made in ("samples", "explain", "previews", "evaluation", "report", "summary")))


def bound_of(name):
    """The CPU's fused kernels and the device's operators round otherwise, 1e-7 of what is summed. In explanations of a
    network of four steps sums cancel to a thousandth of their parts."""
    return 1e-5 if name.startswith("samples/") else 5e-5 if name.endswith(".json") else 1e-3


def compare_folders(here, on_cpu, bound, only=lambda name: True):
    names = [{str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
             for folder in (here, on_cpu)]
    if names[0] != names[1] and {n for n in names[0] ^ names[1] if "events.out" not in n}:
        problems.append(f"other files: {sorted(names[0] ^ names[1])[:5]}")
    compared = 0
    for name in sorted(names[0] & names[1]):
        if only(name) and not name.endswith(("env.json", "config.json", "starts.json")):
            compared += compare_files(here / name, on_cpu / name, name, bound(name))
    return compared


def main():
    chosen = [words for words in READING if words[0] in sys.argv[1:] or not sys.argv[1:]]
    with tempfile.TemporaryDirectory() as place:
        on_cpu, here = pathlib.Path(place) / "cpu", pathlib.Path(place) / "standin"
        for folder, device in ((on_cpu, "cpu"), (here, "standin")):
            folder.mkdir()
            (folder / "texts.txt").write_text("a red disc\na blue square\n" + PROMPT + "\n")
            for words in TRAINING:
                run(words, device, folder)
        trained = compare_folders(here, on_cpu, lambda name: 2e-5,
                                  only=lambda name: not any(part in name for part in OF_WEIGHTS))
        shutil.rmtree(here / "runs", ignore_errors=True)
        shutil.copytree(on_cpu / "runs", here / "runs")
        for words in chosen:
            outputs = [run(words, device, folder) for folder, device in ((here, "standin"), (on_cpu, "cpu"))]
            if "--json" in words and all(done.returncode == 0 for done in outputs):
                compare_documents(*(json.loads(done.stdout) for done in outputs), " ".join(words[:2]), 5e-5)
        read = compare_folders(here, on_cpu, bound_of)
    for problem in problems:
        print("WRONG:", problem)
    print(f"{len(TRAINING) + len(chosen)} commands, {trained} and {read} files compared, {len(problems)} differences")
    return 1 if problems or trained < 5 or read < 5 else 0


sys.exit(main())
