"""Metrics of explanations: maps [B, H, W] against masks [B, H, W] bool, and against what a score does."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._arguments import Progress, Score, core_of, mask_of
from noisescope._core import Denoiser
from noisescope._keywords import takes_options
from noisescope._options import FaithfulnessOptions, PixelFlippingOptions
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import sink
from noisescope.result import Result
from noisescope.run import Run

__all__ = ["best_iou", "edge_maps", "faithfulness", "infidelity", "iou", "localisation_auc", "own_part",
           "pixel_flipping", "pointing_game", "random_maps", "randomise_all", "randomise_cascade", "relevance_mass",
           "relevance_rank", "sensitivity"]


def pointing_game(map: Any, mask: Any) -> Tensor:
    """1 where the one largest value lies in the mask, [B]; ties are misses. Null value: the mask's share."""
    return _core.pointing_game(tensor_of(map, "map"), mask_of(mask))


def localisation_auc(map: Any, mask: Any) -> Tensor:
    """P(a pixel inside has a larger value than one outside), [B]. Null value 1/2."""
    return _core.localisation_auc(tensor_of(map, "map"), mask_of(mask))


def iou(map: Any, mask: Any, threshold: float = 0.4) -> Tensor:
    """Intersection over union with the pixels above a threshold of the map's range, [B]."""
    return _core.iou(tensor_of(map, "map"), mask_of(mask), threshold)


def best_iou(map: Any, mask: Any) -> Tensor:
    """The largest IoU over all thresholds, [B]. Null value: the mask's share."""
    return _core.best_iou(tensor_of(map, "map"), mask_of(mask))


def relevance_mass(map: Any, mask: Any) -> Tensor:
    """Share of the map's sum inside the mask, [B] (Arras et al. 2022, arXiv:2003.07258)."""
    return _core.relevance_mass(tensor_of(map, "map"), mask_of(mask))


def relevance_rank(map: Any, mask: Any) -> Tensor:
    """Share of the |mask| largest values that lie inside, [B]."""
    return _core.relevance_rank(tensor_of(map, "map"), mask_of(mask))


def _with_sample(score: Score) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda pictures, sample: score(pictures)


@takes_options("faithfulness")
def faithfulness(score: Score, pictures: Any, maps: Any, *, removal: Any = "noise", seed: int = 0,
                 progress: Progress = None, **options: Unpack[FaithfulnessOptions]) -> dict[str, Result]:
    """Insertion and deletion curves of maps [B, H, W], beside random, edge and constant maps.

    `score(pictures [M, C, H, W])` gives [M]. `removal`: "noise" (matched), a pixel value, or (denoiser, condition
    [B, D]) to refill in distribution. Each Result: shares, insertion, deletion [B, S], area_between [B] (higher =
    better, null value 0).
    """
    found = _core.faithfulness(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                               options, sink(progress))
    return {name: Result("PerturbationCurves", curves) for name, curves in found.items()}


@takes_options("pixel_flipping")
def pixel_flipping(score: Score, pictures: Any, maps: Any, *, removal: Any = "noise",
                   seed: int = 0, progress: Progress = None, **options: Unpack[PixelFlippingOptions]) -> Tensor:
    """Scores [B, steps] while pixels leave in order of falling relevance (Bach et al. 2015); sooner down = better."""
    return _core.pixel_flipping(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                                options, sink(progress))


def sensitivity(maps_of: Score, pictures: Any, *, radius: float = 0.02, draws: int = 10,
                seed: int = 0, progress: Progress = None) -> Result:
    """Relative change of maps under small changes of the pictures (Yeh et al. 2019, arXiv:1901.09392): max, mean [B].
    A constant map has 0, which is no merit."""
    return Result("Sensitivity", _core.sensitivity(maps_of, pictures_of(pictures), radius, draws, seed,
                                                   sink(progress)))


def infidelity(score: Score, pictures: Any, maps: Any, perturbations: Any, *, progress: Progress = None) -> Result:
    """Do a map's values add up to what the score does (Yeh et al. 2019, arXiv:1901.09392)? [B] in units of the score
    squared, 0 = perfect: raw, and scaled, of the map times the factor that suits its picture best.

    maps [B, C, H, W] (or [B, 1, H, W] for all channels alike); perturbations [N, B, C, H, W], which are taken off.
    """
    return Result("Infidelity", _core.infidelity(
        _with_sample(score), pictures_of(pictures), pictures_of(maps, "maps"),
        tensor_of(perturbations, "perturbations"), sink(progress)))


def randomise_all(run: Run, maps: Callable[[Denoiser], Tensor], *, shuffles: int = 1, seed: int = 0,
                  progress: Progress = None) -> Result:
    """Do maps change when the network's weights are shuffled (Adebayo et al. 2018, arXiv:1810.03292)?

    `maps(denoiser)` gives K kinds of maps of B pictures, [K, B, H, W]. Fields: rank correlation with the maps of the
    network as it is, correlation [S, K, B], S shuffles, and own_correlation of `own_part`. Null value 0.
    """
    return Result("WeightRandomisation", _core.randomise_all(core_of(run, Run, "run"), maps, shuffles, seed,
                                                             sink(progress)))


def randomise_cascade(run: Run, maps: Callable[[Denoiser], Tensor], *, seed: int = 0,
                      progress: Progress = None) -> Result:
    """The same for the `layers` [S] from output to input, each shuffled on top of those before it."""
    return Result("WeightRandomisation", _core.randomise_cascade(core_of(run, Run, "run"), maps, seed, sink(progress)))


def own_part(maps: Any) -> Tensor:
    """What a map says of its picture and not of any: maps [K, B, H, W], each over its mean size, less their mean over
    the B >= 2 pictures."""
    return _core.own_part(tensor_of(maps, "maps"))


def random_maps(height: int, width: int, sample_ids: Sequence[int], *, seed: int = 0) -> Tensor:
    """Uniform pixels [B, height, width] float64: a map that knows nothing. Map k depends on (seed, sample_ids[k])."""
    return _core.random_maps(height, width, list(sample_ids), seed)


def edge_maps(pictures: Any) -> Tensor:
    """Length of the Sobel gradient of pictures [B, C, H, W], [B, H, W] float64: a map that knows no model."""
    return _core.edge_maps(pictures_of(pictures))
