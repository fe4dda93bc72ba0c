"""Methods on denoisers and pictures whose answer can be written down."""

import math

import pytest
import torch

import noisescope as ns


def noise(count, seed=0, shape=(1, 8, 8)):
    return ns.initial_noise([count, *shape], seed=seed).double()


def pattern_denoiser(pattern):
    """The first column of the condition times one pattern, whatever the noise."""
    return ns.denoiser(lambda x, sigma, c: c[:, :1, None, None].to(x) * pattern)


def own_noise_run(count=2, **options):
    """One step whose picture is the initial noise itself."""
    denoiser = ns.denoiser(lambda x, sigma, c: x / sigma[:, None, None, None])
    return ns.Trajectory(denoiser, torch.zeros(count, 1), torch.zeros(1, 1), image_shape=(1, 8, 8),
                                  sigmas=[2.0, 0.0], guidance={"clamp": 0}, **options)


def test_gaussian_data_are_known_exactly():
    gaussian = ns.GaussianData(torch.zeros(4).double(), torch.ones(4).double(), torch.eye(4).double())
    x, null = torch.full((1, 1, 2, 2), 3.0).double(), torch.zeros(1, 5).double()
    assert torch.allclose(gaussian.denoiser()(x, torch.ones(1), null), x * 2 / 3)
    assert torch.allclose(gaussian.flow(x, 1, 0, null), x * math.sqrt(2 / 3))
    assert gaussian.information(1) == pytest.approx(4 * math.log(3 / 2) / 2)
    y = torch.full((20000, 4), 5.0).double()
    assert torch.allclose(gaussian.sample(range(20000), y).mean(0), y[0], atol=0.05)


def test_mixtures_know_their_components():
    mixture = ns.GaussianMixture(torch.tensor([[-1.0], [1.0]]).double(), torch.ones(2, 1).double())
    x, sigma, prior = torch.full((1, 1, 1, 1), 0.5).double(), torch.ones(1).double(), torch.ones(1, 2).double()
    odds = math.exp(2 * 0.5 / 2)  # equal variances 1 + 1
    assert torch.allclose(mixture.posterior(x, sigma, prior), torch.tensor([[1, odds]]).double() / (1 + odds))
    normal = torch.distributions.Normal(torch.tensor([-1.0, 1.0]).double(), math.sqrt(2))
    assert torch.allclose(mixture.log_density(x, sigma, prior), normal.log_prob(x.flatten()).exp().mean().log())
    assert mixture.denoiser()(x, sigma, torch.tensor([[0.0, 1.0]]).double()).item() == pytest.approx(0.75)


def test_conversions_are_inverse_to_each_other():
    x0, eps, sigma = noise(3, 1), noise(3, 2), torch.tensor([0.1, 1.0, 9.0]).double()
    x = ns.add_noise(x0, eps, sigma)
    assert torch.allclose(ns.noise_of(x, x0, sigma), eps)
    assert torch.allclose(ns.x0_from_eps(x, eps, sigma), x0)
    assert torch.allclose(ns.x0_from_v(x, ns.v_from_x0(x, x0, sigma), sigma), x0)
    assert torch.allclose(ns.x0_from_score(x, ns.score_from_x0(x, x0, sigma), sigma), x0)
    assert torch.allclose(ns.score_from_x0(x, x0, sigma), -eps / sigma[:, None, None, None])
    scaled = ns.vp_from_ve(x, sigma)
    assert torch.allclose(scaled[1], (x0[1] + eps[1]) / math.sqrt(2))
    assert torch.allclose(ns.ve_from_vp(scaled, sigma), x)
    assert torch.allclose(ns.v_from_x0(x, x0, sigma)[1], (eps[1] - x0[1]) / math.sqrt(2))


def test_guidance_of_a_pattern_multiplies_its_energy():
    run = ns.Trajectory(pattern_denoiser(noise(1, 5)), torch.ones(2, 1), torch.zeros(1, 1), image_shape=(1, 8, 8),
                        sigmas=[2.0, 1.0, 0.0], sampler={"solver": "ddim"}, guidance={"clamp": 0})
    sweep = ns.explain.guidance_sweep(run, scales=[1.0, 3.0], bands=3)
    assert torch.allclose(sweep.gain[:, 0], torch.tensor([1.0, 9.0]).double()[:, None].expand(2, 3), rtol=1e-5)
    assert sweep.reference.sum(1).allclose((noise(1, 5) ** 2).sum().expand(2), rtol=1e-5)


