"""A sampling run that is watched, repeated and altered."""

from collections.abc import Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._arguments import Ids, Progress, Score, columns, denoiser_of, ids_of, mapping_of
from noisescope._core import Denoiser
from noisescope._keywords import takes_options
from noisescope._options import (
    AttributeToWindowsOptions, DrawCounterfactualOptions, GuidanceOptions, GuidanceSweepOptions, NoiseSobolOptions,
    NoiseTilesOptions, SamplerOptions, TestPredictionsOptions, TransplantBlocksOptions)
from noisescope.pictures import as_tensor, pictures_of, tensor_of
from noisescope.progress import sink
from noisescope.result import Result


class SamplingRun:
    """All of a sampling run of B pictures, to be watched, repeated and altered.

    condition [B, D]; null_condition [B, D] or [1, D]; image_shape (C, H, W). `sampler` and `guidance`: options as in
    `sample`. Every method draws from the same noise, (seed, sample_ids).
    """

    def __init__(self, denoiser: Denoiser, condition: Any, null_condition: Any, *, image_shape: Sequence[int],
                 sigmas: Sequence[float], seed: int = 0, sample_ids: Ids = None,
                 sampler: SamplerOptions | None = None, guidance: GuidanceOptions | None = None) -> None:
        self._core = _core.SamplingRun(denoiser_of(denoiser), tensor_of(condition, "condition"),
                                       tensor_of(null_condition, "null_condition"), list(image_shape), list(sigmas),
                                       seed, ids_of(sample_ids), mapping_of(sampler, "sampler"),
                                       mapping_of(guidance, "guidance"))

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
        weights = None if masks is None else as_tensor(masks, "masks")
        return Result("GuidanceInformation", self._core.guidance_information(weights, sink(progress)))

    def guidance_anatomy(self, bands: int = 4, *, progress: Progress = None) -> Result:
        """What guidance is made of: norm, cosine, parallel_share [S, B], bands [S, B, R]."""
        return Result("GuidanceAnatomy", self._core.guidance_anatomy(bands, sink(progress)))

    @takes_options("attribute_to_windows")
    def attribute_to_windows(self, values: Sequence[Score | None] = (None,), *, seed: int = 0,
                             progress: Progress = None, **options: Unpack[AttributeToWindowsOptions]) -> list[Result]:
        """Knock-out and Shapley value of windows of noise levels. A value gives [B] numbers of pictures; None is the
        likeness to the guided picture, which punishes repainting. Fields: edges [K + 1], knock_out, alone, shapley
        [B, K]."""
        found = self._core.attribute_to_windows(list(values), seed, options, sink(progress))
        return [Result("WindowAttribution", one) for one in found]

    def trajectory_geometry(self, tolerance: float = 0.1, *, progress: Progress = None) -> Result:
        """Plane energy [B], angle [S, B], turning, speed, commitment [B, H, W] (log-SNR)."""
        return Result("TrajectoryGeometry", self._core.trajectory_geometry(tolerance, sink(progress)))

    @takes_options("draw_counterfactual")
    def draw_counterfactual(self, altered: Any, *, progress: Progress = None,
                            **options: Unpack[DrawCounterfactualOptions]) -> Result:
        """The same noise with another condition [B, D]: pictures, altered, change [B, H, W], changed (bool)."""
        return Result("Counterfactual", self._core.draw_counterfactual(tensor_of(altered, "altered"), options,
                                                                       sink(progress)))

    @takes_options("noise_sobol")
    def noise_sobol(self, scores: Score, *, progress: Progress = None, **options: Unpack[NoiseSobolOptions]) -> Result:
        """Which injected noise decided a number: first and total Sobol indices [1 + W, F] with errors; player 0 is
        the initial noise."""
        return Result("NoiseSobol", self._core.noise_sobol(columns(scores), options, sink(progress)))

    @takes_options("noise_tiles")
    def noise_tiles(self, *, progress: Progress = None, **options: Unpack[NoiseTilesOptions]) -> Result:
        """Which part of the initial noise decided which part of the picture: effect [B, T, T], importance, locality."""
        return Result("NoiseTiles", self._core.noise_tiles(options, sink(progress)))

    @takes_options("guidance_sweep")
    def guidance_sweep(self, *, progress: Progress = None, **options: Unpack[GuidanceSweepOptions]) -> Result:
        """What more guidance does to the pictures, by radial frequency: gain [G, B, R] = energy at each scale over that
        at scale 1, reference [B, R]: the latter; scales [G]. Null value 1."""
        return Result("GuidanceSweep", self._core.guidance_sweep(options, sink(progress)))

    @takes_options("transplant_blocks")
    def transplant_blocks(self, find: Score, donors: Any, *, progress: Progress = None,
                          **options: Unpack[TransplantBlocksOptions]) -> Result:
        """Does an object move to where the noise under it is pasted (Mao, Wang & Aizawa 2023, arXiv:2305.03382)?

        `find(pictures)` gives the object's pixels [B, H, W] bool; donors [B, C, H, W]: other initial noise, standard
        normal. IoU with the donor's object before, after and (with a new block in its place) control [B]; moved and
        moved_by_control [n] bool, of the eligible pairs [B] bool.
        """
        return Result("Transplant", self._core.transplant_blocks(find, pictures_of(donors, "donors"), options,
                                                                 sink(progress)))

    @takes_options("test_predictions")
    def test_predictions(self, *, seed: int = 0, progress: Progress = None,
                         **options: Unpack[TestPredictionsOptions]) -> Result:
        """Does the predicted noise look different because of the prompt? Against permuted prompts within groups of
        pictures. names [T], log_snrs [S], z, p and corrected (over all steps and statistics) [S, T]; null value of z
        0. Pictures that share a prompt weaken the test."""
        return Result("PredictionTests", self._core.test_predictions(seed, options, sink(progress)))

    def word_scores(self, reader: Score, *, progress: Progress = None) -> Tensor:
        """Scores [S, B, V] of the clean estimates of every step by a reader of pictures (`clip_reader`), for
        `read_out`."""
        return self._core.word_scores(columns(reader), sink(progress))

    def attribute_grid(self, scores: Score, conditions: Any, *,
                       progress: Progress = None) -> Tensor:
        """scores of every seed (row of this run) with every prompt of conditions [P, D]: [S, P, F] for
        `seed_shares`."""
        return self._core.attribute_grid(columns(scores), tensor_of(conditions, "conditions"), sink(progress))

    def rewind(self, step: int, *, condition: Any = None, scale: float | None = None,
               block: Sequence[int] | None = None, remaining_noise: int | None = None, block_seed: int = 1,
               progress: Progress = None) -> Result:
        """From `step` on with another condition, guidance scale, block of noise (top, left, height, width) or seed of
        the remaining noise, all else the same: unaltered, altered, change [B, H, W], divergence [n, B]."""
        return Result("Rewound", self._core.rewind(
            step, None if condition is None else tensor_of(condition, "condition"), scale,
            None if block is None else list(block), remaining_noise, block_seed, sink(progress)))
