"""Models of the diffusers library as denoisers: your own pixel-space model under every sampler and explainer.

    from diffusers import DDPMPipeline
    import noisescope.diffusers as nd

    pipeline = DDPMPipeline.from_pretrained("folder")
    denoiser = nd.denoiser(pipeline.unet, pipeline.scheduler)

diffusers' images x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps are ours times sqrt(alpha_bar): here
x = x_0 + sigma eps, sigma = sqrt((1 - alpha_bar) / alpha_bar). Its timestep t = 0 is our t = 1.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy
import torch
from torch import Tensor

from noisescope.diffusion import Denoiser
from noisescope.diffusion import denoiser as denoiser_of
from noisescope.errors import ModelError

__all__ = ["Adapter", "denoiser", "flatten", "load", "sigmas"]

_PREDICTIONS = ("epsilon", "v_prediction", "sample")


class Adapter:
    """unet(x, t, ...) with a scheduler's tables as D(x, sigma, condition).

    The timestep of a sigma between two of the table is linear in ln sigma. Conditions [B, D] are the columns of
    encoder_hidden_states [B, tokens, D / tokens] one after another (`flatten`), for a UNet2DConditionModel; a
    UNet2DModel gets none, or class labels if it has them (condition [B, 1]). `encode(prompts)` gives the hidden states
    of prompts, "" being no prompt: with it the adapter is a model for every method.
    """

    def __init__(self, unet: Any, scheduler: Any, tokens: int = 1,
                 encode: Callable[[list[str]], Tensor] | None = None) -> None:
        self.unet, self.tokens, self.encode = unet.eval(), tokens, encode
        table = getattr(scheduler, "alphas_cumprod", None)
        if table is None:
            raise ModelError(f"expected a scheduler with alphas_cumprod, got {type(scheduler).__name__}; "
                             "flow-matching schedulers have no such table")
        self.prediction = scheduler.config.prediction_type
        if self.prediction not in _PREDICTIONS:
            raise ModelError(f"expected a prediction_type of {', '.join(_PREDICTIONS)}, got {self.prediction!r}")
        bars = torch.as_tensor(table, dtype=torch.float64).cpu().numpy()
        self.table = numpy.sqrt((1 - bars) / bars)  # [T], rising
        if not numpy.isfinite(self.table).all():
            raise ModelError("expected finite noise levels, got a scheduler rescaled to zero terminal SNR: "
                             "its last step has no sigma")
        self.is_conditional = getattr(unet.config, "cross_attention_dim", None) is not None
        self.has_classes = getattr(unet.config, "num_class_embeds", None) is not None

    def denoiser(self) -> Denoiser:
        """It, to be sampled and explained."""
        return denoiser_of(self)

    def condition(self, prompts: str | Sequence[str]) -> Tensor:
        """Condition rows [B, tokens D] of prompts; zeros [B, 1] for an unconditional model. Raises ModelError for a
        conditional one without `encode`."""
        texts = [prompts] if isinstance(prompts, str) else list(prompts)
        if self.encode is not None:
            return flatten(self.encode(texts)).detach()
        if self.is_conditional or self.has_classes:
            raise ModelError("expected encode(prompts), which gives the hidden states of prompts, got none")
        return torch.zeros(len(texts), 1)

    def null_condition(self, count: int = 1) -> Tensor:
        """Rows of no prompt."""
        return self.condition([""]).expand(count, -1)

    def timestep(self, sigma: Tensor) -> Tensor:
        """t [B] float64 in [0, T - 1] of sigma [B]."""
        logs = sigma.detach().double().log().cpu().numpy()
        return torch.from_numpy(numpy.interp(logs, numpy.log(self.table), numpy.arange(len(self.table))))

    def predict(self, scaled: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """What the network says of images in its own scale."""
        parameter = next(self.unet.parameters())
        scaled, t = scaled.to(parameter.device, parameter.dtype), t.to(parameter.device, torch.float32)
        if self.is_conditional:
            states = condition.to(scaled).reshape(len(condition), self.tokens, -1)
            return self.unet(scaled, t, encoder_hidden_states=states).sample
        if self.has_classes:
            return self.unet(scaled, t, class_labels=condition[:, 0].long().to(scaled.device)).sample
        return self.unet(scaled, t).sample

    def __call__(self, x: Tensor, sigma: Tensor, condition: Tensor) -> Tensor:
        wide = sigma.double().reshape(-1, 1, 1, 1)
        alpha, beta = (1 + wide ** 2).rsqrt(), wide * (1 + wide ** 2).rsqrt()
        answer = self.predict(x.double() * alpha, self.timestep(sigma), condition).to(x.device, torch.float64)
        if answer.shape[1] == 2 * x.shape[1]:  # learned variances stand behind the prediction
            answer = answer[:, :x.shape[1]]
        if self.prediction == "epsilon":
            estimate = x.double() - wide * answer
        elif self.prediction == "v_prediction":
            estimate = alpha * (alpha * x.double()) - beta * answer
        else:
            estimate = answer
        return estimate.to(x.dtype)


def denoiser(unet: Any, scheduler: Any, *, tokens: int = 1) -> Denoiser:
    """D(x, sigma, condition) of a UNet2DModel or UNet2DConditionModel with the beta schedule and prediction type of
    its scheduler. Runs without gradients, on the unet's device and dtype. Raises ModelError for schedulers that have no
    table of alpha_bar."""
    return Adapter(unet, scheduler, tokens).denoiser()


def flatten(encoder_hidden_states: Tensor) -> Tensor:
    """[B, tokens, D] as condition rows [B, tokens D]."""
    return encoder_hidden_states.flatten(1)


def sigmas(scheduler: Any, timesteps: Sequence[int] | Tensor) -> list[float]:
    """Noise levels of integer timesteps of a scheduler, falling, and a last 0: a grid for `noisescope.sample`."""
    bars = torch.as_tensor(scheduler.alphas_cumprod, dtype=torch.float64)[torch.as_tensor(timesteps).long()]
    return [*((1 - bars) / bars).sqrt().tolist(), 0.0]


def load(folder: str | os.PathLike[str], *, tokens: int = 1) -> Denoiser:
    """The denoiser of a pipeline's folder (unet and scheduler side by side). Raises ModelError where one is missing."""
    import diffusers

    path = os.fspath(folder)
    for part in ("unet", "scheduler"):
        if not os.path.isdir(os.path.join(path, part)):
            raise ModelError(f"expected a folder '{part}' in {path}, as save_pretrained of a pipeline leaves it")
    with open(os.path.join(path, "unet", "config.json"), encoding="utf-8") as file:
        is_conditional = "UNet2DConditionModel" in file.read()
    kind = diffusers.UNet2DConditionModel if is_conditional else diffusers.UNet2DModel
    unet = kind.from_pretrained(path, subfolder="unet", local_files_only=True)
    scheduler = diffusers.DDPMScheduler.from_pretrained(path, subfolder="scheduler", local_files_only=True)
    return denoiser(unet, scheduler, tokens=tokens)
