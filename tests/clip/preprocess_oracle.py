"""Our preprocessing of image files of all modes and sizes against Pillow: differing bytes before, and
differing numbers after normalisation (hf: transformers' CLIPImageProcessorPil; openai, open_clip: the
steps of their programs, with torchvision's two functions written down again).

    python tests/clip/preprocess_oracle.py [IMAGES]                default: 2,000
"""

import io
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image, ImageOps

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NOISESCOPE_BUILD", ROOT / "build"))
PROGRAM = os.environ.get("NOISESCOPE_CLIP_TEST", BUILD / "tests/clip_test")
MEAN = [0.48145466, 0.4578275, 0.40821073]
STD = [0.26862954, 0.26130258, 0.27577711]
MODES = ["1", "L", "LA", "P", "P4", "Pt", "Pb", "RGB", "RGBt", "RGBA", "I;16", "L2", "RGB16", "RGBA16",
         "LA16", "jpeg L", "jpeg RGB", "jpeg CMYK", "jpeg progressive"]


def chunk(name, content):
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def raw_png(width, height, depth, colour_type, rows):
    """What Pillow does not write: two bits of gray, 16-bit colour."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = b"".join(b"\0" + row for row in rows)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) +
            chunk(b"IEND", b""))


def pixels(rng, width, height, channels):
    """Noise, or smooth colour with edges."""
    if rng.random() < 0.4:
        return rng.integers(0, 256, (height, width, channels), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 120 * np.sin(x / rng.uniform(1, 20) + y / rng.uniform(1, 20)) +
              60 * (x * rng.uniform(-1, 1) > y * rng.uniform(-1, 1)) for _ in range(channels)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


def image_file(rng, mode, width, height, orientation):
    """The bytes of an image file."""
    wide = {"RGB16": 2, "RGBA16": 6, "LA16": 4}
    if mode in wide:
        channels = {2: 3, 6: 4, 4: 2}[wide[mode]]
        words = rng.integers(0, 65536, (height, width, channels)).astype(">u2")
        return raw_png(width, height, 16, wide[mode], [row.tobytes() for row in words])
    if mode == "L2":
        return raw_png(width, height, 2, 0, [rng.bytes((width + 3) // 4) for _ in range(height)])
    options = {}
    if orientation > 1:
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = orientation
    rgb = Image.fromarray(pixels(rng, width, height, 3))
    if mode.startswith("jpeg"):
        options |= {"quality": int(rng.integers(30, 96)), "subsampling": int(rng.integers(0, 3))}
        kind = mode[5:]
        options["progressive"] = kind == "progressive"
        image = rgb if kind == "progressive" else rgb.convert(kind)
        return saved(image, "JPEG", options)
    alpha = Image.fromarray(pixels(rng, width, height, 1)[:, :, 0])
    if mode == "I;16":
        words = pixels(rng, width, height, 1)[:, :, 0].astype(np.uint16)
        image = Image.fromarray(words * np.uint16(rng.choice([1, 2, 257])))
    elif mode in ("RGBA", "LA"):
        image = rgb.convert(mode[:-1])
        image.putalpha(alpha)
    elif mode[0] == "P":
        image = rgb.quantize(int(rng.integers(2, 17 if mode == "P4" else 200)))
        options |= {"Pt": {"transparency": 1}, "Pb": {"transparency": rng.bytes(2)}}.get(mode, {})
    elif mode == "RGBt":
        image, options["transparency"] = rgb, rgb.getpixel((0, 0))
    else:
        image = rgb.convert(mode)
    return saved(image, "PNG", options)


def saved(image, kind, options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def shortest(image, side):
    """torchvision.transforms.Resize(side) of a PIL image."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new = int(side * long / short)
    size = (side, new) if width <= height else (new, side)
    return image.resize(size, Image.Resampling.BICUBIC)


def centre(image, side):
    """torchvision.transforms.CenterCrop(side) of a PIL image that is large enough."""
    width, height = image.size
    top, left = round((height - side) / 2.0), round((width - side) / 2.0)
    return image.crop((left, top, left + side, top + side))


