"""CLIP folders of this program, of transformers, open_clip or OpenAI."""

import os
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from noisescope import _core
from noisescope._arguments import texts_of
from noisescope.pictures import pictures_of


class Encoding(NamedTuple):
    """The ids of a text, and spans: the range of bytes in the text that each id stands for."""

    ids: list[int]
    spans: list[tuple[int, int]]


class Clip:
    """A text and image encoder; raises IoError, FormatError, ModelError for what cannot be loaded."""

    def __init__(self, folder: str | os.PathLike[str] | _core.Clip) -> None:
        self._core = folder if isinstance(folder, _core.Clip) else _core.Clip(os.fspath(folder))

    @property
    def embedding_dim(self) -> int:
        return int(self._core.embedding_dim)

    @property
    def image_size(self) -> int:
        return int(self._core.image_size)

    def encode_text(self, texts: str | Sequence[str]) -> Tensor:
        """Embeddings [B, D] of unit norm. Texts longer than the encoder reads are cut, with a warning."""
        all_texts = texts_of(texts)
        if cut := self._core.truncated(all_texts):
            warnings.warn(f"{len(cut)} of {len(all_texts)} texts are longer "
                          f"than the {self._core.context_length} tokens "
                          f"that the encoder reads, and cut off: '{cut[0][:40]}...'", stacklevel=2)
        return self._core.encode_text(all_texts)

    def encode_image(self, pictures: Any) -> Tensor:
        """Embeddings [B, D] of unit norm, of pictures [B, 3, H, W] in [-1, 1] of any size."""
        return self._core.encode_image(pictures_of(pictures).float())

    def tokenize(self, texts: str | Sequence[str]) -> list[Encoding]:
        """The ids of each text."""
        return [Encoding(*one) for one in self._core.tokenize(texts_of(texts))]
