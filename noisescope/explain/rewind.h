// Rewind, change, continue: what would this run have become, had one thing been different from step k on?
//
// Both arms start from the x_k of the trajectory and draw the noise of step i as the original trajectory did:
//   unaltered  nothing changed: the original trajectory again, bit for bit where the record is not rounded, since
//              solvers that look back (dpmpp_2m, dpmpp_2m_sde) remember the step before in both arms. Heun
//              with churn adds its noise again, so the unaltered arm, not the original, is what the altered
//              one is held against
//   altered    another condition, guidance scale, window of the prompt, block of noise in x_k or remaining noise
// Under identical randomness their difference is the causal effect of the change on this run (a
// counterfactual in the sense of Pearl 2009, section 7.1). Null value: nothing changed, difference
// exactly 0.
#pragma once

#include "noisescope/explain/counterfactual.h"

namespace noisescope::explain {

class AnswerDescriber;

/// n = S - step steps.
struct Rewound {
  Tensor unaltered;   // [B, C, H, W]
  Tensor altered;     // [B, C, H, W]
  Tensor change;      // [B, H, W] float64: squared difference, summed over channels
  Tensor divergence;  // [n, B] float64: RMS difference of the clean estimates of each step
};

/// Throws as Trajectory::redraw does.
Rewound rewind(const Trajectory& trajectory, const Change& change, const Control& control = {});

/// Evaluations of the predictor for both arms of `pictures` pictures (Heun: twice as many, less the last step);
/// one denoiser evaluation each, two where guidance acts.
inline int64_t rewind_cost(const Change& change, int64_t steps, int64_t pictures) {
  return 2 * (steps - change.step) * pictures;
}

/// Which factors the change changed: [B, F] bool.
Tensor changed_factors(const Rewound& rewound, const ReadFactors& read);

void describe(AnswerDescriber& d, const Rewound& answer);

/// The first word becomes its next version from the middle of the trajectory on; `noisescope rewind` and Python's
/// rewind change anything else.
struct RewindOptions {
  double at = 0.5;  // share of the steps that stay as they are
};
void describe(Describer& d, RewindOptions& options);

struct RewoundWord {
  std::string change;  // "red to green"
  int64_t step = 0;
  double log_snr = 0;
  Rewound rewound;
};
void describe(AnswerDescriber& d, const RewoundWord& answer);

}  // namespace noisescope::explain
