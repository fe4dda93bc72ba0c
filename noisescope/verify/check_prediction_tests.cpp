// Tests of an exact denoiser's noise predictions against permuted prompts, which must be silent where the own
// prompt is a stranger's, too.
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

/// The smallest corrected p-value of each of `groups` groups of 8 pictures at log-SNR -2, whose prompts
/// are their own or those of other scenes.
Tensor smallest_prediction_p(const VerifyContext& context, int64_t groups, bool own) {
  constexpr int64_t kGroup = 8;
  const double sigma = sigma_of_log_snr(-2);
  const int64_t count = groups * kGroup;
  const Model& subject = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, count);
  const SceneBatch strangers = contrastable_scenes(context.demo.world(), context.options.seed + 1, count);
  const Tensor eps =
      Random(context.options.seed).normal(Purpose::explain, 4, sample_range(0, count), {3, 32, 32}, torch::kFloat64);
  const Tensor x = batch.pictures + sigma * eps;
  const Tensor condition = subject.condition((own ? batch : strangers).captions());
  std::vector<Tensor> smallest;
  for (int64_t i = 0; i < groups; ++i) {
    const SamplerStep step{0, 1, sigma, 0, x.narrow(0, i * kGroup, kGroup), {}};
    const PredictionTests tests = test_predictions({subject.denoiser, condition.narrow(0, i * kGroup, kGroup)}, {step},
                                                   {.group = kGroup, .permutations = 399},
                                                   Random(context.options.seed + static_cast<uint64_t>(i)));
    smallest.push_back(tests.corrected.min());
  }
  return torch::stack(smallest);
}

}  // namespace

VerifyRows check_prediction_tests(const VerifyContext& context) {
  const std::string method = "prediction_tests", subject = context.exact_demo.name;
  const int64_t groups = context.n(400, 120);
  const Tensor null = smallest_prediction_p(context, groups, false);
  const double uniform = uniformity_p(null);
  const auto found = [](const Tensor& p) { return wilson((p <= 0.05).sum().item<int64_t>(), p.size(0)); };
  return {
      {method,
       subject,
       "predictions under strangers' prompts: corrected p uniform, Kolmogorov p",
       Direction::at_least,
       0.01,
       {uniform, uniform, uniform, groups},
       null_p_reversal(0.01, 1)},
      {method, subject, "predictions under strangers' prompts: found at 5 %", Direction::at_most, 0.08, found(null)},
      {method, subject, "predictions under the own prompts: found at 5 %", Direction::at_least, 0.9,
       found(smallest_prediction_p(context, groups / 4, true))}};
}

}  // namespace noisescope::verify
