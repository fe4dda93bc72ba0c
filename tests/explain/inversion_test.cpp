#include "noisescope/explain/inversion.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"

namespace noisescope {
namespace {

Predictor unclipped(const Denoiser& denoiser, const Tensor& condition) {
  GuidanceOptions guidance;
  guidance.clamp = 0;
  return guide(denoiser, condition, condition, guidance);
}

std::vector<double> levels(int64_t steps) { return sampling_sigmas({GridKind::log_snr, steps, 0.02, 50.0, 7.0}); }

/// Gaussian pictures of 8 pixels, whose probability flow is known.
struct GaussianInversion {
  GaussianData data{torch::linspace(-1, 1, 8, torch::kDouble), torch::linspace(0.05, 1.5, 8, torch::kDouble)};
  Tensor condition = torch::zeros({5, 1}, torch::kDouble);
  Tensor pictures = data.sample(Random(1), Purpose::scene, {0, 1, 2, 3, 4}).view({5, 2, 2, 2});
  Predictor predict = unclipped(data.denoiser(), condition);

  double error_of_noise(int64_t steps, int64_t refinements) const {
    const auto sigmas = levels(steps);
    const Tensor x = invert_ddim(predict, pictures, sigmas, {refinements});
    const Tensor flow = data.flow(pictures, 0, sigmas[0], condition);
    return ((x - flow) / sigmas[0]).abs().max().item<double>();
  }
};

/// Two blobs of 3 x 4 x 4 pixels in float32, named by the condition.
struct BlobInversion {
  GaussianMixture data{torch::cat({torch::full({1, 48}, 0.5), torch::full({1, 48}, -0.5)}), torch::full({2, 48}, 0.04)};
  Tensor components = torch::tensor({0, 0, 1, 1});
  Tensor pictures =
      data.sample(Random(2), Purpose::scene, {0, 1, 2, 3}, components).view({4, 3, 4, 4}).to(torch::kFloat32);
  Tensor own = torch::tensor({1, 0, 1, 0, 0, 1, 0, 1}, torch::kFloat32).view({4, 2});
  PathNoise noise{Random(3), {10, 11, 12, 13}};

