"""Tensors at the border: what comes in from numpy and PIL, and how pictures show themselves."""

import io
import operator
from typing import Any

import numpy
import torch
from torch import Tensor


def _from_pil(image: Any) -> Tensor:
    """As the program reads files: upright, and of 16-bit grey the high byte."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        grey = numpy.asarray(image).astype(numpy.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise ValueError(f"expected grey values of 16 bits, got {grey.min()} to {grey.max()}; scale them first")
        image = Image.fromarray((grey >> 8).astype(numpy.uint8))
    if image.mode == "F":
        raise ValueError("expected a picture of whole numbers, got PIL's mode F; scale it and convert it to 'L' first")
    pixels = numpy.asarray(image.convert("RGB"), dtype=numpy.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1


def as_tensor(value: Any, name: str) -> Tensor:
    """A dense tensor of any dtype. Raises TypeError, ValueError for what cannot be one."""
    try:
        tensor = torch.as_tensor(value)
    except RuntimeError:
        raise TypeError(f"expected a tensor or numbers for {name}, got {type(value).__name__}") from None
    if tensor.layout != torch.strided or tensor.is_meta:
        raise TypeError(f"expected a dense tensor with its numbers for {name}, got {tensor.layout} on {tensor.device}")
    return tensor


def tensor_of(value: Any, name: str = "value") -> Tensor:
    """A detached CPU or GPU tensor, float32 or float64, of a tensor, numpy array, list or PIL image.

    Integer arrays are refused where pictures are meant: scale them to [-1, 1] first. Raises TypeError.
    """
    if hasattr(value, "convert") and hasattr(value, "size"):
        return _from_pil(value)
    if isinstance(value, Pictures):
        return value.tensor
    tensor = as_tensor(value, name)
    if tensor.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected float32 or float64 for {name}, got {tensor.dtype}; convert it with .float()")
    return tensor.detach().contiguous()


def pictures_of(value: Any, name: str = "pictures") -> Tensor:
    """[B, C, H, W]; a single picture [C, H, W] becomes a batch of one. Raises TypeError, ValueError."""
    tensor = tensor_of(value, name)
    if tensor.dim() == 3:
        tensor = tensor[None]
    if tensor.dim() != 4:
        raise ValueError(f"expected [B, C, H, W] for {name}, got {list(tensor.shape)}")
    if len(tensor) == 0:
        raise ValueError(f"expected at least one picture in {name}, got none")
    return tensor


def to_uint8(pictures: Tensor) -> numpy.ndarray[Any, Any]:
    """[B, H, W, 3] uint8 of pictures [B, C, H, W] in [-1, 1]; clamped, grey becomes RGB."""
    scaled = ((pictures.detach().cpu().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    array: numpy.ndarray[Any, Any] = scaled.permute(0, 2, 3, 1).numpy()
    return array.repeat(3, axis=3) if array.shape[3] == 1 else array


def grid(pictures: Tensor, columns: int = 8, scale: int = 3) -> Any:
    """A PIL image of all pictures [B, C, H, W], `columns` a row, pixels enlarged."""
    from PIL import Image

    array = to_uint8(pictures)
    count, height, width, _ = array.shape
    columns, scale = min(operator.index(columns), count), operator.index(scale)
    if columns < 1 or scale < 1:
        raise ValueError(f"expected columns and scale of at least 1, got {columns} and {scale}")
    rows = -(-count // columns)
    sheet = numpy.full((rows * (height + 1) - 1, columns * (width + 1) - 1, 3), 255, numpy.uint8)
    for i, picture in enumerate(array):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top:top + height, left:left + width] = picture
    return Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)


def png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


class Pictures:
    """Pictures that show themselves in a notebook. `.tensor` [B, C, H, W]; `torch.as_tensor(p.tensor)` is the same
    memory. `film()` shows them as frames.

    >>> Pictures(torch.zeros(2, 3, 32, 32))
    Pictures([2, 3, 32, 32])
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = pictures_of(tensor)

    def __repr__(self) -> str:
        return f"Pictures({list(self.tensor.shape)})"

    def __len__(self) -> int:
        return len(self.tensor)

    def __getitem__(self, index: Any) -> "Pictures":
        return Pictures(self.tensor[index])

    def pil(self, columns: int = 8, scale: int = 3) -> Any:
        """One PIL image of all."""
        return grid(self.tensor, columns, scale)

    def film(self, milliseconds: int = 80, scale: int = 4) -> "Film":
        """The pictures one after another."""
        return Film(self.tensor, milliseconds, scale)

    def _repr_png_(self) -> bytes:
        return png(self.pil())


class Film:
    """Pictures [B, C, H, W] as an animated GIF, shown in a notebook."""

    def __init__(self, pictures: Tensor, milliseconds: int, scale: int) -> None:
        self.frames = [grid(picture[None], 1, scale) for picture in pictures]
        self.milliseconds = milliseconds

    def gif(self) -> bytes:
        buffer = io.BytesIO()
        self.frames[0].save(buffer, format="GIF", save_all=True, append_images=self.frames[1:], loop=0,
                            duration=self.milliseconds)
        return buffer.getvalue()

    def save(self, path: str) -> None:
        with open(path, "wb") as file:
            file.write(self.gif())

    def _repr_html_(self) -> str:
        import base64

        return f'<img alt="film" src="data:image/gif;base64,{base64.b64encode(self.gif()).decode()}">'
