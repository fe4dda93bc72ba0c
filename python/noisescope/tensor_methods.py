"""Methods that read tensors alone: noise, grids, scores and statistics of runs. `noisescope.explain` has them all."""

from collections.abc import Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._answers import (
    GuidanceParts, NoiseStatistics, PredictionTests, PromptContrast, SmoothDeficit, SobolIndices, VarianceShares)
from noisescope._arguments import Score, core_of, mask_of, texts_of
from noisescope._keywords import takes_options
from noisescope._options import SmoothDeficitOptions
from noisescope.clip import Clip
from noisescope.pictures import as_tensor, pictures_of, tensor_of


def seed_shares(grid: Any) -> VarianceShares:
    """Share of an attribute's variance that seed, prompt and both together explain, of a grid [S, P, F] of every seed
    with every prompt; standard errors by jackknife."""
    return _core.seed_shares(tensor_of(grid, "grid"))


def sobol_indices(a: Any, b: Any, mixed: Any) -> SobolIndices:
    """First-order and total Sobol indices [K, F] with standard errors (Saltelli et al. 2010, Comput. Phys. Commun.
    181): a, b [N, F]: a function at two independent samples; mixed [K, N, F]: at a with player k from b."""
    return _core.sobol_indices(tensor_of(a, "a"), tensor_of(b, "b"), tensor_of(mixed, "mixed"))


def speciation_log_snr(pictures: Any) -> float:
    """log-SNR at which the leading direction of the data comes out of the noise (Biroli et al. 2024,
    arXiv:2402.18491): -ln of the largest eigenvalue of the covariance of pictures [N, C, H, W]."""
    return float(_core.speciation_log_snr(pictures_of(pictures)))


def noise_statistics(noise: Any) -> NoiseStatistics:
    """Moments, correlations and spectrum of each noise [B, C, H, W]: values of each statistic."""
    return _core.noise_statistics(pictures_of(noise, "noise"))


def compare_statistics(statistics: Any, names: Sequence[str], *, permutations: int = 1999,
                       seed: int = 0) -> PredictionTests:
    """Is the first of K sets of predictions like the others? statistics [S, B, K, T] of the same B pictures, K >= 2;
    null: any of the K is as likely the first. As in `prediction_tests`."""
    return _core.compare_statistics(tensor_of(statistics, "statistics"), texts_of(names), permutations, seed)


@takes_options("smooth_deficit")
def smooth_deficit(noise: Any, pictures: Any, **options: Unpack[SmoothDeficitOptions]) -> SmoothDeficit:
    """Does noise [B, C, H, W] know where its picture is smooth (Staniszewski et al. 2024, arXiv:2410.23530)?

    log_ratio: 0 for noise that knows nothing, below 0 for DDIM inversions.
    """
    return _core.smooth_deficit(pictures_of(noise, "noise"), pictures_of(pictures), options)


def reconstruction_error(pictures: Any, reconstructed: Any) -> Tensor:
    """Root mean square difference of each picture [B, C, H, W], [B] float64 in pixel units."""
    return _core.reconstruction_error(pictures_of(pictures), pictures_of(reconstructed, "reconstructed"))


def inversion_stability(noise: Any, inverted: Any) -> Tensor:
    """Cosine of each noise [B, C, H, W] with the one that inversion found, [B] float64; 1 = found again (Qi et al.
    2024, arXiv:2407.14041)."""
    return _core.inversion_stability(pictures_of(noise, "noise"), pictures_of(inverted, "inverted"))


def clip_reader(clip: Clip, texts: Sequence[str]) -> Score:
    """A reader of pictures: cosines [B, V] of the embeddings of pictures [B, 3, H, W] with those of V texts."""
    return _core.clip_reader(core_of(clip, Clip, "clip"), texts_of(texts))


def contrast_prompts(prompt: str, word: str, alternatives: Sequence[str]) -> PromptContrast:
    """A prompt with one word (or phrase) in K versions, for `evidence`. "word:2" means its
    second occurrence.

    >>> contrast_prompts("a red square", "red", ["blue"]).prompts
    ['a red square', 'a blue square']
    """
    return _core.contrast_prompts(prompt, word, texts_of(alternatives))


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
    """Share of each tile of `noise_tiles` that a mask [B, H, W] covers, [B, H / tile_px, W / tile_px]."""
    return _core.tile_cover(mask_of(mask), tile_px)


def share_of_change(change: Any, region: Any) -> Tensor:
    """Share of `counterfactual(...).change` [B, H, W] inside a region [B, H, W] or [H, W] bool, [B] in
    [0, 1]; NaN where nothing changed. Of a region that the word should not touch: leakage."""
    return _core.share_of_change(as_tensor(change, "change").double(), mask_of(region))


def u_turn_half_point(log_snrs: Sequence[float], kept: Any, factor: int = 0, chance: float = 0.0) -> float:
    """log-SNR at which what `u_turn` kept [L, B, F] of a factor crosses half way from `chance` to 1, in its monotone
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

    def split(self, x: Any, sigma: float, difference: Any) -> GuidanceParts:
        """The parts of a difference D_c - D_u [B, C, H, W] at x and one sigma, which sum to it: mean_shift, positive
        (what the prompt makes more variable), negative (less), residual (not linear)."""
        return self._core.split(pictures_of(x, "x"), sigma, pictures_of(difference, "difference"))
