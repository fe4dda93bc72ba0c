// What guidance is made of: on Gaussian pictures, where every part has a closed form in the frequencies, and on the
// exact `demo` world, where D_c - D_u is sigma^2 times the gradient of the log-likelihood ratio (Tweedie's formula),
// found by automatic differentiation of the exact density.
#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_ifft2.h>
#include <torch/csrc/autograd/autograd.h>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/gaussian_models.h"

namespace noisescope::verify {
namespace {

constexpr const char* kGuidanceAnatomy = "guidance_anatomy";
constexpr int64_t kAnatomyBands = 4, kAnatomySide = 8, kAnatomyPictures = 16;

/// The largest of errors; exact figures have no interval.
Estimate largest(const Tensor& errors, int64_t n) {
  const double value = errors.abs().max().item<double>();
  return {value, value, value, n};
}

/// Of each step and picture, relative to the largest of all: later differences fade to nothing.
Tensor relative_error(const Tensor& found, const Tensor& closed) { return (found - closed) / closed.abs().max(); }

Trajectory both_branches(const Model& model, const std::vector<std::string>& prompts, const std::vector<double>& sigmas,
                         uint64_t seed) {
  const auto count = static_cast<int64_t>(prompts.size());
  const NoiseSource noise{Random(seed), sample_range(0, count)};
  return {{model.denoiser, sigmas, {.solver = Solver::ddim}, {.clamp = 0, .both_branches = true}},
          {model.condition(prompts), model.null_condition(count), noise.initial(model.image_shape, torch::kFloat64),
           noise}};
}

/// Shows all steps in double precision, as they are drawn; those that a trajectory keeps are in single.
void watch(const Trajectory& trajectory, const VerifyContext& context, const SamplerObserver& observer) {
  trajectory.redraw({}, observer, context.control);
}

// ---- Gaussian pictures ----

/// A falling spectrum that the prompt tilts, and a mean that it shifts.
GaussianPrompt tilted() {
  const Tensor radius = frequency_radius(kAnatomySide);
  const auto smooth = [&](uint64_t step) {
    const Tensor white = Random(11).normal(Purpose::explain, step, {0}, radius.sizes(), torch::kFloat64)[0];
    return torch::real(at::fft_ifft2(at::fft_fft2(white) * (-2 * radius).exp()));
  };
  return {smooth(1), smooth(2), 0.8 * (-2 * radius).exp(), 0.4 * (-0.5 * radius).exp()};
}

/// What the anatomy of one step must be, by its frequencies.
struct ClosedStep {
  Tensor norm, cosine, parallel_share, bands;  // [B], [B, R]
  Tensor mean_shift, positive, negative;       // [B, 1, side, side]

