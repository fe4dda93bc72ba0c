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


def gif_with_small_frame():
    """A frame of 5 x 4 px at (3, 2) on a canvas of 21 x 13."""
    frame = Image.fromarray(picture()[:4, :5]).quantize(8)
    content = bytearray(encoded(frame, "GIF", optimize=False))
    content[6:10] = struct.pack("<HH", WIDTH, HEIGHT)
    at = content.index(b"\x2c", 13 + 3 * (2 << (content[10] & 7)))
    content[at + 1:at + 5] = struct.pack("<HH", 3, 2)
    return bytes(content)


def raw_bmp(bits, rows, height=HEIGHT, colours=0):
    palette = b"".join(bytes((15 * i, 255 - 9 * i, 7 * i, 0)) for i in range(colours))
    start = 54 + len(palette)
    return (b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) +
            struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, 0, len(rows), 0, 0, colours, 0) + palette + rows)


def four_bit_row(row):
    row = np.append(row, 0)  # 21 px and half a byte
    return (row[::2] << 4 | row[1::2]).astype(np.uint8).tobytes() + b"\0"


def fifteen_bit_row(row):
    red, green, blue = (row[:, c].astype("<u2") >> 3 for c in range(3))
    return (red << 10 | green << 5 | blue).astype("<u2").tobytes() + b"\0\0"


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
    yield "webp_lossy", encoded(rgb, "WEBP", quality=70)
    yield "webp_lossless", encoded(rgb, "WEBP", lossless=True)
    yield "webp_alpha", encoded(Image.merge("RGBA", (*rgb.split(), alpha)), "WEBP", lossless=True)
    yield "webp_exif", encoded(rgb, "WEBP", lossless=True, exif=exif)
    yield "webp_animated", encoded(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)], lossless=True)
    yield "gif", encoded(palette, "GIF")
    yield "gif_interlaced", encoded(palette, "GIF", interlace=1)
    yield "gif_gray", encoded(gray, "GIF")
    yield "gif_transparent", encoded(palette, "GIF", transparency=3)
    frames = [palette.rotate(180), palette]
    yield "gif_animated", encoded(palette, "GIF", save_all=True, append_images=frames, optimize=False)
    yield "gif_small_frame", gif_with_small_frame()
    yield "bmp_rgb", encoded(rgb, "BMP")
    yield "bmp_gray", encoded(gray, "BMP")
    yield "bmp_bits", encoded(gray.convert("1"), "BMP")
    yield "bmp_palette", encoded(palette, "BMP")
    yield "bmp_alpha", encoded(Image.merge("RGBA", (*rgb.split(), alpha)), "BMP")
    yield "bmp_4bit", raw_bmp(4, b"".join(four_bit_row(row) for row in picture()[::-1, :, 0] // 16), colours=16)
    yield "bmp_555", raw_bmp(16, b"".join(fifteen_bit_row(row) for row in picture()[::-1]))
    yield "bmp_top_down", raw_bmp(24, b"".join(row[:, ::-1].tobytes() + b"\0" for row in picture()), height=-HEIGHT)
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
