"""Every method on the exact world, by what must hold there; the C++ tests prove the formulas."""

import math

import pytest
import torch

import noisescope as ns

CAPTION = "a {} square left of a blue disc on dark"
COLOURS = ["red", "green", "yellow"]


@pytest.fixture(scope="module")
def question(world):
    """Scenes with a red square on the left, and the word red against others."""
    scenes, pictures = world.scenes(4000, seed=1), []
    factors = scenes.factors
    for i in range(len(scenes)):
        if (factors["left_colour"][i], factors["left_shape"][i], factors["right_colour"][i], factors["right_shape"][i],
                factors["background"][i]) == ("red", "square", "blue", "disc", "dark"):
            pictures.append(i)
    pictures = pictures[:4]
    conditions = torch.stack([world.condition([CAPTION.format(c)] * len(pictures)) for c in COLOURS])
    return scenes.pictures[pictures], conditions, scenes.object_masks[pictures][:, 0]


def test_evidence_adds_up_and_lies_on_the_object(world, question):
    pictures, conditions, mask = question
    e = ns.explain.filter_noising_paths(world.denoiser(), pictures, conditions, 0, steps=120)
    assert torch.allclose(e.realised_total, torch.full_like(e.realised_total, math.log(3)), atol=0.02)
    assert torch.allclose(e.realised.sum((1, 2)), e.realised_total, atol=1e-6)
    assert e.decision[0].allclose(torch.full((len(pictures),), 1 / 3, dtype=torch.float64))
    assert ns.metric.localisation_auc(e.compensated, mask).mean() > 0.9
    assert "nats" in (ns.explain.filter_noising_paths.__doc__ or "")


def test_what_is_no_denoiser_is_named_with_the_remedy(world, question):
    pictures, conditions, _ = question
    with pytest.raises(TypeError, match="expected a Denoiser, got method; call denoiser"):
        ns.explain.filter_noising_paths(world.denoiser, pictures, conditions, 0)


def test_information_of_a_full_prompt_is_its_entropy(world):
    scenes = world.scenes(32, seed=2)
    condition = world.condition(scenes.captions)
    i = ns.explain.information_maps(world.denoiser(), scenes.pictures, condition, world.null_condition(32)[None],
                                    draws=64)
    total = i.total[0]
    assert abs(total.mean() - world.entropy()) < 4 * total.std() / math.sqrt(32)
    assert torch.nanmean((i.kappa[0] - 1).abs() / i.kappa_error[0]) < 3


def test_u_turns_keep_more_the_later_they_turn(world):
    scenes = world.scenes(8, seed=3)
    backgrounds = scenes.pictures[:, :, 0, 0].mean(1)

    def keeps(regenerated):
        return ((regenerated[:, :, 0, 0].mean(1) - backgrounds).abs() < 0.2).double()

    u = ns.explain.u_turns(world.denoiser(), scenes.pictures, world.null_condition(8), keeps, log_snrs=[-9.0, 2.0])
    assert u.retention[1, 0] == 1 and u.retention[0, 0] < 0.9


def test_locality_and_uncertainty_have_their_shapes(world, question):
    pictures, conditions, _ = question
    l = ns.explain.conditioning_locality(world.denoiser(), pictures, conditions, 0, log_snrs=[-2.0], draws=4,
                                         permutations=99)
    assert l.p.shape == (1, len(pictures), 32, 32) and l.dependent.dtype == torch.bool
    x = pictures + 2 * ns.initial_noise(pictures.shape)
    c = ns.explain.posterior_components(world.denoiser(), x.double(), torch.full((len(x),), 2.0),
                                        world.null_condition(len(x)), components=2)
    assert (c.variances[0] >= c.variances[1]).all()
    assert torch.allclose((c.directions[0] ** 2).sum((1, 2, 3)), torch.ones(len(x), dtype=torch.float64))


def test_inversions_lead_back(world):
    scenes = world.scenes(2, seed=4)
    condition, sigmas = world.condition(scenes.captions), ns.sampling_sigmas(kind="log_snr", steps=20, sigma_max=40,
                                                                             sigma_min=0.05)
    inversion = ns.explain.invert_edit_friendly(world.denoiser(), scenes.pictures, condition, sigmas)
    again = ns.explain.replay(world.denoiser(), condition, inversion)
    assert (again - scenes.pictures).abs().max() < 1e-5
    noise = ns.explain.invert_ddim(world.denoiser(), scenes.pictures, condition, sigmas)
    assert noise.shape == scenes.pictures.shape


def test_noise_tests_find_a_leak():
    noise = ns.initial_noise([64, 3, 32, 32])
    assert ns.explain.test_noise(noise).corrected.min() > 0.01
    assert ns.explain.test_noise(noise + 0.05).corrected.min() < 0.01


