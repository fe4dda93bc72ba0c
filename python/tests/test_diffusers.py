"""Our samplers against diffusers' schedulers, step by step, on a random UNet2DModel: same noise, same tables."""

import diffusers
import pytest
import torch

import noisescope as ns
import noisescope.diffusers as nd

T, SIDE = 100, 8
SCHEDULES = [("linear", 1e-4, 0.02), ("scaled_linear", 8.5e-4, 0.012), ("squaredcos_cap_v2", 1e-4, 0.02)]
PREDICTIONS = ["epsilon", "v_prediction", "sample"]


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return diffusers.UNet2DModel(sample_size=SIDE, block_out_channels=(16, 16), layers_per_block=1, norm_num_groups=8,
                                 down_block_types=("DownBlock2D", "DownBlock2D"),
                                 up_block_types=("UpBlock2D", "UpBlock2D")).eval().double()


def made(kind, schedule, prediction, **options):
    """A scheduler whose table is float64 throughout: diffusers' own is rounded to float32."""
    name, start, end = schedule
    scheduler = kind(num_train_timesteps=T, beta_schedule=name, beta_start=start, beta_end=end,
                     prediction_type=prediction, **options)
    betas = scheduler.betas.double()
    scheduler.betas, scheduler.alphas = betas, 1 - betas
    scheduler.alphas_cumprod = torch.cumprod(1 - betas, 0)
    return scheduler


def theirs(scheduler, unet, start, steps, generator=None, **options):
    """All states of a run in diffusers' scale."""
    scheduler.set_timesteps(steps)
    x, states = start, []
    for t in scheduler.timesteps:
        with torch.no_grad():
            scaled = scheduler.scale_model_input(x, t)
            answer = unet(scaled, t).sample
        extra = dict(options, generator=generator) if generator else options
        x = scheduler.step(answer, t, x, **extra).prev_sample
        states.append(x)
    return states


def ours(scheduler, unet, start, sigmas, noise=None, **options):
    """The same states in our scale: x at the start of every step but the first, then the picture."""
    states = []
    picture = ns.sample(nd.denoiser(unet, scheduler), start, torch.zeros(len(start), 1), sigmas=sigmas, noise=noise,
                        guidance={"clamp": 0}, observer=lambda step: states.append(step.x), **options)
    return [*states[1:], picture]


def close(a, b):
    return float((a - b).abs().max() / b.abs().max()) < 1e-5


