"""Folders written by ClipModel::save, loaded by transformers: no missing or unexpected keys, and the
same embeddings, hidden states and logit scale to 1e-5."""

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
CAPTIONS = ["a red square left of a blue disc on dark", "a blue disc", "a café in the  RAIN, isn't it?"]
TOLERANCE = 1e-5


def difference(a, b):
    return (a - b).abs().max().item()


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def load(model_class, folder):
    """The model, and what transformers says is wrong with its keys."""
    model, info = model_class.from_pretrained(folder, output_loading_info=True)
    wrong = [f"{key}: {sorted(info[key])}"
             for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info[key]]
    return model.eval(), wrong


def check_text(folder, outputs, expected):
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(CAPTIONS, padding=True, return_tensors="pt")
    ids = tokens.input_ids
    rows = {"ids": 0.0 if ids.shape == expected["ids"].shape and bool((ids == expected["ids"]).all())
            else float("inf")}
    features, hidden = outputs(ids, None)
    rows["hidden"] = difference(hidden, expected["hidden"])
    # Normalised: large random weights make the raw scale arbitrary.
    rows["text"] = difference(unit(features), expected["text"])
    masked, _ = outputs(ids, tokens.attention_mask)  # as users call it
    rows["text with mask"] = difference(unit(masked), expected["text"])
    return rows


def check_folder(folder, expected):
    from transformers import CLIPModel, CLIPTextModelWithProjection

    if (folder / "config.json").exists():
        model, wrong = load(CLIPModel, folder)

        def outputs(ids, mask):
            out = model.get_text_features(ids, attention_mask=mask)
            return out.pooler_output, out.last_hidden_state

        rows = check_text(folder, outputs, expected)
        image = model.get_image_features(expected["images"]).pooler_output
        rows["image"] = difference(unit(image), expected["image"])
        rows["logit_scale"] = difference(model.logit_scale.exp(), expected["logit_scale"]) / 100
        rows["preprocessor"] = check_preprocessor(folder)
    else:
        model, wrong = load(CLIPTextModelWithProjection, folder / "text")

        def outputs(ids, mask):
            out = model(ids, attention_mask=mask)
            return out.text_embeds, out.last_hidden_state

        rows = check_text(folder / "text", outputs, expected)
    return rows, wrong


def check_preprocessor(folder):
    """An 8-bit image through transformers' own processor must come out as our [-1, 1]."""
    import numpy
    from PIL import Image
    from transformers import CLIPImageProcessorPil

    pixels = numpy.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=numpy.uint8)
    processor = CLIPImageProcessorPil.from_pretrained(folder)
    out = processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"][0]
    return float(abs(out - (pixels.transpose(2, 0, 1) / 127.5 - 1)).max())


def main():
    import torch
    from safetensors.torch import load_file

    failures = 0
    with tempfile.TemporaryDirectory() as root, torch.no_grad():
        subprocess.run([BUILD / "tests/clip_test", "--gtest_filter=OracleFolder.Write"],
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": root}, check=True,
                       stdout=subprocess.DEVNULL)
        folders = sorted(pathlib.Path(root).iterdir())
        for folder in folders:
            rows, wrong = check_folder(folder, load_file(folder / "expected.safetensors"))
            good = not wrong and all(value <= TOLERANCE for value in rows.values())
            failures += not good
            print(f"{folder.name}: {'ok' if good else 'FAILED'}",
                  ", ".join(f"{name} {value:.1e}" for name, value in rows.items()), *wrong)
    return 1 if failures or len(folders) != 4 else 0


if __name__ == "__main__":
    sys.exit(main())
