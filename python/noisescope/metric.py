"""Metrics of explanations: maps [B, H, W] against masks [B, H, W] bool, and against what a score does."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from noisescope import _core
from noisescope._keywords import takes_options
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import ProgressSink, sink
from noisescope.result import Result

__all__ = ["best_iou", "faithfulness", "iou", "localisation_auc", "pixel_flipping", "pointing_game", "relevance_mass",
           "relevance_rank", "sensitivity"]

Progress = ProgressSink | bool | None


def _mask(mask: Any) -> Tensor:
    tensor = torch.as_tensor(mask)
    if tensor.dtype != torch.bool:
        raise TypeError(f"expected a bool mask, got {tensor.dtype}")
    return tensor


def pointing_game(map: Any, mask: Any) -> Tensor:
    """1 where the one largest value lies in the mask, [B]; ties are misses. Null value: the mask's share."""
    return _core.pointing_game(tensor_of(map, "map"), _mask(mask))


def localisation_auc(map: Any, mask: Any) -> Tensor:
    """P(a pixel inside has a larger value than one outside), [B]. Null value 1/2."""
    return _core.localisation_auc(tensor_of(map, "map"), _mask(mask))


def iou(map: Any, mask: Any, threshold: float = 0.4) -> Tensor:
    """Intersection over union with the pixels above a threshold of the map's range, [B]."""
    return _core.iou(tensor_of(map, "map"), _mask(mask), threshold)


def best_iou(map: Any, mask: Any) -> Tensor:
    """The largest IoU over all thresholds, [B]. Null value: the mask's share."""
    return _core.best_iou(tensor_of(map, "map"), _mask(mask))


def relevance_mass(map: Any, mask: Any) -> Tensor:
    """Share of the map's sum inside the mask, [B] (Arras et al. 2022, arXiv:2003.07258)."""
    return _core.relevance_mass(tensor_of(map, "map"), _mask(mask))


def relevance_rank(map: Any, mask: Any) -> Tensor:
    """Share of the |mask| largest values that lie inside, [B]."""
    return _core.relevance_rank(tensor_of(map, "map"), _mask(mask))


def _with_sample(score: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda pictures, sample: score(pictures)


@takes_options("faithfulness")
def faithfulness(score: Callable[[Tensor], Tensor], pictures: Any, maps: Any, *, removal: Any = "noise", seed: int = 0,
                 progress: Progress = None, **options: Any) -> dict[str, Result]:
    """Insertion and deletion curves of maps [B, H, W], beside random, edge and constant maps.

    `score(pictures [M, C, H, W])` gives [M]. `removal`: "noise" (matched), a pixel value, or (denoiser, condition
    [B, D]) to refill in distribution. Each Result: shares, insertion, deletion [B, S], area_between [B] (higher =
    better, null value 0).
    """
    found = _core.faithfulness(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                               options, sink(progress))
    return {name: Result("PerturbationCurves", curves) for name, curves in found.items()}


@takes_options("pixel_flipping")
def pixel_flipping(score: Callable[[Tensor], Tensor], pictures: Any, maps: Any, *, removal: Any = "noise",
                   seed: int = 0, progress: Progress = None, **options: Any) -> Tensor:
    """Scores [B, steps] while pixels leave in order of falling relevance (Bach et al. 2015); sooner down = better."""
    return _core.pixel_flipping(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                                options, sink(progress))


def sensitivity(maps_of: Callable[[Tensor], Tensor], pictures: Any, *, radius: float = 0.02, draws: int = 10,
                seed: int = 0, progress: Progress = None) -> Result:
    """Relative change of maps under small changes of the pictures (Yeh et al. 2019, arXiv:1901.09392): max, mean [B].
    A constant map has 0, which is no merit."""
    return Result("Sensitivity", _core.sensitivity(maps_of, pictures_of(pictures), radius, draws, seed,
                                                   sink(progress)))
