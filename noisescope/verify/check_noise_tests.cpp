// Tests of noise on the noise that samplers start from, and on the same with a smooth leak of 5 % of its
// variance.
#include <algorithm>
#include <cmath>

#include "noisescope/explain/noise_tests.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

Tensor initial_noise(uint64_t seed, int64_t count) {
  return Random(seed).normal(Purpose::initial_noise, 0, sample_range(0, count), {3, 32, 32});
}

/// White noise averaged over 8x8 blocks, scaled to variance 1.
Tensor smooth_field(uint64_t seed, int64_t count) {
  return Random(seed)
      .normal(Purpose::explain, 0, sample_range(0, count), {3, 4, 4})
      .repeat_interleave(8, 2)
      .repeat_interleave(8, 3);
}

Tensor column(const NoiseTests& tests, const std::string& name) {
  const auto at = std::find(tests.names.begin(), tests.names.end(), name) - tests.names.begin();
  return tests.p.select(1, at);
}

}  // namespace

VerifyRows check_noise_tests(const VerifyContext& context) {
  const int64_t count = context.n(10000, 2000), leaks = context.n(1000, 300);
  const std::string method = "noise_tests", subject = "initial noise";
  const NoiseTests null = test_noise(context.seen(&Seams::pictures, initial_noise(context.options.seed, count)));
  double worst = 1;
  for (int64_t t = 0; t < null.p.size(1); ++t) {
    worst = std::min(worst, uniformity_p(null.p.select(1, t)));
  }
  const Tensor leaky = std::sqrt(0.95) * initial_noise(context.options.seed + 1, leaks) +
                       std::sqrt(0.05) * smooth_field(context.options.seed, leaks);
  const auto found = [](const Tensor& p) { return wilson((p < 0.05).sum().item<int64_t>(), p.size(0)); };
  return {{method,
           subject,
           "p-values uniform: Kolmogorov p of the worst test",
           Direction::at_least,
           0.01,
           {worst, worst, worst, count},
           null_p_reversal(0.01, null.p.size(1))},
          {method, subject, "false positives at 5 %, low frequency", Direction::at_most, 0.07,
           found(column(null, "low_frequency"))},
          {method, subject, "power for a smooth leak of 5 % of the variance", Direction::at_least, 0.9,
           found(column(test_noise(leaky), "low_frequency"))}};
}

}  // namespace noisescope::verify
