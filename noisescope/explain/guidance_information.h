// Where and at which noise level the prompt spoke: the information map of guidance, free with any
// sampling run that evaluates both branches.
//
// With eps_c and eps_u the predicted noise with and without prompt, and alpha the log-SNR
// -2 ln sigma,
//   I(x_0; prompt) = 1/2 integral E |eps_c - eps_u|^2 d alpha
// for an exact denoiser (Kong et al. 2024, arXiv:2310.07972, "Interpretable diffusion via
// information decomposition"; the expectation is over noisy images of the data). A sampling run at
// guidance scale 1 visits such images, so the same sum along its path is a one-sample estimate in
// nats, pixel by pixel and noise level by noise level. At any other scale the path leaves that
// distribution: the sum is then called guidance energy, a size without the meaning of nats.
#pragma once

#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "noisescope/diffusion/guidance.h"
#include "noisescope/diffusion/sampler.h"

namespace noisescope::explain {

class AnswerDescriber;

enum class InformationUnit { nats, guidance_energy };

constexpr std::array<std::pair<InformationUnit, const char*>, 2> enum_names(InformationUnit) {
  return {{{InformationUnit::nats, "nats"}, {InformationUnit::guidance_energy, "guidance_energy"}}};
}

/// The noise levels that one evaluation stands for: a cell of the log-SNR axis.
struct InformationCell {
  double log_snr;  // of the evaluation
  double begin;    // the cell, begin <= log_snr <= end; it is empty (begin = end) in a 1-step run
  double end;
  bool covered;  // both branches were evaluated
};

struct GuidanceInformation {
  InformationUnit unit = InformationUnit::guidance_energy;
  double covered_share = 0;            // of the run's log-SNR range, in [0, 1]
  std::vector<InformationCell> cells;  // S, in order of the run (rising log-SNR)
  // float64 on the CPU:
  Tensor map;      // [B, H, W], summed over channels and levels
  Tensor profile;  // [S, B], per cell; 0 where it is not covered
  Tensor regions;  // [S, B, R], the profile inside each mask; undefined without masks

  /// Sum over pixels and levels, [B].
  Tensor total() const { return profile.sum(0); }
  /// Share of each cell in its image's total, [S, B]; 0 for an image whose total is 0.
  Tensor level_shares() const;
  /// The same of the totals over the batch, [S].
  Tensor mean_level_shares() const;
  /// profile / cell width: nats (or energy) per unit of log-SNR, [S, B].
  Tensor density() const;
  /// log-SNR at which half of an image's total has been reached, [B]; linear inside a cell, NaN for
  /// an image whose total is 0. With partial coverage: half of what was seen.
  Tensor half_points() const;
  /// The same for the sum over the batch.
  double mean_half_point() const;
  /// Share of each region in its image's total, [B, R]. Throws ValueError without masks.
  Tensor region_shares() const;
};

/// Share of each region in a map, [B, R]: map [B, H, W], masks [B, R, H, W] of weights in [0, 1].
/// 0 for an image whose map sums to 0.
Tensor region_shares(const Tensor& map, const Tensor& masks);

/// Accumulates while a sampler runs; memory does not grow with the steps, but for S x B (x R) sums.
/// The integral is the trapezoid rule over the levels of the run: an evaluation at alpha_i stands
/// for the cell from the middle towards alpha_{i-1} to the middle towards alpha_{i+1}; nothing is
/// assumed beyond the first and the last evaluation (the final step to sigma = 0 adds no cell).
class GuidanceInformationObserver {
 public:
  /// `guidance`: the options that the run uses (they decide the unit).
  /// masks [B, R, H, W], weights in [0, 1]: regions to follow by noise level; may be undefined.
  explicit GuidanceInformationObserver(const GuidanceOptions& guidance, Tensor masks = {});

  /// To be handed to run_sampler; the object must outlive it. One object, one run.
  SamplerObserver observer();

  /// Takes one step. Throws ShapeError for masks that do not fit the images.
  void observe(const SamplerStep& step);

  /// What has been accumulated so far. Throws ValueError before the first step.
  GuidanceInformation result() const;

 private:
  void accumulate(const SamplerStep& step, double width);

  bool is_unguided_;  // scale 1: the path visits the data's noisy images
  Tensor masks_;      // [B, R, H W] on the device of the run
  Tensor map_;        // [B, H, W]
  std::vector<InformationCell> cells_;
  std::vector<Tensor> sums_;         // per step: [B], or undefined where not covered
  std::vector<Tensor> region_sums_;  // per step: [B, R]
};

void describe(AnswerDescriber& d, const GuidanceInformation& answer);

/// A prompt's pictures [B, C, H, W], and what guidance said in drawing them.
struct GuidanceExplanation {
  Tensor pictures;
  GuidanceInformation information;
};
void describe(AnswerDescriber& d, const GuidanceExplanation& answer);

struct GuidanceInformationOptions {
  double scale = 1;  // of new trajectories; 1 gives nats, anything else guidance energy
};
void describe(Describer& d, GuidanceInformationOptions& options);

}  // namespace noisescope::explain
