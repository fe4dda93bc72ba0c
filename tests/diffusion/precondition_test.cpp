#include "noisescope/diffusion/precondition.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/loss.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

Tensor levels() { return torch::tensor({0.01, 0.1, 0.5, 1.0, 3.0, 20.0}, torch::kFloat64); }

PreconditionOptions options_of(Parametrization parametrization, double sigma_data = 0.5) {
  PreconditionOptions options;
  options.parametrization = parametrization;
  options.sigma_data = sigma_data;
  return options;
}

GaussianMixture two_blobs() {
  const Tensor means = torch::tensor({{0.6, -0.2, 0.1, 0.4}, {-0.5, 0.3, 0.2, -0.4}});
  return {means, torch::full({2, 4}, 0.04)};
}

/// The network that holds exactly `data`, in each parametrization, written from the definitions of
/// eps, v and x_0 rather than from the coefficients under test.
Network exact_network(const GaussianMixture& data, Parametrization parametrization, double d) {
  return [=](const Tensor& x_in, const Tensor& label, const Tensor& condition) {
    EXPECT_EQ(x_in.scalar_type(), torch::kFloat32);
    EXPECT_EQ(label.scalar_type(), torch::kFloat32);
    const Tensor sigma = (4 * label.to(torch::kFloat64)).exp();
    const Tensor s = per_sample(sigma);
    const bool is_edm = parametrization == Parametrization::edm;
    const Tensor x = x_in.to(torch::kFloat64) * (s.square() + (is_edm ? d * d : 1.0)).sqrt();
    const Tensor x0 = data.denoiser()(x, sigma, condition.to(torch::kFloat64));
    Tensor out = x0;
    if (parametrization == Parametrization::eps) out = noise_of(x, x0, sigma);
    if (parametrization == Parametrization::v) out = v_from_x0(x, x0, sigma);
    if (is_edm) {
      const Tensor total = s.square() + d * d;
      out = (x0 - x * (d * d) / total) * total.sqrt() / (s * d);
    }
    return out.to(torch::kFloat32);
  };
}

struct Batch {
  Tensor x0, eps, sigma, condition;
};

Batch batch() {
  const GaussianMixture data = two_blobs();
  const Random random(5);
  const auto ids = sample_range(0, 6);
  const Tensor components = torch::tensor({0, 1, 0, 1, 0, 1});
  return {data.sample(random, Purpose::evaluation, ids, components).view({6, 1, 2, 2}),
          random.normal(Purpose::train_noise, 0, ids, {1, 2, 2}, torch::kFloat64), levels(),
          torch::ones({6, 2}, torch::kFloat64)};
}

TEST(Precondition, AllParametrizationsOfTheSameDenoiserAgree) {
  const Batch b = batch();
  const Tensor x = add_noise(b.x0, b.eps, b.sigma);
  const Tensor exact = two_blobs().denoiser()(x, b.sigma, b.condition);
  for (const auto& [parametrization, name] : enum_names(Parametrization{})) {
    const double d = 0.7;
    const Denoiser denoiser =
        precondition(exact_network(two_blobs(), parametrization, d), options_of(parametrization, d));
    const Tensor wide = denoiser(x, b.sigma, b.condition);
    EXPECT_EQ(wide.scalar_type(), torch::kFloat64) << name;
    EXPECT_LT((wide - exact).abs().max().item<double>(), 1e-5) << name;
    const Tensor narrow = denoiser(x.to(torch::kFloat32), b.sigma.to(torch::kFloat32), b.condition);
    EXPECT_EQ(narrow.scalar_type(), torch::kFloat32) << name;
    EXPECT_LT((narrow - exact).abs().max().item<double>(), 1e-5) << name;
  }
}

// arXiv:2206.00364, table 1, last column.
TEST(Precondition, EdmTable1) {
  const Tensor sigma = torch::tensor({2.0}, torch::kFloat64);
  const Coefficients c = coefficients(options_of(Parametrization::edm, 0.5), sigma);
  EXPECT_NEAR(c.c_skip.item<double>(), 0.25 / 4.25, 1e-15);
  EXPECT_NEAR(c.c_out.item<double>(), 2 * 0.5 / std::sqrt(4.25), 1e-15);
  EXPECT_NEAR(c.c_in.item<double>(), 1 / std::sqrt(4.25), 1e-15);
  EXPECT_NEAR(c.c_noise.item<double>(), std::log(2.0) / 4, 1e-15);
}

