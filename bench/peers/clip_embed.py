"""Embeddings of image files by CLIP ViT-B/32 at full size (random weights), with decoding and
preprocessing: `noisescope clip embed` against transformers with Pillow's preprocessing, in turns, with the
same number of threads. Checks that the embeddings agree, then prints JSON: images/s of both and their
ratio (above 1: we are faster). Start-up and loading are taken off by timing two numbers of images.

    .venv/bin/python bench/peers/clip_embed.py [--images 256] [--rounds 3] [--threads 2]
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

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
ROOT = pathlib.Path(__file__).resolve().parents[2]
FEW, BATCH = 32, 32


def make_model(folder):
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(0)
    config = CLIPVisionConfig(hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                              intermediate_size=3072, image_size=224, patch_size=32,
                              hidden_act="quick_gelu", projection_dim=512)
    model = CLIPVisionModelWithProjection(config).eval()
    model.save_pretrained(folder)
    sizes = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({**sizes, "image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}))
    return model


def make_images(folder, count):
    """JPEGs of 500 x 375 pixels, the usual size of photographs on the web."""
    import numpy
    from PIL import Image

    folder.mkdir()
    random = numpy.random.default_rng(0)
    for i in range(count):
        coarse = random.integers(0, 256, (24, 32, 3), dtype=numpy.uint8)
        Image.fromarray(coarse).resize((500, 375), Image.BICUBIC).save(folder / f"{i:05}.jpg", quality=90)


class Theirs:
    def __init__(self, model, folder):
        from transformers import CLIPImageProcessorPil

        self.model = model
        self.processor = CLIPImageProcessorPil(**json.loads((folder / "preprocessor_config.json").read_text()))

    def embed(self, files):
        import torch
        from PIL import Image, ImageOps

        rows = []
        with torch.no_grad():
            for first in range(0, len(files), BATCH):
                pictures = [ImageOps.exif_transpose(Image.open(f)) for f in files[first:first + BATCH]]
                values = self.processor(pictures, return_tensors="pt")["pixel_values"]
                rows.append(self.model(pixel_values=values).image_embeds)
        rows = torch.cat(rows)
        return rows / rows.norm(dim=-1, keepdim=True)


def run_ours(program, model, images, out, threads):
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run([program, "clip", "embed", "--model", model, "--images", images, "--out", out,
                    "--batch-size", str(BATCH), "--threads", str(threads), "--quiet"], check=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/noisescope")
    args = parser.parse_args()
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        theirs = Theirs(make_model(root / "model"), root / "model")
        make_images(root / "many", FEW + args.images)
        (root / "few").mkdir()
        files = sorted((root / "many").iterdir())
        for file in files[:FEW]:
            (root / "few" / file.name).hardlink_to(file)
        out = root / "out.safetensors"
        expected = theirs.embed(files[:FEW])  # also warms up
        rates = {"ours": [], "transformers": []}
        for _ in range(args.rounds):
            few = run_ours(args.program, root / "model", root / "few", out, args.threads)
            apart = (load_file(out)["image"] - expected).abs().max().item()
            many = run_ours(args.program, root / "model", root / "many", out, args.threads)
            rates["ours"].append(args.images / (many - few))
            start = time.perf_counter()
            theirs.embed(files[FEW:])
            rates["transformers"].append(args.images / (time.perf_counter() - start))
    ratios = [own / other for own, other in zip(rates["ours"], rates["transformers"], strict=True)]
    report = {"images": args.images, "threads": args.threads, "largest_difference": apart,
              **{f"{side}_images_per_second": round(statistics.median(r), 1) for side, r in rates.items()},
              "ratio": round(statistics.median(ratios), 2),
              "range": [round(min(ratios), 2), round(max(ratios), 2)]}
    print(json.dumps(report, indent=2))
    return 0 if apart < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
