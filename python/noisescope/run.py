"""Trained runs: load, train, and the main job in one call."""

import json
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from noisescope import _core
from noisescope._arguments import Watch, mapping_of
from noisescope.clip import Clip
from noisescope.model import Model
from noisescope.progress import sink


class Run(Model):
    """A trained model with its configuration."""

    def __init__(self, folder: str | os.PathLike[str], device: str = "cpu") -> None:
        self._core = _core.Run(os.fspath(folder), device)
        super().__init__(self._core.model())

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

def load(folder: str | os.PathLike[str], device: str = "cpu") -> Run:
    """The model of a run folder; of an unfinished one its newest good checkpoint. Raises DataError for a folder that
    is no run, ModelError for one without weights."""
    return Run(folder, device)


def overrides_of(values: Mapping[str, Any]) -> list[str]:
    return [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()]


def train(out: str | os.PathLike[str], config: str | os.PathLike[str] = "", *,
          overrides: Mapping[str, Any] | None = None, skip_clip_extraction: bool = False, device: str = "cpu",
          on_step: Callable[[dict[str, Any]], Any] | None = None, progress: Watch = None, **old: Any) -> Run:
    """Trains CLIP and diffusion model in the folder `out`, going on from what is there, and loads the run.

    `config`: a YAML file (default: the demo's); `overrides`: {"train.budget": "60s", ...} over it. `on_step` hears
    every update of the diffusion model: a dict with step, images, loss, learning_rate, seconds; its time is not the
    budget's. It ends training by returning False, which gives the run so far, or by raising. So does Ctrl-C, with
    KeyboardInterrupt. Either leaves a checkpoint, and the same call goes on from there. Raises ConfigError, DataError,
    ModelError (a run of other settings).
    """
    if "set" in old:
        warnings.warn("train(set=...) is train(overrides=...) now", DeprecationWarning, stacklevel=2)
        overrides = old.pop("set")
    if old:
        raise TypeError(f"train() got an unexpected keyword argument '{next(iter(old))}'")
    _core.train(os.fspath(config), overrides_of(mapping_of(overrides, "overrides")), os.fspath(out),
                skip_clip_extraction, device, on_step, sink(progress))
    return Run(out, device)


def replay(folder: str | os.PathLike[str], out: str | os.PathLike[str] = "", *, data: str | os.PathLike[str] = "",
           threads: int = 0, device: str = "cpu", progress: Watch = None) -> dict[str, Any]:
    """Trains a finished run anew from its folder, in `out` (default: folder/replay; an interrupted replay goes on
    there), and compares: {"equal": bool, "parts": [{"name", "equal", "run", "again", "difference"}, ...], "reasons":
    [str, ...]}. The reasons are what may explain a difference: threads, processor, torch, budgets in seconds.

    `data`: where the data are, if they have moved; `threads`: other than the run was trained with, during this
    call. Raises ModelError for a run that is not finished, DataError where its data are gone or have changed.
    """
    values: dict[str, Any] = _core.replay_run(os.fspath(folder), os.fspath(out), os.fspath(data), threads, device,
                                              sink(progress))
    return values


def demo(out: str | os.PathLike[str] = "runs/demo", *, data: str = "world", seconds: float | None = None,
         overrides: Mapping[str, Any] | None = None, device: str = "cpu", progress: Watch = None) -> dict[str, Any]:
    """The main job, as `noisescope demo` does it: trains on the embedded data in the folder `out` (going on from what
    is there), scores, writes report.html and summary.json. Returns the summary: scene_accuracy by guidance scale, ...

    `data`: "world", or "emoji", those of the installed colour font. `seconds`: scales everything to about this time
    (default: six minutes on two cores, ten for emoji). Raises ConfigError,
    InvalidValueError, ModelError (a run of other settings).
    """
    values: dict[str, Any] = _core.demo(os.fspath(out), overrides_of(mapping_of(overrides, "overrides")), seconds,
                                        device, sink(progress), data)
    return values
