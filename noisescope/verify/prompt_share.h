// What a prompt adds to the estimate of a noisy picture, S = D(x, c) - D(x, none), held against the picture itself. Of
// a posterior mean the rest x_0 - D(x, c) is uncorrelated with every function of x: so x_0 - D(x, none) regresses on S
// with slope 1, on its mirror image and on its derivative along x with slope 0, and the squared error is least at the
// noise level that x has. No other model is asked, so these rows see the model alone, whatever a method makes of it.
#pragma once

#include <optional>

#include "noisescope/verify/check.h"

namespace noisescope::verify {

/// Bars of the four figures: scale of S off 1, share of it in the other half, its shift in px, and log-SNR by which the
/// best noise level to tell is off; all of equivalence, the last one reported where it has none.
struct PromptShareBars {
  double scale = 0, leak = 0, shift_px = 0;
  std::optional<double> log_snr = {};
};

VerifyRows prompt_share_rows(const VerifyContext& context, const Model& subject, const PromptShareBars& bars);

}  // namespace noisescope::verify
