"""Makes tests/golden/schedulers.json: schedules, grids and step-by-step states of `diffusers`.

    .venv/bin/python tests/reference/make_scheduler_golden.py

The denoiser is D(x, sigma) = tanh(x / (1 + sigma^2)) in the variance-exploding scale; the noise is
that of noisescope/core/random.h, recomputed here from the published Philox4x32-10, so none has to be
stored. States are written in the variance-exploding scale.
"""

import json
import math
import pathlib

import diffusers
import numpy
import torch
from diffusers import schedulers
from diffusers.schedulers import scheduling_ddim, scheduling_ddpm

SEED = 11
SAMPLES = [3, 0]  # sample ids of the batch
SHAPE = (1, 2, 3)
INITIAL_NOISE, STEP_NOISE = 8, 9  # Purpose of random.h
T = 1000
STEPS = 8


def philox(counter, key):
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (p1 >> 32) ^ c1 ^ k0,
            p1 & 0xFFFFFFFF,
            (p0 >> 32) ^ c3 ^ k1,
            p0 & 0xFFFFFFFF,
        )
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def normal(purpose, step):
    """[len(SAMPLES), *SHAPE] float64 by Box-Muller."""
    count = math.prod(SHAPE)
    rows = []
    for sample in SAMPLES:
        row = []
        for block in range((count + 3) // 4):
            words = philox((block, sample, step, purpose), SEED)
            for a, b in (words[:2], words[2:]):
                radius = math.sqrt(-2 * math.log((a + 0.5) * 2.0**-32))
                angle = 2 * math.pi * b * 2.0**-32
                row += [radius * math.cos(angle), radius * math.sin(angle)]
        rows.append(row[:count])
    return torch.tensor(rows, dtype=torch.float64).view(len(SAMPLES), *SHAPE)


def denoise(x, sigma):
    return torch.tanh(x / (1 + sigma**2))


def flat(tensor):
    return [float(value) for value in tensor.double().flatten()]


def in_float64(scheduler):
    """The scheduler with its tables in float64 (they are built in float32)."""
    scheduler.betas = torch.linspace(1e-4, 0.02, T, dtype=torch.float64)
    scheduler.alphas = 1 - scheduler.betas
    scheduler.alphas_cumprod = torch.cumprod(scheduler.alphas, 0)
    scheduler.one = torch.tensor(1.0, dtype=torch.float64)
    if hasattr(scheduler, "final_alpha_cumprod"):
        scheduler.final_alpha_cumprod = torch.tensor(1.0, dtype=torch.float64)
    scheduler.set_timesteps(STEPS)
    return scheduler


def run_discrete(scheduler, step_arguments):
    """DDPM and DDIM: states live in the variance-preserving scale."""
    bars = scheduler.alphas_cumprod
    times = [int(t) for t in scheduler.timesteps]
    sigmas = [float(((1 - bars[t]) / bars[t]).sqrt()) for t in times] + [0.0]
    x = sigmas[0] * normal(INITIAL_NOISE, 0) * bars[times[0]].sqrt()
    states = []
    for i, t in enumerate(times):
        exploding = x / bars[t].sqrt()
        eps = (exploding - denoise(exploding, sigmas[i])) / sigmas[i]
        noise = normal(STEP_NOISE, i)
        scheduling_ddpm.randn_tensor = lambda *_, **__: noise
        scheduling_ddim.randn_tensor = lambda *_, **__: noise
        x = scheduler.step(eps, t, x, **step_arguments).prev_sample
        states.append(flat(x * math.sqrt(1 + sigmas[i + 1] ** 2)))
    return {"sigmas": sigmas, "states": states, "tolerance": 1e-10}


def run_exploding(scheduler, evaluations):
    """Euler and Heun: `evaluations` calls a step, the last step has one."""
    x = float(scheduler.sigmas[0]) * normal(INITIAL_NOISE, 0)
    states, sigmas, calls = [], [], 0
    for i, t in enumerate(scheduler.timesteps):
        # Heun's table repeats each inner noise level: its second call is at the next one.
        sigma = float(scheduler.sigmas[i])
        if calls == 0:
            sigmas.append(sigma)
        eps = (x - denoise(x, sigma)) / sigma
        x = scheduler.step(eps, t, x).prev_sample
        calls += 1
        last = float(scheduler.sigmas[i + 1]) == 0
        if calls == evaluations or last:
            states.append(flat(x))
            calls = 0
    return {"sigmas": sigmas + [0.0], "states": states, "tolerance": 2e-5}


def run_multistep(scheduler, step_arguments_of):
    """DPM-Solver++: variance-preserving states on a table of sigmas."""
    sigmas = [float(s) for s in scheduler.sigmas]
    x = sigmas[0] * normal(INITIAL_NOISE, 0) / math.sqrt(1 + sigmas[0] ** 2)
    states = []
    for i, t in enumerate(scheduler.timesteps):
        exploding = x * math.sqrt(1 + sigmas[i] ** 2)
        eps = (exploding - denoise(exploding, sigmas[i])) / sigmas[i]
        x = scheduler.step(eps, t, x, **step_arguments_of(i)).prev_sample
        states.append(flat(x * math.sqrt(1 + sigmas[i + 1] ** 2)))
    return {"sigmas": sigmas, "states": states, "tolerance": 2e-5}


def sampler_runs():
    linear = {"num_train_timesteps": T, "beta_schedule": "linear"}
    multistep = {**linear, "algorithm_type": "dpmsolver++", "final_sigmas_type": "zero"}
    make = lambda name, **options: in_float64(getattr(schedulers, name)(**options))
    runs = {
        "ddpm_posterior": run_discrete(
            make("DDPMScheduler", **linear, clip_sample=False, variance_type="fixed_small"), {}
        ),
        "ddpm_upper": run_discrete(
            make("DDPMScheduler", **linear, clip_sample=False, variance_type="fixed_large"), {}
        ),
        "euler": run_exploding(make("EulerDiscreteScheduler", **linear), 1),
        "heun": run_exploding(make("HeunDiscreteScheduler", **linear), 2),
        "dpmpp_2m": run_multistep(
            make("DPMSolverMultistepScheduler", **multistep), lambda i: {}
        ),
        "dpmpp_2m_karras": run_multistep(
            make("DPMSolverMultistepScheduler", **multistep, use_karras_sigmas=True), lambda i: {}
        ),
        "dpmpp_2m_sde": run_multistep(
            make(
                "DPMSolverMultistepScheduler",
                **{**multistep, "algorithm_type": "sde-dpmsolver++"},
            ),
            lambda i: {"variance_noise": normal(STEP_NOISE, i)},
        ),
    }
    for eta in (0.0, 0.5, 1.0):
        runs[f"ddim_{eta}"] = run_discrete(
            make("DDIMScheduler", **linear, clip_sample=False), {"eta": eta}
        )
    return runs


def schedule_tables():
    """alpha_bar at some t (counted from 1) of each schedule."""
    tables = {}
    for timesteps in (50, 1000):
        linear = torch.linspace(1e-4, 0.02, timesteps, dtype=torch.float64)
        betas = {
            "linear": linear,
            "cosine": scheduling_ddpm.betas_for_alpha_bar(timesteps).double(),
            "zero_terminal_snr": scheduling_ddim.rescale_zero_terminal_snr(linear),
        }
        for name, values in betas.items():
            bars = torch.cumprod(1 - values, 0)
            chosen = [1, 2, timesteps // 3, timesteps // 2, timesteps - 1, timesteps]
            tables[f"{name}_{timesteps}"] = {
                "t": chosen,
                "alpha_bar": [float(bars[t - 1]) for t in chosen],
            }
    return tables


def spacings():
    """Timesteps (counted from 1) of each spacing."""
    out = {}
    for spacing in ("leading", "linspace", "trailing"):
        for steps in (7, 10, 50):
            scheduler = schedulers.DDIMScheduler(
                num_train_timesteps=T, timestep_spacing=spacing, steps_offset=0
            )
            scheduler.set_timesteps(steps)
            out[f"{spacing}_{steps}"] = [int(t) + 1 for t in scheduler.timesteps]
    return out


def main():
    golden = {
        "made_by": "tests/reference/make_scheduler_golden.py",
        "versions": {
            "diffusers": diffusers.__version__,
            "torch": torch.__version__,
            "numpy": numpy.__version__,
        },
        "seed": SEED,
        "sample_ids": SAMPLES,
        "shape": SHAPE,
        "samplers": sampler_runs(),
        "schedules": schedule_tables(),
        "spacings": spacings(),
    }
    path = pathlib.Path(__file__).parent.parent / "golden" / "schedulers.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
