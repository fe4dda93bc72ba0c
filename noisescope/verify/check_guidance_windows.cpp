// Attribution to guidance windows on the `demo` world, of a network that hears its prompt in one
// window alone: the exact denoiser inside, the exact denoiser without prompt outside.
#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/guidance_windows.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/prompt_satisfied.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kWindowSteps = 24, kWindows = 6, kHeard = 2;       // the window that hears the prompt
constexpr double kWindowsSigmaMax = 54.6, kWindowsSigmaMin = 0.135;  // log-SNR -8 to 4

/// D with its prompt at levels of the heard window, without it elsewhere.
Denoiser hears_in(const Denoiser& denoiser, const Tensor& null, const LogSnrWindows& windows) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const bool heard = windows.window_of(log_snr_of(sigma[0].item<double>())) == kHeard;
    return denoiser(x, sigma, heard ? condition : null.expand_as(condition));
  };
}

/// The trajectory whose network hears its prompt in window kHeard of `windows`.
Trajectory planted(const VerifyContext& context, const SceneBatch& batch, const std::vector<double>& sigmas,
                   LogSnrWindows windows) {
  const Model& model = context.exact_demo;
  const NoiseSource noise = context.seen(&Seams::noise, {Random(context.options.seed), sample_range(0, batch.size())});
  windows = context.seen(&Seams::windows, {windows, sigmas}).windows;
  const Tensor null = model.condition({""});
  return {{hears_in(model.denoiser, null, windows), sigmas, {.solver = Solver::ddpm}, {.clamp = 0}, batch.size()},
          {model.condition(batch.captions()), null, noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64),
           noise}};
}

/// The window's share in the sum of the sizes of mean effects; rows of means [.., K].
Tensor share_of_heard(const Tensor& means) { return means.select(-1, kHeard).abs() / means.abs().sum(-1); }

/// That share for effects [B, K]; the interval is the jackknife's (Efron & Stein 1981).
Estimate share_inside(const Tensor& effects) {
  const auto n = static_cast<double>(effects.size(0));
  const Tensor without_one = share_of_heard((effects.sum(0, true) - effects) / (n - 1));
  const double share = share_of_heard(effects.mean(0)).item<double>();
  const double error = std::sqrt((n - 1) * without_one.var(0, false).item<double>());
  return {share, share - 1.96 * error, share + 1.96 * error, effects.size(0)};
}

/// The largest |mean phi| of a window that does not hear the prompt.
Estimate largest_outside(const Tensor& phi) {
  Estimate largest;
  for (int64_t k = 0; k < phi.size(1); ++k) {
    const Estimate one = absolute(mean_estimate(phi.select(1, k)));
    if (k != kHeard && (largest.n == 0 || one.value > largest.value)) largest = one;
  }
  return largest;
}

VerifyRows rows_of(const std::string& subject, const std::string& value, const WindowAttribution& found) {
  const std::string method = "guidance_windows";
  return {{method, subject, value + ": knock-out effect inside the planted window", Direction::at_least, 0.95,
           share_inside(found.knock_out.effect)},
          {method, subject, value + ": Shapley value inside the planted window", Direction::at_least, 0.95,
           share_inside(found.shapley.phi)},
          {method, subject, value + ": largest Shapley value of the other windows", Direction::at_most, 0.01,
           largest_outside(found.shapley.phi)}};
}

}  // namespace

VerifyRows check_guidance_windows(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(200, 48));
  const auto sigmas = sampling_sigmas({GridKind::log_snr, kWindowSteps, kWindowsSigmaMin, kWindowsSigmaMax, 7.0});
  const LogSnrWindows windows = equal_windows(sigmas, kWindows);
  const auto found =
      attribute_to_windows(planted(context, batch, sigmas, windows), {prompt_satisfied(batch), likeness_to_guided},
                           {.windows = kWindows}, Random(context.options.seed), context.control);
  VerifyRows rows = rows_of(context.exact_demo.name, "prompt satisfied", found[0]);
  append(rows, rows_of(context.exact_demo.name, "likeness", found[1]));
  return rows;
}

}  // namespace noisescope::verify
