// Do a map's values add up to what the score does?
#pragma once

#include "noisescope/explain/metric/faithfulness.h"

namespace noisescope::explain {

class AnswerDescriber;

/// [B] float64 in units of the score squared, >= 0; lower = better, 0 = perfect.
struct Infidelity {
  Tensor raw;     // of the map as it is
  Tensor scaled;  // of the map times the factor that suits its picture best: for maps in other units
                  // than the score's. Null value (a map that knows nothing): mean square of the changes
};

/// mean over n of (<d_n, map> - (f(x) - f(x - d_n)))^2 for perturbations d [N, B, C, H, W] (Yeh et al.
/// 2019, arXiv:1901.09392, definition 1; scaled: section 3.2 there) of pictures x [B, C, H, W] and
/// maps [B, C, H, W], or [B, 1, H, W] for all channels alike. Judges linear attributions of f;
/// maps in nats of evidence are not, so of those only `scaled` is worth reading, and faithfulness.h more.
/// Cost: (N + 1) B evaluations of the score. Throws ShapeError for what does not fit, ValueError for
/// N = 0.
Infidelity infidelity(const PictureScore& score, const Tensor& pictures, const Tensor& maps,
                      const Tensor& perturbations);

void describe(AnswerDescriber& d, const Infidelity& answer);

}  // namespace noisescope::explain
