#include "noisescope/diffusion/analytic.h"

#include <cmath>
#include <numbers>
#include <string>
#include <tuple>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::diffusion {
namespace {

Tensor wide(const Tensor& tensor) { return tensor.to(torch::kFloat64); }

/// Images as rows [B, N], float64.
Tensor rows_of(const char* where, const Tensor& x, int64_t width) {
  const Tensor rows = wide(x).flatten(1);
  check_shape(where, "x, one row an image,", rows, {-1, width});
  return rows;
}

Tensor column(const Tensor& sigma) { return wide(sigma).unsqueeze(1); }

Tensor square_matrix(const Tensor& covariance, int64_t n) {
  if (covariance.dim() == 1) {
    check_shape("diffusion.GaussianData", "covariance", covariance, {n});
    return torch::diag(wide(covariance));
  }
  check_shape("diffusion.GaussianData", "covariance", covariance, {n, n});
  return wide(covariance);
}

}  // namespace

Tensor GaussianData::Spectrum::apply(const Tensor& rows, const Tensor& scale) const {
  return (rows.matmul(vectors) * scale).matmul(vectors.t());
}

GaussianData::Spectrum GaussianData::decompose(const Tensor& covariance) {
  const auto [values, vectors] = torch::linalg_eigh(covariance, "L");
  if (!(values.min().item<double>() > 0)) {
    throw ValueError(
        format_text("[diffusion.GaussianData] expected a positive definite covariance, "
                    "got one with eigenvalue {}",
                    values.min().item<double>()));
  }
  return {covariance, values, vectors};
}

GaussianData::GaussianData(const Tensor& mean, const Tensor& covariance, const Tensor& map) : mean_(wide(mean)) {
  check_shape("diffusion.GaussianData", "mean", mean, {-1});
  const int64_t n = mean.size(0);
  map_ = map.defined() ? wide(map) : torch::zeros({n, 0}, torch::kFloat64);
  check_shape("diffusion.GaussianData", "map", map_, {n, -1});
  known_ = decompose(square_matrix(covariance, n));
  null_ = decompose(known_.covariance + map_.matmul(map_.t()));
}

std::pair<Tensor, Tensor> GaussianData::read_condition(const Tensor& condition, int64_t rows) const {
  const int64_t m = map_.size(1);
  if (m == 0) {
    return {mean_.unsqueeze(0), torch::ones({rows, 1}, torch::kBool)};
  }
  check_shape("diffusion.GaussianData", "condition", condition, {rows, m + 1});
  const Tensor known = condition.slice(1, m) > 0.5;
  const Tensor y = torch::where(known, wide(condition.slice(1, 0, m)), 0.0);
  return {mean_ + y.matmul(map_.t()), known};
}

Denoiser GaussianData::denoiser() const {
  return [self = *this](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor rows = rows_of("diffusion.GaussianData", x, self.mean_.size(0));
    Tensor mean, known;  // no binding: lambdas of clang below 16 cannot capture one
    std::tie(mean, known) = self.read_condition(condition, rows.size(0));
    const Tensor variance = column(sigma).square();
    const auto estimate = [&](const Spectrum& spectrum) {
      return mean + spectrum.apply(rows - mean, spectrum.values / (spectrum.values + variance));
    };
    const Tensor out = torch::where(known, estimate(self.known_), estimate(self.null_));
    return out.view(x.sizes()).to(x.scalar_type());
  };
}

Tensor GaussianData::flow(const Tensor& x, double sigma_from, double sigma_to, const Tensor& condition) const {
  const Tensor rows = rows_of("diffusion.GaussianData.flow", x, mean_.size(0));
  Tensor mean, known;
  std::tie(mean, known) = read_condition(condition, rows.size(0));
  const auto carried = [&](const Spectrum& spectrum) {
    const Tensor ratio = (spectrum.values + sigma_to * sigma_to) / (spectrum.values + sigma_from * sigma_from);
    return mean + spectrum.apply(rows - mean, ratio.sqrt());
  };
  const Tensor out = torch::where(known, carried(known_), carried(null_));
  return out.view(x.sizes()).to(x.scalar_type());
}

double GaussianData::information(double sigma) const {
  const auto log_det = [&](const Spectrum& spectrum) {
    return (spectrum.values + sigma * sigma).log().sum().item<double>();
  };
  return (log_det(null_) - log_det(known_)) / 2;
}

Tensor GaussianData::sample(const Random& random, Purpose purpose, const std::vector<int64_t>& samples,
                            const Tensor& y) const {
  const Tensor noise = random.normal(purpose, 0, samples, {mean_.size(0)}, torch::kFloat64);
  const Tensor residual = known_.apply(noise, known_.values.sqrt());
  if (!y.defined()) return mean_ + residual;
  check_shape("diffusion.GaussianData.sample", "y", y, {noise.size(0), map_.size(1)});
  return mean_ + wide(y).matmul(map_.t()) + residual;
}

GaussianMixture::GaussianMixture(const Tensor& means, const Tensor& variances)
    : means_(wide(means)), variances_(wide(variances)) {
  check_shape("diffusion.GaussianMixture", "means", means, {-1, -1});
  check_shape("diffusion.GaussianMixture", "variances", variances, {means.size(0), means.size(1)});
  if (!(variances_.min().item<double>() > 0)) {
    throw ValueError(
        format_text("[diffusion.GaussianMixture] expected variances > 0, got {}", variances_.min().item<double>()));
  }
}

Tensor GaussianMixture::log_joint(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  const Tensor rows = rows_of("diffusion.GaussianMixture", x, means_.size(1));
  check_shape("diffusion.GaussianMixture", "condition", condition, {rows.size(0), components()});
  const Tensor weights = wide(condition) / wide(condition).sum(1, true);
  const Tensor total = variances_ + column(sigma).square().unsqueeze(1);  // [B, K, N]
  const Tensor distance = (rows.unsqueeze(1) - means_).square() / total;
  const Tensor normaliser = (total * (2 * std::numbers::pi)).log();
  return weights.log() - (distance + normaliser).sum(2) / 2;
}

Tensor GaussianMixture::posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  return torch::softmax(log_joint(x, sigma, condition), 1);
}

Tensor GaussianMixture::log_density(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  return torch::logsumexp(log_joint(x, sigma, condition), 1);
}

Denoiser GaussianMixture::denoiser() const {
  return [self = *this](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor rows = wide(x).flatten(1).unsqueeze(1);  // [B, 1, N]
    const Tensor weights = self.posterior(x, sigma, condition).unsqueeze(2);
    const Tensor gain = self.variances_ / (self.variances_ + column(sigma).square().unsqueeze(1));
    const Tensor estimates = self.means_ + gain * (rows - self.means_);  // [B, K, N]
    return (weights * estimates).sum(1).view(x.sizes()).to(x.scalar_type());
  };
}

Tensor GaussianMixture::sample(const Random& random, Purpose purpose, const std::vector<int64_t>& samples,
                               const Tensor& components) const {
  check_shape("diffusion.GaussianMixture.sample", "components", components, {static_cast<int64_t>(samples.size())});
  const Tensor noise = random.normal(purpose, 0, samples, {means_.size(1)}, torch::kFloat64);
  return means_.index_select(0, components) + variances_.index_select(0, components).sqrt() * noise;
}

}  // namespace noisescope::diffusion
