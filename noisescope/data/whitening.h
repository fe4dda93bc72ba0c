// Embeddings as conditions: PCA whitening with a floor. CLIP's text embeddings share one large mean
// direction and spread over few strong ones; a network reads them far better at unit variance.
#pragma once

#include <string>

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"
#include "noisescope/io/safetensors.h"

namespace noisescope::data {

/// First and second moments of one modality's embeddings, float64. Text and image embeddings lie in
/// separate cones (the modality gap, Liang et al. 2022, arXiv:2203.02053): one of these each.
struct EmbeddingStatistics {
  Tensor mean;          // [D]
  Tensor deviation;     // [D] standard deviation of each coordinate (divided by M)
  Tensor eigenvalues;   // [D] of the covariance (divided by M), falling, >= 0
  Tensor eigenvectors;  // [D, D] one unit column an eigenvalue; its largest entry is positive
};

/// Statistics of embeddings [M, D], M >= 1. Throws ShapeError, NumericError for non-finite values.
EmbeddingStatistics embedding_statistics(const Tensor& embeddings);

/// Writes the four tensors as "<prefix>.mean", ...; reads them back (throws ModelError if missing).
void save_statistics(TensorFile& file, const std::string& prefix, const EmbeddingStatistics& statistics);
EmbeddingStatistics load_statistics(const TensorFile& file, const std::string& prefix);

/// What the network sees of an embedding.
enum class ConditionForm { whitened, raw };
NOISESCOPE_ENUM(ConditionForm, whitened, raw)

struct WhiteningOptions {
  double floor_share = 0.1;
  double clamp = 4.0;
};

inline void describe(Describer& d, WhiteningOptions& o) {
  d("floor_share", o.floor_share,
    "added to every standard deviation before dividing, as a share of the largest one: keeps weak "
    "directions, which are mostly noise, from being blown up",
    {.min = 0, .max = 10, .above_min = true});
  d("clamp", o.clamp, "whitened values are limited to +- this", {.min = 0, .above_min = true});
}

/// w = clamp(V diag(1 / (s_i + floor_share * s_1)) V^T (e - mean)), s_i^2 the eigenvalues, V the
/// eigenvectors: symmetric (ZCA) whitening, so coordinates keep their meaning. Where all embeddings
/// are equal (one caption) w = 0.
class Whitener {
 public:
  Whitener(const EmbeddingStatistics& statistics, const WhiteningOptions& options = {});

  /// The whitener of embeddings [M, D].
  static Whitener fit(const Tensor& embeddings, const WhiteningOptions& options = {});

  /// Changes nothing: for conditions that stay as the encoder gives them.
  static Whitener identity(int64_t width);

  /// [B, D] -> [B, D], float32 on the device of `embeddings`; gradients pass where not clamped.
  Tensor apply(const Tensor& embeddings) const;

  int64_t width() const { return mean_.size(0); }
  const Tensor& mean() const { return mean_; }      // [D] float32
  const Tensor& matrix() const { return matrix_; }  // [D, D] float32, symmetric
  double clamp() const { return clamp_; }

  /// "<prefix>.mean", "<prefix>.matrix", "<prefix>.clamp". load throws ModelError if one is missing
  /// or the shapes do not fit.
  void save(TensorFile& file, const std::string& prefix) const;
  static Whitener load(const TensorFile& file, const std::string& prefix);

 private:
  Whitener(Tensor mean, Tensor matrix, double clamp);

  Tensor mean_;
  Tensor matrix_;
  double clamp_ = 0;
};

/// Which encoder a condition came from.
enum class Modality { text, image };

/// [B, D] -> [B, D + 1]: the last column says the modality, -1 text, +1 image. Needed where a model
/// is conditioned on whitened embeddings of both, since whitening removes the means that told them apart.
Tensor append_modality(const Tensor& whitened, Modality modality);

}  // namespace noisescope::data
