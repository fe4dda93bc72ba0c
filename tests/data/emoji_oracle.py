"""Pictures of data.kind emoji against Pillow's drawing of the same font (shaped by its own Raqm and FreeType)."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

PROGRAM = pathlib.Path(os.environ["NOISESCOPE_BUILD"]) / "noisescope"
FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
WIDTH, HEIGHT, SIDE = 136, 128, 128  # a sheet shows pictures of this side as they are
EMOJI = {  # caption -> code points
    "red heart": "2764 FE0F", "fox": "1F98A", "waving hand, dark skin tone": "1F44B 1F3FF",
    "keycap, 1": "0031 FE0F 20E3",
    "woman, medium skin tone, red hair": "1F469 1F3FD 200D 1F9B0", "three o'clock": "1F552",
    "kiss, woman, man": "1F469 200D 2764 FE0F 200D 1F48B 200D 1F468", "rainbow flag": "1F3F3 FE0F 200D 1F308",
    "flag, Japan": "1F1EF 1F1F5", "flag, Scotland": "1F3F4 E0067 E0062 E0073 E0063 E0074 E007F"}


def by_pillow(points):
    text = "".join(chr(int(point, 16)) for point in points.split())
    font = ImageFont.truetype(FONT, 109, layout_engine=ImageFont.Layout.RAQM)
    square = Image.new("RGB", (WIDTH, WIDTH), "white")
    draw = ImageDraw.Draw(square)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font, embedded_color=True)
    assert (right - left, bottom - top) == (WIDTH, HEIGHT), (text, left, top, right, bottom)
    draw.text((-left, (WIDTH - HEIGHT) // 2 - top), text, font=font, embedded_color=True)
    return np.asarray(square.resize((SIDE, SIDE), Image.BICUBIC)).astype(int)


def by_noisescope():
    """The pictures of EMOJI as the contact sheet of a list of them alone shows them."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        lines = ["# group: Test", "# subgroup: test"]
        lines += [f"{points} ; fully-qualified # x E1.0 {caption}" for caption, points in EMOJI.items()]
        (folder / "list.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run([PROGRAM, "data", "inspect", "--set", "data.kind=emoji", "--set", f"data.image_size_px={SIDE}",
                        "--set", f"data.emoji_list={folder / 'list.txt'}", "--set", "data.emoji_flags=true",
                        "--sheet", folder / "sheet.png", "--pictures", str(len(EMOJI)), "--json"],
                       check=True, capture_output=True)
        return np.asarray(Image.open(folder / "sheet.png").convert("RGB")).astype(int)


def best_place(sheet, picture):
    """The smallest largest difference of the picture from any window of the sheet, searched by its middle rows."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (SIDE, SIDE, 3))[:, :, 0]
    probe = np.abs(windows[:, :, ::16, ::16] - picture[::16, ::16]).max(axis=(2, 3, 4))
    candidates = np.argsort(probe, axis=None)[:16]
    return min(int(np.abs(windows[np.unravel_index(k, probe.shape)] - picture).max()) for k in candidates)


def main():
    if not features.check("raqm"):
        sys.exit("expected Pillow with Raqm, which its wheels bring")
    sheet = by_noisescope()
    worst = {caption: best_place(sheet, by_pillow(points)) for caption, points in EMOJI.items()}
    print(json.dumps(worst))
    sys.exit(max(worst.values()) > 2)  # alpha is rounded once more by Pillow


if __name__ == "__main__":
    main()
