"""xNoise's leavings through the program: a checkpoint written by torch.save as its train.py does becomes a run that
samples with the averaged weights; a pickle with code is refused and never run; its CSV of embeddings is read."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import numpy  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny_clip import make_clip  # noqa: E402

CONFIG = {"model": {"img_channels": 3, "img_size": 32, "down_channels": [32, 32, 32], "t_embed_dim": 8,
                    "c_embed_dim": 16},
          "diffusion": {"timesteps": 300, "beta_start": 1e-4, "beta_end": 0.02}}


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def convert(*words):
    return subprocess.run([PROGRAM, "convert", *map(str, words), "--json"], capture_output=True, text=True)


def expect(condition, what):
    if not condition:
        sys.exit(f"not so: {what}")


def golden_weights():
    tensors = load_file(ROOT / "tests" / "golden" / "xnoise-network.safetensors")
    return {name.removeprefix("weights."): t for name, t in tensors.items() if name.startswith("weights.")}


def check_checkpoint(folder):
    make_clip(folder / "clip", width=16)
    averaged = golden_weights()
    checkpoint = {"model": {name: torch.zeros_like(t) for name, t in averaged.items()}, "ema": averaged,
                  "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}, "epoch": 3,
                  "loss_history": [numpy.float64(0.1), numpy.float32(0.05)], "config": CONFIG}
    torch.save(checkpoint, folder / "3.pth")
    out = folder / "run"
    done = convert("xnoise", folder / "3.pth", "--clip", folder / "clip", "--out", out, "--python", sys.executable)
    expect(done.returncode == 0, f"the checkpoint is converted: {done.stderr}")
    written = load_file(out / "model.safetensors")
    expect(written.keys() == averaged.keys(), "the run has the network's tensors")
    expect(all(torch.equal(written[name], averaged[name]) for name in averaged), "they are the averaged ones")
    command = [PROGRAM, "sample", out, "--prompt", "a red disc", "--quiet", "--set", "sample.grid.steps=5"]
    drawn = subprocess.run(command, capture_output=True, text=True)
    expect(drawn.returncode == 0 and list(out.rglob("*.png")), f"the run draws: {drawn.stderr}")


def check_refusals(folder):
    trap = folder / "executed"
    torch.save({"model": golden_weights(), "config": CONFIG, "extra": Trap(trap)}, folder / "trap.pth")
    del CONFIG["diffusion"]
    torch.save({"model": golden_weights(), "config": CONFIG}, folder / "keyless.pth")
    for name, word in (("trap.pth", "trap.pth"), ("keyless.pth", "diffusion.timesteps")):
        done = convert("xnoise", folder / name, "--clip", folder / "clip", "--out", folder / "none", "--python",
                       sys.executable)
        expect(done.returncode == 3, f"{name} is refused with exit code 3, got {done.returncode}")
        expect(word in done.stderr + done.stdout, f"the message for {name} names {word}: {done.stderr}")
        expect(not (folder / "none").exists(), f"nothing is left of {name}")
    expect(not trap.exists(), "code in a pickle does not run")


def check_csv(folder):
    rows = numpy.random.default_rng(0).standard_normal((5, 16)).astype(numpy.float32)
    lines = [",".join([f"image_{i:06d}", *map(str, row.tolist())]) for i, row in enumerate(rows)]
    (folder / "clip.csv").write_text("\r\n".join(lines) + "\r\n")
    done = convert("embeddings", folder / "clip.csv", "--out", folder / "clip.safetensors")
    expect(done.returncode == 0, f"the CSV is read: {done.stderr}")
    expect(numpy.array_equal(load_file(folder / "clip.safetensors")["image"].numpy(), rows), "numbers are the same")
    (folder / "bad.csv").write_text("a,1,2\nb,1,x\n")
    done = convert("embeddings", folder / "bad.csv", "--out", folder / "bad.safetensors")
    expect(done.returncode == 3 and "bad.csv:2" in done.stderr, f"a bad number is named by line: {done.stderr}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_checkpoint(folder)
        check_refusals(folder)
        check_csv(folder)
    print(json.dumps({"checked": ["checkpoint", "refusals", "csv"]}))


if __name__ == "__main__":
    main()
