"""Results as matplotlib axes: which fields have a figure, over what, and in which units."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Z95 = 1.96  # half of a normal's 95 % interval, in standard errors


@dataclass(frozen=True)
class Curves:
    """A field over positions.

    `dims` names its dimensions: along "x" curves run, over "picture" they are averaged and shown with the 95 % interval
    of the mean, everything else is a curve each.
    """

    dims: str
    label: str               # of the y-axis, with its unit
    x: str = "log_snrs"      # the field of the positions, or of their edges; "": numbers
    x_label: str = "log-SNR (nats)"
    first: int = 0           # the first number
    names: str = ""          # a field that names the curves
    error: str = ""          # a field of errors
    errors: float = Z95      # in a 95 % interval's half width


@dataclass(frozen=True)
class Maps:
    """A field [..., H, W]: one of its maps with a colour bar."""

    label: str               # of the colours, with their unit
    is_signed: bool = False
    unit: str = "px"         # of both axes


CHANGE = "squared change (pixel units squared)"
IOU = "IoU with the donor's object"
PLAYER = "player (0: initial noise)"

FIGURES: dict[str, dict[str, Curves | Maps]] = {
    "ConditioningLocality": {"change": Maps("RMS change (pixel units)"), "corrected": Maps("corrected p")},
    "Counterfactual": {"change": Maps(CHANGE)},
    "Evidence": {
        "decision": Curves("x picture", "p(own version)"), "entropy": Curves("x picture", "entropy (nats)"),
        "entropy_rate": Curves("x picture", "entropy rate (nats per log-SNR)"),
        "profile": Curves("x picture", "evidence (nats a step)"), "compensated": Maps("evidence (nats a pixel)"),
        "realised": Maps("evidence (nats a pixel)", is_signed=True)},
    "GuidanceAnatomy": {
        "norm": Curves("x picture", "|D_c - D_u| (pixel units)"), "cosine": Curves("x picture", "cosine"),
        "parallel_share": Curves("x picture", "share along the estimate"),
        "bands": Curves("x picture band", "share of the energy")},
    "GuidanceInformation": {"map": Maps("{unit} a pixel"), "profile": Curves("x picture", "{unit} a step")},
    "GuidanceSweep": {"gain": Curves("scale picture x", "energy over that at scale 1", "", "band (0: coarsest)",
                                     names="scales")},
    "InformationMaps": {
        "map": Maps("information (nats a pixel)"), "signed_map": Maps("information (nats a pixel)", is_signed=True),
        "profile": Curves("reference x picture", "information (nats a cell)", "edges"),
        "kappa": Curves("reference x", "kappa (1: calibrated)", "edges", error="kappa_error")},
    "NoiseSobol": {
        "total": Curves("x score", "total index", "", PLAYER, error="total_error"),
        "first": Curves("x score", "first-order index", "", PLAYER, error="first_error")},
    "NoiseStatistics": {"values": Curves("picture x", "value", "names", "statistic")},
    "NoiseTests": {"corrected": Curves("x", "corrected p", "names", "test")},
    "NoiseTiles": {"importance": Maps(CHANGE, unit="tiles")},
    "PerturbationCurves": {
        "insertion": Curves("picture x", "score", "shares", "share of the pixels kept"),
        "deletion": Curves("picture x", "score", "shares", "share of the pixels removed")},
    "PosteriorComponents": {"variances": Curves("x picture", "variance (pixel units squared)", "", "component")},
    "PredictionTests": {"z": Curves("x statistic", "z", names="names"),
                        "corrected": Curves("x statistic", "corrected p", names="names")},
    "ReadOut": {"difference": Curves("null x word", "score over null runs", "", "step", names="nulls",
                                     error="half_width", errors=1)},
    "Rewound": {"change": Maps(CHANGE), "divergence": Curves("x picture", "RMS difference (pixel units)", "",
                                                             "step after the alteration")},
    "Schedule": {"sigma": Curves("x", "sigma", "", "timestep t", 1), "beta": Curves("x", "beta", "", "timestep t", 1),
                 "alpha_bar": Curves("x", "alpha_bar", "", "timestep t", 1)},
    "SmoothDeficit": {"smooth": Maps("smooth")},
    "SobolIndices": {
        "total": Curves("x score", "total index", "", "player", error="total_error"),
        "first": Curves("x score", "first-order index", "", "player", error="first_error")},
    "SpectralEmergence": {"coherence": Curves("x band", "squared coherence")},
    "TrajectoryGeometry": {
        "angle": Curves("x picture", "angle from the first state (degrees)"),
        "turning": Curves("x picture", "turning (degrees a step)"),
        "speed": Curves("x picture", "speed (pixel units per log-SNR)"), "commitment": Maps("log-SNR (nats)")},
    "Transplant": {"before": Curves("x", IOU, "", "pair"), "after": Curves("x", IOU, "", "pair"),
                   "control": Curves("x", IOU, "", "pair")},
    "UTurns": {"kept": Curves("x picture factor", "share kept"), "susceptibility": Maps(CHANGE)},
    "VarianceShares": {
        name: Curves("x", "share of the variance", "", "attribute", error=name + "_error")
        for name in ("seed", "prompt", "interaction")},
    "WeightRandomisation": {
        "correlation": Curves("x kind picture", "rank correlation", "layers", "layer shuffled last"),
        "own_correlation": Curves("x kind picture", "rank correlation", "layers", "layer shuffled last")},
    "WindowAttribution": {
        name: Curves("picture x", "value", "edges") for name in ("shapley", "knock_out", "alone")},
}


def _new_axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("figures need matplotlib, which is not installed: pip install noisescope[figures]") from None
    return plt.subplots(layout="constrained")[1]


def _positions(figure: Curves, values: Mapping[str, Any], count: int) -> list[Any]:
    """[count]: middles of edges, inner ones of two more."""
    x = list(values.get(figure.x, range(figure.first, figure.first + count)))
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


def _curve_name(series: list[str], at: tuple[int, ...], names: Any) -> str:
    """"scale 2.0", "null no prompt, word 1": the first dimension by its names, if it has some."""
    labels = [names[i] if names and k == 0 else i for k, i in enumerate(at)]
    return ", ".join(f"{dim} {label}" for dim, label in zip(series, labels, strict=True))


def _draw_curves(ax: Any, figure: Curves, field: str, values: Mapping[str, Any]) -> None:
    dims = figure.dims.split()
    series = [d for d in dims if d not in ("x", "picture")]
    order = [dims.index(d) for d in (*series, *(d for d in ("picture", "x") if d in dims))]
    tensor = values[field].double().permute(order)
    errors = values[figure.error].double().permute(order) * figure.errors if figure.error else None
    x = _positions(figure, values, tensor.shape[-1])
    for at in itertools.product(*(range(n) for n in tensor.shape[:len(series)])):
        if "picture" in dims:
            mean, half_width = _mean_and_half_width(tensor[at])
        else:
            mean = tensor[at]
            half_width = errors[at] if errors is not None else torch.full_like(mean, float("nan"))
        _draw_curve(ax, x, mean, half_width, _curve_name(series, at, values.get(figure.names)) or field)
    ax.set_xlabel(figure.x_label if not figure.x or figure.x in values else "step")
    ax.set_ylabel(figure.label.format_map(values))
    if len(ax.get_legend_handles_labels()[1]) > 1:
        ax.legend()


def _draw_map(ax: Any, figure: Maps, field: str, values: Mapping[str, Any], index: tuple[int, ...]) -> None:
    maps = values[field].double()
    one = maps[index + (0,) * (maps.dim() - 2 - len(index))]
    largest = float(one.abs().nan_to_num(0).max())
    colours = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest} if figure.is_signed else {}
    image = ax.imshow(one, **colours)
    ax.figure.colorbar(image, ax=ax, label=figure.label.format_map(values))
    ax.set_xlabel(f"x ({figure.unit})")
    ax.set_ylabel(f"y ({figure.unit})")


def draw(name: str, values: Mapping[str, Any], field: str | None, ax: Any, index: tuple[int, ...]) -> Any:
    """A field of a result on matplotlib axes, new ones if `ax` is None. Raises ValueError for what has no figure."""
    figures = {key: figure for key, figure in FIGURES.get(name, {}).items() if key in values}
    if not figures or (field is not None and field not in figures):
        raise ValueError(f"expected one of {', '.join(figures) or 'no field'} of {name} to draw, got {field}")
    chosen = field or next(iter(figures))
    if ax is not None and not hasattr(ax, "imshow"):
        raise TypeError(f"expected matplotlib axes for ax, got {type(ax).__name__}")
    ax = _new_axes() if ax is None else ax
    figure = figures[chosen]
    if isinstance(figure, Curves):
        _draw_curves(ax, figure, chosen, values)
    else:
        _draw_map(ax, figure, chosen, values, index)
    return ax