def test_an_object_moves_with_its_noise():
    donors = torch.zeros(2, 1, 8, 8)
    donors[:, :, 2:5, 3:6] = 10
    moved = ns.explain.noise_transplant(own_noise_run(), lambda pictures: pictures[:, 0] > 6, donors, halo_px=0)
    assert moved.eligible.all() and moved.moved.all() and not moved.moved_by_control.any()
    assert moved.after.tolist() == [1, 1] and moved.before.tolist() == [0, 0]
    with pytest.raises(ns.ShapeError, match="find"):
        ns.explain.noise_transplant(own_noise_run(), lambda pictures: pictures[:, 0], donors)


def prompt_run(denoiser, prompts):
    return ns.Trajectory(denoiser, prompts, torch.zeros(1, prompts.shape[1]), image_shape=(1, 8, 8),
                                  sigmas=[4.0, 1.0, 0.25, 0.0], sampler={"solver": "ddim"}, guidance={"clamp": 0})


def test_predicted_noise_tells_prompts_apart_only_where_it_reads_them():
    prompts = noise(10, 3).flatten(1).float()
    reads = ns.denoiser(lambda x, sigma, c: c.to(x).reshape(x.shape))
    found = ns.explain.prediction_tests(prompt_run(reads, prompts), permutations=199)
    variance = found.names.index("log_variance")
    assert found.corrected[-1, variance] <= 0.01 and found.z[-1, variance] < -3
    blind = ns.explain.prediction_tests(prompt_run(ns.denoiser(lambda x, sigma, c: x / 2), prompts), permutations=19)
    assert blind.z.abs().max() == 0 and blind.corrected.min() == 1


def test_statistics_of_the_first_of_several_sets_stand_out_if_they_differ():
    values = ns.explain.noise_statistics(torch.cat([noise(40, 1) + 0.5, noise(80, 2)]))
    sets = values.values.reshape(3, 40, -1).transpose(0, 1)[None]
    found = ns.explain.compare_statistics(sets, values.names, permutations=199)
    assert found.corrected[0, 0] <= 0.01 and found.corrected[0, 2:].min() > 0.01


def test_words_are_shown_from_the_step_where_they_stand_out():
    scores, null = torch.randn(6, 5, 2).double(), torch.randn(6, 40, 2).double()
    scores[3:, :, 1] += 20
    found = ns.explain.read_out(scores, {"no prompt": null})
    assert found.first_step.tolist() == [6, 3] and found.nulls == ["no prompt"]
    assert found.shown[3:, 1].all() and not found.shown[:, 0].any()
    assert torch.allclose(found.difference[0], scores.mean(1) - null.mean(1))


def test_word_scores_read_every_estimate(run):
    sampling = own_noise_run()
    scores = ns.explain.word_scores(sampling, lambda pictures: pictures.mean((1, 2, 3)))
    assert torch.allclose(scores, sampling.initial.mean((1, 2, 3)).double()[None, :, None], atol=1e-6)
    texts, pictures = ["a red square", "a blue disc"], ns.initial_noise([3, 3, 32, 32]).clamp(-1, 1)
    expected = run.clip.encode_image(pictures) @ run.clip.encode_text(texts).T
    assert torch.allclose(ns.explain.clip_reader(run.clip, texts)(pictures), expected, atol=1e-5)


def test_white_pictures_emerge_where_their_variance_is_that_of_the_noise():
    pictures = 2 * noise(400, 7)
    gaussian = ns.GaussianData(torch.zeros(64).double(), torch.full((64,), 4.0).double())
    found = ns.explain.spectral_emergence(gaussian.denoiser(), pictures, condition=torch.zeros(400, 1), bands=3)
    assert torch.allclose(found.predicted, torch.full((3,), -math.log(4)).double(), atol=0.1)
    assert torch.allclose(found.measured, found.predicted, atol=0.3)


def test_guidance_of_two_gaussians_of_one_covariance_is_a_shift():
    mean = noise(1, 8).flatten()
    linear = ns.explain.LinearGuidance.of_moments(mean, torch.eye(64).double(), 0 * mean, torch.eye(64).double())
    x, difference = noise(2, 9), noise(2, 10)
    parts = linear.split(x, 2.0, difference)
    assert torch.allclose(parts.mean_shift, (4 / 5 * mean).reshape(1, 1, 8, 8).expand(2, 1, 8, 8))
    assert parts.positive.abs().max() < 1e-9 and parts.negative.abs().max() < 1e-9
    assert torch.allclose(parts.mean_shift + parts.residual, difference)
    fitted = ns.explain.LinearGuidance(noise(50, 1), noise(50, 2)).split(x, 2.0, difference)
    assert torch.allclose(fitted.mean_shift + fitted.positive + fitted.negative + fitted.residual, difference)


