"""Metrics of explanations: maps [B, H, W] against masks [B, H, W] bool, and against what a score does."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._answers import Infidelity, PerturbationCurves, Sensitivity, WeightRandomisation
from noisescope._arguments import Score, Watch, core_of, mask_of
from noisescope._core import Denoiser
from noisescope._keywords import takes_options
from noisescope._options import FlippingOptions, PerturbationOptions
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import sink
from noisescope.run import Run

__all__ = ["best_iou", "edge_maps", "faithfulness", "infidelity", "iou", "localisation_auc", "own_part",
           "pixel_flipping", "pointing_game", "random_maps", "randomise_all", "randomise_cascade", "relevance_mass",
           "relevance_rank", "sensitivity"]


def pointing_game(maps: Any, mask: Any) -> Tensor:
    """1 where the one largest value lies in the mask, [B]; ties are misses. Null value: the mask's share."""
    return _core.pointing_game(tensor_of(maps, "maps"), mask_of(mask))


def localisation_auc(maps: Any, mask: Any) -> Tensor:
    """P(a pixel inside has a larger value than one outside), [B]. Null value 1/2."""
    return _core.localisation_auc(tensor_of(maps, "maps"), mask_of(mask))


def iou(maps: Any, mask: Any, threshold: float = 0.4) -> Tensor:
    """Intersection over union with the pixels above a threshold of the map's range, [B]. The default has no meaning
    of its own: `best_iou` asks for all thresholds."""
    return _core.iou(tensor_of(maps, "maps"), mask_of(mask), threshold)


def best_iou(maps: Any, mask: Any) -> Tensor:
    """The largest IoU over all thresholds, [B]. Null value: the mask's share."""
    return _core.best_iou(tensor_of(maps, "maps"), mask_of(mask))


def relevance_mass(maps: Any, mask: Any) -> Tensor:
    """Share of the map's sum inside the mask, [B] (Arras et al. 2022, arXiv:2003.07258). Raises ValueError for
    negative values: of a signed map give the positive part, `maps.clamp(min=0)`."""
    return _core.relevance_mass(tensor_of(maps, "maps"), mask_of(mask))


def relevance_rank(maps: Any, mask: Any) -> Tensor:
    """Share of the |mask| largest values that lie inside, [B]."""
    return _core.relevance_rank(tensor_of(maps, "maps"), mask_of(mask))


def _with_sample(score: Score) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda pictures, sample: score(pictures)


@takes_options("faithfulness")
def faithfulness(score: Score, pictures: Any, maps: Any, *, removal: Any = "noise", seed: int = 0,
                 progress: Watch = None, **options: Unpack[PerturbationOptions]) -> dict[str, PerturbationCurves]:
    """Insertion and deletion curves of maps [B, H, W], beside random, edge and constant maps.

    `score(pictures [M, C, H, W])` gives [M]. `removal`: "noise" (matched), a pixel value, or (denoiser, condition
    [B, D]) to refill in distribution. By name: map, random, edges, constant.
    """
    return _core.faithfulness(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                              options, sink(progress))


@takes_options("pixel_flipping")
def pixel_flipping(score: Score, pictures: Any, maps: Any, *, removal: Any = "noise",
                   seed: int = 0, progress: Watch = None, **options: Unpack[FlippingOptions]) -> Tensor:
    """Scores [B, steps] while pixels leave in order of falling relevance (Bach et al. 2015); sooner down = better."""
    return _core.pixel_flipping(_with_sample(score), removal, pictures_of(pictures), tensor_of(maps, "maps"), seed,
                                options, sink(progress))


def sensitivity(maps_of: Score, pictures: Any, *, radius: float = 0.02, draws: int = 10,
                seed: int = 0, progress: Watch = None) -> Sensitivity:
    """Relative change of maps under small changes of the pictures (Yeh et al. 2019, arXiv:1901.09392): max, mean [B].
    A constant map has 0, which is no merit."""
    return _core.sensitivity(maps_of, pictures_of(pictures), radius, draws, seed, sink(progress))


def infidelity(score: Score, pictures: Any, maps: Any, perturbations: Any, *, progress: Watch = None) -> Infidelity:
    """Do a map's values add up to what the score does (Yeh et al. 2019, arXiv:1901.09392)? [B] in units of the score
    squared, 0 = perfect: raw, and scaled, of the map times the factor that suits its picture best.

    maps [B, C, H, W] (or [B, 1, H, W] for all channels alike); perturbations [N, B, C, H, W], which are taken off.
    """
    return _core.infidelity(_with_sample(score), pictures_of(pictures), pictures_of(maps, "maps"),
                            tensor_of(perturbations, "perturbations"), sink(progress))


def randomise_all(run: Run, maps: Callable[[Denoiser], Tensor], *, shuffles: int = 1, seed: int = 0,
                  progress: Watch = None) -> WeightRandomisation:
    """Do maps change when the network's weights are shuffled (Adebayo et al. 2018, arXiv:1810.03292)?

    `maps(denoiser)` gives K kinds of maps of B pictures, [K, B, H, W].
    """
    return _core.randomise_all(core_of(run, Run, "run"), maps, shuffles, seed, sink(progress))


def randomise_cascade(run: Run, maps: Callable[[Denoiser], Tensor], *, seed: int = 0,
                      progress: Watch = None) -> WeightRandomisation:
    """The same for the layers from output to input, each shuffled on top of those before it."""
    return _core.randomise_cascade(core_of(run, Run, "run"), maps, seed, sink(progress))


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
