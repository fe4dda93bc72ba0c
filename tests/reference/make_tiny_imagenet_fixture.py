"""Makes tests/golden/tiny_imagenet: a synthetic data set in the layout of Tiny ImageNet, as folder,
tar and zip, and what Pillow makes of its images. Independent reference of noisescope/data.

  .venv/bin/python tests/reference/make_tiny_imagenet_fixture.py

Made with Pillow 13.0.0 (bundled libjpeg-turbo), numpy 2.4.6, safetensors 0.8.0. The pictures are
drawn here; nothing of the real data set is in them.
"""

import io
import pathlib
import shutil
import tarfile
import zipfile

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_imagenet"
CLASSES = {"n00000001": "goldfish, Carassius auratus", "n00000002": "Egyptian cat",
           "n00000003": "school bus"}
TRAIN, VALIDATION = 3, 1
GRAY = "train/n00000001/images/n00000001_1.JPEG"
BROKEN = "train/n00000002/images/n00000002_2.JPEG"
WIDE = "train/n00000003/images/n00000003_0.JPEG"


def picture(number, width=64, height=64):
    """A smooth gradient, a hard edge and some noise, so that every resampling tap matters."""
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(number)
    base = np.stack([127 + 120 * np.sin(x / (5 + k + number) + y / (9 + number)) for k in range(3)], -1)
    base[(x + 2 * y) % 48 < 14] = rng.integers(0, 256, 3)
    return np.clip(base + rng.normal(0, 6, base.shape), 0, 255).astype(np.uint8)


def jpeg(pixels, gray=False):
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (image.convert("L") if gray else image).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def files():
    """Path inside the data set -> bytes, and the sample order."""
    made, order = {}, []
    boxes = {wnid: [] for wnid in CLASSES}
    number = 0
    for wnid in CLASSES:
        for k in range(TRAIN):
            name = f"{wnid}_{k}.JPEG"
            path = f"train/{wnid}/images/{name}"
            content = jpeg(picture(number, *((80, 60) if path == WIDE else (64, 64))), path == GRAY)
            made[path] = content[: len(content) // 2] if path == BROKEN else content
            boxes[wnid].append(f"{name}\t{k}\t{2 * k}\t{40 + k}\t{63 - k}\n")
            order.append(path)
            number += 1
        made[f"train/{wnid}/{wnid}_boxes.txt"] = "".join(boxes[wnid]).encode()
    annotations = ""
    for k, wnid in enumerate(wnid for wnid in CLASSES for _ in range(VALIDATION)):
        path = f"val/images/val_{k}.JPEG"
        made[path] = jpeg(picture(number))
        annotations += f"val_{k}.JPEG\t{wnid}\t0\t31\t60\t62\n"
        order.append(path)
        number += 1
    made["val/val_annotations.txt"] = annotations.encode()
    made["test/images/test_0.JPEG"] = jpeg(picture(number))
    made["wnids.txt"] = "".join(f"{wnid}\n" for wnid in CLASSES).encode()
    words = {**CLASSES, "n99999999": "something else, not used"}
    made["words.txt"] = "".join(f"{wnid}\t{text}\n" for wnid, text in words.items()).encode()
    return made, order


def square(content, side, squash):
    """Pillow's RGB, bicubic, and torchvision's centre crop."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    if squash:
        return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))
    short = min(width, height)
    new = (side if width == short else int(side * width / short),
           side if height == short else int(side * height / short))
    image = image.resize(new, Image.Resampling.BICUBIC)
    left, top = (round((length - side) / 2.0) for length in new)
    return np.asarray(image.crop((left, top, left + side, top + side)))


def write(made):
    shutil.rmtree(ROOT, ignore_errors=True)
    for path, content in made.items():
        target = ROOT / "tiny-imagenet" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    with tarfile.open(ROOT / "tiny-imagenet.tar", "w") as tar:
        for path in sorted(made, reverse=True):  # images before the tables that explain them
            entry = tarfile.TarInfo(f"tiny-imagenet/{path}")
            entry.size = len(made[path])
            tar.addfile(entry, io.BytesIO(made[path]))
    with zipfile.ZipFile(ROOT / "tiny-imagenet.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(made):
            entry = zipfile.ZipInfo(f"tiny-imagenet/{path}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, made[path])


def main():
    made, order = files()
    write(made)
    readable = [path for path in order if path != BROKEN]
    tensors = {}
    for name, side, squash in (("crop_64", 64, False), ("crop_31", 31, False), ("squash_20", 20, True)):
        chosen = readable if side < 64 else [WIDE, GRAY]
        stack = np.stack([square(made[path], side, squash) for path in chosen])
        tensors[name] = np.ascontiguousarray(stack.transpose(0, 3, 1, 2))
    save_file(tensors, ROOT / "pixels.safetensors",
              metadata={"names": "\n".join(readable), "pillow": PIL.__version__})
    size = sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file())
    print(f"{len(made)} files, {size} bytes in all")


if __name__ == "__main__":
    main()
