"""What explainers and metrics take, checked at the border."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from noisescope import _core
from noisescope._core import Denoiser
from noisescope.pictures import as_tensor
from noisescope.progress import ProgressSink

Watch = ProgressSink | bool | None  # who hears of progress
Ids = Sequence[int] | None
Score = Callable[[Tensor], Tensor]


def ids_of(ids: Ids) -> list[int] | None:
    return None if ids is None else [int(i) for i in ids]


def noise_of(seed: int, ids: Ids, count: int) -> _core.PathNoise:
    """The noise of `count` pictures; picture b takes sample_ids[b], default b."""
    return _core.PathNoise(seed, list(range(count)) if ids is None else [int(i) for i in ids])


def core_of(value: Any, kind: type, name: str) -> Any:
    """The C++ object of a Clip or Run."""
    if not isinstance(value, kind):
        raise TypeError(f"expected a {kind.__name__} for {name}, got {type(value).__name__}")
    return value._core  # type: ignore[attr-defined]


def denoiser_of(value: Any) -> Denoiser:
    if not isinstance(value, Denoiser):
        raise TypeError(f"expected a Denoiser, got {type(value).__name__}; call denoiser() of a run or a world, or "
                        "wrap a function of (x, sigma, condition) by noisescope.denoiser")
    return value


def mapping_of(value: Any, name: str) -> dict[str, Any]:
    """A dictionary; None is an empty one."""
    if not isinstance(value, Mapping | None):
        raise TypeError(f"expected a dictionary for {name}, got {type(value).__name__}")
    return dict(value or {})


def texts_of(texts: str | Sequence[str]) -> list[str]:
    """One text is a list of one."""
    return [texts] if isinstance(texts, str) else list(texts)


def mask_of(mask: Any) -> Tensor:
    tensor = as_tensor(mask, "mask")
    if tensor.dtype != torch.bool:
        raise TypeError(f"expected a bool mask, got {tensor.dtype}")
    return tensor


def version_of(version: Any, count: int) -> Tensor:
    """[B] int64: the version that is true of each of `count` pictures."""
    tensor = as_tensor(version, "true_version")
    if tensor.is_floating_point() or tensor.is_complex():
        raise TypeError(f"expected integers for true_version, which each picture shows, got {tensor.dtype}")
    if tensor.dim() > 0 and tensor.shape != (count,):
        raise ValueError(f"expected a number or [{count}] for true_version, got {list(tensor.shape)}")
    return tensor.to(torch.int64).expand(count)


def columns(score: Score) -> Score:
    """A score of [B] as one of [B, 1]."""
    def of(pictures: Tensor) -> Tensor:
        values = score(pictures)
        return values[:, None] if isinstance(values, Tensor) and values.dim() == 1 else values

    return of
