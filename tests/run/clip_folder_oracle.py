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


def embedded(root, folder, texts, name):
    """Text embeddings of a folder by the program."""
    from safetensors.torch import load_file

    (root / "some texts").write_text("\n".join(texts) + "\n")
    run("clip", "embed", "--model", folder, "--texts", root / "some texts", "--out", root / name)
    return load_file(root / name)["text"]


def pooled(folder, tokenizer, texts, key):
    """Unit text embeddings of a folder by transformers."""
    import torch
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    kind = CLIPTextModel if key == "pooler_output" else CLIPTextModelWithProjection
    with torch.no_grad():
        tokens = tokenizer(texts, padding=True, return_tensors="pt")
        rows = getattr(kind.from_pretrained(folder)(**tokens), key)
    return rows / rows.norm(dim=-1, keepdim=True)


def check_folders_as_they_come(root, tokenizer):
    """Stable Diffusion's text encoder, whole pipelines, added tokens, unset lengths, scalars in lists, NaN."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    pipeline, rows = root / "pipeline", {}
    CLIPTextModel.from_pretrained(root / "clip").save_pretrained(pipeline / "text_encoder")
    tokenizer.save_pretrained(pipeline / "tokenizer")
    (pipeline / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    expected = pooled(pipeline / "text_encoder", tokenizer, TEXTS, "pooler_output")
    rows["pipeline"] = difference(embedded(root, pipeline, TEXTS, "a"), expected)
    rows["text encoder"] = difference(embedded(root, pipeline / "text_encoder", TEXTS, "b"), expected)

    tokenizer.add_tokens(["<toy>"])
    added = CLIPTextModelWithProjection.from_pretrained(root / "clip", projection_dim=24)
    added.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    added.save_pretrained(root / "added")
    tokenizer.save_pretrained(root / "added")
    settings = json.loads((root / "added" / "tokenizer_config.json").read_text())
    settings["model_max_length"] = int(1e30)
    (root / "added" / "tokenizer_config.json").write_text(json.dumps(settings))
    texts = ["a red <toy> on dark", "<toy>", "plain " * 99]
    rows["added token, no length"] = difference(
        embedded(root, root / "added", texts[:2], "c"), pooled(root / "added", tokenizer, texts[:2], "text_embeds"))
    rows["cut"] = float(run("clip", "embed", "--model", root / "added", "--texts", root / "texts", "--out",
                            root / "d")["truncated"] != 0)

    shutil.copytree(root / "clip", root / "odd")
    weights = load_file(root / "odd" / "model.safetensors")
    weights["logit_scale"] = weights["logit_scale"].reshape(1)
    save_file(weights, root / "odd" / "model.safetensors", {"format": "pt"})
    rows["scalar in a list"] = float(bool(run("clip", "inspect", root / "odd")["problems"]))
    weights["text_projection.weight"][0, 0] = torch.nan
    save_file(weights, root / "odd" / "model.safetensors", {"format": "pt"})
    refusals = [subprocess.run([PROGRAM, "clip", *map(str, words)], capture_output=True, text=True) for words in (
        ("inspect", root / "odd"), ("classify", "--model", root / "odd", root / "images" / "0.png", "--labels", "a,b"),
        ("similarity", "--model", root / "odd", root / "images" / "0.png", "--text", "a"),
        ("embed", "--model", root / "odd", "--texts", root / "texts", "--out", root / "nan"))]
    rows["NaN"] = float(any(done.returncode != 4 or "text_projection.weight" not in done.stdout + done.stderr
                            for done in refusals))
    return rows


def check_what_is_left_out(root):
    """One broken picture, labels said twice, blanks, long texts, a byte order mark: named, in text and in JSON."""
    clip, images = root / "clip", root / "images"
    (root / "labels").write_bytes(b"\xef\xbb\xbfa cat\r\n\r\nA  cat\r\na dog\r\n")
    classified = run("clip", "classify", "--model", clip, images, "--labels-file", root / "labels", "--labels",
                     ",a bird, ")
    similar = run("clip", "similarity", "--model", clip, images, "--text", "red " * 300)
    labels = sorted(found["label"] for found in classified["images"][0]["labels"])
    names = [[entry["name"] for entry in result["skipped"]] for result in (classified, similar)]
    good = (labels == ["a bird", "a cat", "a dog"] and classified["left_out_labels"] == ["A  cat"]
            and names == [[str(images / "broken.png")]] * 2 and similar["truncated"] == 1)
    refused = subprocess.run([PROGRAM, "clip", "classify", "--model", clip, images, "--labels",
                              "red " * 300 + "one," + "red " * 300 + "two"], capture_output=True, text=True)
    return {"left out": float(not good or refused.returncode != 2 or "reads alike" not in refused.stderr)}


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
                      lambda: check_training(root), lambda: check_what_is_left_out(root),
                      lambda: check_folders_as_they_come(root, tokenizer)):
            rows.update(check())
            print(rows, flush=True)
    return 0 if all(value <= 1e-5 for value in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
