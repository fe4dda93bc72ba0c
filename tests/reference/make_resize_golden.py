"""Makes tests/golden/resize.safetensors: what Pillow's bicubic resize gives.

Names: "<case>.input" and "<case>.output", uint8 [H, W, C]. Noise shows every rounding; the sizes
cover shrinking and growing, one axis alone, one pixel, and more than 2x in one axis only.
"""

import pathlib

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

CASES = {  # name: (input width, height, output width, height, mode)
    "shrink": (64, 64, 32, 32, "RGB"),
    "shrink_odd": (53, 47, 32, 19, "RGB"),
    "shrink_far": (150, 90, 7, 5, "RGB"),
    "grow": (13, 9, 40, 31, "RGB"),
    "width_only": (40, 12, 17, 12, "RGB"),
    "height_only": (12, 40, 12, 50, "RGB"),
    "mixed": (60, 10, 21, 33, "RGB"),
    "to_one_pixel": (9, 7, 1, 1, "RGB"),
    "from_one_pixel": (1, 1, 5, 4, "RGB"),
    "gray": (31, 33, 24, 24, "L"),
    "columns_first": (30, 70, 22, 20, "RGB"),     # 50 rows go, more than twice 8 columns
    "rows_first_yet": (30, 40, 20, 20, "RGB"),    # 20 rows go, twice 10 columns
    "columns_first_growing": (20, 40, 33, 39, "RGB"),
}


def main():
    rng = np.random.default_rng(0)
    tensors = {}
    for name, (width, height, to_width, to_height, mode) in CASES.items():
        shape = (height, width, 3) if mode == "RGB" else (height, width)
        # Extreme values make the cubic overshoot, so that clipping shows.
        pixels = rng.choice(np.array([0, 255, 1, 254, 128, 77], np.uint8), shape)
        if name.startswith("shrink"):
            pixels = rng.integers(0, 256, shape, np.uint8)
        resized = Image.fromarray(pixels).resize((to_width, to_height), Image.Resampling.BICUBIC)
        tensors[f"{name}.input"] = pixels.reshape(height, width, -1)
        tensors[f"{name}.output"] = np.asarray(resized).reshape(to_height, to_width, -1)
    folder = pathlib.Path(__file__).resolve().parent.parent / "golden"
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "resize.safetensors", {"made_by": f"Pillow {PIL.__version__}"})


if __name__ == "__main__":
    main()
