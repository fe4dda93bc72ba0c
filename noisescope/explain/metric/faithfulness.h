// Does a score depend on the pixels that a map marks? Pixel flipping, and insertion and deletion beside
// the maps that know nothing.
//
// Pixels go in order of falling map values. Equal values cannot be parted: they go together, once the
// share of pixels to go holds all of them. A constant map therefore moves nothing until everything moves.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/explain/batch.h"
#include "noisescope/explain/metric/removal.h"

namespace noisescope::explain {

class AnswerDescriber;

/// What a map claims to explain: one number for each of M pictures [M, C, H, W], higher = more of it,
/// [M]. `sample` [M] int64: the picture of the batch that a row was made from.
using PictureScore = std::function<Tensor(const Tensor& pictures, const Tensor& sample)>;

/// Pictures whose pixels are taken out while a score is watched.
struct Perturbation {
  Tensor pictures;  // [B, C, H, W]
  PictureScore score;
  Removal removal;
};

struct FlippingOptions {
  int64_t pixels_per_step = 1;
  int64_t pass_size = 128;  // pictures scored at once; few stay in the cache

  int64_t steps(int64_t pixels) const { return (pixels + pixels_per_step - 1) / pixels_per_step; }
  /// Evaluations of the score, and pictures that pass through the removal.
  int64_t cost(int64_t pictures, int64_t pixels) const { return steps(pixels) * pictures; }
};
void describe(Describer& d, FlippingOptions& options);

/// Pixel flipping (Bach et al. 2015, doi:10.1371/journal.pone.0130140, p. 27): scores after each step of
/// taking out the next `pixels_per_step` pixels of maps [B, H, W]: [B, steps] float64. A curve that falls sooner is
/// better. Throws ShapeError for maps that do not fit, NumericError for maps that are not finite, ValueError for
/// options out of range.
Tensor pixel_flipping(const Perturbation& perturbation, const Tensor& maps, const FlippingOptions& options = {},
                      const Control& control = {});

/// Area under curves [B, S] over points [S] by the trapezoidal rule: [B] float64.
Tensor curve_area(const Tensor& curves, const std::vector<double>& points);

struct PerturbationOptions {
  /// Shares of the pixels that are moved. From 0 to 1, rising, and symmetric, s and 1 - s: what makes
  /// the null value 0.
  std::vector<double> shares = {0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1};
  int64_t pass_size = 512;  // pictures handed to the removal and scored at once

  /// Pictures that pass through the removal and the score, at most.
  int64_t cost(int64_t pictures, int64_t maps) const {
    return 2 * static_cast<int64_t>(shares.size()) * pictures * maps;
  }
};
void describe(Describer& d, PerturbationOptions& options);

/// Scores while the pixels of one map are moved; B pictures, S shares, float64 on the CPU.
struct PerturbationCurves {
  std::vector<double> shares;  // [S]
  Tensor insertion;            // [B, S]: only the top share of pixels is kept
  Tensor deletion;             // [B, S]: the top share is removed

  /// Areas (Petsiuk et al. 2018, arXiv:1806.07421), [B] in units of the score: insertion higher =
  /// better, deletion lower = better. Neither has a null value that is the same for all scores.
  Tensor insertion_area() const { return curve_area(insertion, shares); }
  Tensor deletion_area() const { return curve_area(deletion, shares); }
  /// Insertion less deletion area: the area between the curves that take the least and the most relevant
  /// pixels first (Schulz et al. 2020, arXiv:2001.00396, section 4.4). Higher = better, null value 0: a
  /// random order keeps the same pixels in law at share s of one and 1 - s of the other.
  Tensor area_between() const { return insertion_area() - deletion_area(); }
};

/// Curves of maps [B, H, W]. Throws as pixel_flipping does.
PerturbationCurves perturbation_curves(const Perturbation& perturbation, const Tensor& maps,
                                       const PerturbationOptions& options = {}, const Control& control = {});

/// A map beside the three that know nothing: a figure of one map alone says little.
struct Faithfulness {
  PerturbationCurves map;
  PerturbationCurves random;    // random_maps
  PerturbationCurves edges;     // edge_maps, ties broken at random: the strongest form of it
  PerturbationCurves constant;  // moves everything at once: the worst that can be told apart
};

/// Cost: that of 4 maps. `noise` draws the random map and breaks the ties of edges.
Faithfulness faithfulness(const Perturbation& perturbation, const Tensor& maps, const PerturbationOptions& options,
                          const PathNoise& noise, const Control& control = {});

void describe(AnswerDescriber& d, const PerturbationCurves& answer);

}  // namespace noisescope::explain
