// Principal components of x_0 given x on the `fine` world without prompt, against those of the exact
// Jacobian, which comes from automatic differentiation of the exact denoiser, not from differences.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_qr.h>
#include <torch/csrc/autograd/autograd.h>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr double kLogSnr = -3;
constexpr int64_t kSubspace = 6, kIterations = 80;

/// J v for v [B, N, k] by reverse differentiation; the Jacobian is symmetric.
Tensor jacobian_times(const WorldDenoiser& truth, const Tensor& x, const Tensor& sigma, const Tensor& condition,
                      const Tensor& v) {
  const at::AutoGradMode grad(true);
  std::vector<Tensor> columns;
  for (int64_t k = 0; k < v.size(2); ++k) {
    const Tensor input = x.detach().clone().requires_grad_(true);
    const Tensor along = (truth.denoise(input, sigma, condition).flatten(1) * v.select(2, k)).sum();
    columns.push_back(torch::autograd::grad({along}, {input})[0].flatten(1));
  }
  return torch::stack(columns, 2).detach();
}

struct Eigenpairs {
  Tensor values;   // [B, k] of Cov[x_0 | x], falling
  Tensor leading;  // [B, N]
};

Eigenpairs exact_pairs(const WorldDenoiser& truth, const Tensor& x, const Tensor& sigma, const Tensor& condition) {
  Tensor v =
      Random(12).normal(Purpose::explain, 1, sample_range(0, x.size(0)), {x[0].numel(), kSubspace}, torch::kFloat64);
  Tensor image;
  for (int64_t i = 0; i < kIterations; ++i) {
    v = std::get<0>(at::linalg_qr(v));
    image = jacobian_times(truth, x, sigma, condition, v);
    if (i + 1 < kIterations) v = image;
  }
  const Tensor small = v.transpose(1, 2).matmul(image);
  const auto [values, vectors] = at::linalg_eigh((small + small.transpose(1, 2)) / 2);
  return {values.flip({1}) * sigma.square().unsqueeze(1),
          v.matmul(vectors.select(2, kSubspace - 1).unsqueeze(2)).squeeze(2)};
}

}  // namespace

VerifyRows check_posterior_uncertainty(const VerifyContext& context) {
  const int64_t count = context.n(16, 6);
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed, count);
  const std::vector<int64_t> ids = sample_range(0, count);
  const double level = sigma_of_log_snr(kLogSnr);
  const Tensor sigma = torch::full({count}, level, torch::kFloat64);
  const Tensor x = add_noise(
      batch.pictures,
      Random(context.options.seed).normal(Purpose::explain, 3, ids, batch.pictures.sizes().slice(1), torch::kFloat64),
      sigma);
  const Model& subject = context.exact_fine;
  const Tensor null = subject.condition(std::vector<std::string>(size_t(count), ""));
  const UncertaintyOptions options{.components = 2, .iterations = 20};
  const PosteriorComponents found =
      posterior_components({subject.denoiser, null}, {x, sigma}, options, {Random(1), ids}, context.control);
  const Eigenpairs exact = exact_pairs(context.fine, x, sigma, null);
  const Tensor off = (found.variances[0] / exact.values.select(1, 0) - 1).abs();
  const Tensor cosine = (found.directions[0].flatten(1) * exact.leading).sum(1).abs();
  const Tensor apart = exact.values.select(1, 0) > 1.3 * exact.values.select(1, 1);
  const std::string method = "posterior_uncertainty", name = subject.name;
  return {
      {method, name, "top variance at log-SNR -3, 80 evaluations: off", Direction::at_most, 0.03, mean_estimate(off)},
      {method, name, "top direction where the variances differ by 1.3: cosine", Direction::at_least, 0.98,
       mean_estimate(cosine.masked_select(apart))}};
}

}  // namespace noisescope::verify
