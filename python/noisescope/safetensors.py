"""Files of named tensors, checked before a byte is used."""

import os

from torch import Tensor

from noisescope import _core
from noisescope._arguments import mapping_of


def load_safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file. Raises FormatError (damaged or hostile), IoError."""
    tensors, metadata = _core.load_safetensors(os.fspath(path))
    return tensors, metadata


def save_safetensors(path: str | os.PathLike[str], tensors: dict[str, Tensor],
                     metadata: dict[str, str] | None = None) -> None:
    """Writes atomically: the file appears whole or not at all."""
    _core.save_safetensors(os.fspath(path), mapping_of(tensors, "tensors"), mapping_of(metadata, "metadata"))