  EditFriendlyInversion invert(const SamplerObserver& observer = {}) const {
    return invert_edit_friendly(unclipped(data.denoiser(), own), {pictures, noise}, levels(40), observer);
  }
};

// Song et al. 2021, eq. 12: the inverse of an Euler step; its error against the exact flow is of
// first order.
TEST(DdimInversion, ApproachesTheExactFlowAtFirstOrder) {
  const GaussianInversion c;
  const double coarse = c.error_of_noise(400, 0), fine = c.error_of_noise(800, 0);
  EXPECT_LT(fine, 0.08);
  EXPECT_NEAR(coarse / fine, 2.0, 0.2);
}

TEST(DdimInversion, RefinedToTheFixedPointItInvertsTheSampler) {
  const GaussianInversion c;
  const auto sigmas = levels(20);
  const auto error = [&](int64_t refinements) {
    const Tensor x = invert_ddim(c.predict, c.pictures, sigmas, {refinements});
    return reconstruction_error(c.pictures, run_sampler(c.predict, x, {sigmas, {.solver = Solver::ddim}, {}}))
        .max()
        .item<double>();
  };
  EXPECT_GT(error(0), 1e-2);
  EXPECT_LT(error(3), error(0) / 3);
  EXPECT_LT(error(200), 1e-9);
}

// From a noised picture on: levels that end above 0.
TEST(DdimInversion, StartsAtTheLevelThatTheSigmasEndIn) {
  const GaussianInversion c;
  std::vector<double> sigmas = levels(1600);
  sigmas.resize(1200);
  const double from = sigmas.back();
  const Tensor x = c.data.flow(c.pictures, 0, from, c.condition);
  const Tensor up = invert_ddim(c.predict, x, sigmas);
  const Tensor flow = c.data.flow(x, from, sigmas[0], c.condition);
  EXPECT_LT(((up - flow) / sigmas[0]).abs().max().item<double>(), 0.05);
  EXPECT_EQ((DdimInversionOptions{.refinements = 2}.cost(5, 20)), 300);
}

TEST(EditFriendly, DrawsThePicturesAgainInFloat32) {
  const BlobInversion c;
  const EditFriendlyInversion inversion = c.invert();
  const Predictor predict = unclipped(c.data.denoiser(), c.own);
  EXPECT_LT((replay(predict, inversion) - c.pictures).abs().max().item<double>(), 1e-6);
  EXPECT_LT((replay(predict, inversion, 25) - c.pictures).abs().max().item<double>(), 1e-6);
  // A picture alone, where the last digits of the denoiser differ.
  const auto alone = [](const Tensor& t) { return t.slice(1, 2, 3); };
  const Tensor third =
      replay(unclipped(c.data.denoiser(), c.own.slice(0, 2, 3)),
             {inversion.sigmas, alone(inversion.states), alone(inversion.noises), inversion.remainder.slice(0, 2, 3)});
  EXPECT_LT((third - c.pictures.slice(0, 2, 3)).abs().max().item<double>(), 1e-5);
}

// Huberman-Spiegelglas et al. 2024 in the variance-preserving scale of the paper, in float64:
// z_t = (x_{t-1} - mu_t(x_t)) / s_t with DDPM's eq. 7.
TEST(EditFriendly, NoiseIsThatOfThePaperInTheVariancePreservingScale) {
  const BlobInversion c;
  const EditFriendlyInversion inversion = c.invert();
  const Denoiser denoiser = c.data.denoiser();
  for (const int64_t i : {0, 17, 38}) {
    const double sigma = inversion.sigmas[size_t(i)], next = inversion.sigmas[size_t(i) + 1];
    const double abar = 1 / (1 + sigma * sigma), abar_next = 1 / (1 + next * next);
    const double beta = 1 - abar / abar_next;
    const auto eps = [&](int64_t step) {
      return c.noise.random.normal(Purpose::explain, uint64_t(step), c.noise.sample_ids, {3, 4, 4}, torch::kDouble);
    };
    const Tensor x0 = c.pictures.to(torch::kDouble);
    const Tensor x = std::sqrt(abar) * x0 + std::sqrt(1 - abar) * eps(i);
    const Tensor x_next = std::sqrt(abar_next) * x0 + std::sqrt(1 - abar_next) * eps(i + 1);
    const Tensor estimate = denoiser(x / std::sqrt(abar), torch::full({4}, sigma, torch::kDouble), c.own);
    const Tensor mean =
        std::sqrt(abar_next) * beta / (1 - abar) * estimate + std::sqrt(1 - beta) * (1 - abar_next) / (1 - abar) * x;
    const Tensor z = (x_next - mean) / std::sqrt((1 - abar_next) / (1 - abar) * beta);
    EXPECT_LT((inversion.noises[i] - z).abs().max().item<double>(), 2e-4) << i;
  }
}

// For a known picture z = (s' (eps' - r eps)) / (s' sqrt(1 - r^2)), r = s' / s: variance
// (1 + r^2) / (1 - r^2), where the sampler's own noise has 1.
TEST(EditFriendly, NoiseVariesMoreThanTheSamplersOwn) {
  const Tensor picture = torch::zeros({1, 3, 64, 64}, torch::kDouble);
  const Predictor knows = [&](const Tensor&, const Tensor&) { return Prediction{picture, {}, {}}; };
  const EditFriendlyInversion inversion = invert_edit_friendly(knows, {picture, {Random(1), {0}}}, levels(40));
  const double r = inversion.sigmas[11] / inversion.sigmas[10];
  const double expected = (1 + r * r) / (1 - r * r);
  EXPECT_NEAR(inversion.noises[10].var().item<double>() / expected, 1, 0.05);  // 4 errors
}

TEST(EditFriendly, AnotherConditionEditsWhatItNames) {
  const BlobInversion c;
  const Tensor edited = replay(unclipped(c.data.denoiser(), 1 - c.own), c.invert());
  EXPECT_LT((edited + c.pictures).abs().mean().item<double>(), 0.4);  // means +-.5 change places
  EXPECT_TRUE((edited.mean({1, 2, 3}) * c.pictures.mean({1, 2, 3}) < 0).all().item<bool>());
}

// Observers see what the sampler would show.
TEST(EditFriendly, ShowsItsStepsAndThoseOfTheReplay) {
  const BlobInversion c;
  TrajectoryRecorder inverted{RecorderOptions{}}, replayed{RecorderOptions{}};
  const EditFriendlyInversion inversion = c.invert(inverted.observer());
  replay(unclipped(c.data.denoiser(), c.own), inversion, 0, replayed.observer());
  ASSERT_EQ(inverted.steps().size(), 40U);
  ASSERT_EQ(replayed.steps().size(), 40U);
  EXPECT_TRUE(torch::equal(inverted.steps()[20].x, replayed.steps()[20].x));
  EXPECT_EQ(replayed.steps()[39].sigma_next, 0);
}

TEST(NoisingPath, EndsInThePictureAndKeepsTheForwardProcess) {
  const BlobInversion c;
  TrajectoryRecorder recorder{RecorderOptions{}};
  const EvidenceOptions options{.steps = 30, .log_snr_min = -6, .log_snr_max = 6};
  observe_noising_path(unclipped(c.data.denoiser(), c.own), {c.pictures, c.noise}, options, recorder.observer());
  const auto& steps = recorder.steps();
  ASSERT_EQ(steps.size(), 31U);
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].index, static_cast<int64_t>(i));
    EXPECT_EQ(steps[i].count, 31);
    EXPECT_EQ(steps[i].sigma_next, i + 1 < steps.size() ? steps[i + 1].sigma : 0);
    const double spread = (steps[i].x - c.pictures).std().item<double>() / steps[i].sigma;
    EXPECT_NEAR(spread, 1, 0.2) << i;  // 192 numbers: standard error .05
  }
  const Tensor estimate = c.data.denoiser()(steps[7].x, torch::full({4}, steps[7].sigma, torch::kFloat32), c.own);
  EXPECT_TRUE(torch::allclose(steps[7].prediction.denoised, estimate));
}

