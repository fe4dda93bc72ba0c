"""Answers as matplotlib axes, from the dimensions and units that the library describes them with."""

import itertools
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from noisescope.answer import Answer

Z95 = 1.96  # half of a normal's 95 % interval, in standard errors


def unit_of(answer: "Answer", unit: str) -> str:
    """Nats, or what an answer has in their place."""
    own = getattr(answer, "unit", "nats")
    return unit.replace("nats", own.replace("_", " "))


def _label(answer: "Answer", name: str) -> str:
    """A field with its unit. Noise levels are in nats by their definition."""
    if name in ("log_snrs", "edges"):
        return "log-SNR (nats)"
    unit = unit_of(answer, _notes(answer)[name]["unit"])
    return f"{name} ({unit})" if unit else name


def _notes(answer: "Answer") -> dict[str, Any]:
    return {one.name: one.metadata for one in fields(answer)}


def _new_axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("figures need matplotlib, which is not installed: pip install noisescope[figures]") from None
    return plt.subplots(layout="constrained")[1]


def _along(dims: list[str], shape: torch.Size, x: list[Any] | None, named: bool) -> int:
    """The dimension that curves run along: that of the positions, else the first that is neither named nor averaged."""
    places = [k for k, dim in enumerate(dims) if dim != "picture"] or [0]
    if x is not None:
        places.sort(key=lambda k: not 0 <= len(x) - shape[k] <= 2)
    return places[1] if named and len(places) > 1 else places[0]


def _positions(x: list[Any] | None, count: int) -> list[Any]:
    """[count]: the middles of edges, inner ones of two more."""
    if x is None or not 0 <= len(x) - count <= 2:
        return list(range(count))
    if len(x) == count + 1:
        return [(a + b) / 2 for a, b in itertools.pairwise(x)]
    return x[1:-1] if len(x) == count + 2 else x


def _mean_and_half_width(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Over pictures [B, n]; NaN is left out, and the half width of one picture is NaN."""
    count = (~rows.isnan()).sum(0)
    mean = rows.nanmean(0)
    variance = (rows - mean).square().nansum(0) / (count - 1)
    return mean, Z95 * (variance / count).sqrt()


def _draw_curve(ax: Any, x: list[Any], mean: Tensor, half_width: Tensor, label: str) -> None:
    if isinstance(x[0], str):
        ax.errorbar(x, mean, half_width.nan_to_num(0), fmt="o", capsize=3, label=label)
        ax.tick_params(axis="x", rotation=45)
        return
    line, = ax.plot(x, mean, marker="." if len(x) < 25 else "", label=label)
    ax.fill_between(x, mean - half_width, mean + half_width, alpha=0.2, color=line.get_color(), linewidth=0)


def _curves(ax: Any, answer: "Answer", field: str, notes: dict[str, Any]) -> None:
    dims, value = notes["dims"].split(), getattr(answer, field)
    names = getattr(answer, notes["names"]) if "names" in notes else None
    x = getattr(answer, notes["x"]) if "x" in notes else None
    tensor = torch.as_tensor(value).double()
    along = _along(dims, tensor.shape, x, names is not None)
    series = [k for k in range(len(dims)) if k != along and dims[k] != "picture"]
    order = [*series, *(k for k in range(len(dims)) if k not in series and k != along), along]
    tensor = tensor.permute(order)
    # A named error is a standard one; `half_width` is that of the interval already.
    errors = (getattr(answer, notes["error"]).double().permute(order) * (1 if notes["error"] == "half_width" else Z95)
              if "error" in notes else None)
    places = names if names is not None and not series else _positions(x, tensor.shape[-1])
    for at in itertools.product(*(range(n) for n in tensor.shape[:len(series)])):
        if tensor.dim() > len(series) + 1:
            mean, half_width = _mean_and_half_width(tensor[at])
        else:
            mean = tensor[at]
            half_width = errors[at] if errors is not None else torch.full_like(mean, float("nan"))
        labels = [names[i] if names is not None and k == 0 else i for k, i in enumerate(at)]
        text = ", ".join(f"{dims[k]} {label}" for k, label in zip(series, labels, strict=True))
        _draw_curve(ax, places, mean, half_width, text or field)
    ax.set_xlabel(_label(answer, notes["x"]) if x is not None else dims[along])
    ax.set_ylabel(_label(answer, field))
    if len(ax.get_legend_handles_labels()[1]) > 1:
        ax.legend()


def _map(ax: Any, answer: "Answer", field: str, notes: dict[str, Any], index: tuple[int, ...]) -> None:
    maps = getattr(answer, field).double()
    one = maps[index + (0,) * (maps.dim() - 2 - len(index))]
    largest = float(one.abs().nan_to_num(0).max())
    colours = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest} if "is_signed" in notes else {}
    ax.figure.colorbar(ax.imshow(one, **colours), ax=ax, label=_label(answer, field))
    unit = "tiles" if field == "importance" else "px"
    ax.set_xlabel(f"x ({unit})")
    ax.set_ylabel(f"y ({unit})")


def drawable(answer: "Answer") -> dict[str, Any]:
    """The fields that are curves or maps, with their notes: numbers over some dimension that are not positions."""
    notes = _notes(answer)
    positions = {one.get(key) for one in notes.values() for key in ("x", "names", "error")}
    found = {}
    for name, one in notes.items():
        value = getattr(answer, name)
        numeric = (isinstance(value, Tensor) and value.numel() > 0) or (
            isinstance(value, list) and value != [] and all(isinstance(number, float) for number in value))
        if one["dims"] and numeric and name not in positions | {"log_snrs"} and "channel" not in one["dims"].split():
            found[name] = one
    return found


def draw(answer: "Answer", field: str | None, ax: Any, index: tuple[int, ...]) -> Any:
    """A field of an answer on axes, new ones if `ax` is None. Raises ValueError for what cannot be drawn."""
    can = drawable(answer)
    if not can or (field is not None and field not in can):
        raise ValueError(f"expected one of {', '.join(can) or 'no field'} of {type(answer).__name__} to draw, "
                         f"got {field}")
    chosen = field or next(iter(can))
    if ax is not None and not hasattr(ax, "imshow"):
        raise TypeError(f"expected matplotlib axes for ax, got {type(ax).__name__}")
    ax = _new_axes() if ax is None else ax
    notes = can[chosen]
    if notes["dims"].endswith("y x"):
        _map(ax, answer, chosen, notes, index)
    else:
        _curves(ax, answer, chosen, notes)
    return ax
