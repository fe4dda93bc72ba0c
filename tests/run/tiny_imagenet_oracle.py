"""Tiny ImageNet in its original layout, and with val/ in class folders as tutorials leave it, through the program:
inspect, train, evaluate, explain, report.

    python tests/run/tiny_imagenet_oracle.py --real     25 classes of the published archive, where these lie beside us
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
FIXTURE = ROOT / "tests" / "golden" / "tiny_imagenet"
REAL = ROOT.parent / "shared" / "data" / "tiny-imagenet-25.tar"
SKIPPED = 77
SMALL = ["--set", "clip_train.seconds=0", "--set", "clip_train.steps=2", "--set", "clip_batch_size=8", "--set",
         "train.batch_size=4", "--set", "train.validation_samples=3", "--set", "train.budget=3steps", "--set",
         "network.channels=[16,16]", "--set", "draw.grid.steps=3", "--set", "evaluation.samples=4", "--set",
         "evaluation.sweep_samples=2", "--set", "evaluation.scales=[1,2]"]


def run(*words):
    done = subprocess.run([PROGRAM, *map(str, words), "--threads", "1"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def of_data(path):
    return ["--set", "data.kind=tiny_imagenet", "--set", f"data.path={path}"]


def facts_of(path, root):
    return json.loads(run("data", "inspect", *of_data(path), "--sheet", root / "sheet.png", "--json").stdout)


def rearranged(root):
    """A copy with val/ in class folders, the annotations left where they were."""
    folder = root / "rearranged"
    shutil.copytree(FIXTURE / "tiny-imagenet", folder)
    for line in (folder / "val" / "val_annotations.txt").read_text().splitlines():
        name, wnid = line.split("\t")[:2]
        (folder / "val" / wnid).mkdir(exist_ok=True)
        (folder / "val" / "images" / name).rename(folder / "val" / wnid / name)
    return folder


EXPLAINING = ["--prompt", "a photo of a goldfish", "--word", "goldfish", "--alternatives", "school bus,Egyptian cat",
              "--set", "evidence.steps=4", "--pictures", 2, "--paths", 2, "--methods"]


def walked(data, out):
    """Trains a run on the data; which further steps give what they should."""
    run("train", *SMALL, *of_data(data), "--out", out)
    scores = json.loads(run("evaluate", out, "--json").stdout)
    report = json.loads(run("explain", out, *EXPLAINING, "evidence,prediction_tests", "--json").stdout)
    run("report", out, "--no-animation")
    return {"scores": "r_precision" in scores, "explanation": "evidence" in report,
            "report": (out / "report.html").stat().st_size > 10000}


def of_fixture(root):
    original, moved = facts_of(FIXTURE / "tiny-imagenet", root), facts_of(rearranged(root), root)
    good = walked(root / "rearranged", root / "run")
    picture = next((root / "rearranged" / "train").rglob("*_0.JPEG"))
    said = run("explain", root / "run", *EXPLAINING, "evidence", "--image", picture, "--out", root / "mine").stderr
    return {**good, "rearranged": original["fingerprint"] == moved["fingerprint"] and moved["validation"] == 3,
            "a picture of the data is fitted": "64 x 64 px" in said and "as in training" in said}


def of_real(root):
    facts = facts_of(REAL, root)
    return {**walked(REAL, root / "run"), "classes": len(facts["classes"]) == 25,
            "pictures": (facts["train"], facts["validation"]) == (12500, 1250)}


def main():
    real = sys.argv[1:] == ["--real"]
    if real and not REAL.exists():
        print(f"skipped: {REAL} is not there")
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        good = (of_real if real else of_fixture)(pathlib.Path(name))
    print(good)
    return 0 if all(good.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
