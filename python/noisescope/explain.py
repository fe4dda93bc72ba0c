"""Explanation methods. Each is proved on the exact world (`noisescope verify`) and has a page in docs/methods.

Methods take a denoiser (a run's, the world's, or a Python function through `noisescope.denoiser`), pictures
[B, C, H, W] and conditions [B, D]. What needs a sampling run starts from a `SamplingRun`. Answers are `Result`s with
the fields of the C++ struct of the same name; L levels, K versions, S steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._arguments import (
    Ids, Progress, Score, columns, core_of, denoiser_of, ids_of, mapping_of, mask_of, own_of, texts_of,
)
from noisescope._core import Denoiser, EditFriendlyInversion
from noisescope._keywords import takes_options
from noisescope._options import (
    ConditioningLocalityOptions, FilterNoisingPathsOptions, InformationMapsOptions, InvertDdimOptions,
    PosteriorComponentsOptions, ReadOutOptions, SmoothDeficitOptions, SpectralEmergenceOptions, UTurnsOptions)
from noisescope.clip import Clip
from noisescope.pictures import as_tensor, pictures_of, tensor_of
from noisescope.progress import sink
from noisescope.result import Result
from noisescope.sampling_run import SamplingRun

__all__ = [
    "EditFriendlyInversion", "LinearGuidance", "SamplingRun", "benjamini_hochberg", "clip_reader",
    "compare_statistics", "conditioning_locality", "contrast_prompts", "filter_noising_paths", "holm",
    "information_maps", "inversion_stability", "invert_ddim", "invert_edit_friendly", "noise_statistics",
    "posterior_components", "read_out", "reconstruction_error", "replay", "seed_shares", "share_of_change",
    "smooth_deficit", "sobol_indices", "speciation_log_snr", "spectral_emergence", "test_noise", "tile_cover",
    "u_turn_half_point", "u_turns", "words_of",
]


@takes_options("filter_noising_paths")
def filter_noising_paths(denoiser: Denoiser, pictures: Any, conditions: Any, own: Any, *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None,
                         **options: Unpack[FilterNoisingPathsOptions]) -> Result:
    """Evidence filtering: which pixels, at which noise level, decided a word against its alternatives.

    conditions [K, B, D]: the prompt with each version of the word; own [B] (or one int): the version that is true.
    One noising path a picture; repeat pictures with different sample_ids for more paths. K evaluations a step.
    Fields: log_snrs [N], decision [N, B] (p of the own version so far), entropy [N, B], entropy_rate [N - 1, B],
    half_points [B], log_posterior [N, B, K], profile [N - 1, B], compensated and realised [B, H, W] in nats,
    realised_total [B] = ln p_end + ln K, completeness_gap [B].
    """
    batch = pictures_of(pictures)
    return Result("Evidence", _core.filter_noising_paths(
        denoiser_of(denoiser), batch, tensor_of(conditions, "conditions"), own_of(own, len(batch)), seed,
        ids_of(sample_ids), options, sink(progress)))


@takes_options("information_maps")
def information_maps(denoiser: Denoiser, pictures: Any, condition: Any, references: Any, *, seed: int = 0,
                     sample_ids: Ids = None, progress: Progress = None,
                     **options: Unpack[InformationMapsOptions]) -> Result:
    """Nats a pixel that the prompt, or a word of it, says (Kong et al. 2024, arXiv:2310.07972).

    condition [B, D]: the full prompt; references [R, B, D]: what it is held against (no prompt, the prompt less a
    word). On a network the total may exceed what is possible: look at kappa [R, L], 1 where it is calibrated.
    Fields: edges [L + 1] log-SNR, map and signed_map [R, B, H, W], profile [R, L, B], total [R, B], kappa,
    kappa_error.
    """
    return Result("InformationMaps", _core.information_maps(
        denoiser_of(denoiser), pictures_of(pictures), tensor_of(condition, "condition"),
        tensor_of(references, "references"), seed, ids_of(sample_ids), options, sink(progress)))


@takes_options("u_turns")
def u_turns(denoiser: Denoiser, pictures: Any, condition: Any, keeps: Score, *, seed: int = 0,
            sample_ids: Ids = None, progress: Progress = None, **options: Unpack[UTurnsOptions]) -> Result:
    """Noise to a level, regenerate, see what survives (Sclocchi et al. 2024, arXiv:2402.16991).

    `keeps(regenerated)` gives [B] or [B, F] in [0, 1]: what each kept of its original. Fields: log_snrs [L],
    kept [L, B, F], retention [L, F], susceptibility [L, B, H, W].
    """
    return Result("UTurns", _core.u_turns(
        denoiser_of(denoiser), pictures_of(pictures), tensor_of(condition, "condition"), columns(keeps), seed,
        ids_of(sample_ids), options, sink(progress)))


@takes_options("conditioning_locality")
def conditioning_locality(denoiser: Denoiser, pictures: Any, conditions: Any, own: Any, *, seed: int = 0,
                          sample_ids: Ids = None, progress: Progress = None,
                          **options: Unpack[ConditioningLocalityOptions]) -> Result:
    """Which pixels' denoising depends on a word, at which level, against an exact permutation null.

    conditions [K, B, D], own as in filter_noising_paths. Fields: log_snrs [L], change, p, corrected and dependent
    (bool), [L, B, H, W].
    """
    batch = pictures_of(pictures)
    return Result("ConditioningLocality", _core.conditioning_locality(
        denoiser_of(denoiser), batch, tensor_of(conditions, "conditions"), own_of(own, len(batch)), seed,
        ids_of(sample_ids), options, sink(progress)))


@takes_options("posterior_components")
def posterior_components(denoiser: Denoiser, x: Any, sigma: Any, condition: Any, *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None,
                         **options: Unpack[PosteriorComponentsOptions]) -> Result:
    """Principal components of x_0 given the noisy x at sigma [B] (Manor & Michaeli 2024, arXiv:2309.13598).

    Fields: directions [k, B, C, H, W] orthonormal, variances [k, B] falling, pixel units squared.
    """
    return Result("PosteriorComponents", _core.posterior_components(
        denoiser_of(denoiser), pictures_of(x, "x"), tensor_of(sigma, "sigma"), tensor_of(condition, "condition"), seed,
        ids_of(sample_ids), options, sink(progress)))


@takes_options("spectral_emergence")
def spectral_emergence(denoiser: Denoiser, pictures: Any, condition: Any, *, bands: int = 6, seed: int = 0,
                       sample_ids: Ids = None, progress: Progress = None,
                       **options: Unpack[SpectralEmergenceOptions]) -> Result:
    """When each spatial frequency comes out of the noise, along noising paths of at least 2 pictures, R bands.

    Fields: log_snrs [S], coherence [S, R] of estimate and picture in [0, 1], measured [R]: the log-SNR from which it
    stays above 1/2 (NaN: never), spectrum [R]: variance of a coefficient, pixel units squared, predicted [R] =
    -ln spectrum, which Gaussian pictures obey (Falck et al. 2025, arXiv:2505.11278).
    """
    return Result("SpectralEmergence", _core.spectral_emergence(
        denoiser_of(denoiser), pictures_of(pictures), tensor_of(condition, "condition"), bands, seed,
        ids_of(sample_ids), options, sink(progress)))


@takes_options("invert_ddim")
def invert_ddim(denoiser: Denoiser, pictures: Any, condition: Any, sigmas: Sequence[float], *,
                progress: Progress = None, **options: Unpack[InvertDdimOptions]) -> Tensor:
    """x at sigmas[0] from which DDIM draws the pictures, nearly (error of first order in the step)."""
    return _core.invert_ddim(denoiser_of(denoiser), pictures_of(pictures), tensor_of(condition, "condition"),
                             list(sigmas), options, sink(progress))


def invert_edit_friendly(denoiser: Denoiser, pictures: Any, condition: Any, sigmas: Sequence[float], *, seed: int = 0,
                         sample_ids: Ids = None, progress: Progress = None) -> EditFriendlyInversion:
    """Noise for every step with which the ancestral sampler draws the pictures (Huberman-Spiegelglas et al. 2024,
    arXiv:2304.06140): states, noises, remainder. `replay` draws them again, or an edit of them."""
    return _core.invert_edit_friendly(denoiser_of(denoiser), pictures_of(pictures), tensor_of(condition, "condition"),
                                      list(sigmas), seed, ids_of(sample_ids), sink(progress))


def replay(denoiser: Denoiser, condition: Any, inversion: EditFriendlyInversion, *, first_step: int = 0,
           progress: Progress = None) -> Tensor:
    """The pictures of an inversion, to rounding, under its own condition; an edit under another one."""
    return _core.replay(denoiser_of(denoiser), tensor_of(condition, "condition"), inversion, first_step, sink(progress))


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


def sobol_indices(a: Any, b: Any, mixed: Any) -> Result:
    """First-order and total Sobol indices [K, F] with standard errors (Saltelli et al. 2010, Comput. Phys. Commun.
    181): a, b [N, F]: a function at two independent samples; mixed [K, N, F]: at a with player k from b."""
    return Result("SobolIndices", _core.sobol_indices(tensor_of(a, "a"), tensor_of(b, "b"), tensor_of(mixed, "mixed")))


def speciation_log_snr(pictures: Any) -> float:
    """log-SNR at which the leading direction of the data comes out of the noise (Biroli et al. 2024,
    arXiv:2402.18491): -ln of the largest eigenvalue of the covariance of pictures [N, C, H, W]."""
    return float(_core.speciation_log_snr(pictures_of(pictures)))


def noise_statistics(noise: Any) -> Result:
    """Moments, correlations and spectrum of each noise [B, C, H, W]: `names` [T], values [B, T] float64."""
    return Result("NoiseStatistics", _core.noise_statistics(pictures_of(noise, "noise")))


def compare_statistics(statistics: Any, names: Sequence[str], *, permutations: int = 1999, seed: int = 0) -> Result:
    """Is the first of K sets of predictions like the others? statistics [S, B, K, T] of the same B pictures, K >= 2;
    null: any of the K is as likely the first. Fields as in SamplingRun.test_predictions."""
    return Result("PredictionTests", _core.compare_statistics(tensor_of(statistics, "statistics"), texts_of(names),
                                                              permutations, seed))


@takes_options("smooth_deficit")
def smooth_deficit(noise: Any, pictures: Any, **options: Unpack[SmoothDeficitOptions]) -> Result:
    """Does noise [B, C, H, W] know where its picture is smooth (Staniszewski et al. 2024, arXiv:2410.23530)?

    smooth [B, H, W] bool; log_ratio [B]: ln of the noise's variance there over that elsewhere, 0 for noise that knows
    nothing, below 0 for DDIM inversions.
    """
    return Result("SmoothDeficit", _core.smooth_deficit(pictures_of(noise, "noise"), pictures_of(pictures), options))


def reconstruction_error(pictures: Any, reconstructed: Any) -> Tensor:
    """Root mean square difference of each picture [B, C, H, W], [B] float64 in pixel units."""
    return _core.reconstruction_error(pictures_of(pictures), pictures_of(reconstructed, "reconstructed"))


def inversion_stability(noise: Any, inverted: Any) -> Tensor:
    """Cosine of each noise [B, C, H, W] with the one that inversion found, [B] float64; 1 = found again (Qi et al.
    2024, arXiv:2407.14041)."""
    return _core.inversion_stability(pictures_of(noise, "noise"), pictures_of(inverted, "inverted"))


def clip_reader(clip: Clip, texts: Sequence[str]) -> Score:
    """A reader of pictures: cosines [B, V] of the embeddings of pictures [B, 3, H, W] with those of V texts."""
    reader: Score = _core.clip_reader(core_of(clip, Clip, "clip"), texts_of(texts))
    return reader


@takes_options("read_out")
def read_out(scores: Any, nulls: Mapping[str, Any], *, seed: int = 0, **options: Unpack[ReadOutOptions]) -> Result:
    """Words over a run, against runs that had no reason to show them (max T: Westfall & Young 1993).

    scores [S, G, V] of G runs of one prompt (`SamplingRun.word_scores`); nulls: scores [S, R, V] by the name of their
    kind, such as "no prompt" (other seeds). Q kinds. Fields: z, difference and half_width (of its 95 % interval)
    [Q, S, V], p and shown [S, V], corrected over steps and words, first_step [V] from which a word stays shown (S:
    not at the end), nulls.
    """
    pairs = [(name, tensor_of(one, name)) for name, one in mapping_of(nulls, "nulls").items()]
    return Result("ReadOut", _core.read_out(tensor_of(scores, "scores"), pairs, seed, options))


def contrast_prompts(prompt: str, word: str, alternatives: Sequence[str]) -> Result:
    """A prompt with one word (or phrase) in K versions, for `filter_noising_paths`: prompts [K], values [K], own: the
    number of the prompt's own, word, position. "word:2" means its second occurrence.

    >>> contrast_prompts("a red square", "red", ["blue"]).prompts
    ['a red square', 'a blue square']
    """
    return Result("PromptContrast", _core.contrast_prompts(prompt, word, texts_of(alternatives)))


def words_of(prompt: str, vocabulary: Sequence[str]) -> list[str]:
    """The words of a prompt that are in the vocabulary, in order; second occurrences as "word:2".

    >>> words_of("a red square on a red disc", ["red", "disc"])
    ['red', 'red:2', 'disc']
    """
    return list(_core.words_of(prompt, texts_of(vocabulary)))


def holm(p: Any) -> Tensor:
    """p-values [T] corrected so that the chance of any false rejection stays below the level (Holm 1979)."""
    return _core.holm(tensor_of(p, "p"))


def benjamini_hochberg(p: Any) -> Tensor:
    """p-values of any shape, adjusted so that the expected share of false rejections stays below the level
    (Benjamini & Hochberg 1995)."""
    return _core.benjamini_hochberg(tensor_of(p, "p"))


def tile_cover(mask: Any, tile_px: int) -> Tensor:
    """Share of each tile of `SamplingRun.noise_tiles` that a mask [B, H, W] covers, [B, H / tile_px, W / tile_px]."""
    return _core.tile_cover(mask_of(mask), tile_px)


def share_of_change(change: Any, region: Any) -> Tensor:
    """Share of `SamplingRun.draw_counterfactual(...).change` [B, H, W] inside a region [B, H, W] or [H, W] bool, [B] in
    [0, 1]; NaN where nothing changed. Of a region that the word should not touch: leakage."""
    return _core.share_of_change(as_tensor(change, "change").double(), mask_of(region))


def u_turn_half_point(log_snrs: Sequence[float], kept: Any, factor: int = 0, chance: float = 0.0) -> float:
    """log-SNR at which what `u_turns` kept [L, B, F] of a factor crosses half way from `chance` to 1, in its monotone
    fit over the L log_snrs; NaN where it does not."""
    return float(_core.u_turn_half_point(list(log_snrs), as_tensor(kept, "kept"), factor, chance))


class LinearGuidance:
    """Guidance of two Gaussians, fitted to pictures [N, C, H, W] with the prompt and [M, C, H, W] without it (Li, Wang
    & Qu 2025, arXiv:2505.19210). N and M at least 2, better more than there are pixels."""

    def __init__(self, with_prompt: Any, without_prompt: Any) -> None:
        self._core = _core.LinearGuidance(pictures_of(with_prompt, "with_prompt"),
                                          pictures_of(without_prompt, "without_prompt"))

    @classmethod
    def of_moments(cls, mean_c: Any, covariance_c: Any, mean_u: Any, covariance_u: Any) -> "LinearGuidance":
        """From the moments themselves: means [N], covariances [N, N]; c with the prompt, u without."""
        made = cls.__new__(cls)
        made._core = _core.LinearGuidance(tensor_of(mean_c, "mean_c"), tensor_of(covariance_c, "covariance_c"),
                                          tensor_of(mean_u, "mean_u"), tensor_of(covariance_u, "covariance_u"))
        return made

    def split(self, x: Any, sigma: float, difference: Any) -> Result:
        """The parts of a difference D_c - D_u [B, C, H, W] at x and one sigma, which sum to it: mean_shift, positive
        (what the prompt makes more variable), negative (less), residual (not linear)."""
        return Result("GuidanceParts", self._core.split(pictures_of(x, "x"), sigma,
                                                        pictures_of(difference, "difference")))