TEST(Inversion, StabilityIsACosine) {
  const Tensor noise = torch::tensor({1.0, 0.0, 3.0, 4.0}, torch::kDouble).view({2, 1, 1, 2});
  const Tensor other = torch::tensor({0.0, 2.0, 6.0, 8.0}, torch::kDouble).view({2, 1, 1, 2});
  const Tensor cosines = torch::tensor({0.0, 1.0}, torch::kDouble);
  EXPECT_TRUE(torch::allclose(inversion_stability(noise, other), cosines));
}

TEST(EditFriendly, OneStepHasNoNoiseOfItsOwn) {
  const BlobInversion c;
  const Predictor predict = unclipped(c.data.denoiser(), c.own);
  const EditFriendlyInversion inversion = invert_edit_friendly(predict, {c.pictures, c.noise}, {2.0, 0.0});
  EXPECT_EQ(inversion.noises.size(0), 0);
  EXPECT_TRUE(replay(predict, inversion).allclose(c.pictures, 0, 1e-6));
}

TEST(Inversion, RefusesWhatItCannotInvert) {
  const BlobInversion c;
  const Predictor predict = unclipped(c.data.denoiser(), c.own);
  EXPECT_THROW(invert_ddim(predict, c.pictures, {1.0}), ValueError);
  EXPECT_THROW(invert_ddim(predict, c.pictures, {1.0, 2.0, 0.0}), ValueError);
  EXPECT_THROW(invert_ddim(predict, c.pictures, {1.0, -1.0}), ValueError);
  EXPECT_THROW(invert_ddim(predict, c.pictures, {1.0, 0.0}, {-1}), ValueError);
  EXPECT_THROW(invert_ddim(predict, c.pictures[0], {1.0, 0.0}), ShapeError);
  EXPECT_THROW(invert_ddim(predict, c.pictures / 0, {1.0, 0.0}), ValueError);
  EXPECT_THROW(invert_edit_friendly(predict, {c.pictures, c.noise}, {1.0, 0.5}), ValueError);
  EXPECT_THROW(invert_edit_friendly(predict, {c.pictures, {Random(1), {0}}}, {1.0, 0.0}), ShapeError);
  EXPECT_THROW(replay(predict, c.invert(), 40), ValueError);
  EXPECT_THROW(replay(predict, c.invert(), -1), ValueError);
  EXPECT_THROW(reconstruction_error(c.pictures, c.pictures[0]), ShapeError);
}

TEST(Inversion, StopsOnRequest) {
  const BlobInversion c;
  std::stop_source source;
  source.request_stop();
  const Control control{{}, source.get_token()};
  const Predictor predict = unclipped(c.data.denoiser(), c.own);
  EXPECT_THROW(invert_ddim(predict, c.pictures, levels(5), {}, control), Interrupted);
  EXPECT_THROW(invert_edit_friendly(predict, {c.pictures, c.noise}, levels(5), {}, control), Interrupted);
}

}  // namespace
}  // namespace noisescope