def published(content, side, squash):
    """OpenAI's and open_clip's steps up to the bytes."""
    image = Image.open(io.BytesIO(content))
    if squash:
        return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC).convert("RGB"))
    return np.asarray(centre(shortest(image, side), side).convert("RGB"))


def numbers(array):
    """ToTensor and Normalize in float32."""
    scaled = array.astype(np.float32) / np.float32(255)
    return ((scaled - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1)


def transformers_numbers(content, side, normalize):
    """load_image without what it remembers of transparency, then the processor (which, given that or
    alpha, would lay the picture on white)."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    image.info.pop("transparency", None)
    options = {} if normalize else {"do_rescale": False, "do_normalize": False}
    processor = CLIPImageProcessorPil(size={"shortest_edge": side},
                                      crop_size={"height": side, "width": side}, **options)
    return np.asarray(processor(image)["pixel_values"][0])


def config(profile, side, squash):
    if profile == "hf":
        return {"size": {"shortest_edge": side}, "crop_size": side, "resample": 3}
    cfg = {"size": side, "resize_mode": "squash" if squash else "shortest"}
    return {"preprocess_cfg": cfg} if profile == "open_clip" else {}


def cases(count):
    rng, plan = np.random.default_rng(7), random.Random(7)
    for i in range(count):
        mode = MODES[i % len(MODES)]
        profile = ("hf", "openai", "open_clip")[i // len(MODES) % 3]
        width, height = (plan.choice((1, 2, 3, 7, plan.randrange(1, 60), plan.randrange(20, 420)))
                         for _ in range(2))
        side = plan.choice((8, 17, 32, 56, 224))
        squash = profile == "open_clip" and plan.random() < 0.5
        # Very long pictures take long in Pillow, too.
        width, height = min(width, 20 * height), min(height, 20 * width)
        orientation = plan.randrange(1, 9) if plan.random() < 0.4 else 1
        yield {"mode": mode, "profile": profile, "side": side, "squash": squash,
               "config": config(profile, side, squash),
               "content": image_file(rng, mode, width, height, orientation)}


def main():
    warnings.filterwarnings("ignore", "Palette images with Transparency")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    all_cases = list(cases(count))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        manifest = []
        for i, case in enumerate(all_cases):
            (root / f"{i}.image").write_bytes(case["content"])
            manifest.append({k: case[k] for k in ("profile", "side", "config")})
        (root / "manifest.json").write_text(json.dumps(manifest))
        subprocess.run([PROGRAM, "--gtest_filter=OracleFolder.Preprocess"], check=True,
                       env={**os.environ, "NOISESCOPE_ORACLE_DIR": folder}, stdout=subprocess.DEVNULL)
        wrong, wrong_numbers, byte_count, by_mode = 0, 0, 0, {}
        for i, case in enumerate(all_cases):
            side, content = case["side"], case["content"]
            ours = np.fromfile(root / f"{i}.bytes", np.uint8).reshape(side, side, 3)
            values = np.fromfile(root / f"{i}.values", np.float32).reshape(3, side, side)
            if case["profile"] == "hf":
                theirs = transformers_numbers(content, side, False).transpose(1, 2, 0)
                expected = transformers_numbers(content, side, True)
            else:
                theirs = published(content, side, case["squash"])
                expected = numbers(theirs)
            differing = int((ours != theirs).sum())
            if differing:
                key = f"{case['mode']} {case['profile']}"
                by_mode[key] = by_mode.get(key, 0) + 1
            wrong += differing
            wrong_numbers += int((values != expected.astype(np.float32)).sum())
            byte_count += ours.size
    print(f"{count} images of {len(MODES)} kinds: {wrong} of {byte_count} bytes differ, "
          f"{wrong_numbers} numbers differ", by_mode or "")
    return 1 if wrong or wrong_numbers else 0


if __name__ == "__main__":
    sys.exit(main())
