// Noise recovered from existing pictures: by DDIM inversion against the closed flow of Gaussian
// data and by what it draws again; by edit-friendly inversion, which draws the picture itself.
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/smooth_deficit.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

const std::string kInversionMethod = "inversion";
constexpr double kInversionSigmaMax = 90;  // log-SNR -9

std::vector<double> levels(int64_t steps, double log_snr_max) {
  return sampling_sigmas({GridKind::log_snr, steps, sigma_of_log_snr(log_snr_max), kInversionSigmaMax, 7.0});
}

Predictor unclipped(const Denoiser& denoiser, const Tensor& condition) {
  GuidanceOptions guidance;
  guidance.clamp = 0;
  return guide(denoiser, condition, condition, guidance);
}

/// Pictures of a subject with their prompts.
struct Prompted {
  const Model& subject;
  SceneBatch batch;
  Predictor predict;
  double log_snr_max;

  Prompted(const Model& s, const World& world, uint64_t seed, int64_t count)
      : subject(s),
        batch(contrastable_scenes(world, seed, count)),
        predict(unclipped(s.denoiser, s.condition(batch.captions()))),
        log_snr_max(std::min(2.0, s.log_snr_max)) {}

  /// What DDIM makes of x at sigmas[0]: x when it reaches sigmas.back(), the picture where that is 0.
  Tensor draw(const Tensor& x, std::vector<double> sigmas) const {
    const bool to_picture = sigmas.back() == 0;
    if (!to_picture) sigmas.push_back(0);
    Tensor last;
    const Tensor picture = run_sampler(predict, x, {sigmas, {.solver = Solver::ddim}, {}},
                                       [&](const SamplerStep& step) { last = step.x; });
    return to_picture ? picture : last;
  }
};

/// DDIM noise of Gaussian pictures: off the probability flow by half as much at twice the steps.
VerifyRow flow_row(const VerifyContext& context) {
  constexpr int64_t kPictures = 64;
  const GaussianData data(torch::zeros({64}, torch::kFloat64), torch::logspace(-3, 0.5, 64, 10, torch::kFloat64));
  const Tensor condition = torch::zeros({kPictures, 1}, torch::kFloat64);
  const Tensor pictures =
      data.sample(Random(context.options.seed), Purpose::scene, sample_range(0, kPictures)).view({kPictures, 1, 8, 8});
  const auto error = [&](int64_t steps) {
    const auto sigmas = levels(steps, 8);
    const Tensor x = invert_ddim(unclipped(data.denoiser(), condition), pictures, sigmas);
    return reconstruction_error(data.flow(pictures, 0, sigmas[0], condition), x);
  };
  return {kInversionMethod,
          "exact Gaussian",
          "DDIM noise off the closed flow: error at 320 steps over that at 160",
          Direction::at_most,
          0.6,
          mean_estimate(error(320) / error(160))};
}

std::vector<double> without_zero(std::vector<double> sigmas) {
  sigmas.pop_back();
  return sigmas;
}

/// Mean error of what DDIM draws again from the noise that it inverted, at rising numbers of steps: from pictures with
/// the noise of the last level and back to there, since the way from there to the picture is a single step at any
/// number. Each bar is the figure before it: errors must fall. The first is that of pictures drawn from other noise.
/// Last, without a bar, the error of the pictures themselves.
VerifyRows ddim_rows(const VerifyContext& context, const Prompted& p, const std::vector<int64_t>& step_counts) {
  const Tensor& pictures = p.batch.pictures;
  const auto fresh = [&](Purpose purpose) {
    return Random(context.options.seed)
        .normal(purpose, 0, sample_range(0, p.batch.size()), pictures.sizes().slice(1), pictures.scalar_type());
  };
  const auto error = [&](const Tensor& x, const std::vector<double>& sigmas) {
    const Tensor inverted = invert_ddim(p.predict, x, sigmas, {}, context.control);
    return mean_estimate(reconstruction_error(x, p.draw(inverted, sigmas)));
  };
  const auto row = [&](int64_t steps, const char* what, Direction direction, double bar, Estimate value) {
    return VerifyRow{kInversionMethod,
                     p.subject.name,
                     "DDIM error at " + std::to_string(steps) + " steps " + what + ", pixel units",
                     direction,
                     bar,
                     value};
  };
  const auto coarse = without_zero(levels(step_counts.front() + 1, p.log_snr_max));
  const Tensor noisy = pictures + coarse.back() * fresh(Purpose::explain);
  double before =
      reconstruction_error(noisy, p.draw(fresh(Purpose::initial_noise) * coarse[0], coarse)).mean().item<double>();
  VerifyRows rows;
  for (const int64_t steps : step_counts) {
    const Estimate value = error(noisy, without_zero(levels(steps + 1, p.log_snr_max)));
    rows.push_back(row(steps, "down to the last level", Direction::at_most, before, value));
    before = value.value;
  }
  const int64_t most = step_counts.back();
  rows.push_back(row(most, "of the picture", Direction::reported, 0, error(pictures, levels(most, p.log_snr_max))));
  return rows;
}