def start_noise(batch=2):
    return torch.randn(batch, 3, SIDE, SIDE, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def vp(states, sigmas):
    """Our states in the variance-preserving scale."""
    return [x / (1 + sigma ** 2) ** 0.5 for x, sigma in zip(states, sigmas[1:], strict=True)]


# With linspace DDIM steps to t - T / steps, which is not the next of its own timesteps: docs/python.md.
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=[s[0] for s in SCHEDULES])
def test_ddim_takes_the_same_steps(unet, schedule, prediction, spacing):
    scheduler = made(diffusers.DDIMScheduler, schedule, prediction, clip_sample=False, timestep_spacing=spacing)
    for steps in (5, 20):
        scheduler.set_timesteps(steps)
        sigmas = nd.sigmas(scheduler, scheduler.timesteps)
        x = start_noise()
        found = vp(ours(scheduler, unet, x * (1 + sigmas[0] ** 2) ** 0.5, sigmas, solver="ddim"), sigmas)
        expected = theirs(scheduler, unet, x, steps)
        assert all(close(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("variance, theirs_name", [("posterior", "fixed_small"), ("upper", "fixed_large")])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("steps", [10, T])
def test_ddpm_takes_the_same_steps(unet, prediction, variance, theirs_name, steps):
    scheduler = made(diffusers.DDPMScheduler, SCHEDULES[0], prediction, clip_sample=False, variance_type=theirs_name,
                     timestep_spacing="leading")
    scheduler.set_timesteps(steps)
    sigmas = nd.sigmas(scheduler, scheduler.timesteps)
    x = start_noise()
    draws = torch.Generator().manual_seed(3)
    noise = torch.stack([torch.randn(x.shape, dtype=x.dtype, generator=draws) for _ in range(steps - 1)])
    found = vp(ours(scheduler, unet, x * (1 + sigmas[0] ** 2) ** 0.5, sigmas, noise=noise, solver="ddpm",
                    variance=variance), sigmas)
    expected = theirs(scheduler, unet, x, steps, torch.Generator().manual_seed(3))
    assert all(close(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("solver, kind, options", [
    ("euler", diffusers.EulerDiscreteScheduler, {}),
    ("heun", diffusers.HeunDiscreteScheduler, {}),
    ("dpmpp_2m", diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++", "final_sigmas_type": "zero"}),
], ids=["euler", "heun", "dpmpp_2m"])
def test_sigma_space_solvers_end_in_the_same_picture(unet, solver, kind, options, prediction, spacing):
    for schedule in SCHEDULES[:2]:
        scheduler = made(kind, schedule, prediction, timestep_spacing=spacing, **options)
        if solver == "dpmpp_2m":
            scheduler.lambda_t = (scheduler.alphas_cumprod / (1 - scheduler.alphas_cumprod)).log() / 2
        for steps in (5, 10, 20):
            scheduler.set_timesteps(steps)
            table = nd.sigmas(scheduler, torch.unique(scheduler.timesteps.round().long(), sorted=True).flip(0))
            assert len(table) == steps + 1
            x = start_noise()
            in_vp = solver == "dpmpp_2m"
            expected = theirs(scheduler, unet, x if in_vp else x * table[0], steps)[-1]
            begin = x * (1 + table[0] ** 2) ** 0.5 if in_vp else x * table[0]
            found = ours(scheduler, unet, begin, table, solver=solver)[-1]
            # These schedulers keep their sigmas in float32: a part in 1e7 of each level, several levels.
            assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5, (schedule, steps)


def test_conditional_models_get_their_tokens():
    torch.manual_seed(0)
    model = diffusers.UNet2DConditionModel(
        sample_size=SIDE, in_channels=3, out_channels=3, block_out_channels=(16, 16), layers_per_block=1,
        cross_attention_dim=12, norm_num_groups=8, attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")).eval()
    scheduler = made(diffusers.DDPMScheduler, SCHEDULES[0], "epsilon")
    states = torch.randn(2, 5, 12)
    x, t = torch.randn(2, 3, SIDE, SIDE), 40
    sigma = torch.full((2,), nd.sigmas(scheduler, [t])[0], dtype=torch.float64)
    with torch.no_grad():
        eps = model((x.double() / (1 + sigma[0] ** 2).sqrt()).float(), torch.full((2,), float(t)),
                    encoder_hidden_states=states).sample
    answer = nd.denoiser(model, scheduler, tokens=5)(x, sigma, nd.flatten(states))
    assert torch.allclose(answer, x - sigma[0].float() * eps, atol=1e-4)
    adapter = nd.Adapter(model, scheduler, tokens=5, encode=lambda prompts: states[:len(prompts)])
    assert isinstance(adapter, ns.ModelLike) and adapter.null_condition(3).shape == (3, 60)
    mine = ns.model(adapter, image_shape=(3, SIDE, SIDE), grid={"steps": 3, "sigma_max": 50.0})
    assert mine.sample(["a", "b"]).shape == (2, 3, SIDE, SIDE)
    with pytest.raises(ns.ModelError, match="encode"):
        nd.Adapter(model, scheduler).condition("a")


def test_folders_are_loaded_and_incomplete_ones_refused(unet, tmp_path):
    unet.float().save_pretrained(tmp_path / "unet")
    with pytest.raises(ns.ModelError, match="scheduler"):
        nd.load(tmp_path)
    made(diffusers.DDPMScheduler, SCHEDULES[0], "epsilon").save_pretrained(tmp_path / "scheduler")
    x = torch.randn(1, 3, SIDE, SIDE)
    assert nd.load(tmp_path)(x, torch.ones(1), torch.zeros(1, 1)).shape == x.shape
    unet.double()


def test_flow_matching_schedulers_are_refused(unet):
    with pytest.raises(ns.ModelError, match="alphas_cumprod"):
        nd.denoiser(unet, diffusers.FlowMatchEulerDiscreteScheduler())


def test_learned_variances_are_passed_over():
    torch.manual_seed(0)
    twice = diffusers.UNet2DModel(
        sample_size=SIDE, in_channels=3, out_channels=6, block_out_channels=(16, 16), layers_per_block=1,
        norm_num_groups=8, down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D")).eval()
    scheduler = diffusers.DDPMScheduler(variance_type="learned_range")
    x, sigma = torch.randn(2, 3, SIDE, SIDE), torch.full((2,), nd.sigmas(scheduler, [40])[0], dtype=torch.float64)
    with torch.no_grad():
        eps = twice((x.double() / (1 + sigma[0] ** 2).sqrt()).float(), torch.full((2,), 40.0)).sample[:, :3]
    answer = nd.denoiser(twice, scheduler)(x, sigma, torch.zeros(2, 1))
    assert torch.allclose(answer, x - sigma[0].float() * eps, atol=1e-4)
