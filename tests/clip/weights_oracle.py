"""Oracle: CLIPs with random weights made by transformers, in the shapes people use, against ours:
text and image embeddings, hidden states and logits within 1e-5 (largest error over largest value of
each tensor) on 200 texts and 100 images. float16 files: the same after upcasting the weights.

    weights_oracle.py            B/32 at full size; B/16, L/14@336, H/14 and bigG/14 shapes, narrow
    weights_oracle.py --speed    also images/s of B/32, both programs in turn
"""

import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
TOLERANCE = 1e-5
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
TEXTS, IMAGES = 200, 100


def sizes(text, image, act, dim, vocabulary=512):
    """(width, layers, heads, mlp) of both towers, (image_size, patch_size) of the image."""
    def tower(width, layers, heads, mlp):
        return dict(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
                    intermediate_size=mlp, hidden_act=act)

    return dict(projection_dim=dim,
                text_config=dict(tower(*text), vocab_size=vocabulary, max_position_embeddings=77,
                                 bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1),
                vision_config=dict(tower(*image[:4]), image_size=image[4], patch_size=image[5]))


MODELS = {
    "b32": sizes((512, 12, 8, 2048), (768, 12, 12, 3072, 224, 32), "quick_gelu", 512, 49408),
    "b16_tiny": sizes((64, 3, 4, 256), (96, 3, 6, 384, 224, 16), "quick_gelu", 48),
    "l14_336_tiny": sizes((96, 3, 6, 384), (64, 3, 4, 256, 336, 14), "quick_gelu", 48),
    "h14_tiny": sizes((64, 3, 4, 256), (80, 3, 1, 320, 224, 14), "gelu", 64),
    "h14_tiny_quick_half": sizes((64, 3, 4, 256), (80, 3, 1, 320, 224, 14), "quick_gelu", 64),
    "bigg14_tiny": sizes((80, 3, 5, 320), (104, 3, 1, 512, 224, 14), "gelu", 80),
}


def make_model(name, options):
    import torch
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(len(name))
    model = CLIPModel(CLIPConfig(**options)).eval()
    with torch.no_grad():  # branches of weight, so that an error in one cannot hide
        for key, parameter in model.named_parameters():
            if parameter.dim() == 1 and "logit" not in key:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif parameter.dim() == 2 and "embedding" not in key:
                parameter.mul_(1.5)
    return model


def make_inputs(options):
    import torch

    generator = torch.Generator().manual_seed(3)
    end = options["text_config"]["eos_token_id"]
    ids = torch.randint(0, end - 1, (TEXTS, 77), generator=generator)
    ids[:, 0] = end - 1
    for row in range(TEXTS):
        ids[row, 1 + (row * 7) % 76:] = end
    side = options["vision_config"]["image_size"]
    pixels = torch.randint(0, 256, (IMAGES, 3, side, side), generator=generator)
    return ids, pixels / 127.5 - 1


def normalised(pixels):
    import torch

    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, STD))
    return (pixels / 2 + 0.5 - mean) / std


def expected_of(model, ids, pixels):
    import torch

    unit = lambda x: x / x.norm(dim=-1, keepdim=True)
    with torch.no_grad():
        text = model.text_model(ids, output_hidden_states=True)
        vision = model.vision_model(normalised(pixels[:4]))
        start = time.perf_counter()
        image = model.get_image_features(normalised(pixels)).pooler_output
        seconds = time.perf_counter() - start
        text_embeds = unit(model.text_projection(text.pooler_output))
        image_embeds = unit(image)
        return {"text": text_embeds, "image": image_embeds, "hidden": text.last_hidden_state,
                "penultimate": text.hidden_states[-2], "vision_hidden": vision.last_hidden_state,
                "logits": model.logit_scale.exp() * image_embeds @ text_embeds.T}, len(pixels) / seconds


def run_ours(root):
    program = os.environ.get("NOISESCOPE_CLIP_TEST", BUILD / "tests/clip_test")
    subprocess.run([program, "--gtest_filter=OracleFolder.ReadWeights"],
                   env={**os.environ, "NOISESCOPE_ORACLE_DIR": str(root)}, check=True,
                   stdout=subprocess.DEVNULL)


def check_model(name, options, root):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    folder = root / name
    folder.mkdir()
    model = make_model(name, options)
    if name.endswith("half"):
        model = model.half()
    model.save_pretrained(folder, max_shard_size="100MB" if name == "b32" else "1GB")
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": MEAN, "image_std": STD}))
    ids, pixels = make_inputs(options)
    save_file({"ids": ids, "pixels": pixels}, folder / "inputs.safetensors")
    expected, _ = expected_of(model.float(), ids, pixels)
    run_ours(root)
    actual = load_file(folder / "actual.safetensors")
    rows = {key: ((actual[key] - value).abs().max() / value.abs().max()).item()
            for key, value in expected.items()}
    if "--speed" in sys.argv and name == "b32":
        speeds = []
        few = {"ids": ids[:2].contiguous(), "pixels": pixels[:48].contiguous()}
        save_file(few, folder / "inputs.safetensors")
        for _ in range(3):
            _, speed = expected_of(model, few["ids"], few["pixels"])
            run_ours(root)
            speeds.append((speed, our_speed(folder, safe_open)))
        print("images/s (transformers, ours):", ", ".join(f"{a:.1f} {b:.1f}" for a, b in speeds))
    return rows


def our_speed(folder, safe_open):
    with safe_open(folder / "actual.safetensors", "pt") as file:
        return float(file.metadata()["images_per_second"])


def main():
    failures = 0
    for name, options in MODELS.items():
        with tempfile.TemporaryDirectory() as root:
            rows = check_model(name, options, pathlib.Path(root))
        good = all(value <= TOLERANCE for value in rows.values())
        failures += not good
        print(f"{name}: {'ok' if good else 'FAILED'}",
              ", ".join(f"{key} {value:.1e}" for key, value in rows.items()), flush=True)
        gc.collect()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
