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
    scenes = world.scenes(4, seed=1, left_colour="red", left_shape="square", right_colour="blue", right_shape="disc",
                          background="dark")
    conditions = torch.stack([world.condition([CAPTION.format(c)] * 4) for c in COLOURS])
    return scenes.pictures, conditions, scenes.object_masks[:, 0]


def test_evidence_adds_up_and_lies_on_the_object(world, question):
    pictures, conditions, mask = question
    e = ns.explain.evidence(world.denoiser(), pictures, conditions=conditions, true_version=0, steps=120)
    assert torch.allclose(e.realised_total, torch.full_like(e.realised_total, math.log(3)), atol=0.02)
    assert torch.allclose(e.realised.sum((1, 2)), e.realised_total, atol=1e-6)
    assert e.decision[0].allclose(torch.full((len(pictures),), 1 / 3, dtype=torch.float64))
    assert ns.metric.localisation_auc(e.map, mask).mean() > 0.9
    assert "nats" in (ns.explain.evidence.__doc__ or "")


def test_what_is_no_denoiser_is_named_with_the_remedy(world, question):
    pictures, conditions, _ = question
    with pytest.raises(TypeError, match="expected a Denoiser, got method; call denoiser"):
        ns.explain.evidence(world.denoiser, pictures, conditions=conditions)


def test_information_of_a_full_prompt_is_its_entropy(world):
    scenes = world.scenes(32, seed=2)
    condition = world.condition(scenes.captions)
    i = ns.explain.information_map(world.denoiser(), scenes.pictures, condition=condition,
                                   references=world.null_condition(32)[None], draws=64)
    total = i.total[0]
    assert abs(total.mean() - world.entropy()) < 4 * total.std() / math.sqrt(32)
    assert torch.nanmean((i.kappa[0] - 1).abs() / i.kappa_error[0]) < 3


def test_u_turns_keep_more_the_later_they_turn(world):
    scenes = world.scenes(8, seed=3)
    backgrounds = scenes.pictures[:, :, 0, 0].mean(1)

    def keeps(regenerated):
        return ((regenerated[:, :, 0, 0].mean(1) - backgrounds).abs() < 0.2).double()

    u = ns.explain.u_turn(world.denoiser(), scenes.pictures, condition=world.null_condition(8), keeps=keeps,
                          log_snrs=[-9.0, 2.0])
    assert u.retention[1, 0] == 1 and u.retention[0, 0] < 0.9


def test_locality_and_uncertainty_have_their_shapes(world, question):
    pictures, conditions, _ = question
    found = ns.explain.conditioning_locality(world.denoiser(), pictures, conditions=conditions, log_snrs=[-2.0],
                                             draws=4, permutations=99)
    assert found.p.shape == (1, len(pictures), 32, 32) and found.dependent.dtype == torch.bool
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
    assert ns.explain.noise_tests(noise).corrected.min() > 0.01
    assert ns.explain.noise_tests(noise + 0.05).corrected.min() < 0.01


def test_shares_of_a_grid_that_is_all_seed():
    grid = torch.randn(20, 1, 1, dtype=torch.float64).expand(20, 5, 1) + 1e-6 * torch.randn(20, 5, 1).double()
    assert ns.explain.seed_shares(grid).seed[0] > 0.999


def test_the_speciation_clock_reads_the_covariance():
    pictures = torch.randn(4000, 1, 1, 1).double() * 3 + 1e-3 * torch.randn(4000, 1, 2, 2).double()
    assert ns.explain.speciation_log_snr(pictures) == pytest.approx(-math.log(4 * 9), abs=0.1)


@pytest.fixture(scope="module")
def sampling(world):
    captions = [CAPTION.format("red")] * 3
    return ns.Trajectory(
        world.denoiser(), world.condition(captions), world.null_condition(1), image_shape=(3, 32, 32),
        sigmas=ns.sampling_sigmas(kind="log_snr", steps=12, sigma_max=40, sigma_min=0.1), seed=7,
        sampler={"solver": "ddpm"}, guidance={"scale": 2})


def test_sampling_runs_repeat_themselves(world, sampling):
    first = sampling.pictures
    assert torch.equal(first, sampling.redraw())
    assert world.agreement(first, [CAPTION.format("red")] * 3)["joint"].all()


def test_methods_that_watch_a_run(world, sampling):
    g = ns.explain.guidance_information(sampling)
    assert g.unit == "guidance_energy" and torch.allclose(g.map.sum((1, 2)), g.total)
    a = ns.explain.guidance_anatomy(sampling)
    assert torch.allclose(a.bands.sum(2), (a.norm > 0).double())
    t = ns.explain.trajectory_geometry(sampling)
    assert ((t.plane_energy > 0) & (t.plane_energy <= 1)).all() and t.commitment.shape == (3, 32, 32)


def test_methods_that_repeat_a_run(world, sampling):
    w, = ns.explain.guidance_windows(sampling, windows=3)
    assert torch.allclose(w.shapley.sum(1), torch.ones(3, dtype=torch.float64), atol=1e-5)
    c = ns.explain.counterfactual(sampling, condition=world.condition([CAPTION.format("yellow")] * 3))
    assert c.changed.any() and torch.equal(c.pictures, sampling.pictures)
    s = ns.explain.noise_sobol(sampling, lambda pictures: pictures.mean((1, 2, 3)), windows=2)
    assert s.total.shape == (3, 1)
    n = ns.explain.noise_tiles(sampling, tile_px=16, redraws=2)
    assert n.effect.shape == (3, 4, 4)
    grid = ns.explain.attribute_grid(sampling, lambda pictures: pictures.mean((1, 2, 3)),
                                     conditions=world.condition([CAPTION.format(c) for c in COLOURS]))
    assert grid.shape == (3, 3, 1)
    r = ns.explain.rewind(sampling, 6)
    assert torch.equal(r.unaltered, r.altered)
    greened = ns.explain.rewind(sampling, 0, condition=world.condition([CAPTION.format("green")] * 3))
    assert greened.change.max() > 0.1


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
    score = lambda x: (x * mask).sum((1, 2, 3)).double()
    curves = ns.metric.faithfulness(score, pictures, right)
    assert curves["map"].area_between > curves["random"].area_between
    falling = ns.metric.pixel_flipping(score, pictures, right, removal=0.0)
    assert falling[0, 8] == 0 and falling.shape == (1, 64)
    assert ns.metric.sensitivity(lambda x: x[:, 0] * 2, pictures, radius=0.1, draws=2).max < 1


@pytest.mark.parametrize("call", [
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c, true_version=7),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c[:1]),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c[:, :1]),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c, true_version=0.5),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p[0, 0], conditions=c),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c, steps=0),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, conditions=c, paths=0),
    lambda w, p, c: ns.explain.evidence(w.denoiser(), p, CAPTION.format("red"), word="red"),
    lambda w, p, c: ns.explain.evidence(w, p, CAPTION.format("red")),
    lambda w, p, c: ns.explain.evidence(w, p, CAPTION.format("red"), word="green"),
    lambda w, p, c: ns.explain.evidence("denoiser", p, conditions=c),
])
def test_wrong_questions_are_refused(world, question, call):
    with pytest.raises((ValueError, TypeError)):
        call(world, question[0], question[1])
