"""The exact model of a set of captioned pictures."""

import os
from collections.abc import Mapping
from typing import Any

from noisescope import _core
from noisescope._arguments import Watch, mapping_of
from noisescope.model import Model
from noisescope.progress import sink
from noisescope.run import overrides_of


class PictureWorld(Model):
    """The model that knows a set of captioned pictures by heart and nothing else: each picture alike, a prompt means
    those that have it as a caption, else as a class, else in a caption. Its posteriors, decision curves and evidence
    are the truth about these pictures, and where a network trained on them departs from it, it generalises.

    `data`: "emoji", those of the installed colour font, or a folder or archive. `overrides`: settings of the data,
    {"image_size_px": 64, "kind": "tiny_imagenet"}. `notes`: what of the data was not used. Raises ConfigError,
    DataError.
    """

    def __init__(self, data: str | os.PathLike[str], *, overrides: Mapping[str, Any] | None = None,
                 progress: Watch = None) -> None:
        place = os.fspath(data)
        named = {"kind": "emoji"} if place == "emoji" else {"kind": "folder", "path": place}
        settings = {f"data.{key}": value for key, value in {**named, **mapping_of(overrides, "overrides")}.items()}
        model, self.notes = _core.exact_pictures(overrides_of(settings), sink(progress))
        super().__init__(model)
