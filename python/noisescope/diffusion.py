"""Schedules, noise levels, denoisers and samplers."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._arguments import Ids, Watch, denoiser_of, ids_of, mapping_of
from noisescope._answers import ScheduleTables
from noisescope._core import Denoiser, Step
from noisescope._keywords import takes_options
from noisescope._options import GridOptions, GuidanceOptions, PreconditionOptions, SamplerOptions, ScheduleOptions
from noisescope.errors import ConfigError
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import sink

__all__ = ["Denoiser", "add_noise", "denoiser", "initial_noise", "noise_of", "precondition", "sample",
           "sampling_sigmas", "schedule", "score_from_x0", "v_from_x0", "ve_from_vp", "vp_from_ve", "x0_from_eps",
           "x0_from_score", "x0_from_v"]


def denoiser(function: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Denoiser:
    """A denoiser of any Python function, for every sampler and explainer.

    `function(x, sigma, condition)` gets x [B, C, H, W] = x_0 + sigma eps, sigma [B] and condition [B, D], and returns
    its estimate of x_0, [B, C, H, W]. It runs without gradients. What it raises passes through; an answer of another
    shape raises ShapeError, one that is no tensor TypeError.

    >>> d = denoiser(lambda x, sigma, condition: x / (1 + sigma[:, None, None, None] ** 2))
    """
    if not callable(function):
        raise TypeError(f"expected a function of (x, sigma, condition), got {type(function).__name__}")
    return Denoiser(function)


@takes_options("precondition")
def precondition(network: Callable[[Tensor, Tensor, Tensor], Tensor],
                 **options: Unpack[PreconditionOptions]) -> Denoiser:
    """The denoiser of a network(x, noise_label [B], condition) that predicts eps, v, x0 or EDM's mixture
    (Karras et al. 2022, arXiv:2206.00364, eq. 7)."""
    return _core.precondition(network, options)


@takes_options("schedule")
def schedule(**options: Unpack[ScheduleOptions]) -> ScheduleTables:
    """Tables of a discrete DDPM schedule, float64 [T], t = 1 .. T.

    >>> schedule(timesteps=300).sigma.shape
    torch.Size([300])
    """
    return _core.schedule(options)


@takes_options("sampling_sigmas")
def sampling_sigmas(*, schedule: ScheduleOptions | None = None,
                    **options: Unpack[GridOptions]) -> list[float]:
    """Noise levels that a sampler walks down: steps + 1 of them, falling, the last 0. `schedule`: options of the
    discrete schedule, which the grids leading, linspace and trailing read.

    >>> for sigma in sampling_sigmas(kind="log_snr", steps=3, sigma_max=100, sigma_min=1):
    ...     print(round(sigma, 6))
    100.0
    10.0
    1.0
    0.0
    """
    return list(_core.sampling_sigmas(options, mapping_of(schedule, "schedule")))


def initial_noise(shape: Sequence[int], seed: int = 0, sample_ids: Ids = None) -> Tensor:
    """Standard normal [B, C, H, W] float32; row b depends on (seed, sample_ids[b]) alone, default b, on every
    machine."""
    return _core.initial_noise(list(shape), seed, ids_of(sample_ids))


def _convert(function: Callable[..., Tensor], *arguments: Any) -> Tensor:
    """A conversion of process.h: pictures [B, C, H, W], and sigma [B] as the last argument."""
    *pictures, sigma = arguments
    return function(*(pictures_of(value) for value in pictures), tensor_of(sigma, "sigma"))


def add_noise(pictures: Any, eps: Any, sigma: Any) -> Tensor:
    """x = picture + sigma eps; pictures and eps [B, C, H, W], sigma [B]."""
    return _convert(_core.add_noise, pictures, eps, sigma)


def vp_from_ve(x: Any, sigma: Any) -> Tensor:
    """x = x_0 + sigma eps in the variance-preserving scale of the papers, x / sqrt(1 + sigma^2)."""
    return _convert(_core.vp_from_ve, x, sigma)


def ve_from_vp(x_vp: Any, sigma: Any) -> Tensor:
    """sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps as x_0 + sigma eps."""
    return _convert(_core.ve_from_vp, x_vp, sigma)


def noise_of(x: Any, denoised: Any, sigma: Any) -> Tensor:
    """eps = (x - x_0) / sigma: the noise that a clean estimate implies."""
    return _convert(_core.noise_of, x, denoised, sigma)


def x0_from_eps(x: Any, eps: Any, sigma: Any) -> Tensor:
    """x_0 = x - sigma eps."""
    return _convert(_core.x0_from_eps, x, eps, sigma)


def v_from_x0(x: Any, x0: Any, sigma: Any) -> Tensor:
    """v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0 (Salimans & Ho 2022, arXiv:2202.00512)."""
    return _convert(_core.v_from_x0, x, x0, sigma)


def x0_from_v(x: Any, v: Any, sigma: Any) -> Tensor:
    """The estimate of x_0 that a prediction of v means."""
    return _convert(_core.x0_from_v, x, v, sigma)


def score_from_x0(x: Any, x0: Any, sigma: Any) -> Tensor:
    """The gradient of ln p(x; sigma), (x_0 - x) / sigma^2 (Karras et al. 2022, arXiv:2206.00364, eq. 3)."""
    return _convert(_core.score_from_x0, x, x0, sigma)


def x0_from_score(x: Any, score: Any, sigma: Any) -> Tensor:
    """x_0 = x + sigma^2 score."""
    return _convert(_core.x0_from_score, x, score, sigma)


@takes_options("sampler")
def sample(denoiser: Denoiser, x: Any, condition: Any, null_condition: Any = None, *, sigmas: Sequence[float],
           guidance: GuidanceOptions | None = None, seed: int = 0, sample_ids: Ids = None,
           noise: Any = None, observer: Callable[[Step], None] | None = None, progress: Watch = None,
           **options: Unpack[SamplerOptions]) -> Tensor:
    """Runs a solver from x [B, C, H, W] at sigmas[0] down to the picture.

    condition, null_condition [B, D] (guidance needs the latter: ConfigError without it); `guidance`: options of
    classifier-free guidance (scale, sigma_min, sigma_max, rescale, clamp). `noise` [S - 1, B, C, H, W]: the noise of
    stochastic steps, if it is not to be drawn. `observer` hears every step.
    """
    condition = tensor_of(condition, "condition")
    if null_condition is None and guidance is not None and dict(guidance).get("scale", 1.0) != 1:
        raise ConfigError("expected null_condition, without which guidance has nothing to go away from, got none; give "
                          "the condition of no prompt, or leave guidance out")
    null = condition if null_condition is None else tensor_of(null_condition, "null_condition")
    return _core.sample(denoiser_of(denoiser), tensor_of(x, "x"), condition, null, list(sigmas), seed,
                        ids_of(sample_ids),
                        None if noise is None else tensor_of(noise, "noise"), options, mapping_of(guidance, "guidance"),
                        observer, sink(progress))
