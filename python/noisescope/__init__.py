"""Trains CLIP-conditioned diffusion models on small images and shows, in measured numbers, what their noise says.

    import noisescope as ns

    world = ns.World()                       # the exact two-object world
    run = ns.load("runs/demo")               # a trained model
    pictures = run.sample(["a red square left of a blue disc on dark"] * 4, seed=1)

Pictures are float32 tensors [B, C, H, W] in [-1, 1]; numpy arrays and PIL images are taken, too. The names are those
of the program, its configuration files and the C++ library.
"""

from noisescope import _torch_check

_torch_check.require()

from noisescope import explain, metric  # noqa: E402
from noisescope._core import Progress, Step, machine_facts, version as __version__  # noqa: E402
from noisescope.analytic import GaussianData, GaussianMixture  # noqa: E402
from noisescope.answer import Answer  # noqa: E402
from noisescope.clip import Clip, Encoding  # noqa: E402
from noisescope.diffusion import (  # noqa: E402
    Denoiser, add_noise, denoiser, initial_noise, noise_of, precondition, sample, sampling_sigmas, schedule,
    score_from_x0, v_from_x0, ve_from_vp, vp_from_ve, x0_from_eps, x0_from_score, x0_from_v)
from noisescope.errors import (  # noqa: E402
    ConfigError, DataError, FormatError, Interrupted, InvalidValueError, IoError, ModelError, NumericError, ShapeError)
from noisescope.model import Factors, Model, ModelLike, model  # noqa: E402
from noisescope.picture_world import PictureWorld  # noqa: E402
from noisescope.pictures import Pictures, tensor_of  # noqa: E402
from noisescope.run import Run, demo, load, replay, train  # noqa: E402
from noisescope.safetensors import load_safetensors, save_safetensors  # noqa: E402
from noisescope.studio import Studio, studio  # noqa: E402
from noisescope.trajectory import Trajectory  # noqa: E402
from noisescope.world import Scenes, World  # noqa: E402

__all__ = [
    "Answer", "Clip", "ConfigError", "DataError", "Denoiser", "Encoding", "Factors", "FormatError", "GaussianData",
    "GaussianMixture", "Interrupted", "InvalidValueError", "IoError", "Model", "ModelError", "ModelLike",
    "NumericError", "PictureWorld", "Pictures", "Progress", "Run", "Scenes", "ShapeError", "Step", "Studio",
    "Trajectory", "World", "__version__", "add_noise", "demo", "denoiser", "explain", "initial_noise", "load",
    "load_safetensors", "machine_facts", "metric", "model", "noise_of", "precondition", "replay", "sample",
    "sampling_sigmas", "save_safetensors", "schedule", "score_from_x0", "studio", "tensor_of", "train", "v_from_x0",
    "ve_from_vp", "vp_from_ve", "x0_from_eps", "x0_from_score", "x0_from_v",
]
