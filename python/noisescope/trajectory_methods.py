"""Methods of a sampling run. `noisescope.explain` has them all.

Those that read its steps cost no evaluations once it is drawn; those that draw it again say how often.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, overload

from torch import Tensor

from noisescope import _core
from noisescope._answers import (
    Counterfactual, GuidanceAnatomy, GuidanceInformation, GuidanceSweep, NoiseBands, NoiseOfTrajectory, NoiseSobol,
    NoiseTests, NoiseTiles, PredictionTests, ReadOut, Rewound, TrajectoryGeometry, Transplant, VarianceShares,
    WindowAttribution)
from noisescope._arguments import Score, Watch, columns, core_of, mapping_of
from noisescope._keywords import takes_options
from noisescope._options import (
    CounterfactualOptions, GuidanceAnatomyOptions, GuidanceSweepOptions, GuidanceWindowOptions, NoiseBandsOptions,
    NoiseSobolOptions, NoiseTilesOptions, PredictionTestOptions, ReadOutOptions, TrajectoryGeometryOptions,
    TransplantOptions)
from noisescope.pictures import as_tensor, pictures_of, tensor_of
from noisescope.progress import sink
from noisescope.trajectory import ChangeOptions, Trajectory


def _of(trajectory: Trajectory) -> _core.Trajectory:
    core: _core.Trajectory = core_of(trajectory, Trajectory, "trajectory")
    return core


def guidance_information(trajectory: Trajectory, masks: Any = None, *, progress: Watch = None) -> GuidanceInformation:
    """Where and when the prompt spoke, read off the steps: nats at guidance scale 1, else guidance energy. `masks`
    [B, R, H, W] of weights: regions to follow."""
    weights = None if masks is None else as_tensor(masks, "masks")
    return _core.guidance_information(_of(trajectory), weights, sink(progress))


@takes_options("guidance_anatomy")
def guidance_anatomy(trajectory: Trajectory, *, progress: Watch = None,
                     **options: Unpack[GuidanceAnatomyOptions]) -> GuidanceAnatomy:
    """What guidance is made of, read off the steps."""
    return _core.guidance_anatomy(_of(trajectory), options, sink(progress))


@takes_options("noise_bands")
def noise_bands(trajectory: Trajectory, *, progress: Watch = None, **options: Unpack[NoiseBandsOptions]) -> NoiseBands:
    """Energy of the predicted noise by band of spatial frequency, read off the steps."""
    return _core.noise_bands(_of(trajectory), options, sink(progress))


@takes_options("trajectory_geometry")
def trajectory_geometry(trajectory: Trajectory, *, progress: Watch = None,
                        **options: Unpack[TrajectoryGeometryOptions]) -> TrajectoryGeometry:
    """The shape of a run, read off its steps: how flat it is, where it turns, when each pixel is decided."""
    return _core.trajectory_geometry(_of(trajectory), options, sink(progress))


@overload
def noise_tests(noise: Trajectory, *, progress: Watch = None) -> NoiseOfTrajectory: ...
@overload
def noise_tests(noise: Tensor, *, progress: Watch = None) -> NoiseTests: ...
def noise_tests(noise: Any, *, progress: Watch = None) -> NoiseOfTrajectory | NoiseTests:
    """Is the noise noise? Of a trajectory: its first noise, the noise of its steps, and the size of what is predicted.
    Of noise [B, C, H, W]: each test; not for predicted noise, whose null is no standard normal."""
    if isinstance(noise, Trajectory):
        return _core.noise_tests(_of(noise), sink(progress))
    return _core.test_noise(pictures_of(noise, "noise"))


@takes_options("prediction_tests")
def prediction_tests(trajectory: Trajectory, *, seed: int = 0, progress: Watch = None,
                     **options: Unpack[PredictionTestOptions]) -> PredictionTests:
    """Does the predicted noise look different because of the prompt? Its noisy pictures, asked with each other's
    prompts within groups. Pictures that share a prompt weaken the test. `group` evaluations a step and picture."""
    return _core.prediction_tests(_of(trajectory), seed, options, sink(progress))


def word_scores(trajectory: Trajectory, reader: Score, *, progress: Watch = None) -> Tensor:
    """Scores [S, B, V] of the clean estimates of every step by a reader of pictures (`Model.reader`)."""
    return _core.word_scores(_of(trajectory), columns(reader), sink(progress))


@takes_options("read_out")
def read_out(scores: Any, nulls: Mapping[str, Any], *, reader: Score | None = None, seed: int = 0,
             progress: Watch = None, **options: Unpack[ReadOutOptions]) -> ReadOut:
    """Words over a run, against runs that had no reason to show them (max T: Westfall & Young 1993).

    A trajectory of G pictures of one prompt, and others by the name of their kind, such as "no prompt" (other seeds),
    read by `reader` (`Model.reader`); or what it said of them: scores [S, G, V] and nulls [S, R, V] (`word_scores`).
    """
    def scored(given: Any, name: str) -> Tensor:
        if not isinstance(given, Trajectory):
            return tensor_of(given, name)
        if reader is None:
            raise TypeError("expected a reader beside trajectories, such as model.reader(words)")
        return word_scores(given, reader, progress=progress)

    pairs = [(name, scored(one, name)) for name, one in mapping_of(nulls, "nulls").items()]
    return _core.read_out(scored(scores, "scores"), pairs, seed, options)


@takes_options("guidance_windows")
def guidance_windows(trajectory: Trajectory, values: Sequence[Score | None] = (None,), *, seed: int = 0,
                     progress: Watch = None, **options: Unpack[GuidanceWindowOptions]) -> list[WindowAttribution]:
    """Knock-out and Shapley value of windows of noise levels, for each value: a function that gives [B] numbers of
    pictures, or None for the likeness to the guided picture, which punishes repainting."""
    return _core.guidance_windows(_of(trajectory), list(values), seed, options, sink(progress))


@takes_options("guidance_sweep")
def guidance_sweep(trajectory: Trajectory, *, progress: Watch = None,
                   **options: Unpack[GuidanceSweepOptions]) -> GuidanceSweep:
    """What more guidance does to the pictures, by radial frequency; one run a scale."""
    return _core.guidance_sweep(_of(trajectory), options, sink(progress))


@takes_options("counterfactual")
def counterfactual(trajectory: Trajectory, prompts: str | Sequence[str] | None = None, *, condition: Any = None,
                   progress: Watch = None, **options: Unpack[CounterfactualOptions]) -> Counterfactual:
    """The same noise with another prompt, or condition [B, D]: one run more."""
    return _core.counterfactual(_of(trajectory), trajectory._conditions(prompts, condition), options, sink(progress))


def rewind(trajectory: Trajectory, step: int, *, progress: Watch = None, **change: Unpack[ChangeOptions]) -> Rewound:
    """The run with a change from `step` on (`Trajectory.redraw`) beside the run without it, all else the same."""
    return _core.rewind(_of(trajectory), trajectory._change(step, change), sink(progress))


@takes_options("noise_sobol")
def noise_sobol(trajectory: Trajectory, scores: Score, *, progress: Watch = None,
                **options: Unpack[NoiseSobolOptions]) -> NoiseSobol:
    """Which injected noise decided a number of the pictures: Sobol indices; player 0 is the first noise."""
    return _core.noise_sobol(_of(trajectory), columns(scores), options, sink(progress))


def seed_share(trajectory: Trajectory, scores: Score, prompts: str | Sequence[str] | None = None, *,
               conditions: Any = None, progress: Watch = None) -> VarianceShares:
    """Share of an attribute's variance that seed, prompt and both together explain: every picture's noise with each of
    at least 3 prompts, or conditions [P, D]."""
    return _core.seed_shares(attribute_grid(trajectory, scores, prompts, conditions=conditions, progress=progress))


def attribute_grid(trajectory: Trajectory, scores: Score, prompts: str | Sequence[str] | None = None, *,
                   conditions: Any = None, progress: Watch = None) -> Tensor:
    """[S, P, F]: scores of every picture's noise with each of P prompts, or conditions [P, D]; for `seed_shares`."""
    core = _of(trajectory)
    rows = trajectory._conditions([prompts] if isinstance(prompts, str) else prompts, conditions)
    return _core.attribute_grid(core, columns(scores), rows, sink(progress))


@takes_options("noise_tiles")
def noise_tiles(trajectory: Trajectory, *, progress: Watch = None, **options: Unpack[NoiseTilesOptions]) -> NoiseTiles:
    """Which part of the first noise decided which part of the picture; `redraws` runs a tile."""
    return _core.noise_tiles(_of(trajectory), options, sink(progress))


@takes_options("noise_transplant")
def noise_transplant(trajectory: Trajectory, find: Score, donors: Any, *, progress: Watch = None,
                     **options: Unpack[TransplantOptions]) -> Transplant:
    """Does an object move to where the noise under it is pasted (Mao, Wang & Aizawa 2023, arXiv:2305.03382)?

    `find(pictures)` gives the object's pixels [B, H, W] bool; donors [B, C, H, W]: other first noise, standard normal.
    """
    return _core.noise_transplant(_of(trajectory), find, pictures_of(donors, "donors"), options, sink(progress))