VerifyRow sign_row(const Prompted& p, const std::string& noise, Direction direction, const Tensor& log_ratio) {
  const Tensor known = log_ratio.index({~log_ratio.isnan()});
  const double chance = sign_test_p(known);
  return {kInversionMethod,
          p.subject.name,
          "smooth-region deficit of " + noise + ": p of a sign test",
          direction,
          0.01,
          {chance, chance, chance, known.size(0)},
          direction == Direction::at_most ? p_value_reversal(chance, 0.01) : null_p_reversal(0.01, 1)};
}

/// The deficit of DDIM's noise, and of noise that has never seen the pictures.
VerifyRows deficit_rows(const VerifyContext& context, const Prompted& p) {
  const auto sigmas = levels(20, p.log_snr_max);
  const Tensor& pictures = p.batch.pictures;
  const Tensor noise = invert_ddim(p.predict, pictures, sigmas, {}, context.control) / sigmas[0];
  const Tensor control =
      Random(context.options.seed)
          .normal(Purpose::initial_noise, 0, sample_range(0, p.batch.size()), pictures.sizes().slice(1));
  const Tensor found = smooth_deficit(noise, pictures).log_ratio;
  return {{kInversionMethod, p.subject.name, "smooth-region deficit of DDIM noise: ln variance ratio",
           Direction::at_most, 0, mean_estimate(found.index({~found.isnan()}))},
          sign_row(p, "DDIM noise", Direction::at_most, found),
          sign_row(p, "noise of its own", Direction::at_least, smooth_deficit(control, pictures).log_ratio)};
}

VerifyRow edit_friendly_row(const VerifyContext& context, const Prompted& p) {
  const Tensor pictures = p.batch.pictures.to(torch::kFloat32);
  const EditFriendlyInversion inversion = context.seen(
      &Seams::inversion, invert_edit_friendly(p.predict, {pictures, p.batch.with_noise(context.options.seed).noise},
                                              levels(40, p.log_snr_max), {}, context.control));
  const Tensor again = replay(p.predict, inversion, 0, {}, context.control);
  const double worst = (again - pictures).abs().max().item<double>();
  return {kInversionMethod,   p.subject.name, "edit-friendly reconstruction: largest error of a pixel, float32",
          Direction::at_most, 1e-5,           {worst, worst, worst, p.batch.size()}};
}

}  // namespace

VerifyRows check_inversion(const VerifyContext& context) {
  VerifyRows rows = {flow_row(context)};
  const auto add = [&](const VerifyRows& more) { append(rows, more); };
  const uint64_t seed = context.options.seed;
  const int64_t count = context.n(100, 48);
  const Prompted demo(context.exact_demo, context.demo.world(), seed, count);
  const Prompted fine(context.exact_fine, context.fine.world(), seed, count);
  add({edit_friendly_row(context, demo), edit_friendly_row(context, fine)});
  add(ddim_rows(context, fine, {5, 10, 20}));
  add(deficit_rows(context, fine));
  if (context.trained && context.options.defect.empty()) {
    const Prompted trained(*context.trained, context.demo.world(), seed, count);
    add({edit_friendly_row(context, trained)});
    add(ddim_rows(context, trained, {10, 30, 90}));
    add(deficit_rows(context, trained));
  }
  return rows;
}

}  // namespace noisescope::verify
