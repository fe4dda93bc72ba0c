"""Models: whatever can be explained, with one set of methods."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Unpack, runtime_checkable

from torch import Tensor

from noisescope import _core
from noisescope._answers import PromptContrast
from noisescope._arguments import Ids, Score, Watch, denoiser_of, ids_of, texts_of
from noisescope._core import Denoiser
from noisescope._keywords import takes_options
from noisescope._options import GridOptions, SamplingOptions
from noisescope.pictures import pictures_of
from noisescope.trajectory import Trajectory


@runtime_checkable
class ModelLike(Protocol):
    """What methods take: worlds, runs, models of `noisescope.model`, diffusers' `Adapter`, and your own class."""

    def denoiser(self) -> Denoiser:
        """D(x, sigma, condition)."""

    def condition(self, prompts: str | Sequence[str]) -> Tensor:
        """Condition rows [B, D]."""

    def null_condition(self, count: int = 1) -> Tensor:
        """Rows [count, D] of "no prompt"."""


class Factors(NamedTuple):
    """What is read off pictures: F factors by name, the values of each, and read(pictures) [B, F] int64, -1 where a
    picture cannot be read."""

    names: list[str]
    values: list[list[str]]
    read: Score


class TrajectoryOptions(SamplingOptions, total=False):
    """Keywords of `Model.trajectory`."""

    seed: int
    sample_ids: Ids
    negative_prompt: str
    images: Any


class Model:
    """A denoiser with prompts. `World` and `Run` are models; `noisescope.model` makes one of functions."""

    def __init__(self, core: _core.Model) -> None:
        self._model = core

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(C, H, W) of its pictures."""
        return tuple(self._model.image_shape)

    @property
    def log_snr_max(self) -> float:
        """The cleanest noise level that it may be asked about; explanations end there."""
        return self._model.log_snr_max

    @property
    def is_posterior_mean(self) -> bool:
        """Does D estimate E[x_0 | x, condition]? Evidence and nats stand on it."""
        return self._model.is_posterior_mean

    def denoiser(self) -> Denoiser:
        """D(x, sigma, condition)."""
        return self._model.denoiser()

    def condition(self, prompts: str | Sequence[str]) -> Tensor:
        """Condition rows [B, D]; "" is no prompt. Raises ValueError naming words that the model does not know."""
        return self._model.condition(texts_of(prompts))

    def null_condition(self, count: int = 1) -> Tensor:
        """[count, D]: no prompt."""
        return self._model.null_condition(count)

    @takes_options("sampling_sigmas")
    def sigmas(self, **grid: Unpack[GridOptions]) -> list[float]:
        """Noise levels of drawing; keywords change its grid (steps, sigma_min, ...)."""
        return self._model.sigmas(grid)

    def contrasts(self, prompt: str, words: str | Sequence[str] = (),
                  alternatives: str | Sequence[str] = ()) -> list[PromptContrast]:
        """The prompt with each of its words in several versions. A world knows words and alternatives by itself."""
        return self._model.contrasts(prompt, texts_of(words), texts_of(alternatives))

    def reader(self, texts: str | Sequence[str]) -> Score:
        """A reader of pictures: scores [B, V] of V texts. Raises ValueError where the model has none."""
        return self._model.reader(texts_of(texts))

    def factors(self, labels: str | Sequence[str] = ()) -> Factors:
        """What can be read off its pictures: by the parser of a world, or the label that a picture is nearest to."""
        return Factors(*self._model.factors(texts_of(labels)))

    @takes_options("sample")
    def trajectory(self, prompts: str | Sequence[str], *, seed: int = 0, sample_ids: Ids = None,
                   negative_prompt: str = "", images: Any = None, **options: Unpack[SamplingOptions]) -> Trajectory:
        """A sampling run, one picture a prompt, drawn when its steps are first asked for. Picture k uses noise (seed,
        sample_ids[k]), default k. `images`: pictures in the prompts' place where a model was trained on them. Options
        not given are the model's."""
        texts = texts_of(prompts)
        core = self._model.trajectory(texts, negative_prompt, None if images is None else pictures_of(images, "images"),
                                      seed, ids_of(sample_ids), options)
        return Trajectory._of(core, self, texts)

    @takes_options("sample")
    def record(self, prompts: str | Sequence[str], *, progress: Watch = None,
               **options: Unpack[TrajectoryOptions]) -> Trajectory:
        """A trajectory (options as there) whose steps are drawn at once."""
        made = self.trajectory(prompts, **options)
        made.steps(progress=progress)
        return made

    @takes_options("sample")
    def sample(self, prompts: str | Sequence[str], *, progress: Watch = None,
               **options: Unpack[TrajectoryOptions]) -> Tensor:
        """The pictures [B, C, H, W] of a trajectory (options as there), whose steps are not kept."""
        return self.trajectory(prompts, **options).redraw(progress=progress)


def _rows_of(like: ModelLike) -> Callable[[list[str]], Tensor]:
    """The condition of anything model-like, "" being its null condition."""
    def condition(prompts: list[str]) -> Tensor:
        said = [prompt for prompt in prompts if prompt]
        if len(said) == len(prompts):
            return like.condition(prompts)
        rows = like.null_condition(len(prompts)).clone()
        if said:
            rows[[k for k, prompt in enumerate(prompts) if prompt]] = like.condition(said).to(rows)
        return rows

    return condition


@takes_options("sample")
def model(source: ModelLike | Denoiser, condition: Callable[[list[str]], Tensor] | None = None, *,
          image_shape: Sequence[int] = (3, 32, 32), name: str = "model", log_snr_max: float = 5.0,
          posterior_mean: bool = True, reader: Callable[[list[str]], Score] | None = None,
          **options: Unpack[SamplingOptions]) -> Model:
    """A model of any source that has denoiser(), condition() and null_condition(), or of a denoiser and a function.

    `condition(prompts)` gives rows [B, D], of "" those of no prompt. `log_snr_max`: the cleanest noise level that it
    knows; `posterior_mean`: whether D estimates E[x_0 | x, condition]; `reader(texts)` gives a function from pictures
    to scores [B, V] of the texts. Options: how it draws.

    >>> import torch
    >>> from noisescope import denoiser
    >>> model(denoiser(lambda x, sigma, c: x / 2), lambda prompts: torch.zeros(len(prompts), 1)).name
    'model'
    """
    if isinstance(source, Model):
        return source
    if isinstance(source, ModelLike):
        core_denoiser, rows = denoiser_of(source.denoiser()), _rows_of(source)
    elif condition is None:
        raise TypeError("expected condition, a function from prompts to rows [B, D], beside a denoiser")
    else:
        core_denoiser, rows = denoiser_of(source), condition
    return Model(_core.Model(name, core_denoiser, rows, list(image_shape), log_snr_max, posterior_mean, reader,
                             options))


def parts_of(source: ModelLike | Denoiser) -> tuple[Denoiser, Model | None]:
    """The denoiser of what a method was given, and its model where it is one."""
    if isinstance(source, Denoiser):
        return source, None
    if isinstance(source, ModelLike):
        made = source if isinstance(source, Model) else model(source)
        return made.denoiser(), made
    return denoiser_of(source), None
