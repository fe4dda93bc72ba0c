"""Explanation methods. Each is proved on the exact world (`noisescope verify`) and has a page in docs/methods.

Methods take a denoiser (a run's, the world's, or a Python function through `noisescope.denoiser`), pictures
[B, C, H, W] and conditions [B, D]. What needs a sampling run starts from a `SamplingRun`. Answers are `Result`s with
the fields of the C++ struct of the same name; L levels, K versions, S steps.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
import torch

from noisescope import _core
from noisescope._core import Denoiser, EditFriendlyInversion
from noisescope._keywords import takes_options
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import ProgressSink, sink
from noisescope.result import Result

__all__ = [
    "EditFriendlyInversion", "SamplingRun", "conditioning_locality", "filter_noising_paths", "information_maps",
    "invert_ddim", "invert_edit_friendly", "posterior_components", "replay", "seed_shares", "speciation_log_snr",
    "test_noise", "u_turns",
]

Progress = ProgressSink | bool | None
Ids = Sequence[int] | None


def _ids(ids: Ids) -> list[int] | None:
    return None if ids is None else [int(i) for i in ids]


def _own(own: Any, count: int) -> Tensor:
    tensor = torch.as_tensor(own)
    if tensor.is_floating_point() or tensor.is_complex():
        raise TypeError(f"expected integers for own, the version that each picture shows, got {tensor.dtype}")
    return tensor.to(torch.int64).expand(count)


def _columns(score: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """[B] as [B, 1]."""
    def columns(pictures: Tensor) -> Tensor:
        values = score(pictures)
        return values[:, None] if isinstance(values, Tensor) and values.dim() == 1 else values

    return columns


@takes_options("filter_noising_paths")
def filter_noising_paths(denoiser: Denoiser, pictures: Any, conditions: Any, own: Any, *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None, **options: Any) -> Result:
    """Evidence filtering: which pixels, at which noise level, decided a word against its alternatives.

    conditions [K, B, D]: the prompt with each version of the word; own [B] (or one int): the version that is true.
    One noising path a picture; repeat pictures with different sample_ids for more paths. K evaluations a step.
    Fields: log_snrs [N], decision [N, B] (p of the own version so far), entropy [N, B], entropy_rate [N - 1, B],
    half_points [B], log_posterior [N, B, K], profile [N - 1, B], compensated and realised [B, H, W] in nats,
    realised_total [B] = ln p_end + ln K, completeness_gap [B].
    """
    batch = pictures_of(pictures)
    return Result("Evidence", _core.filter_noising_paths(
        denoiser, batch, tensor_of(conditions, "conditions"), _own(own, len(batch)), seed, _ids(sample_ids), options,
        sink(progress)))


@takes_options("information_maps")
def information_maps(denoiser: Denoiser, pictures: Any, condition: Any, references: Any, *, seed: int = 0,
                     sample_ids: Ids = None, progress: Progress = None, **options: Any) -> Result:
    """Nats a pixel that the prompt, or a word of it, says (Kong et al. 2024, arXiv:2310.07972).

    condition [B, D]: the full prompt; references [R, B, D]: what it is held against (no prompt, the prompt less a
    word). On a network the total may exceed what is possible: look at kappa [R, L], 1 where it is calibrated.
    Fields: edges [L + 1] log-SNR, map and signed_map [R, B, H, W], profile [R, L, B], total [R, B], kappa,
    kappa_error.
    """
    return Result("InformationMaps", _core.information_maps(
        denoiser, pictures_of(pictures), tensor_of(condition, "condition"), tensor_of(references, "references"), seed,
        _ids(sample_ids), options, sink(progress)))


@takes_options("u_turns")
def u_turns(denoiser: Denoiser, pictures: Any, condition: Any, keeps: Callable[[Tensor], Tensor], *, seed: int = 0,
            sample_ids: Ids = None, progress: Progress = None, **options: Any) -> Result:
    """Noise to a level, regenerate, see what survives (Sclocchi et al. 2024, arXiv:2402.16991).

    `keeps(regenerated)` gives [B] or [B, F] in [0, 1]: what each kept of its original. Fields: log_snrs [L],
    kept [L, B, F], retention [L, F], susceptibility [L, B, H, W].
    """
    return Result("UTurns", _core.u_turns(denoiser, pictures_of(pictures), tensor_of(condition, "condition"), _columns(keeps),
                                          seed, _ids(sample_ids), options, sink(progress)))


@takes_options("conditioning_locality")
def conditioning_locality(denoiser: Denoiser, pictures: Any, conditions: Any, own: Any, *, seed: int = 0,
                          sample_ids: Ids = None, progress: Progress = None, **options: Any) -> Result:
    """Which pixels' denoising depends on a word, at which level, against an exact permutation null.

    conditions [K, B, D], own as in filter_noising_paths. Fields: log_snrs [L], change, p, corrected and dependent
    (bool), [L, B, H, W].
    """
    batch = pictures_of(pictures)
    return Result("ConditioningLocality", _core.conditioning_locality(
        denoiser, batch, tensor_of(conditions, "conditions"), _own(own, len(batch)), seed, _ids(sample_ids), options,
        sink(progress)))


@takes_options("posterior_components")
def posterior_components(denoiser: Denoiser, x: Any, sigma: Any, condition: Any, *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None, **options: Any) -> Result:
    """Principal components of x_0 given the noisy x at sigma [B] (Manor & Michaeli 2024, arXiv:2309.13598).

    Fields: directions [k, B, C, H, W] orthonormal, variances [k, B] falling, pixel units squared.
    """
    return Result("PosteriorComponents", _core.posterior_components(
        denoiser, pictures_of(x, "x"), tensor_of(sigma, "sigma"), tensor_of(condition, "condition"), seed,
        _ids(sample_ids), options, sink(progress)))


@takes_options("invert_ddim")
def invert_ddim(denoiser: Denoiser, pictures: Any, condition: Any, sigmas: Sequence[float], *,
                progress: Progress = None, **options: Any) -> Tensor:
    """x at sigmas[0] from which DDIM draws the pictures, nearly (error of first order in the step)."""
    return _core.invert_ddim(denoiser, pictures_of(pictures), tensor_of(condition, "condition"), list(sigmas), options,
                             sink(progress))


def invert_edit_friendly(denoiser: Denoiser, pictures: Any, condition: Any, sigmas: Sequence[float], *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None) -> EditFriendlyInversion:
    """Noise for every step with which the ancestral sampler draws the pictures (Huberman-Spiegelglas et al. 2024,
    arXiv:2304.06140): states, noises, remainder. `replay` draws them again, or an edit of them."""
    return _core.invert_edit_friendly(denoiser, pictures_of(pictures), tensor_of(condition, "condition"), list(sigmas),
                                      seed, _ids(sample_ids), sink(progress))


def replay(denoiser: Denoiser, condition: Any, inversion: EditFriendlyInversion, *, first_step: int = 0,
           progress: Progress = None) -> Tensor:
    """The pictures of an inversion, to rounding, under its own condition; an edit under another one."""
    return _core.replay(denoiser, tensor_of(condition, "condition"), inversion, first_step, sink(progress))


def test_noise(noise: Any) -> Result:
    """Is this standard normal noise? [B, C, H, W]; p [B, T] of `names` [T], combined [T], corrected [T] (Holm).

    Not for predicted noise, whose null is no standard normal.
    """
    return Result("NoiseTests", _core.test_noise(pictures_of(noise, "noise")))


test_noise.__test__ = False  # type: ignore[attr-defined]  # no test, although its name begins like one


def seed_shares(grid: Any) -> Result:
    """Share of an attribute's variance that seed, prompt and both together explain, of a grid [S, P, F] of every seed
    with every prompt; standard errors by jackknife."""
    return Result("VarianceShares", _core.seed_shares(tensor_of(grid, "grid")))


def speciation_log_snr(pictures: Any) -> float:
    """log-SNR at which the leading direction of the data comes out of the noise (Biroli et al. 2024,
    arXiv:2402.18491): -ln of the largest eigenvalue of the covariance of pictures [N, C, H, W]."""
    return float(_core.speciation_log_snr(pictures_of(pictures)))


class SamplingRun:
    """All of a sampling run of B pictures, to be watched, repeated and altered.

    condition [B, D]; null_condition [B, D] or [1, D]; image_shape (C, H, W). `sampler` and `guidance`: options as in
    `sample`. Every method draws from the same noise, (seed, sample_ids).
    """

    def __init__(self, denoiser: Denoiser, condition: Any, null_condition: Any, *, image_shape: Sequence[int],
                 sigmas: Sequence[float], seed: int = 0, sample_ids: Ids = None,
                 sampler: dict[str, Any] | None = None, guidance: dict[str, Any] | None = None) -> None:
        self._core = _core.SamplingRun(denoiser, tensor_of(condition, "condition"),
                                       tensor_of(null_condition, "null_condition"), list(image_shape), list(sigmas),
                                       seed, _ids(sample_ids), sampler or {}, guidance or {})

    @property
    def initial(self) -> Tensor:
        """The initial noise [B, C, H, W], standard normal."""
        return self._core.initial

    def draw(self, *, progress: Progress = None) -> Tensor:
        """The pictures."""
        return self._core.draw(sink(progress))

    def guidance_information(self, masks: Any = None, *, progress: Progress = None) -> Result:
        """Where and when the prompt spoke: map [B, H, W], profile [S, B], total [B], half_points [B], unit ("nats" at
        guidance scale 1, else "guidance_energy"); regions [S, B, R] inside `masks` [B, R, H, W]."""
        weights = None if masks is None else torch.as_tensor(masks)
        return Result("GuidanceInformation", self._core.guidance_information(weights, sink(progress)))

    def guidance_anatomy(self, bands: int = 4, *, progress: Progress = None) -> Result:
        """What guidance is made of: norm, cosine, parallel_share [S, B], bands [S, B, R]."""
        return Result("GuidanceAnatomy", self._core.guidance_anatomy(bands, sink(progress)))

    @takes_options("attribute_to_windows")
    def attribute_to_windows(self, values: Sequence[Callable[[Tensor], Tensor] | None] = (None,), *, seed: int = 0,
                             progress: Progress = None, **options: Any) -> list[Result]:
        """Knock-out and Shapley value of windows of noise levels. A value gives [B] numbers of pictures; None is the
        likeness to the guided picture, which punishes repainting. Fields: edges [K + 1], knock_out, alone, shapley
        [B, K]."""
        found = self._core.attribute_to_windows(list(values), seed, options, sink(progress))
        return [Result("WindowAttribution", one) for one in found]

    def trajectory_geometry(self, tolerance: float = 0.1, *, progress: Progress = None) -> Result:
        """Plane energy [B], angle [S, B], turning, speed, commitment [B, H, W] (log-SNR)."""
        return Result("TrajectoryGeometry", self._core.trajectory_geometry(tolerance, sink(progress)))

    @takes_options("draw_counterfactual")
    def draw_counterfactual(self, altered: Any, *, progress: Progress = None, **options: Any) -> Result:
        """The same noise with another condition [B, D]: pictures, altered, change [B, H, W], changed (bool)."""
        return Result("Counterfactual", self._core.draw_counterfactual(tensor_of(altered, "altered"), options,
                                                                       sink(progress)))

    @takes_options("noise_sobol")
    def noise_sobol(self, scores: Callable[[Tensor], Tensor], *, progress: Progress = None, **options: Any) -> Result:
        """Which injected noise decided a number: first and total Sobol indices [1 + W, F] with errors; player 0 is
        the initial noise."""
        return Result("NoiseSobol", self._core.noise_sobol(_columns(scores), options, sink(progress)))

    @takes_options("noise_tiles")
    def noise_tiles(self, *, progress: Progress = None, **options: Any) -> Result:
        """Which part of the initial noise decided which part of the picture: effect [B, T, T], importance, locality."""
        return Result("NoiseTiles", self._core.noise_tiles(options, sink(progress)))

    def attribute_grid(self, scores: Callable[[Tensor], Tensor], conditions: Any, *,
                       progress: Progress = None) -> Tensor:
        """scores of every seed (row of this run) with every prompt of conditions [P, D]: [S, P, F] for
        `seed_shares`."""
        return self._core.attribute_grid(_columns(scores), tensor_of(conditions, "conditions"), sink(progress))

    def rewind(self, step: int, *, condition: Any = None, scale: float | None = None,
               block: Sequence[int] | None = None, remaining_noise: int | None = None, block_seed: int = 1,
               progress: Progress = None) -> Result:
        """From `step` on with another condition, guidance scale, block of noise (top, left, height, width) or seed of
        the remaining noise, all else the same: unaltered, altered, change [B, H, W], divergence [n, B]."""
        return Result("Rewound", self._core.rewind(
            step, None if condition is None else tensor_of(condition, "condition"), scale,
            None if block is None else list(block), remaining_noise, block_seed, sink(progress)))