TEST(Precondition, EdmWithUnitDataIsMinusV) {
  const Coefficients edm = coefficients(options_of(Parametrization::edm, 1.0), levels());
  const Coefficients v = coefficients(options_of(Parametrization::v), levels());
  EXPECT_TRUE(torch::allclose(edm.c_skip, v.c_skip));
  EXPECT_TRUE(torch::allclose(edm.c_out, -v.c_out));
  EXPECT_TRUE(torch::allclose(edm.c_in, v.c_in));
}

TEST(Precondition, NoiseLabels) {
  PreconditionOptions options = options_of(Parametrization::v);
  options.schedule.timesteps = 200;
  options.noise_label = NoiseLabel::log_snr;
  EXPECT_TRUE(torch::allclose(coefficients(options, levels()).c_noise, -2 * levels().log()));
  options.noise_label = NoiseLabel::timestep;
  const Schedule schedule(options.schedule);
  const Tensor sigma = torch::tensor({schedule.sigma(1), schedule.sigma(77)}, torch::kFloat64);
  const Tensor expected = torch::tensor({1.0, 77.0}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(coefficients(options, sigma).c_noise, expected));
}

// Equation 8 of arXiv:2206.00364: the target has unit variance at every noise level.
TEST(Precondition, NetworkTargetIsTheSolutionOfEquation7) {
  const Batch b = batch();
  const Tensor x = add_noise(b.x0, b.eps, b.sigma);
  for (const auto& [parametrization, name] : enum_names(Parametrization{})) {
    const PreconditionOptions options = options_of(parametrization);
    const Coefficients c = coefficients(options, b.sigma);
    const Tensor solved = (b.x0 - per_sample(c.c_skip) * x) / per_sample(c.c_out);
    const Tensor target = network_target(options, b.x0, b.eps, b.sigma);
    EXPECT_TRUE(torch::allclose(target, solved, 1e-9, 1e-9)) << name;
  }
}

TEST(Precondition, RefusesWhatDoesNotFit) {
  const Network network = [](const Tensor& x, const Tensor&, const Tensor&) { return x; };
  PreconditionOptions eps = options_of(Parametrization::eps);
  eps.schedule.kind = ScheduleKind::zero_terminal_snr;
  EXPECT_THROW(precondition(network, eps), ValueError);
  EXPECT_THROW(coefficients(eps, levels()), ValueError);
  EXPECT_THROW(precondition(network, options_of(Parametrization::edm, 0.0)), ValueError);
}

TEST(Loss, WeightsInClosedForm) {
  const Tensor s = levels();
  const Tensor snr = s.square().reciprocal();
  const double d = 0.5;
  const auto weight = [&](Parametrization parametrization, Weighting weighting) {
    return loss_weight(options_of(parametrization, d), {weighting, 5.0}, s);
  };
  const auto same = [](const Tensor& a, const Tensor& b) { return torch::allclose(a, b, 1e-12, 1e-12); };
  for (const auto& [parametrization, name] : enum_names(Parametrization{})) {
    EXPECT_TRUE(same(weight(parametrization, Weighting::uniform), torch::ones_like(s))) << name;
  }
  EXPECT_TRUE(same(weight(Parametrization::edm, Weighting::edm), torch::ones_like(s)));
  EXPECT_TRUE(same(weight(Parametrization::x0, Weighting::edm), (s.square() + d * d) / (s * d).square()));
  EXPECT_TRUE(same(weight(Parametrization::eps, Weighting::edm), (s.square() + d * d) / (d * d)));
  // arXiv:2303.09556, section 3.4: min(SNR, g), min(SNR, g) / SNR, min(SNR, g) / (SNR + 1).
  const Tensor bounded = snr.clamp_max(5.0);
  EXPECT_TRUE(same(weight(Parametrization::x0, Weighting::min_snr), bounded));
  EXPECT_TRUE(same(weight(Parametrization::eps, Weighting::min_snr), bounded / snr));
  EXPECT_TRUE(same(weight(Parametrization::v, Weighting::min_snr), bounded / (snr + 1)));
  const Tensor soft = snr * 5 / (snr + 5);
  EXPECT_TRUE(same(weight(Parametrization::x0, Weighting::soft_min_snr), soft));
  EXPECT_TRUE(same(weight(Parametrization::v, Weighting::soft_min_snr), soft / (snr + 1)));
  EXPECT_THROW(loss_weight(options_of(Parametrization::v), {Weighting::min_snr, 0.0}, s), ValueError);
}

