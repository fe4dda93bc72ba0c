// Distances between sets of real and generated pictures in the feature space of an encoder.
// The encoder must not be the one that conditions the model (a model could flatter its own judge);
// its hash is reported with every number. Features are [n, D]; computation is in float64.
#pragma once

#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::evaluate {

/// Kernel Inception Distance's estimator: unbiased squared MMD with k(x, y) = (x.y / D + 1)^3
/// (Binkowski et al. 2018, arXiv:1801.01401, eq. 4 with the kernel of section 4). Can be negative.
/// The interval comes from `blocks` disjoint blocks of both sets (their mean is the value).
/// Throws ValueError if a block would hold fewer than 2 rows.
Estimate kid(const Tensor& real, const Tensor& generated, int64_t blocks = 8);

/// Frechet distance of the Gaussians fitted to both sets:
/// |mu_r - mu_g|^2 + tr(S_r + S_g - 2 (S_r^1/2 S_g S_r^1/2)^1/2) (Dowson & Landau 1982).
/// Biased upwards at small n: compare only at equal n, beside the real-against-real floor.
double frechet_distance(const Tensor& real, const Tensor& generated);

/// Coverage (Naeem et al. 2020, arXiv:2002.09797, eq. 8): share of real rows whose ball, with the
/// distance to the k-th nearest other real row as radius, holds a generated row.
Estimate coverage(const Tensor& real, const Tensor& generated, int64_t k = 5);

/// M captions, and what they have to do with n pictures.
struct CaptionTable {
  Tensor captions;  // [M, D] unit rows
  Tensor own;       // [n] int64: row of the caption of each picture
  Tensor is_true;   // [n, M] bool: captions that may be said of the picture, its own among them
};

/// R-precision: share of pictures whose own caption has the highest cosine among it and up to
/// `distractors` captions that are *not* true of the picture (Xu et al. 2018, AttnGAN,
/// arXiv:1711.10485, section 4), drawn from the table, addressable by `random`.
///   images  [n, D] unit rows
/// Throws ValueError if every caption is true of some picture.
Estimate r_precision(const Tensor& images, const CaptionTable& table, const Random& random, int64_t distractors = 99);

}  // namespace noisescope::evaluate
