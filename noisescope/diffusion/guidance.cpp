#include "noisescope/diffusion/guidance.h"

#include <string>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::diffusion {
namespace {

void check(const GuidanceOptions& options) {
  check_options("diffusion.guide", options);
  if (options.sigma_max >= options.sigma_min) return;
  throw ValueError(format_text("[diffusion.guide] expected sigma_min <= sigma_max, got {} and {}", options.sigma_min,
                               options.sigma_max));
}

/// Standard deviation of each sample over its channels and pixels, [B, 1, 1, 1].
Tensor sample_deviation(const Tensor& images) { return images.flatten(1).std(1).view({-1, 1, 1, 1}); }

class GuidedDenoiser {
 public:
  GuidedDenoiser(Denoiser denoiser, Tensor condition, Tensor null_condition, const GuidanceOptions& options)
      : denoiser_(std::move(denoiser)),
        condition_(std::move(condition)),
        null_condition_(std::move(null_condition)),
        both_conditions_(torch::cat({condition_, null_condition_})),
        options_(options) {}

  Prediction operator()(const Tensor& x, const Tensor& sigma) const {
    check_shape("diffusion.guide", "x", x, {condition_.size(0), -1, -1, -1});
    Prediction prediction = evaluate(x, sigma);
    if (options_.clamp > 0) {
      prediction.denoised = prediction.denoised.clamp(-options_.clamp, options_.clamp);
    }
    return prediction;
  }

 private:
  bool acts_everywhere() const { return options_.sigma_min <= 0 && std::isinf(options_.sigma_max); }

  /// Which samples are guided, [B] bool.
  Tensor inside_interval(const Tensor& sigma) const {
    return (sigma >= options_.sigma_min).logical_and(sigma <= options_.sigma_max);
  }

  Prediction evaluate(const Tensor& x, const Tensor& sigma) const {
    const bool off = options_.scale == 1.0;
    // The noise levels live on the device: they are read only where the answer depends on them.
    const bool guided = !off && (acts_everywhere() || inside_interval(sigma).any().item<bool>());
    if (guided || options_.both_branches) return evaluate_both(x, sigma, guided);
    const Tensor conditional = denoiser_(x, sigma, condition_);
    return {conditional, conditional, Tensor()};
  }

  Prediction evaluate_both(const Tensor& x, const Tensor& sigma, bool guided) const {
    const auto halves = denoiser_(torch::cat({x, x}), torch::cat({sigma, sigma}), both_conditions_).chunk(2);
    const Tensor& conditional = halves[0];
    const Tensor& unconditional = halves[1];
    if (!guided) return {conditional, conditional, unconditional};
    Tensor combined = unconditional + (conditional - unconditional) * options_.scale;
    if (options_.rescale > 0) combined = rescaled(combined, conditional);
    if (!acts_everywhere()) {
      combined = torch::where(per_sample(inside_interval(sigma), x.dim()), combined, conditional);
    }
    return {combined, conditional, unconditional};
  }

  /// arXiv:2305.08891, eq. 15-16.
  Tensor rescaled(const Tensor& combined, const Tensor& conditional) const {
    // A flat estimate has no contrast to restore: the bound keeps 0 / 0 out.
    constexpr double kFlat = 1e-8;
    const Tensor factor = sample_deviation(conditional) / sample_deviation(combined).clamp_min(kFlat);
    return combined * (factor * options_.rescale + (1 - options_.rescale));
  }

  Denoiser denoiser_;
  Tensor condition_;        // [B, D]
  Tensor null_condition_;   // [B, D]
  Tensor both_conditions_;  // [2B, D]
  GuidanceOptions options_;
};

}  // namespace

void describe(Describer& d, GuidanceOptions& options) {
  d("scale", options.scale, "guidance scale s: 1 = none, 0 = prompt ignored; w = s - 1",
    {.above_min = true, .below_max = true});
  d("sigma_min", options.sigma_min, "guidance acts from this noise level ...", {.min = 0});
  d("sigma_max", options.sigma_max, "... up to this one", {.min = 0});
  d("rescale", options.rescale, "how far the contrast of the unguided estimate is restored", {.min = 0, .max = 1});
  d("clamp", options.clamp, "the estimate that the solver uses is clamped to +-clamp; 0 = off",
    {.min = 0, .was = "clip"});
  d("both_branches", options.both_branches, "evaluate the branch without prompt even where guidance is off");
}

Predictor guide(Denoiser denoiser, Tensor condition, Tensor null_condition, const GuidanceOptions& options) {
  check(options);
  check_shape("diffusion.guide", "condition", condition, {-1, -1});
  check_shape("diffusion.guide", "null_condition", null_condition, {condition.size(0), condition.size(1)});
  return GuidedDenoiser(std::move(denoiser), std::move(condition), std::move(null_condition), options);
}

}  // namespace noisescope::diffusion