TEST(Loss, EveryWeightIsAWeightOnTheCleanImage) {
  const Batch b = batch();
  const Tensor x = add_noise(b.x0, b.eps, b.sigma);
  const auto zero = [](const Tensor& in, const Tensor&, const Tensor&) { return torch::zeros_like(in); };
  for (const auto& [parametrization, name] : enum_names(Parametrization{})) {
    const PreconditionOptions options = options_of(parametrization, 0.3);
    const Tensor denoised = precondition(zero, options)(x, b.sigma, b.condition);
    const Tensor image_error = (denoised - b.x0).square().mean({1, 2, 3});
    const Tensor lambda = (b.sigma.square() + 0.09) / (b.sigma * 0.3).square();
    const Tensor loss =
        diffusion_loss(zero, options, {}, {b.x0.to(torch::kFloat32), b.sigma, b.eps.to(torch::kFloat32), b.condition});
    EXPECT_TRUE(torch::allclose(loss.to(torch::kFloat64), lambda * image_error, 1e-4)) << name;
  }
}

TEST(Loss, TheExactNetworkOfOneImageScoresZeroAndASilentOneAboutOne) {
  // Data of one point: the edm network knows x_0, so F = F* exactly.
  const int64_t count = 4000;
  const auto ids = sample_range(0, count);
  const Tensor x0 = Random(1).normal(Purpose::scene, 0, ids, {1, 4, 4}) * 0.5;
  const Tensor eps = Random(1).normal(Purpose::train_noise, 0, ids, {1, 4, 4});
  const Tensor condition = torch::zeros({count, 1});
  for (const double level : {0.01, 0.5, 50.0}) {
    const Tensor sigma = torch::full({count}, level);
    const Network exact = [&](const Tensor&, const Tensor&, const Tensor&) {
      return network_target({}, x0, eps, sigma);
    };
    const Network silent = [](const Tensor& x, const Tensor&, const Tensor&) { return torch::zeros_like(x); };
    EXPECT_LT(diffusion_loss(exact, {}, {}, {x0, sigma, eps, condition}).max().item<float>(), 1e-9);
    const Tensor loss = diffusion_loss(silent, {}, {}, {x0, sigma, eps, condition});
    ASSERT_EQ(loss.sizes(), (std::vector<int64_t>{count}));
    // 64000 squared unit normals: standard error sqrt(2 / 64000).
    EXPECT_NEAR(loss.mean().item<double>(), 1.0, 4 * std::sqrt(2.0 / (16.0 * count))) << level;
  }
}

TEST(Loss, StratifiedUniformsMeetEveryStratumOnce) {
  const Random random(9);
  const Tensor u = stratified_uniforms(random, 4, 100);
  const Tensor strata = (std::get<0>(u.sort()) * 100).floor();
  EXPECT_TRUE(torch::equal(strata, torch::arange(100, torch::kFloat64)));
  EXPECT_TRUE(torch::equal(u, stratified_uniforms(random, 4, 100)));
  EXPECT_FALSE(torch::equal(u, stratified_uniforms(random, 5, 100)));
  EXPECT_FALSE(torch::equal(u, std::get<0>(u.sort())));
  EXPECT_THROW(stratified_uniforms(random, 4, 0), ValueError);
}

TEST(Loss, NoiseLevelsAreTheQuantilesOfTheirDistribution) {
  const Tensor u = (torch::arange(10000, torch::kFloat64) + 0.5) / 10000;
  const Tensor log_sigma = noise_levels({NoiseDistribution::lognormal, -0.6, 1.3}, {}, u).log();
  EXPECT_NEAR(log_sigma.mean().item<double>(), -0.6, 1e-9);
  EXPECT_NEAR(log_sigma.std().item<double>(), 1.3, 2e-3);
  EXPECT_NEAR(log_sigma[8413].item<double>(), -0.6 + 1.3, 2e-3);  // Phi(1) = 0.84134
  const Tensor ends = noise_levels({}, {}, torch::tensor({0.0, 1 - 0x1p-53}, torch::kFloat64));
  EXPECT_TRUE(torch::isfinite(ends).all().item<bool>());
}

TEST(Loss, TimestepNoiseLevelsMeetEveryTimestepEqually) {
  ScheduleOptions options;
  options.timesteps = 50;
  const Schedule schedule(options);
  const Tensor u = (torch::arange(100, torch::kFloat64) + 0.5) / 100;
  const Tensor sigma = noise_levels({NoiseDistribution::timestep}, options, u);
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_DOUBLE_EQ(sigma[i].item<double>(), schedule.sigma(i / 2 + 1)) << i;
  }
}

