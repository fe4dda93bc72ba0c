"""What a method answers: a frozen class with typed fields, described once in the C++ library."""

import html
import json
import math
import os
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy
import torch
from torch import Tensor

from noisescope import _core, figures


def note(dims: str, unit: str, **notes: Any) -> dict[str, Any]:
    """What is known of a field: a word a dimension, its unit; x, names, error: fields that belong to it; null: its
    value where there is nothing to find; higher: what a higher value means."""
    return {"dims": dims, "unit": unit, **notes}


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        size = "×".join(map(str, value.shape)) or "number"
        return f"{value.item():.6g}" if value.numel() == 1 else f"{size} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, list) and len(value) > 6:
        return f"list of {len(value)}"
    return repr(value)


def _plain(value: Any) -> Any:
    """For JSON, which knows no NaN and no infinity."""
    if isinstance(value, Tensor):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, repr=False, eq=False)
class Answer:
    """Shows itself as a table; `help(type(answer))` says what each field is, `plot` draws it."""

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """All fields in a file: .json, .safetensors or .npz. In safetensors texts are metadata; in JSON what is not
        finite is null. Raises ValueError for another ending."""
        name = os.fspath(path)
        values = {key: value for key, value in self.to_dict().items() if value is not None}
        numbers = {key: torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
                   for key, value in values.items() if isinstance(value, Tensor | int | float)
                   or (isinstance(value, list) and all(isinstance(one, int | float) for one in value))}
        texts = {key: value for key, value in values.items() if key not in numbers}
        if name.endswith(".json"):
            with open(name, "w", encoding="utf-8") as file:
                json.dump({key: _plain(value) for key, value in values.items()}, file)
        elif name.endswith(".safetensors"):
            _core.save_safetensors(name, {key: value.contiguous() for key, value in numbers.items()},
                                   {key: ", ".join(v) if isinstance(v, list) else v for key, v in texts.items()})
        elif name.endswith(".npz"):
            arrays: dict[str, Any] = {key: numpy.asarray(value) for key, value in {**numbers, **texts}.items()}
            numpy.savez(name, **arrays)
        else:
            raise ValueError(f"expected a path that ends in .json, .safetensors or .npz, got {name}")

    def average(self, paths: int) -> Self:
        """The same with each `paths` pictures in a row as one: of numbers their mean, of anything else the first."""
        changed = {}
        for one in fields(self):
            value, dims = getattr(self, one.name), one.metadata["dims"].split()
            if isinstance(value, Tensor) and "picture" in dims:
                at = dims.index("picture") + 1
                grouped = value.reshape(*value.shape[:at - 1], -1, paths, *value.shape[at:])
                value = grouped.mean(at) if value.is_floating_point() else grouped.select(at, 0)
            changed[one.name] = value
        return type(self)(**changed)

    def plot(self, field: str | None = None, ax: Any = None, *, index: tuple[int, ...] = ()) -> Any:
        """A field (default: the first that can be drawn) on matplotlib axes `ax` (default: new ones), which it returns:
        curves with the 95 % interval of their mean over pictures, or a map with its colour bar. Of maps [..., y, x]
        `index` says which; default the first. Raises ValueError naming the fields that can be drawn."""
        return figures.draw(self, field, ax, index)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}: {_shown(v)}' for k, v in self.to_dict().items())})"

    def _repr_html_(self) -> str:
        rows = ""
        for one in fields(self):
            unit = html.escape(figures.unit_of(self, one.metadata["unit"]))
            rows += (f"<tr><td><code>{one.name}</code></td><td>{html.escape(_shown(getattr(self, one.name)))}</td>"
                     f"<td>{html.escape(one.metadata['dims'])}</td><td>{unit}</td></tr>")
        return f"<b>{type(self).__name__}</b><table>{rows}</table>"
