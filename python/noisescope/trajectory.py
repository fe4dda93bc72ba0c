"""A sampling run that is drawn once, read, and drawn again with changes."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import torch
from torch import Tensor

from noisescope import _core
from noisescope._arguments import Ids, Watch, denoiser_of, ids_of, mapping_of, texts_of
from noisescope._core import Denoiser, Step
from noisescope._options import GuidanceOptions, SamplerOptions
from noisescope.pictures import pictures_of, tensor_of
from noisescope.progress import sink

if TYPE_CHECKING:
    from noisescope.model import Model


def _yes_or_no(prompted: Any) -> Any:
    """The function, held to answers that are True or False; what is no function is refused where it is used."""
    if not callable(prompted):
        return prompted

    def ask(log_snr: float) -> bool:
        answer = prompted(log_snr)
        if not isinstance(answer, bool):
            raise TypeError(f"expected prompted(log_snr) to be True or False, got {type(answer).__name__}")
        return answer

    return ask


class ChangeOptions(TypedDict, total=False):
    """What is different when a trajectory is sampled again; what is not named stays."""

    prompts: str | Sequence[str]
    """one for all pictures, or one a picture"""
    condition: Any
    """[B, D], in place of prompts"""
    scale: float
    """of guidance, at all noise levels"""
    window: tuple[float, float, float]
    """(log_snr_min, log_snr_max, scale): another guidance scale there alone"""
    prompted: Callable[[float], bool]
    """log_snr -> whether the prompt is heard there"""
    initial: Any
    """[B, C, H, W]: the first noise, with step 0"""
    x: Any
    """[B, C, H, W]: in place of the noisy pictures at `step`"""
    remaining_noise: int
    """seed of the noise that stochastic solvers still add"""
    block: Sequence[int]
    """(top, left, height, width): pixels whose noise is drawn anew"""
    block_seed: int
    """1: of that noise"""


class Trajectory:
    """One sampling run of B pictures. Its S steps are drawn when they are first asked for, both branches of guidance
    evaluated, and kept: what is read off them costs no evaluations.

    `Model.trajectory` makes one of prompts. Here: condition [B, D]; null_condition [B, D] or [1, D]; image_shape
    (C, H, W); `sampler` and `guidance`: options as in `sample`. Noise of picture b: (seed, sample_ids[b]).
    """

    def __init__(self, denoiser: Denoiser, condition: Any, null_condition: Any, *, image_shape: Sequence[int],
                 sigmas: Sequence[float], seed: int = 0, sample_ids: Ids = None,
                 sampler: SamplerOptions | None = None, guidance: GuidanceOptions | None = None) -> None:
        self._core = _core.Trajectory(denoiser_of(denoiser), tensor_of(condition, "condition"),
                                      tensor_of(null_condition, "null_condition"), list(image_shape), list(sigmas),
                                      seed, ids_of(sample_ids), mapping_of(sampler, "sampler"),
                                      mapping_of(guidance, "guidance"))
        self.model: Model | None = None
        self.prompts: list[str] = []

    @classmethod
    def _of(cls, core: _core.Trajectory, model: "Model | None", prompts: list[str]) -> "Trajectory":
        made = cls.__new__(cls)
        made._core, made.model, made.prompts = core, model, prompts
        return made

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        return f"Trajectory({len(self)} pictures, {len(self.sigmas) - 1} steps)"

    @property
    def sigmas(self) -> list[float]:
        """[S + 1], falling, the last 0."""
        return self._core.sigmas

    @property
    def log_snrs(self) -> list[float]:
        """[S]: noise levels of the steps in nats."""
        return (-2 * torch.tensor(self.sigmas[:-1], dtype=torch.float64).log()).tolist()

    @property
    def initial(self) -> Tensor:
        """[B, C, H, W]: the first noise, standard normal."""
        return self._core.initial

    @property
    def condition(self) -> Tensor:
        """[B, D]."""
        return self._core.condition

    @property
    def null_condition(self) -> Tensor:
        """[B, D]."""
        return self._core.null_condition

    def steps(self, *, progress: Watch = None) -> list[Step]:
        """The S steps, drawn now if they are not known yet."""
        return self._core.steps(sink(progress))

    @property
    def pictures(self) -> Tensor:
        """[B, C, H, W]: where the steps end."""
        return self._core.pictures(sink(None))

    @property
    def x(self) -> Tensor:
        """[S, B, C, H, W]: the noisy pictures."""
        return torch.stack([step.x for step in self.steps()])

    @property
    def denoised(self) -> Tensor:
        """[S, B, C, H, W]: the clean estimates that the solver used."""
        return torch.stack([step.denoised for step in self.steps()])

    @property
    def conditional(self) -> Tensor:
        """[S, B, C, H, W]: the estimates with the prompt."""
        return torch.stack([step.conditional for step in self.steps() if step.conditional is not None])

    @property
    def unconditional(self) -> Tensor:
        """[S, B, C, H, W]: the estimates without it."""
        return torch.stack([step.unconditional for step in self.steps() if step.unconditional is not None])

    def rows(self, rows: Sequence[int]) -> "Trajectory":
        """These pictures of it, in this order, also several times; their steps are kept where they are known."""
        core = self._core.rows([int(row) for row in rows])
        return self._of(core, self.model, [self.prompts[row] for row in rows] if self.prompts else [])

    def redraw(self, step: int = 0, *, observer: Callable[[Step], None] | None = None, progress: Watch = None,
               **change: Unpack[ChangeOptions]) -> Tensor:
        """The pictures [B, C, H, W] that the same noise gives with a change from `step` on. S - step steps."""
        return self._core.redraw(self._change(step, change), observer, sink(progress))

    def changed(self, step: int = 0, *, observer: Callable[[Step], None] | None = None, progress: Watch = None,
                **change: Unpack[ChangeOptions]) -> "Trajectory":
        """What `redraw` goes through, as a trajectory of its own: the steps before `step` are this one's, the others
        have both branches. It can be changed again. `prompted` cannot be kept by a trajectory and is refused."""
        core = self._core.changed(self._change(step, change), observer, sink(progress))
        prompts = change.get("prompts")
        texts = self.prompts if prompts is None else texts_of(prompts)
        return self._of(core, self.model, texts * len(self) if isinstance(prompts, str) else texts)

    def _change(self, step: int, change: ChangeOptions) -> _core.Change:
        unknown = sorted(change.keys() - ChangeOptions.__annotations__.keys())
        if unknown:
            raise TypeError(f"expected changes among {', '.join(ChangeOptions.__annotations__)}, got {unknown[0]}")
        prompts, condition = change.get("prompts"), change.get("condition")
        block, initial, x = change.get("block"), change.get("initial"), change.get("x")
        rows = None if prompts is None and condition is None else self._conditions(prompts, condition)
        return _core.Change(step, rows, change.get("scale"), change.get("window"), _yes_or_no(change.get("prompted")),
                            None if initial is None else pictures_of(initial, "initial"),
                            None if x is None else pictures_of(x, "x"), change.get("remaining_noise"),
                            None if block is None else list(block), change.get("block_seed", 1))

    def _conditions(self, prompts: str | Sequence[str] | None, condition: Any) -> Tensor:
        """[B, D] of one prompt for all, a prompt a picture, or rows given as they are."""
        if condition is not None:
            return tensor_of(condition, "condition")
        if prompts is None:
            raise TypeError("expected prompts or a condition, got neither")
        if self.model is None:
            raise TypeError("expected a condition [B, D]: a trajectory of a denoiser knows no prompts")
        rows = self.model.condition(texts_of(prompts))
        return rows.expand(len(self), -1) if isinstance(prompts, str) else rows
