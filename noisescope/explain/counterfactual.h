// Counterfactual flips: the same noise, one word of the prompt changed. What differs between both pictures
// is what the word did in this run, and what it did elsewhere than it should is leakage.
//
// The change is that of the sampler as it runs: a word may move an object that it does not name, since
// all of a picture is drawn from one noise.
#pragma once

#include <functional>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/trajectory.h"

namespace noisescope::explain {

class AnswerDescriber;

struct CounterfactualOptions {
  double changed = 0.3;  // squared change of a pixel, summed over channels, from which it counts as changed

  /// Sampler steps for `pictures` pairs.
  int64_t cost(int64_t pictures, int64_t steps) const { return 2 * pictures * steps; }
};
void describe(Describer& d, CounterfactualOptions& options);

/// Values of F factors read off B pictures, [B, F] int64.
using ReadFactors = std::function<Tensor(const Tensor& pictures)>;

/// B pairs of pictures.
struct Counterfactual {
  Tensor pictures, altered;  // [B, C, H, W]
  Tensor change;             // [B, H, W] float64 on the CPU: squared difference, summed over channels, >= 0
  Tensor changed;            // [B, H, W] bool: change > options.changed

  /// Share of the change that lies in `region` [B, H, W] bool (or [H, W]), [B] in [0, 1]; NaN where nothing
  /// changed. Of a region that the word should not touch: leakage, lower is better. Null value of a change
  /// that knows nothing: the region's share of the picture. Throws ShapeError.
  Tensor share_in(const Tensor& region) const;
  /// The factor table: which factors read differently, [B, F] bool.
  Tensor factors_changed(const ReadFactors& read) const;
};

/// Compares pictures [B, C, H, W] drawn under the same noise. Throws ShapeError unless they fit together,
/// ValueError unless options.changed >= 0.
Counterfactual compare_pictures(const Tensor& pictures, const Tensor& altered,
                                const CounterfactualOptions& options = {});

/// The pictures of a trajectory, and those that its noise gives under the conditions `altered` [B, D].
Counterfactual counterfactual(const Trajectory& trajectory, const Tensor& altered,
                              const CounterfactualOptions& options = {}, const Control& control = {});

void describe(AnswerDescriber& d, const Counterfactual& answer);

}  // namespace noisescope::explain