def test_smooth_deficit_reads_the_ratio_of_variances():
    pictures, halved = noise(1, 1, (1, 64, 64)), noise(1, 2, (1, 64, 64))
    pictures[..., :32] = 0
    halved[..., :32] /= 2
    found = ns.explain.smooth_deficit(halved, pictures)
    assert found.smooth[0, :, :31].all() and not found.smooth[0, :, 32:].any()
    assert found.log_ratio.item() == pytest.approx(-math.log(4), abs=0.1)


def test_inversions_are_compared():
    a, b = noise(3, 1), noise(3, 2)
    assert torch.allclose(ns.explain.reconstruction_error(a, a + 0.5), torch.full((3,), 0.5).double())
    assert torch.allclose(ns.explain.inversion_stability(a, 2 * a), torch.ones(3).double())
    assert ns.explain.inversion_stability(a, b).abs().max() < 0.5


def test_sobol_indices_of_a_sum_are_its_weights():
    a, b = (torch.randn(20000, 2).double() for _ in range(2))
    weighted = torch.tensor([[2.0], [1.0]]).double()
    mixed = torch.stack([torch.where(torch.arange(2) == k, b, a) @ weighted for k in range(2)])
    found = ns.explain.sobol_indices(a @ weighted, b @ weighted, mixed)
    assert torch.allclose(found.first[:, 0], torch.tensor([0.8, 0.2]).double(), atol=0.03)
    assert torch.allclose(found.total[:, 0], torch.tensor([0.8, 0.2]).double(), atol=0.03)


def test_corrections_of_p_values_are_those_of_the_papers():
    p = torch.tensor([0.01, 0.04, 0.03]).double()
    assert torch.allclose(ns.explain.holm(p), torch.tensor([0.03, 0.06, 0.06]).double())
    assert torch.allclose(ns.explain.benjamini_hochberg(p), torch.tensor([0.03, 0.04, 0.04]).double())


def test_tiles_know_how_much_of_them_is_covered():
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, :2, :3] = True
    assert ns.explain.tile_cover(mask, 2).tolist() == [[[1, 0.5], [0, 0]]]


def test_share_of_a_change_in_a_region():
    change = torch.zeros(2, 4, 4)
    change[0, 0, 0], change[0, 3, 3] = 3, 1
    region = torch.zeros(4, 4, dtype=torch.bool)
    region[:2] = True
    share = ns.explain.share_of_change(change, region)
    assert share[0] == 0.75 and share[1].isnan()


def test_half_point_of_u_turns_lies_half_way_from_chance_to_one():
    kept = torch.tensor([0.2, 0.4, 0.8, 1.0], dtype=torch.float64).view(4, 1, 1)
    levels = [-6.0, -4.0, -2.0, 0.0]
    assert math.isclose(ns.explain.u_turn_half_point(levels, kept, chance=0.2), -3.0)
    with pytest.raises(ValueError, match="factor below 1"):
        ns.explain.u_turn_half_point(levels, kept, factor=1)


def test_maps_of_weights_are_perfect_explanations_of_linear_scores():
    weights, pictures = noise(1, 1), noise(3, 2)
    score = lambda x: (x * weights).sum((1, 2, 3))
    found = ns.metric.infidelity(score, pictures, weights.expand(3, 1, 8, 8), noise(15, 3).reshape(5, 3, 1, 8, 8))
    assert found.raw.max() < 1e-20
    wrong = ns.metric.infidelity(score, pictures, noise(3, 4), noise(15, 3).reshape(5, 3, 1, 8, 8))
    assert (wrong.scaled > 1).all() and (wrong.raw > wrong.scaled).all()


def test_shuffled_weights_change_maps_of_the_network_alone(run):
    x, condition = ns.initial_noise([2, 3, 32, 32]), run.null_condition(2)
    of_network = lambda d: d(x, torch.ones(2), condition).mean(1)[None]
    changed = ns.metric.randomise_all(run, of_network, shuffles=2)
    assert changed.correlation.shape == (2, 1, 2) and (changed.correlation < 0.999).all()
    kept = ns.metric.randomise_cascade(run, lambda d: x.mean(1)[None])
    assert kept.correlation.shape == (len(kept.layers), 1, 2)
    assert torch.allclose(kept.correlation, torch.ones(1).double())


def test_maps_that_know_nothing():
    assert torch.equal(ns.metric.random_maps(4, 5, [1, 7])[1:], ns.metric.random_maps(4, 5, [7]))
    step = torch.zeros(1, 1, 4, 6)
    step[..., 3:] = 1
    edges = ns.metric.edge_maps(step)
    assert edges[0, :, 2:4].min() > 0 and edges[0, :, :2].abs().max() == 0
    assert ns.metric.own_part(torch.rand(1, 3, 4, 4).double()).mean(1).abs().max() < 1e-12
