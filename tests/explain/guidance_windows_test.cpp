#include "noisescope/explain/guidance_windows.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"

namespace noisescope {
namespace {

double largest_value(const Tensor& t) { return t.abs().max().item<double>(); }

std::vector<double> log_snr_grid(int64_t steps, double sigma_min = 0.1, double sigma_max = 20) {
  return sampling_sigmas({GridKind::log_snr, steps, sigma_min, sigma_max, 7.0});
}

/// Three blobs; the prompt names one.
struct BlobGuidanceWindows {
  GaussianMixture data{torch::eye(3, 8) * 2.0, torch::full({3, 8}, 0.05)};
  int64_t count = 40;
  Tensor own = torch::arange(count) % 3;
  Tensor prior = torch::ones({count, 3}, torch::kDouble);
  Tensor named = torch::one_hot(own, 3).to(torch::kDouble);

  Trajectory run(int64_t steps, const SamplerOptions& sampler) const { return run(steps, sampler, data.denoiser()); }
  Trajectory run(int64_t steps, const SamplerOptions& sampler, Denoiser denoiser) const {
    const NoiseSource noise{Random(5), sample_range(0, count)};
    return {{std::move(denoiser), log_snr_grid(steps), sampler, {.clamp = 0}},
            {named, prior, noise.initial({2, 2, 2}, torch::kDouble), noise}};
  }
  /// The prompt is satisfied: p(named blob | picture).
  Tensor satisfied(const WindowPictures& pictures) const {
    const Tensor clean = torch::full({count}, 1e-3, torch::kDouble);
    return data.posterior(pictures.drawn, clean, prior).gather(1, own.unsqueeze(1)).squeeze(1);
  }
  std::vector<PictureValue> values() const {
    return {[this](const WindowPictures& pictures) { return satisfied(pictures); }, likeness_to_guided};
  }
};

TEST(LogSnrWindows, EqualOnesHoldEveryStepOnceWhereverStepsAndEdgesMeet) {
  for (const int64_t steps : {6, 25, 30, 50}) {
    const auto sigmas = log_snr_grid(steps);
    const LogSnrWindows windows = equal_windows(sigmas, 6);
    const auto first = windows.first_steps(sigmas);
    ASSERT_EQ(first.size(), 7);
    EXPECT_EQ(first.back(), steps);
    for (int64_t i = 0; i < steps; ++i) {
      const int64_t k = windows.window_of(log_snr_of(static_cast<float>(sigmas[size_t(i)])));
      EXPECT_TRUE(first[size_t(k)] <= i && i < first[size_t(k) + 1]) << i << " of " << steps;
      EXPECT_NEAR(double(k), double(i) / double(steps - 1) * 6, 1 + 1e-6);
    }
  }
}

TEST(LogSnrWindows, OfARunOfOneStepAreOneWindow) {
  EXPECT_EQ(equal_windows({10, 0}, 1).first_steps({10, 0}), (std::vector<int64_t>{0, 1}));
}

TEST(LogSnrWindows, AnEmptyOneIsNamed) {
  try {
    equal_windows(log_snr_grid(3), 5);
    ADD_FAILURE() << "no error";
  } catch (const ValueError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("window 1, log-SNR"), std::string::npos) << message;
  }
  EXPECT_THROW(equal_windows(log_snr_grid(3), 0), ValueError);
  EXPECT_THROW(equal_windows({}, 1), ValueError);
  EXPECT_THROW((LogSnrWindows{{0}}).first_steps(log_snr_grid(9)), ValueError);
  EXPECT_THROW((LogSnrWindows{{-3, 0, 0, 3}}).first_steps(log_snr_grid(9)), ValueError);
}

TEST(LikenessToGuided, ByHand) {
  const auto row = [](double a, double b) { return torch::tensor({a, b}, torch::kDouble).view({1, 1, 1, 2}); };
  const Tensor all = row(1, 0), none = row(-1, 0);
  const auto likeness = [&](const Tensor& drawn, const Tensor& without) {
    return likeness_to_guided({drawn, all, without}).item<double>();
  };
  EXPECT_EQ(likeness(all, none), 1);
  EXPECT_EQ(likeness(none, none), 0);
  EXPECT_EQ(likeness(row(0, 0), none), 0.75);
  EXPECT_EQ(likeness(row(1, 4), none), -3);  // repainted into something else
  EXPECT_EQ(likeness(row(1, 4), all), 0);    // the prompt does nothing
}

// For Gaussian data of one covariance and a prompt that shifts the mean by d, a window from sigma
// to sigma' moves the picture by (1 - A(sigma, sigma')) A(sigma', 0) d, A(a, b) = sqrt((l + b^2) /
// (l + a^2)) (the flow's closed form): for a linear value the game is additive.
TEST(GuidanceWindows, OfAMeanShiftAreItsClosedForm) {
  constexpr double kVariance = 0.3;
  const Tensor variance = torch::full({4}, kVariance, torch::kDouble);
  const GaussianData with(torch::full({4}, 1.0, torch::kDouble), variance);
  const GaussianData without(torch::full({4}, -1.0, torch::kDouble), variance);
  const auto sigmas = log_snr_grid(600, 0.01, 40);
  const NoiseSource noise{Random(1), sample_range(0, 2)};
  const Tensor nothing = torch::zeros({2, 1}, torch::kDouble);
  const Denoiser denoiser = [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return condition.any().item<bool>() ? with.denoiser()(x, sigma, nothing) : without.denoiser()(x, sigma, nothing);
  };
  const Trajectory run({denoiser, sigmas, {.solver = Solver::ddim}, {.clamp = 0}},
                       {nothing + 1, nothing, noise.initial({1, 2, 2}, torch::kDouble), noise});
  const auto mean = [](const WindowPictures& p) { return p.drawn.flatten(1).mean(1); };
  const auto attribution = attribute_to_windows(run, {mean}, {.windows = 5}, Random(0)).front();
  const auto first = attribution.windows.first_steps(sigmas);
  const auto shrink = [&](double a, double b) { return std::sqrt((kVariance + b * b) / (kVariance + a * a)); };
  for (int64_t k = 0; k < 5; ++k) {
    const double begin = sigmas[size_t(first[size_t(k)])];
    const double end = sigmas[size_t(first[size_t(k) + 1])];
    const double closed = 2 * (1 - shrink(begin, end)) * shrink(end, 0);
    for (const Tensor& measured :
         {attribution.shapley.phi, attribution.knock_out.effect, attribution.knock_out.alone}) {
      EXPECT_LT(largest_value(measured.select(1, k) - closed), 0.01) << k;  // the solver's step
      EXPECT_LT(largest_value(measured.select(1, k) - attribution.shapley.phi.select(1, k)), 1e-10);
    }
  }
}

/// Listens to the prompt where `listens` says so and nowhere else.
Trajectory planted(const BlobGuidanceWindows& c, const LogSnrWindows& windows, const Coalition& listens,
                   const SamplerOptions& sampler) {
  const Denoiser denoiser = [=, exact = c.data.denoiser()](const Tensor& x, const Tensor& sigma,
                                                           const Tensor& condition) {
    const int64_t window = windows.window_of(log_snr_of(sigma[0].item<double>()));
    return exact(x, sigma, listens[size_t(window)] ? condition : torch::ones_like(condition));
  };
  return c.run(24, sampler, denoiser);
}

TEST(GuidanceWindows, FindAPlantedWindow) {
  const BlobGuidanceWindows c;
  const auto sigmas = log_snr_grid(24);
  const LogSnrWindows windows = equal_windows(sigmas, 6);
  for (const auto& a :
       attribute_to_windows(planted(c, windows, {false, false, true, false, false, false}, {.solver = Solver::ddpm}),
                            c.values(), {.windows = 6}, Random(0))) {
    EXPECT_GT(a.shapley.total.mean().item<double>(), 0.2);
    EXPECT_LT(largest_value(a.shapley.phi.select(1, 2) - a.shapley.total), 1e-12);
    EXPECT_LT(largest_value(a.knock_out.effect.select(1, 2) - a.shapley.total), 1e-12);
    EXPECT_LT(largest_value(a.knock_out.alone.select(1, 2) - a.shapley.total), 1e-12);
    for (const int64_t k : {0, 1, 3, 4, 5}) {
      EXPECT_EQ(largest_value(a.shapley.phi.select(1, k)), 0) << k;
      EXPECT_EQ(largest_value(a.knock_out.effect.select(1, k)), 0) << k;
    }
    EXPECT_LT(largest_value(a.shapley.efficiency_gap()), 1e-12);
  }
}

TEST(GuidanceWindows, SampledOrdersAgreeWithExactOnes) {
  const BlobGuidanceWindows c;
  const Trajectory run = c.run(24, {.solver = Solver::ddim});
  const auto exact = attribute_to_windows(run, c.values(), {.windows = 6}, Random(0));
  const auto sampled = attribute_to_windows(run, c.values(), {.windows = 6, .orders = 40}, Random(0));
  for (size_t f = 0; f < exact.size(); ++f) {
    const Tensor off = (sampled[f].shapley.phi - exact[f].shapley.phi).mean(0).abs();
    EXPECT_TRUE((off <= 4 * sampled[f].shapley.sampling_error() + 1e-12).all().item<bool>()) << off;
    EXPECT_LT(largest_value(sampled[f].knock_out.effect - exact[f].knock_out.effect), 1e-12);
  }
}

TEST(GuidanceWindows, ASlidingWindowWithholdsItsWholeWidth) {
  const BlobGuidanceWindows c;
  const LogSnrWindows windows = equal_windows(log_snr_grid(24), 6);
  const Trajectory run = planted(c, windows, {false, false, true, false, false, false}, {.solver = Solver::ddim});
  const auto a = attribute_to_windows(run, c.values(), {.windows = 6, .knock_out_width = 2}, Random(0)).front();
  ASSERT_EQ(a.knock_out.effect.size(1), 5);
  for (const int64_t place : {0, 1, 2, 3, 4}) {
    const bool covers = place == 1 || place == 2;
    const Tensor expected = covers ? a.shapley.total : torch::zeros_like(a.shapley.total);
    EXPECT_LT(largest_value(a.knock_out.effect.select(1, place) - expected), 1e-12) << place;
  }
}

TEST(GuidanceWindows, AnInvertedTrajectoryKeepsItsRemainder) {
  const BlobGuidanceWindows c;
  const Trajectory run = c.run(9, {.solver = Solver::ddpm});
  const Tensor remainder = torch::full_like(run.initial(), 0.25);
  const Trajectory inverted(run.sampling(), {run.condition(), run.null_condition(), run.initial(), run.noise()},
                            run.steps(), remainder);
  const LogSnrWindows windows = equal_windows(run.sampling().sigmas, 3);
  const PictureValue mean = [](const WindowPictures& p) { return p.drawn.mean({1, 2, 3}); };
  const CoalitionValues plain = play_windows(run, windows, all_coalitions(3), {mean}).front();
  const CoalitionValues kept = play_windows(inverted, windows, all_coalitions(3), {mean}).front();
  for (const auto& [coalition, value] : kept) {
    EXPECT_LT(largest_value(value - plain.at(coalition) - 0.25), 1e-12);
  }
}

class WindowSolvers : public ::testing::TestWithParam<SamplerOptions> {};

// Going on from the middle must give what a run from the start gives, to the last bit.
TEST_P(WindowSolvers, GoOnFromTheMiddleAsFromTheStart) {
  const BlobGuidanceWindows c;
  const Trajectory run = c.run(9, GetParam());
  const Sampling& sampling = run.sampling();
  const LogSnrWindows windows = equal_windows(sampling.sigmas, 3);
  const Tensor weights = Random(2).normal(Purpose::explain, 0, {0}, {8}, torch::kDouble)[0];
  const auto project = [&](const WindowPictures& p) { return p.drawn.flatten(1).matmul(weights); };
  const CoalitionValues values = play_windows(run, windows, all_coalitions(3), {project}).front();
  ASSERT_EQ(values.size(), 8);
  for (const auto& [coalition, value] : values) {
    const Tensor whole =
        run_sampler(prompt_in_windows(run.predictor(), run.unprompted(), windows, coalition),
                    run.initial() * sampling.sigmas[0], {sampling.sigmas, sampling.sampler, run.noise()});
    EXPECT_EQ(largest_value(value - project({whole, whole, whole})), 0);
  }
}

TEST_P(WindowSolvers, CostIsKnownBeforehand) {
  const BlobGuidanceWindows c;
  WindowCost counted;
  const Denoiser counting = [&, exact = c.data.denoiser()](const Tensor& x, const Tensor& sigma,
                                                           const Tensor& condition) {
    ++(torch::equal(condition, c.named) ? counted.with_prompt : counted.without_prompt);
    return exact(x, sigma, condition);
  };
  const Trajectory run = c.run(10, GetParam(), counting);
  for (const GuidanceWindowOptions& options :
       {GuidanceWindowOptions{.windows = 5}, GuidanceWindowOptions{.windows = 5, .orders = 4}}) {
    counted = {};
    attribute_to_windows(run, c.values(), options, Random(3));
    const WindowCost known = window_cost(options, run.sampling().sigmas, run.sampling().sampler, Random(3));
    EXPECT_EQ(known.with_prompt, counted.with_prompt);
    EXPECT_EQ(known.without_prompt, counted.without_prompt);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, WindowSolvers,
    ::testing::Values(SamplerOptions{.solver = Solver::ddpm}, SamplerOptions{.solver = Solver::ddim, .eta = 0.5},
                      SamplerOptions{.solver = Solver::euler}, SamplerOptions{.solver = Solver::heun},
                      SamplerOptions{.solver = Solver::heun, .churn = 3}, SamplerOptions{.solver = Solver::dpmpp_2m},
                      SamplerOptions{.solver = Solver::dpmpp_2m_sde}));

// 2 edges a node of the tree of beginnings, and the run without prompt and the end of the full one
// twice.
TEST(GuidanceWindows, CoalitionsShareTheirBeginnings) {
  const auto sigmas = log_snr_grid(30);
  const WindowCost cost = window_cost({.windows = 6}, sigmas, {.solver = Solver::ddim}, Random(0));
  EXPECT_LE(cost.with_prompt + cost.without_prompt, 5 * ((1 << 7) - 2) + 2 * 30);
  EXPECT_EQ((WindowCost{3, 4}).evaluations(10, true), 100);
  EXPECT_EQ((WindowCost{3, 4}).evaluations(10, false), 70);
}

TEST(GuidanceWindows, BadInputIsRefused) {
  const BlobGuidanceWindows c;
  const Trajectory run = c.run(12, {.solver = Solver::ddim});
  const auto attribute = [&](const GuidanceWindowOptions& options) {
    attribute_to_windows(run, c.values(), options, Random(0));
  };
  EXPECT_THROW(attribute({.windows = 9}), ValueError);  // beyond exact enumeration
  EXPECT_THROW(attribute({.windows = 0}), ValueError);
  EXPECT_THROW(attribute({.windows = 4, .knock_out_width = 5}), ValueError);
  EXPECT_THROW(attribute({.windows = 4, .knock_out_width = 0}), ValueError);
  EXPECT_THROW(attribute({.windows = 4, .orders = 3}), ValueError);
  EXPECT_THROW(attribute({.windows = 4, .orders = -2}), ValueError);
  EXPECT_THROW(knock_out({}, 1), ValueError);
  const LogSnrWindows windows = equal_windows(run.sampling().sigmas, 3);
  const auto play = [&](const PictureValue& value, const std::vector<Coalition>& coalitions,
                        const Control& control = {}) { play_windows(run, windows, coalitions, {value}, control); };
  EXPECT_THROW(play(likeness_to_guided, {{true, false}}), ValueError);
  const auto broken = [](const WindowPictures& p) {
    return torch::full({p.drawn.size(0)}, std::numeric_limits<double>::quiet_NaN());
  };
  EXPECT_THROW(play(broken, {}), NumericError);
  EXPECT_THROW(play([](const WindowPictures&) { return torch::zeros({3}); }, {}), ShapeError);
  std::stop_source stop;
  stop.request_stop();
  const Control stopped{.progress = {}, .stop = stop.get_token()};
  EXPECT_THROW(play(likeness_to_guided, {}, stopped), Interrupted);
}

}  // namespace
}  // namespace noisescope
