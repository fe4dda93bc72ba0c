"""Makes tests/golden/image_files.safetensors: image files and what Pillow's convert("RGB") gives.

Names: "<case>.file" uint8 [bytes], "<case>.rgb" uint8 [H, W, 3], "<case>.orientation" int64 [1], and
"<case>.small" uint8 [5, 9, 3]: resized in the mode of the file, then converted.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

WIDTH, HEIGHT = 21, 13  # no multiple of a JPEG block or of a packed byte


def picture():
    """Smooth colours with some texture, uint8 [H, W, 3]."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 12, y * 19, (x * 7 + y * 13 + (x * y) % 11 * 5)]
    return np.stack([np.clip(plane, 0, 255) for plane in planes], -1).astype(np.uint8)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name, content):
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def raw_png(depth, colour_type, rows, before_pixels=b"", interlace=0):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour_type, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before_pixels +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def interlaced_rows(pixels):
    """Adam7, filter 0."""
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2),
              (1, 2, 0, 1)]
    parts = [pixels[y0::dy, x0::dx] for y0, dy, x0, dx in passes]
    return b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)


def files():
    rgb = Image.fromarray(picture())
    alpha = Image.fromarray((picture()[:, :, 2] // 2).astype(np.uint8))
    gray = rgb.convert("L")
    palette = rgb.quantize(17)
    words = picture().astype(">u2") * 257 + 55
    yield "jpeg_444", encoded(rgb, "JPEG", quality=90, subsampling=0)
    yield "jpeg_422", encoded(rgb, "JPEG", quality=80, subsampling=1)
    yield "jpeg_420", encoded(rgb, "JPEG", quality=70, subsampling=2)
    yield "jpeg_progressive", encoded(rgb, "JPEG", quality=75, progressive=True)
    yield "jpeg_gray", encoded(gray, "JPEG", quality=75)
    yield "jpeg_cmyk", encoded(rgb.convert("CMYK"), "JPEG", quality=85)
    yield "jpeg_rgb", encoded(rgb, "JPEG", quality=85, keep_rgb=True)
    yield "png_rgb", encoded(rgb, "PNG")
    yield "png_gray", encoded(gray, "PNG")
    yield "png_bits", encoded(gray.convert("1"), "PNG")
    yield "png_rgba", encoded(Image.merge("RGBA", (*rgb.split(), alpha)), "PNG")
    yield "png_gray_alpha", encoded(Image.merge("LA", (gray, alpha)), "PNG")
    yield "png_palette", encoded(palette, "PNG")
    yield "png_palette_4bit", encoded(rgb.quantize(9), "PNG", bits=4)
    yield "png_palette_transparent", encoded(palette, "PNG", transparency=3)
    yield "png_rgb_transparent", encoded(rgb, "PNG", transparency=(0, 0, 0))
    yield "png_rgb_gamma", raw_png(8, 2, b"".join(b"\0" + row.tobytes() for row in picture()),
                                   chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "png_rgb_16bit", raw_png(16, 2, b"".join(b"\0" + row.tobytes() for row in words))
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "jpeg_exif", encoded(rgb, "JPEG", quality=85, exif=exif)
    yield "png_exif", encoded(rgb, "PNG", exif=exif)
    yield "png_gray_16bit", encoded(Image.fromarray(picture()[:, :, 2].astype(np.uint16) * 99), "PNG")
    yield "png_interlaced", raw_png(8, 2, interlaced_rows(picture()), interlace=1)


def main():
    tensors = {}
    for name, content in files():
        with Image.open(io.BytesIO(content)) as image:
            tensors[f"{name}.rgb"] = np.asarray(image.convert("RGB")).copy()
            small = image.resize((9, 5), Image.Resampling.BICUBIC).convert("RGB")
            tensors[f"{name}.small"] = np.asarray(small).copy()
            tensors[f"{name}.orientation"] = np.array([image.getexif().get(0x0112, 1)])
        tensors[f"{name}.file"] = np.frombuffer(content, np.uint8)
    folder = pathlib.Path(__file__).resolve().parent.parent / "golden"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "image_files.safetensors", {"made_by": f"Pillow {PIL.__version__}"})


if __name__ == "__main__":
    main()
