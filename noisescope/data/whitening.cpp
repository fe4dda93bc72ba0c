#include "noisescope/data/whitening.h"

#include <limits>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::data {
namespace {

// An eigenvector's sign is arbitrary; fixing it makes files of equal embeddings equal.
Tensor with_fixed_signs(const Tensor& vectors) {
  const Tensor largest = vectors.abs().argmax(0, /*keepdim=*/true);
  return vectors * vectors.gather(0, largest).sign();
}

}  // namespace

EmbeddingStatistics embedding_statistics(const Tensor& embeddings) {
  check_shape("data.embedding_statistics", "embeddings", embeddings, {-1, -1});
  if (embeddings.size(0) < 1 || embeddings.size(1) < 1) {
    throw ShapeError("[data.embedding_statistics] expected at least one embedding, got " + describe_tensor(embeddings));
  }
  const torch::NoGradGuard no_grad;
  const Tensor values = embeddings.detach().to(torch::kCPU, torch::kFloat64);
  if (!values.isfinite().all().item<bool>()) {
    throw NumericError(
        "[data.embedding_statistics] expected finite embeddings, got NaN or infinity "
        "in " +
        describe_tensor(embeddings) + "; the encoder's weights are broken");
  }
  EmbeddingStatistics statistics;
  statistics.mean = values.mean(0);
  const Tensor centred = values - statistics.mean;
  const Tensor covariance = centred.t().matmul(centred) / values.size(0);
  statistics.deviation = covariance.diagonal().clamp_min(0).sqrt();
  const auto [rising, vectors] = torch::linalg_eigh(covariance);
  statistics.eigenvalues = rising.flip(0).clamp_min(0).contiguous();
  statistics.eigenvectors = with_fixed_signs(vectors.flip(1)).contiguous();
  return statistics;
}

void save_statistics(TensorFile& file, const std::string& prefix, const EmbeddingStatistics& statistics) {
  file.tensors[prefix + ".mean"] = statistics.mean;
  file.tensors[prefix + ".deviation"] = statistics.deviation;
  file.tensors[prefix + ".eigenvalues"] = statistics.eigenvalues;
  file.tensors[prefix + ".eigenvectors"] = statistics.eigenvectors;
}

EmbeddingStatistics load_statistics(const TensorFile& file, const std::string& prefix) {
  return {file.at(prefix + ".mean"), file.at(prefix + ".deviation"), file.at(prefix + ".eigenvalues"),
          file.at(prefix + ".eigenvectors")};
}

Whitener::Whitener(const EmbeddingStatistics& statistics, const WhiteningOptions& options) : clamp_(options.clamp) {
  check_options("data.Whitener", options);
  const Tensor deviation = statistics.eigenvalues.sqrt();
  const Tensor floored = deviation + options.floor_share * deviation.max();
  const Tensor scale = torch::where(floored > 0, floored.reciprocal(), torch::zeros_like(floored));
  const Tensor& vectors = statistics.eigenvectors;
  matrix_ = (vectors * scale).matmul(vectors.t()).to(torch::kFloat32);
  mean_ = statistics.mean.to(torch::kFloat32);
}

Whitener::Whitener(Tensor mean, Tensor matrix, double clamp)
    : mean_(std::move(mean)), matrix_(std::move(matrix)), clamp_(clamp) {}

Whitener Whitener::fit(const Tensor& embeddings, const WhiteningOptions& options) {
  return Whitener(embedding_statistics(embeddings), options);
}

Whitener Whitener::identity(int64_t width) {
  return Whitener(torch::zeros({width}), torch::eye(width), std::numeric_limits<double>::infinity());
}

Tensor Whitener::apply(const Tensor& embeddings) const {
  check_shape("data.Whitener.apply", "embeddings", embeddings, {-1, width()});
  const Tensor values = embeddings.to(torch::kFloat32);
  const torch::Device device = values.device();
  return (values - mean_.to(device)).matmul(matrix_.to(device)).clamp(-clamp_, clamp_);
}

void Whitener::save(TensorFile& file, const std::string& prefix) const {
  file.tensors[prefix + ".mean"] = mean_;
  file.tensors[prefix + ".matrix"] = matrix_;
  file.tensors[prefix + ".clamp"] = torch::full({1}, clamp_, torch::kFloat64);
}

Whitener Whitener::load(const TensorFile& file, const std::string& prefix) {
  const Tensor& mean = file.at(prefix + ".mean");
  const Tensor& matrix = file.at(prefix + ".matrix");
  const Tensor& clamp = file.at(prefix + ".clamp");
  const bool fits = mean.dim() == 1 && matrix.dim() == 2 && matrix.size(0) == mean.size(0) &&
                    matrix.size(1) == mean.size(0) && clamp.numel() == 1;
  if (!fits) {
    throw ModelError(
        format_text("[data.Whitener.load] expected mean [D], matrix [D, D] and clamp [1] under '{}', "
                    "got {}, {} and {}",
                    prefix, describe_tensor(mean), describe_tensor(matrix), describe_tensor(clamp)));
  }
  return Whitener(mean.to(torch::kFloat32), matrix.to(torch::kFloat32), clamp.item<double>());
}

Tensor append_modality(const Tensor& whitened, Modality modality) {
  check_shape("data.append_modality", "whitened", whitened, {-1, -1});
  const double flag = modality == Modality::text ? -1.0 : 1.0;
  return torch::cat({whitened, torch::full({whitened.size(0), 1}, flag, whitened.options())}, 1);
}

}  // namespace noisescope::data
