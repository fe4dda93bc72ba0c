// Rewind, alter, continue: what would this run have become, had one thing been different from step k on?
//
// Both arms start from the recorded x_k and draw the noise of step i as the original run did:
//   unaltered  nothing changed: the original run again for solvers that look at one step (ddpm, ddim,
//              euler, heun), bit for bit where the record is not rounded; multistep solvers (dpmpp_2m,
//              dpmpp_2m_sde) begin anew at step k, and Heun with churn adds its noise again, so the
//              unaltered arm, not the original, is what the altered one is held against
//   altered    another condition, guidance scale, block of noise in x_k or remaining noise
// Under identical randomness their difference is the causal effect of the alteration on this run (a
// counterfactual in the sense of Pearl 2009, section 7.1). Null value: nothing altered, difference
// exactly 0.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/counterfactual.h"

namespace noisescope {

/// A run and all that it was drawn with. S steps, B pictures.
struct RecordedRun {
  Denoiser denoiser;
  Tensor condition;       // [B, D]
  Tensor null_condition;  // [B, D]
  GuidanceOptions guidance;
  SamplerOptions sampler;
  NoiseSource noise;
  std::vector<SamplerStep> steps;  // [S], of one batch: TrajectoryRecorder::steps() or steps_of(record)
};

/// A box of pixels of x_k, all channels, whose noise is drawn anew: x_k becomes D_k + sigma_k eps there,
/// with the recorded estimate D_k and eps of picture b by (random, Purpose::explain, k, sample id).
struct NoiseBlock {
  int64_t top = 0, left = 0, height = 0, width = 0;  // pixels
  Random random{0};
};

/// What is different from step `step` on; the default alters nothing.
struct Alteration {
  int64_t step = 0;                       // in [0, S)
  Tensor condition = {};                  // [B, D]; undefined: as recorded
  std::optional<double> scale = {};       // of guidance
  std::optional<NoiseBlock> block = {};
  std::optional<Random> remaining_noise = {};  // of stochastic solvers, from this step on

  /// Evaluations of the predictor for both arms of `pictures` pictures (Heun: twice as many, less the
  /// last step); one denoiser evaluation each, two where guidance acts.
  int64_t cost(int64_t steps, int64_t pictures) const { return 2 * (steps - step) * pictures; }
};

/// n = S - step steps.
struct Rewound {
  Tensor unaltered;   // [B, C, H, W]
  Tensor altered;     // [B, C, H, W]
  Tensor change;      // [B, H, W] float64: squared difference, summed over channels
  Tensor divergence;  // [n, B] float64: RMS difference of the clean estimates of each step
};

/// Throws ValueError for a step or block that is not in the run or steps that are not one whole run,
/// ShapeError for what does not fit, NumericError for a record that is not finite, Interrupted.
Rewound rewind(const RecordedRun& run, const Alteration& alteration, const Control& control = {});

/// Which factors the alteration changed: [B, F] bool.
Tensor changed_factors(const Rewound& rewound, const ReadFactors& read);

}  // namespace noisescope
