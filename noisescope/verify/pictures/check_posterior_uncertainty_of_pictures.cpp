// Principal components of x_0 given x without prompt, against those of the exact covariance
// sum_i p_i (a_i - m)(a_i - m)^T, which is known in closed form.
#include <ATen/ops/linalg_eigh.h>

#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

struct LeadingPair {
  double variance = 0, second = 0;  // the two largest
  Tensor direction;                 // [D] of the largest
};

/// From the Gram matrix of the weighted deviations, of the pictures that can matter.
LeadingPair exact_pair(const PictureContext& context, const Tensor& p) {
  const Tensor index = std::get<1>(p.topk(std::min<int64_t>(p.size(0), 1024)));
  const Tensor weight = p.index_select(0, index);
  std::vector<int64_t> samples;
  for (int64_t k = 0; k < index.size(0) && weight[k].item<double>() > 1e-12; ++k) {
    samples.push_back(index[k].item<int64_t>());
  }
  const auto count = static_cast<int64_t>(samples.size());
  if (count < 2) return {};
  const Tensor share = (weight.slice(0, 0, count) / weight.slice(0, 0, count).sum()).unsqueeze(1);
  const Tensor pictures = context.pictures(samples).flatten(1);
  const Tensor rows = (pictures - (share * pictures).sum(0)) * share.sqrt();
  const auto [values, vectors] = at::linalg_eigh(rows.matmul(rows.t()));
  const Tensor direction = rows.t().matmul(vectors.select(1, count - 1));
  return {values[count - 1].item<double>(), values[count - 2].item<double>(), direction / direction.norm()};
}

}  // namespace

VerifyRows check_posterior_uncertainty_of_pictures(const PictureContext& context) {
  const std::vector<int64_t> tried = context.some(context.n(64, 24), stream(Drawn::uncertain));
  const double level = half_known_log_snr(context, tried);
  const auto [x, sigma] = noisy_pictures(context, tried, level, stream(Drawn::uncertain_noise));
  const Tensor p = context.truth.posterior(x, sigma, context.null_condition(x.size(0)));
  // Where one picture is certain there is no component to find.
  const Tensor open = (std::get<0>(p.max(1)) < 0.95).nonzero().squeeze(1).slice(0, 0, context.n(24, 8));
  const int64_t count = open.size(0);
  if (count < 2) return {};
  const PosteriorComponents found = posterior_components(
      {context.exact.denoiser, context.null_condition(count)}, {x.index_select(0, open), sigma.index_select(0, open)},
      {.components = 2, .iterations = 20}, {context.random(), sample_range(0, count)}, context.control);
  std::vector<double> off, cosine;
  for (int64_t k = 0; k < count; ++k) {
    const LeadingPair exact = exact_pair(context, p[open[k].item<int64_t>()]);
    off.push_back(std::abs(found.variances[0][k].item<double>() / exact.variance - 1));
    if (exact.variance < 1.3 * exact.second) continue;
    cosine.push_back((found.directions[0][k].flatten() * exact.direction).sum().abs().item<double>());
  }
  // Bars as on the `fine` world.
  const std::string method = "posterior_uncertainty";
  VerifyRows rows = {{method, context.exact.name, "top variance where half is known, 80 evaluations: off",
                      Direction::at_most, 0.03, mean_estimate(torch::tensor(off, torch::kFloat64))}};
  if (cosine.size() < 2) return rows;
  rows.push_back({method, context.exact.name, "top direction where the variances differ by 1.3: cosine",
                  Direction::at_least, 0.98, mean_estimate(torch::tensor(cosine, torch::kFloat64))});
  return rows;
}

}  // namespace noisescope::verify
