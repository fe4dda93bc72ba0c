"""Trained runs: load, sample, record, train."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from torch import Tensor

from noisescope import _core
from noisescope._arguments import mapping_of, texts_of
from noisescope._core import Denoiser
from noisescope._keywords import takes_options
from noisescope._options import DrawOptions, SamplingSigmasOptions
from noisescope.clip import Clip
from noisescope.pictures import pictures_of
from noisescope.progress import ProgressSink, sink
from noisescope.result import Result


class Run:
    """A trained model with its configuration."""

    def __init__(self, folder: str | os.PathLike[str], device: str = "cpu") -> None:
        self._core = _core.Run(os.fspath(folder), device)

    def __repr__(self) -> str:
        network = self.config["network"]
        return (f"Run({os.path.basename(self.folder)!r}: {network['kind']}, {self.image_size} px, "
                f"{self.config['data']['kind']})")

    @property
    def folder(self) -> str:
        return str(self._core.folder)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, as in config.yaml."""
        return dict(self._core.config)

    @property
    def image_size(self) -> int:
        return int(self._core.image_size)

    @property
    def clip(self) -> Clip:
        return Clip(self._core.clip)

    def condition(self, prompts: str | Sequence[str]) -> Tensor:
        """Rows [B, D] for the denoiser. Raises ValueError naming words that the model does not know."""
        return self._core.condition(texts_of(prompts))

    def null_condition(self, count: int = 1) -> Tensor:
        """The network's "no prompt", [count, D]."""
        return self._core.null_condition(count)

    def denoiser(self) -> Denoiser:
        """D(x, sigma, condition), without gradients."""
        return self._core.denoiser()

    def sigmas(self, **grid: Unpack[SamplingSigmasOptions]) -> list[float]:
        """Noise levels of drawing; keywords change sample.grid (steps, sigma_min, ...)."""
        return list(self._core.sigmas(grid))

    def cleanest_trained_log_snr(self) -> float:
        """Beyond this log-SNR the network was hardly trained: explanations end there."""
        return float(self._core.cleanest_trained_log_snr())

    @takes_options("draw")
    def sample(self, prompts: str | Sequence[str], *, seed: int = 0, first_sample: int = 0, negative_prompt: str = "",
               images: Any = None, progress: ProgressSink | bool | None = None,
               **options: Unpack[DrawOptions]) -> Tensor:
        """Pictures [B, 3, S, S], one a prompt; picture k uses noise (seed, first_sample + k). `images` in place of
        prompts where the model was trained on image embeddings. Options not given are those of the run."""
        return self._core.sample(texts_of(prompts), negative_prompt, seed, first_sample,
                                 None if images is None else pictures_of(images, "images"), options, sink(progress))

    @takes_options("draw")
    def record(self, prompts: str | Sequence[str], *, seed: int = 0, first_sample: int = 0, negative_prompt: str = "",
               progress: ProgressSink | bool | None = None, **options: Unpack[DrawOptions]) -> Result:
        """A run with all that its solver saw, S steps: pictures [B, 3, H, W], sigmas, and [S, B, 3, H, W] x, denoised
        (what the solver used), conditional, unconditional."""
        return Result("Record", self._core.record(texts_of(prompts), negative_prompt, seed, first_sample, options,
                                                  sink(progress)))


def load(folder: str | os.PathLike[str], device: str = "cpu") -> Run:
    """The model of a run folder; of an unfinished one its newest good checkpoint. Raises DataError for a folder that
    is no run, ModelError for one without weights."""
    return Run(folder, device)


def _overrides(values: Mapping[str, Any]) -> list[str]:
    import json

    return [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]


def train(out: str | os.PathLike[str], config: str | os.PathLike[str] = "", *, set: Mapping[str, Any] | None = None,
          skip_clip_extraction: bool = False, device: str = "cpu",
          on_step: Callable[[dict[str, Any]], Any] | None = None, progress: ProgressSink | bool | None = None) -> Run:
    """Trains CLIP and diffusion model in the folder `out`, going on from what is there, and loads the run.

    `config`: a YAML file (default: the demo's); `set`: {"train.budget": "60s", ...} over it. `on_step` hears every
    update of the diffusion model: a dict with step, images, loss, learning_rate, seconds; its time is not the
    budget's. It ends training by returning False, which gives the run so far, or by raising. So does Ctrl-C, with
    KeyboardInterrupt. Either leaves a checkpoint, and the same call goes on from there. Raises ConfigError, DataError,
    ModelError (a run of other settings).
    """
    _core.train(os.fspath(config), _overrides(mapping_of(set, "set")), os.fspath(out), skip_clip_extraction, device,
                on_step, sink(progress))
    return Run(out, device)
