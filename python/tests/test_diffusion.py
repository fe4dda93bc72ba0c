import math
import subprocess
import sys
import threading

import pytest
import torch

import noisescope as ns


def gaussian(x, sigma, condition):
    """The optimal denoiser of standard normal pictures."""
    return x / (1 + sigma.reshape(-1, 1, 1, 1) ** 2)


def test_a_python_denoiser_runs_under_every_solver():
    sigmas = ns.sampling_sigmas(kind="log_snr", steps=200, sigma_max=50, sigma_min=0.005)
    x = ns.initial_noise([4, 1, 8, 8], seed=3).double() * sigmas[0]
    zero = torch.zeros(4, 1)
    exact = x / math.sqrt(1 + sigmas[0] ** 2)  # the flow of a Gaussian shrinks x by its deviation
    for solver in ("ddim", "euler", "heun", "dpmpp_2m"):
        picture = ns.sample(ns.denoiser(gaussian), x, zero, sigmas=sigmas, solver=solver, guidance={"clamp": 0})
        assert (picture - exact).abs().max() < 0.05, solver
    for solver in ("ddpm", "dpmpp_2m_sde"):
        picture = ns.sample(ns.denoiser(gaussian), x, zero, sigmas=sigmas, solver=solver, guidance={"clamp": 0})
        assert picture.shape == x.shape


def test_every_row_depends_on_its_own_sample_number():
    both = ns.initial_noise([2, 3, 4, 4], seed=5)
    assert torch.equal(both[1:], ns.initial_noise([1, 3, 4, 4], seed=5, sample_ids=[1]))


def test_preconditioned_networks_give_their_estimates():
    x, sigma = torch.randn(2, 1, 4, 4), torch.tensor([0.5, 2.0])
    eps = ns.precondition(lambda x, label, c: torch.ones_like(x), parametrization="eps")
    assert torch.allclose(eps(x, sigma, torch.zeros(2, 1)), x - sigma.reshape(-1, 1, 1, 1), atol=1e-6)


def test_schedule_tables_are_those_of_ddpm():
    table = ns.schedule(kind="linear", timesteps=1000)
    expected = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    assert torch.allclose(table.alpha_bar, expected, rtol=1e-12)
    assert torch.allclose(table.sigma, ((1 - expected) / expected).sqrt())


def test_observers_see_every_step():
    seen = []
    ns.sample(ns.denoiser(gaussian), torch.randn(1, 1, 8, 8) * 80, torch.zeros(1, 1),
              sigmas=ns.sampling_sigmas(steps=7), observer=lambda step: seen.append((step.index, step.sigma)))
    assert [index for index, _ in seen] == list(range(7))
    assert [sigma for _, sigma in seen] == sorted((s for _, s in seen), reverse=True)


@pytest.mark.parametrize("function, error, message", [
    (lambda x, s, c: x[:, :1, :4], ns.ShapeError, "like x"),
    (lambda x, s, c: x.numpy(), TypeError, "torch.Tensor"),
    (lambda x, s, c: 1 / 0, ZeroDivisionError, "division"),
    (lambda x, s, c: x * float("nan"), ns.NumericError, "step"),
])
def test_what_a_callable_does_wrong_is_said(function, error, message):
    with pytest.raises(error, match=message):
        ns.sample(ns.denoiser(function), torch.randn(1, 1, 8, 8), torch.zeros(1, 1), sigmas=[1.0, 0.5, 0.0])


@pytest.mark.parametrize("x, error", [
    (torch.zeros(1, 1, 8, 8, dtype=torch.float16), TypeError),
    (torch.zeros(1, 1, 8, 8, dtype=torch.int64), TypeError),
    (torch.zeros(1, 8, 8), ns.ShapeError),
    (torch.zeros(2, 1, 8, 8), ns.ShapeError),
    ("a picture", (TypeError, ValueError)),
])
def test_wrong_tensors_are_refused(x, error):
    with pytest.raises(error):
        ns.sample(ns.denoiser(gaussian), x, torch.zeros(1, 1), sigmas=[1.0, 0.0])


def test_gradients_and_strides_do_not_matter():
    x = torch.randn(1, 8, 8, 1, requires_grad=True).permute(0, 3, 1, 2)
    picture = ns.sample(ns.denoiser(gaussian), x, torch.zeros(1, 1), sigmas=[1.0, 0.5, 0.0], solver="ddim")
    again = ns.sample(ns.denoiser(gaussian), x.detach().contiguous(), torch.zeros(1, 1), sigmas=[1.0, 0.5, 0.0],
                      solver="ddim")
    assert torch.equal(picture, again) and not picture.requires_grad


@pytest.mark.parametrize("options, message", [
    ({"solvr": "ddim"}, "solver"), ({"solver": "magic"}, "ddim"), ({"eta": -1}, "eta"), ({"eta": object()}, "eta"),
])
def test_wrong_options_name_the_key(options, message):
    with pytest.raises((ns.ConfigError, TypeError), match=message):
        ns.sample(ns.denoiser(gaussian), torch.zeros(1, 1, 8, 8), torch.zeros(1, 1), sigmas=[1.0, 0.0], **options)


def test_no_pictures_are_refused():
    with pytest.raises(ValueError):
        ns.explain.evidence(ns.denoiser(gaussian), torch.zeros(0, 1, 8, 8), conditions=torch.zeros(2, 0, 1))


def test_progress_is_reported_and_its_errors_pass_through(world):
    scenes = world.scenes(8)
    conditions = torch.stack([world.condition(scenes.captions), world.null_condition(8)])
    seen = []
    ns.explain.evidence(world, scenes.pictures, conditions=conditions, steps=100, progress=seen.append)
    assert seen and all(isinstance(now, ns.Progress) and now.task == "evidence" for now in seen)
    assert all(0 < now.done <= now.total == 100 and now.unit == "levels" for now in seen)

    def broken(report):
        raise RuntimeError("no paper")

    with pytest.raises(RuntimeError, match="no paper"):
        ns.explain.evidence(world, scenes.pictures, conditions=conditions, steps=400, progress=broken)


INTERRUPTED = """
import signal, sys, threading, time, torch, noisescope as ns
world = ns.World()
scenes = world.scenes(64)
conditions = torch.stack([world.condition(scenes.captions), world.null_condition(64)])
threading.Timer(1.0, lambda: signal.raise_signal(signal.SIGINT)).start()
begun = time.monotonic()
try:
    ns.explain.evidence(world, scenes.pictures, conditions=conditions, steps=100000)
except KeyboardInterrupt:
    print(time.monotonic() - begun)
"""


def test_ctrl_c_stops_a_long_call():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and 0.9 < float(done.stdout) < 30, done.stderr


def test_calls_inside_callables_do_not_wait_for_themselves():
    def nested(x, sigma, condition):
        inner = ns.sample(ns.denoiser(gaussian), x, condition, sigmas=[1.0, 0.0])
        return inner * 0 + gaussian(x, sigma, condition)

    assert ns.sample(ns.denoiser(nested), torch.randn(1, 1, 8, 8), torch.zeros(1, 1),
                     sigmas=[1.0, 0.5, 0.0]).isfinite().all()


def test_threads_take_turns():
    results = []

    def work():
        results.append(ns.sample(ns.denoiser(gaussian), torch.ones(1, 1, 8, 8), torch.zeros(1, 1),
                                 sigmas=ns.sampling_sigmas(steps=20), solver="ddim"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(torch.equal(results[0], r) for r in results)