def test_shares_of_a_grid_that_is_all_seed():
    grid = torch.randn(20, 1, 1, dtype=torch.float64).expand(20, 5, 1) + 1e-6 * torch.randn(20, 5, 1).double()
    assert ns.explain.seed_shares(grid).seed[0] > 0.999


def test_the_speciation_clock_reads_the_covariance():
    pictures = torch.randn(4000, 1, 1, 1).double() * 3 + 1e-3 * torch.randn(4000, 1, 2, 2).double()
    assert ns.explain.speciation_log_snr(pictures) == pytest.approx(-math.log(4 * 9), abs=0.1)


@pytest.fixture(scope="module")
def sampling(world):
    captions = [CAPTION.format("red")] * 3
    return ns.explain.SamplingRun(
        world.denoiser(), world.condition(captions), world.null_condition(1), image_shape=(3, 32, 32),
        sigmas=ns.sampling_sigmas(kind="log_snr", steps=12, sigma_max=40, sigma_min=0.1), seed=7,
        sampler={"solver": "ddpm"}, guidance={"scale": 2})


def test_sampling_runs_repeat_themselves(world, sampling):
    first = sampling.draw()
    assert torch.equal(first, sampling.draw())
    assert world.agreement(first, [CAPTION.format("red")] * 3)["joint"].all()


def test_methods_that_watch_a_run(world, sampling):
    g = sampling.guidance_information()
    assert g.unit == "guidance_energy" and torch.allclose(g.map.sum((1, 2)), g.total)
    a = sampling.guidance_anatomy()
    assert torch.allclose(a.bands.sum(2), (a.norm > 0).double())
    t = sampling.trajectory_geometry()
    assert ((t.plane_energy > 0) & (t.plane_energy <= 1)).all() and t.commitment.shape == (3, 32, 32)


def test_methods_that_repeat_a_run(world, sampling):
    w, = sampling.attribute_to_windows(windows=3)
    assert torch.allclose(w.shapley.sum(1), torch.ones(3, dtype=torch.float64), atol=1e-5)
    c = sampling.draw_counterfactual(world.condition([CAPTION.format("yellow")] * 3))
    assert c.changed.any() and torch.equal(c.pictures, sampling.draw())
    s = sampling.noise_sobol(lambda pictures: pictures.mean((1, 2, 3)), windows=2)
    assert s.total.shape == (3, 1)
    n = sampling.noise_tiles(tile_px=16, redraws=2)
    assert n.effect.shape == (3, 4, 4)
    grid = sampling.attribute_grid(lambda pictures: pictures.mean((1, 2, 3)),
                                   world.condition([CAPTION.format(c) for c in COLOURS]))
    assert grid.shape == (3, 3, 1)
    r = sampling.rewind(6)
    assert torch.equal(r.unaltered, r.altered)
    assert sampling.rewind(0, condition=world.condition([CAPTION.format("green")] * 3)).change.max() > 0.1


def test_metrics_know_a_right_map_from_a_wrong_one():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[0, 2:5, 2:5] = True
    right, wrong = mask.double() + torch.arange(64).reshape(1, 8, 8) * 1e-6, 1 - mask.double()
    for metric in (ns.metric.pointing_game, ns.metric.localisation_auc, ns.metric.best_iou, ns.metric.relevance_mass,
                   ns.metric.relevance_rank, ns.metric.iou):
        assert metric(right, mask) > metric(wrong, mask), metric.__name__
    with pytest.raises(TypeError, match="bool"):
        ns.metric.iou(right, mask.float())

    pictures = mask[:, None].float()
    score = lambda x: (x * mask).sum((1, 2, 3)).double()  # noqa: E731
    curves = ns.metric.faithfulness(score, pictures, right)
    assert curves["map"].area_between > curves["random"].area_between
    falling = ns.metric.pixel_flipping(score, pictures, right, removal=0.0)
    assert falling[0, 8] == 0 and falling.shape == (1, 64)
    assert ns.metric.sensitivity(lambda x: x[:, 0] * 2, pictures, radius=0.1, draws=2).max < 1


@pytest.mark.parametrize("call", [
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p, c, 7),
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p, c[:1], 0),
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p, c[:, :1], 0),
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p, c, 0.5),
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p[0, 0], c, 0),
    lambda w, p, c: ns.explain.filter_noising_paths(w.denoiser(), p, c, 0, steps=0),
    lambda w, p, c: ns.explain.filter_noising_paths("denoiser", p, c, 0),
])
def test_wrong_questions_are_refused(world, question, call):
    with pytest.raises((ValueError, TypeError)):
        call(world, question[0], question[1])
