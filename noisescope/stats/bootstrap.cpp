#include "noisescope/stats/bootstrap.h"

#include <algorithm>
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {

Estimate bootstrap(const Statistic& statistic, int64_t n, const Random& random, int64_t replicates) {
  if (n < 2 || replicates < 40) {
    throw ValueError(
        format_text("[stats.bootstrap] expected at least 2 observations and 40 replicates, "
                    "got {} and {}",
                    n, replicates));
  }
  const Tensor draws =
      (random.uniform(Purpose::evaluation, name_hash("bootstrap"), sample_range(0, replicates), {n}, torch::kFloat64) *
       static_cast<double>(n))
          .to(torch::kInt64);
  std::vector<double> values;
  for (int64_t i = 0; i < replicates; ++i) values.push_back(statistic(draws[i]));
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    return values[static_cast<size_t>(std::lround(q * static_cast<double>(replicates - 1)))];
  };
  return {statistic(torch::arange(n)), quantile(0.025), quantile(0.975), n};
}

}  // namespace noisescope::stats
