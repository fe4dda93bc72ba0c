#include "noisescope/explain/smooth_deficit.h"

#include <limits>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/max_pool2d.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/answer.h"

namespace noisescope::explain {
namespace {

/// Largest value of each pixel's square; outside the picture counts as nothing.
Tensor local_maximum(const Tensor& pictures, int64_t radius) {
  return at::max_pool2d(pictures, {2 * radius + 1}, {1}, {radius});
}

/// Unbiased variance of noise [B, C, H, W] over the pixels `in` [B, H, W] of all channels, about
/// each channel's own mean.
Tensor variance_in(const Tensor& noise, const Tensor& in) {
  const Tensor weight = in.unsqueeze(1).to(torch::kFloat64);
  const Tensor count = weight.sum({2, 3}, true);
  const Tensor centred = noise - (noise * weight).sum({2, 3}, true) / count;
  const Tensor freedom = (count - 1).squeeze(3).squeeze(2);
  const Tensor variance = (centred.square() * weight).sum({2, 3}) / freedom;
  return torch::where(count.flatten() > 1, variance.mean(1),
                      torch::full_like(count.flatten(), std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace

void describe(Describer& d, SmoothDeficitOptions& options) {
  d("radius_px", options.radius_px, "radius of the square around a pixel that must be smooth", {.min = 1, .max = 1024});
  d("tolerance", options.tolerance, "what a smooth square may span, in pixel units", {.min = 0});
}

SmoothDeficit smooth_deficit(const Tensor& noise, const Tensor& pictures, const SmoothDeficitOptions& options) {
  const torch::NoGradGuard no_grad;
  check_shape("explain.smooth_deficit", "pictures", pictures, {-1, -1, -1, -1});
  check_shape("explain.smooth_deficit", "noise", noise,
              {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  if (options.radius_px < 1 || !(options.tolerance >= 0)) {
    throw ValueError(format_text("[explain.smooth_deficit] expected radius_px >= 1 and tolerance >= 0, got {} and {}",
                                 options.radius_px, options.tolerance));
  }
  const Tensor shown = pictures.to(torch::kCPU, torch::kFloat64);
  const Tensor own = noise.to(torch::kCPU, torch::kFloat64);
  const Tensor span = local_maximum(shown, options.radius_px) + local_maximum(-shown, options.radius_px);
  SmoothDeficit out;
  out.smooth = span.amax(1) <= options.tolerance;
  out.log_ratio = (variance_in(own, out.smooth) / variance_in(own, ~out.smooth)).log();
  return out;
}

void describe(AnswerDescriber& d, const SmoothDeficit& a) {
  d("log_ratio", a.log_ratio, "picture", "log ratio",
    "variance of the noise on smooth over other pixels; NaN without both", {.null = 0, .is_signed = true});
  d("smooth", a.smooth, "picture y x", "", "whether a pixel is smooth");
}

}  // namespace noisescope::explain
