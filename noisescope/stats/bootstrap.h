// Intervals of figures that have no formula for theirs, by drawing the observations again.
#pragma once

#include <functional>

#include "noisescope/core/random.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::stats {

/// A figure of the observations with these numbers [n] int64, in which a number may occur repeatedly.
using Statistic = std::function<double(const Tensor& rows)>;

/// The statistic of all n observations with its percentile interval at 95 % over `replicates` draws of n
/// observations with replacement (Efron 1979, "Bootstrap methods: another look at the jackknife").
/// Draws are (random, Purpose::evaluation). Too narrow for n below about 10.
/// Throws ValueError unless n >= 2 and replicates >= 40.
Estimate bootstrap(const Statistic& statistic, int64_t n, const Random& random, int64_t replicates = 1000);

}  // namespace noisescope::stats
