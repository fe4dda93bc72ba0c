// Does recovered noise still know where its picture was smooth? DDIM inversion predicts less
// diverse noise there, most of it in its first steps (Staniszewski et al. 2024, arXiv:2410.23530,
// sec. 3).
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"

namespace noisescope::explain {

class AnswerDescriber;

struct SmoothDeficitOptions {
  int64_t radius_px = 1;    // a pixel is smooth where the square of this radius around it ...
  double tolerance = 0.05;  // ... spans no more than this in any channel, in pixel units
};
void describe(Describer& d, SmoothDeficitOptions& options);

/// B pictures.
struct SmoothDeficit {
  Tensor smooth;     // [B, H, W] bool
  Tensor log_ratio;  // [B] float64: ln(variance of the noise on smooth pixels / on the others).
                     // 0 = noise that knows nothing of its picture; below 0: less diverse where the
                     // picture is smooth; NaN for pictures with less than 2 pixels of either kind
};

/// noise, pictures [B, C, H, W]. No evaluations.
/// Throws ShapeError, ValueError for options out of range.
SmoothDeficit smooth_deficit(const Tensor& noise, const Tensor& pictures, const SmoothDeficitOptions& options = {});

void describe(AnswerDescriber& d, const SmoothDeficit& answer);

}  // namespace noisescope::explain
