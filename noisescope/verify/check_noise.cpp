// Tests of noise on the noise that samplers start from, and on the same with a smooth leak of 5 % of its
// variance; tests of an exact denoiser's noise predictions against permuted prompts, which must be
// silent where the own prompt is a stranger's, too.
#include <algorithm>
#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/verify/check.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope {
namespace {

Tensor initial_noise(uint64_t seed, int64_t count) {
  return Random(seed).normal(Purpose::initial_noise, 0, sample_range(0, count), {3, 32, 32});
}

/// White noise averaged over 8x8 blocks, scaled to variance 1.
Tensor smooth_field(uint64_t seed, int64_t count) {
  return Random(seed).normal(Purpose::explain, 0, sample_range(0, count), {3, 4, 4})
      .repeat_interleave(8, 2)
      .repeat_interleave(8, 3);
}

Tensor column(const NoiseTests& tests, const std::string& name) {
  const auto at = std::find(tests.names.begin(), tests.names.end(), name) - tests.names.begin();
  return tests.p.select(1, at);
}

/// The smallest corrected p-value of each of `groups` groups of 8 pictures at log-SNR -2, whose prompts
/// are their own or those of other scenes.
Tensor smallest_prediction_p(const VerifyContext& context, int64_t groups, bool own) {
  constexpr int64_t kGroup = 8;
  const double sigma = sigma_of_log_snr(-2);
  const int64_t count = groups * kGroup;
  const Model& subject = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, count);
  const SceneBatch strangers =
      contrastable_scenes(context.demo.world(), context.options.seed + 1, count);
  const Tensor eps = Random(context.options.seed).normal(Purpose::explain, 4, sample_range(0, count),
                                                         {3, 32, 32}, torch::kFloat64);
  const Tensor x = batch.pictures + sigma * eps;
  const Tensor condition = subject.condition((own ? batch : strangers).captions());
  std::vector<Tensor> smallest;
  for (int64_t i = 0; i < groups; ++i) {
    const SamplerStep step{0, 1, sigma, 0, x.narrow(0, i * kGroup, kGroup), {}};
    const PredictionTests tests = test_predictions(
        subject.denoiser, {step}, condition.narrow(0, i * kGroup, kGroup),
        {.group = kGroup, .permutations = 399}, Random(context.options.seed + static_cast<uint64_t>(i)));
    smallest.push_back(tests.corrected.min());
  }
  return torch::stack(smallest);
}

std::vector<VerifyRow> prediction_rows(const VerifyContext& context) {
  const std::string method = "noise tests", subject = context.exact_demo.name;
  const int64_t groups = context.n(400, 120);
  const Tensor null = smallest_prediction_p(context, groups, false);
  const double uniform = uniformity_p(null);
  const auto found = [](const Tensor& p) {
    return wilson((p <= 0.05).sum().item<int64_t>(), p.size(0));
  };
  return {{method, subject, "predictions under strangers' prompts: corrected p uniform, Kolmogorov p",
           Direction::at_least, 0.01, {uniform, uniform, uniform, groups},
           null_p_reversal(0.01, 1)},
          {method, subject, "predictions under strangers' prompts: found at 5 %", Direction::at_most, 0.08,
           found(null)},
          {method, subject, "predictions under the own prompts: found at 5 %", Direction::at_least, 0.9,
           found(smallest_prediction_p(context, groups / 4, true))}};
}

}  // namespace

std::vector<VerifyRow> check_noise(const VerifyContext& context) {
  const int64_t count = context.n(10000, 2000), leaks = context.n(1000, 300);
  const std::string method = "noise tests", subject = "initial noise";
  const NoiseTests null = test_noise(initial_noise(context.options.seed, count));
  double worst = 1;
  for (int64_t t = 0; t < null.p.size(1); ++t) {
    worst = std::min(worst, uniformity_p(null.p.select(1, t)));
  }
  const Tensor leaky = std::sqrt(0.95) * initial_noise(context.options.seed + 1, leaks) +
                       std::sqrt(0.05) * smooth_field(context.options.seed, leaks);
  const auto found = [](const Tensor& p) {
    return wilson((p < 0.05).sum().item<int64_t>(), p.size(0));
  };
  std::vector<VerifyRow> rows = {
          {method, subject, "p-values uniform: Kolmogorov p of the worst test", Direction::at_least,
           0.01, {worst, worst, worst, count}, null_p_reversal(0.01, null.p.size(1))},
          {method, subject, "false positives at 5 %, low frequency", Direction::at_most, 0.07,
           found(column(null, "low_frequency"))},
          {method, subject, "power for a smooth leak of 5 % of the variance", Direction::at_least, 0.9,
           found(column(test_noise(leaky), "low_frequency"))}};
  for (const VerifyRow& row : prediction_rows(context)) rows.push_back(row);
  return rows;
}

}  // namespace noisescope
