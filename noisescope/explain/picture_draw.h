// A sampling run as a function of its noise, for methods that change the noise and see what becomes of the
// picture.
#pragma once

#include <functional>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/diffusion/sampler.h"

namespace noisescope {

/// Draws pictures [B, C, H, W]: all of a run but its noise and its prompts.
///   initial    [B, C, H, W]  x_T in units of its deviation: standard normal where it is not meddled with
///   condition  [B, D]
///   noise      of the solver's steps; sample_ids [B]
/// Row b depends on the b-th rows alone.
using DrawPictures =
    std::function<Tensor(const Tensor& initial, const Tensor& condition, const NoiseSource& noise)>;

/// F numbers of each of B pictures, [B, F]: logits of an attribute, pixels, positions, ...
using ScorePictures = std::function<Tensor(const Tensor& pictures)>;

/// What a run is besides noise and prompts.
struct DrawSetup {
  Denoiser denoiser;
  Tensor null_condition;  // [D]; read where guidance needs it
  GuidanceOptions guidance;
  std::vector<double> sigmas;  // [S + 1], as for run_sampler
  SamplerOptions sampler;
  int64_t pass_size = 128;  // pictures drawn at a time
};

/// Draws with run_sampler, S evaluations a picture (2 S with guidance, more for Heun). The result throws
/// ValueError or ShapeError for rows that do not fit, and what run_sampler throws.
DrawPictures picture_drawer(DrawSetup setup, Control control = {});

/// The noise of these rows of the batch.
NoiseSource rows_of(const NoiseSource& noise, const std::vector<int64_t>& rows);

}  // namespace noisescope
