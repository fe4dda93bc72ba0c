"""Tiny ImageNet in its original layout, and with val/ in class folders as tutorials leave it, through the program:
inspect, train, evaluate, explain, report."""

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


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        original, moved = facts_of(FIXTURE / "tiny-imagenet", root), facts_of(rearranged(root), root)
        if original["fingerprint"] != moved["fingerprint"] or moved["validation"] != 3:
            sys.exit("the rearranged copy holds other samples")
        out, prompt = root / "run", "a photo of a goldfish"
        run("train", *SMALL, *of_data(root / "rearranged"), "--out", out)
        scores = json.loads(run("evaluate", out, "--json").stdout)
        explaining = ["explain", out, "--prompt", prompt, "--word", "goldfish", "--alternatives",
                      "school bus,Egyptian cat", "--set", "evidence.steps=4", "--pictures", 2, "--paths", 2,
                      "--methods"]
        report = json.loads(run(*explaining, "evidence,prediction_tests", "--json").stdout)
        picture = next((root / "rearranged" / "train").rglob("*_0.JPEG"))
        fitted = run(*explaining, "evidence", "--image", picture, "--out", root / "mine")
        run("report", out, "--no-animation")
        good = {"scores": "r_precision" in scores, "explanation": "evidence" in report,
                "a picture of the data is fitted": "64 x 64 px" in fitted.stderr and "as in training" in fitted.stderr,
                "report": (out / "report.html").stat().st_size > 10000}
        print(good)
        return 0 if all(good.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
