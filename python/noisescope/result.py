"""What a method answers: named fields, as in the C++ struct of the same name."""

import html
from typing import Any

from torch import Tensor

from noisescope import figures


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        size = "×".join(map(str, value.shape)) or "number"
        text = f"{value.item():.6g}" if value.numel() == 1 else f"{size} {str(value.dtype).removeprefix('torch.')}"
        return text
    if isinstance(value, list) and len(value) > 6:
        return f"list of {len(value)}"
    return repr(value)


class Result:
    """Fields as attributes; `fields` lists them. Shows itself as a table, maps [..., H, W] as pictures.

    >>> Result("Example", {"total": 1.5}).total
    1.5
    """

    def __init__(self, name: str, values: dict[str, Any]) -> None:
        self._name = name
        self._values = values

    @property
    def fields(self) -> list[str]:
        return list(self._values)

    def __getattr__(self, field: str) -> Any:
        values = self.__dict__.get("_values", {})
        if field in values:
            return values[field]
        raise AttributeError(f"{self.__dict__.get('_name', 'Result')} has no field '{field}'; it has "
                             + ", ".join(values))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"{self._name}({', '.join(f'{k}: {_shown(v)}' for k, v in self._values.items())})"

    def plot(self, field: str | None = None, ax: Any = None, *, index: tuple[int, ...] = ()) -> Any:
        """A field (default: the method's main one) on matplotlib axes `ax` (default: new ones), which it returns:
        curves with the 95 % interval of their mean over pictures, or a map with its colour bar. Of maps [..., H, W]
        `index` says which; default the first. Raises ValueError naming the fields that have a figure."""
        return figures.draw(self._name, self._values, field, ax, index)

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td><code>{html.escape(k)}</code></td><td>{html.escape(_shown(v))}</td></tr>"
                       for k, v in self._values.items())
        return f"<b>{html.escape(self._name)}</b><table>{rows}</table>"