TEST(Loss, RefusesShapesThatDoNotFit) {
  const Network network = [](const Tensor& x, const Tensor&, const Tensor&) { return x; };
  const Tensor x0 = torch::zeros({2, 1, 4, 4});
  const Tensor sigma = torch::ones({2});
  const Tensor condition = torch::zeros({2, 3});
  EXPECT_NO_THROW(diffusion_loss(network, {}, {}, {x0, sigma, x0, condition}));
  EXPECT_THROW(diffusion_loss(network, {}, {}, {x0[0], sigma, x0, condition}), ShapeError);
  EXPECT_THROW(diffusion_loss(network, {}, {}, {x0, torch::ones({3}), x0, condition}), ShapeError);
  EXPECT_THROW(diffusion_loss(network, {}, {}, {x0, sigma, x0[0], condition}), ShapeError);
  EXPECT_THROW(diffusion_loss(network, {}, {}, {x0, sigma, x0, torch::zeros({1, 3})}), ShapeError);
}

TEST(Process, ConversionsInvertEachOther) {
  const Batch b = batch();
  const Tensor x = add_noise(b.x0, b.eps, b.sigma);
  const auto is_x0 = [&](const Tensor& value) { return torch::allclose(value, b.x0, 1e-9, 1e-9); };
  EXPECT_TRUE(torch::allclose(noise_of(x, b.x0, b.sigma), b.eps));
  EXPECT_TRUE(is_x0(x0_from_eps(x, b.eps, b.sigma)));
  EXPECT_TRUE(is_x0(x0_from_v(x, v_from_x0(x, b.x0, b.sigma), b.sigma)));
  EXPECT_TRUE(is_x0(x0_from_score(x, score_from_x0(x, b.x0, b.sigma), b.sigma)));
  EXPECT_TRUE(torch::allclose(ve_from_vp(vp_from_ve(x, b.sigma), b.sigma), x));
  const Tensor alpha_bar = per_sample(1 / (1 + b.sigma.square()));
  EXPECT_TRUE(torch::allclose(vp_from_ve(x, b.sigma), alpha_bar.sqrt() * b.x0 + (1 - alpha_bar).sqrt() * b.eps));
  // arXiv:2202.00512: v = alpha eps - sigma x_0 in the VP scale.
  EXPECT_TRUE(torch::allclose(v_from_x0(x, b.x0, b.sigma), alpha_bar.sqrt() * b.eps - (1 - alpha_bar).sqrt() * b.x0));
  EXPECT_NEAR(sigma_of_log_snr(log_snr_of(0.37)), 0.37, 1e-15);
  EXPECT_NEAR(sigma_of_alpha_bar(alpha_bar_of(0.37)), 0.37, 1e-15);
}

// arXiv:2006.11239, equation 7, against the product of Gaussians q(x_t | x_{t-1}) q(x_{t-1} | x_0).
TEST(Process, PosteriorEquation7InBothScales) {
  const Schedule schedule(ScheduleOptions{});
  for (const int64_t t : {1, 2, 10, 500, 1000}) {
    const Posterior vp = posterior_vp(schedule, t);
    const double now = schedule.alpha_bar(t);
    const double next = schedule.alpha_bar(t - 1);
    if (t > 1) {
      const double alpha = 1 - schedule.beta(t);
      const double precision = alpha / schedule.beta(t) + 1 / (1 - next);
      EXPECT_NEAR(vp.variance, 1 / precision, 1e-12) << t;
      EXPECT_NEAR(vp.xt_factor, std::sqrt(alpha) / schedule.beta(t) / precision, 1e-9) << t;
      EXPECT_NEAR(vp.x0_factor, std::sqrt(next) / (1 - next) / precision, 1e-9) << t;
    }
    const double sigma_next = t > 1 ? schedule.sigma(t - 1) : 0.0;
    const Posterior ve = posterior_ve(schedule.sigma(t), sigma_next);
    EXPECT_NEAR(ve.variance * next, vp.variance, 1e-12) << t;
    EXPECT_NEAR(ve.x0_factor * std::sqrt(next), vp.x0_factor, 1e-9) << t;
    EXPECT_NEAR(ve.xt_factor * std::sqrt(next / now), vp.xt_factor, 1e-9) << t;
    EXPECT_NEAR(upper_variance_ve(schedule.sigma(t), sigma_next) * next, schedule.beta(t), 1e-12) << t;
  }
}

}  // namespace
}  // namespace noisescope