  ClosedStep(const GaussianPrompt& data, const Tensor& x, double sigma) {
    const auto frequencies = [](const Tensor& t) { return at::fft_fft2(t); };
    const auto picture = [&](const Tensor& t) { return torch::real(at::fft_ifft2(t)).expand_as(x); };
    const auto inner = [](const Tensor& a, const Tensor& b) { return torch::real(a * b.conj()).sum({1, 2, 3}); };
    const Tensor w_c = data.spectrum_c / (data.spectrum_c + sigma * sigma);
    const Tensor w_u = data.spectrum_u / (data.spectrum_u + sigma * sigma);
    const Tensor away_c = frequencies(x - data.mean_c), away_u = frequencies(x - data.mean_u);
    const Tensor shift = (1 - w_u) * frequencies(data.mean_c - data.mean_u);
    const Tensor difference = shift + (w_c - w_u) * away_c;
    const Tensor estimate = frequencies(data.mean_c) + w_c * away_c, noise = (1 - w_u) * away_u;
    const Tensor whole = inner(difference, difference);
    norm = (whole / static_cast<double>(kAnatomySide * kAnatomySide)).sqrt();
    cosine = -inner(difference, noise) / (whole * inner(noise, noise)).sqrt();
    parallel_share = inner(difference, estimate).square() / (whole * inner(estimate, estimate));
    const Tensor by_band = sums_in_bands(difference.abs().square().squeeze(1), kAnatomyBands);
    bands = by_band / by_band.sum(1, true);
    mean_shift = picture(shift);
    positive = picture((w_c - w_u).clamp_min(0) * away_c);
    negative = picture((w_c - w_u).clamp_max(0) * away_c);
  }
};

VerifyRows anatomy_gaussian_rows(const VerifyContext& context) {
  const GaussianPrompt data = tilted();
  const Model model = context.seen(&Seams::model, data.model());
  const Trajectory trajectory =
      both_branches(model, std::vector<std::string>(kAnatomyPictures, "prompt"),
                    sampling_sigmas({GridKind::log_snr, 12, 0.1, 20, 7.0}), context.options.seed);
  const LinearGuidance linear(data.mean_c.flatten(), GaussianPrompt::covariance(data.spectrum_c), data.mean_u.flatten(),
                              GaussianPrompt::covariance(data.spectrum_u));
  GuidanceAnatomyObserver observer(kAnatomyBands);
  std::vector<Tensor> parts, residual, closed_parts, norm, cosine, parallel, bands;
  const SamplerObserver seen = context.seen(&Seams::observer, [&](const SamplerStep& step) {
    observer.observe(step);
    const auto split = linear.split(step.x, step.sigma, step.prediction.conditional - step.prediction.unconditional);
    parts.push_back(torch::stack({split.mean_shift, split.positive, split.negative}));
    residual.push_back(split.residual);
  });
  watch(trajectory, context, [&](const SamplerStep& step) {
    seen(step);
    const ClosedStep closed(data, step.x, step.sigma);
    norm.push_back(closed.norm);
    cosine.push_back(closed.cosine);
    parallel.push_back(closed.parallel_share);
    bands.push_back(closed.bands);
    closed_parts.push_back(torch::stack({closed.mean_shift, closed.positive, closed.negative}));
  });
  const GuidanceAnatomy found = observer.result();
  const auto row = [&](const char* figure, const Tensor& errors) {
    return VerifyRow{kGuidanceAnatomy,   model.name, std::string(figure) + ", worst",
                     Direction::at_most, 1e-8,       largest(errors, kAnatomyPictures)};
  };
  const Tensor closed_norm = torch::stack(norm);
  return {
      row("norm: relative error", relative_error(found.norm, closed_norm)),
      row("cosine with the noise: error", found.cosine - torch::stack(cosine)),
      row("share along the estimate: error", found.parallel_share - torch::stack(parallel)),
      row("shares of the bands: error", found.bands - torch::stack(bands)),
      row("mean shift and contrasts: relative error", relative_error(torch::stack(parts), torch::stack(closed_parts))),
      row("residual of the linear model, relative", torch::stack(residual) / closed_norm.max())};
}

/// One plane wave in each band, of energies that are put in by hand.
VerifyRow waves_row(const VerifyContext& context) {
  const std::vector<std::pair<double, double>> waves = {{0, 1}, {0, 2}, {4, 0}, {4, 4}};  // periods a side, y and x
  const Tensor shares = torch::tensor({0.4, 0.3, 0.2, 0.1}, torch::kFloat64);
  const Tensor at = torch::arange(kAnatomySide, torch::kFloat64) * (2 * M_PI / static_cast<double>(kAnatomySide));
  Tensor shift = torch::zeros({kAnatomySide, kAnatomySide}, torch::kFloat64);
  for (size_t k = 0; k < waves.size(); ++k) {
    const Tensor wave = (waves[k].first * at.unsqueeze(1) + waves[k].second * at.unsqueeze(0)).cos();
    shift += wave / wave.norm() * shares[static_cast<int64_t>(k)].sqrt();
  }
  const Tensor flat = torch::full({kAnatomySide, kAnatomySide}, 0.5, torch::kFloat64);
  const Model model = context.seen(&Seams::model, GaussianPrompt{shift, torch::zeros_like(shift), flat, flat}.model());
  GuidanceAnatomyObserver observer(kAnatomyBands);
  const SamplerObserver seen = context.seen(&Seams::observer, observer.observer());
  const Trajectory trajectory = both_branches(model, {"prompt", "prompt"}, {8, 4, 2, 1, 0.5, 0}, context.options.seed);
  watch(trajectory, context, seen);
  return {kGuidanceAnatomy,   model.name, "shares of four plane waves: error, worst",
          Direction::at_most, 1e-8,       largest(observer.result().bands - shares, 2)};
}

// ---- the world ----

/// ln p(x | condition) - ln p(x) by x, times sigma^2.
Tensor ratio_gradient(const WorldDenoiser& truth, const Tensor& x, double sigma, const Tensor& condition,
                      const Tensor& null) {
  const at::AutoGradMode grad(true);
  const Tensor input = x.detach().clone().requires_grad_(true);
  const Tensor sigmas = torch::full({x.size(0)}, sigma, torch::kFloat64);
  const Tensor ratio = truth.log_density(input, sigmas, condition) - truth.log_density(input, sigmas, null);
  return torch::autograd::grad({ratio.sum()}, {input})[0].detach() * (sigma * sigma);
}

VerifyRows anatomy_world_rows(const VerifyContext& context) {
  const Model& model = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, kAnatomyPictures);
  const Trajectory trajectory = both_branches(
      model, batch.captions(), sampling_sigmas({GridKind::log_snr, 20, 0.2, 60, 7.0}), context.options.seed);
  GuidanceAnatomyObserver observer(kAnatomyBands);
  std::vector<Tensor> norm, inner, sum;
  const SamplerObserver seen = context.seen(&Seams::observer, [&](const SamplerStep& step) {
    observer.observe(step);
    const Tensor difference = step.prediction.conditional - step.prediction.unconditional;
    const ParallelParts parts = parallel_parts(difference, step.prediction.conditional);
    inner.push_back((parts.parallel * parts.orthogonal).sum({1, 2, 3}));
    sum.push_back((parts.parallel + parts.orthogonal - difference).flatten(1).norm(2, 1));
  });
  watch(trajectory, context, [&](const SamplerStep& step) {
    seen(step);
    norm.push_back(ratio_gradient(context.demo, step.x, step.sigma, trajectory.condition(), trajectory.null_condition())
                       .flatten(1)
                       .norm(2, 1));
  });
  const Tensor closed = torch::stack(norm), most = closed.max();
  const Tensor off = torch::stack({torch::stack(inner) / most.square(), torch::stack(sum) / most});
  return {{kGuidanceAnatomy, model.name, "norm against the exact likelihood's gradient: relative error, worst",
           Direction::at_most, 1e-6, largest(relative_error(observer.result().norm, closed), kAnatomyPictures)},
          {kGuidanceAnatomy, model.name, "parts along and across the estimate: inner product and sum, worst",
           Direction::at_most, 1e-8, largest(off, kAnatomyPictures)}};
}

}  // namespace

VerifyRows check_guidance_anatomy(const VerifyContext& context) {
  VerifyRows rows = anatomy_world_rows(context);
  append(rows, anatomy_gaussian_rows(context));
  rows.push_back(waves_row(context));
  return rows;
}

}  // namespace noisescope::verify
