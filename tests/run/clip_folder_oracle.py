"""A diffusion model on a CLIP of transformers, end to end with the program: random weights and a
tokenizer made by transformers, trained on for a few steps with image conditions, sampled from with a
prompt and with a picture. Also the commands on ready CLIPs, against transformers."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_PROGRAM", BUILD / "noisescope")
sys.path.insert(0, str(ROOT / "tests" / "reference"))

from tiny_clip import MEAN, STD, make_clip  # noqa: E402

NAMES = [f"{i}.png" for i in range(6)] + ["6.jpg"]
TEXTS = ["a red square", "a blue disc on dark", "two green crosses", "it's a cat!"]


def run(*words):
    """The JSON result of a command."""
    done = subprocess.run([PROGRAM, *map(str, words), "--quiet", "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def make_images(folder):
    """Odd sizes, the modes of files, and one that its EXIF orientation turns."""
    import numpy
    from PIL import Image

    folder.mkdir()
    random = numpy.random.default_rng(0)
    for i, mode in enumerate(("RGB", "L", "RGBA", "P", "LA", "1")):
        pixels = random.integers(0, 256, (9 + i, 14 - i, 3), dtype=numpy.uint8)
        Image.fromarray(pixels).resize((50 + 7 * i, 75 - 4 * i), Image.BILINEAR).convert(mode).save(
            folder / f"{i}.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).resize((70, 55)).save(folder / "6.jpg", exif=turned)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")


def reference(model, tokenizer, images):
    import torch
    from PIL import Image, ImageOps
    from transformers import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48},
                                      image_mean=MEAN, image_std=STD)
    upright = [ImageOps.exif_transpose(Image.open(path)) for path in images]
    pixels = processor(upright, return_tensors="pt")["pixel_values"]
    tokens = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask,
                     pixel_values=pixels)


def difference(a, b):
    return (a - b).abs().max().item()


def check_embed(root, expected):
    from safetensors import safe_open

    (root / "texts").write_text("\n".join(TEXTS) + "\n")
    out = root / "embeddings.safetensors"
    result = run("clip", "embed", "--model", root / "clip", "--texts", root / "texts", "--images",
                 root / "images", "--out", out, "--shard-rows", 4, "--batch-size", 2)
    with safe_open(out, "pt") as file:
        text, image = file.get_tensor("text"), file.get_tensor("image")
        names = json.loads(file.metadata()["image_names"])
    return {"text": difference(text, expected.text_embeds),
            "image": difference(image, expected.image_embeds),
            "names": float(names != NAMES or result["skipped"] != 1)}


def check_similarity(root, expected):
    words = [x for text in TEXTS for x in ("--text", text)]
    files = [root / "images" / name for name in NAMES]
    result = run("clip", "similarity", "--model", root / "clip", *files, *words, "--out",
                 root / "matrix.png")
    import torch

    cosines = expected.image_embeds @ expected.text_embeds.T
    written = (root / "matrix.png").exists() and (root / "matrix.svg").exists()
    return {"cosines": difference(torch.tensor(result["cosines"]), cosines),
            "matrix": float(not written)}


def check_classify(root, expected):
    import torch

    result = run("clip", "classify", "--model", root / "clip", root / "images" / "0.png", "--labels",
                 ",".join(TEXTS), "--template", "{}")
    got = {x["label"]: x["probability"] for x in result["images"][0]["labels"]}
    probabilities = expected.logits_per_image.softmax(1)[0]
    return {"classify": difference(torch.tensor([got[text] for text in TEXTS]), probabilities)}


def check_training(root):
    """A few steps, a prompt, a picture: what is drawn depends on both."""
    run("train", "--out", root / "run", "--set", f"clip_folder={root / 'clip'}", "--set",
        "condition.image_share=0.5", "--set", "data.world_samples=64", "--set", "train.budget=4steps",
        "--set", "train.batch_size=4", "--set", "train.validation_samples=4", "--set",
        "sample.grid.steps=3", "--no-animation")
    report = json.loads((root / "run" / "clip.json").read_text())
    run("sample", root / "run", "--prompt", "a red disc", "--image-prompt", root / "images" / "1.png",
        "--no-animation", "--array", "safetensors", "--out", root / "drawn")
    from safetensors.torch import load_file

    pictures = load_file(root / "drawn" / "pictures.safetensors")["pictures"]
    good = (report["adopted_from"] == str(root / "clip") and pictures.shape[0] == 2
            and bool(pictures.isfinite().all()) and difference(pictures[0], pictures[1]) > 0)
    return {"training": float(not good)}


def check_convert(root, model):
    """A pickle of the weights comes back as the same model; a pickle with code in it does not."""
    import pickle
    import shutil

    import torch

    source = root / "pickled"
    shutil.copytree(root / "clip", source)
    (source / "model.safetensors").unlink()
    torch.save(model.state_dict(), source / "pytorch_model.bin")
    run("convert", source, "--out", root / "converted", "--python", sys.executable)
    before, after = (run("clip", "embed", "--model", root / name, "--texts", root / "texts", "--out",
                         root / f"{name}.safetensors") and (root / f"{name}.safetensors").read_bytes()
                     for name in ("clip", "converted"))

    class Code:
        def __reduce__(self):
            return (os.mkdir, (str(root / "ran"),))

    (source / "pytorch_model.bin").write_bytes(pickle.dumps({"state_dict": Code()}))
    refused = subprocess.run([PROGRAM, "convert", source, "--out", root / "evil", "--python",
                              sys.executable], capture_output=True)
    good = before[-96:] == after[-96:] and refused.returncode == 3
    return {"convert": float(not good or (root / "ran").exists() or (root / "evil").exists())}


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        (root / "clip").mkdir()
        model, tokenizer = make_clip(root / "clip")
        make_images(root / "images")
        expected = reference(model, tokenizer, [root / "images" / name for name in NAMES])
        inspected = run("clip", "inspect", root / "clip")
        rows = {"inspect": float(bool(inspected["problems"]))}
        for check in (lambda: check_embed(root, expected), lambda: check_similarity(root, expected),
                      lambda: check_classify(root, expected), lambda: check_convert(root, model),
                      lambda: check_training(root)):
            rows.update(check())
            print(rows, flush=True)
    return 0 if all(value <= 1e-5 for value in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
