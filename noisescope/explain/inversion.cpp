#include "noisescope/explain/inversion.h"

#include <cmath>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/smooth_deficit.h"

namespace noisescope::explain {
namespace {

/// DDPM's step between two noise levels: x' = mean(x, D) + deviation z.
struct AncestralStep {
  Posterior posterior;

  AncestralStep(double sigma, double sigma_next) : posterior(posterior_ve(sigma, sigma_next)) {}
  Tensor mean(const Tensor& x, const Tensor& denoised) const {
    return posterior.x0_factor * denoised + posterior.xt_factor * x;
  }
  double deviation() const { return std::sqrt(posterior.variance); }
};

Prediction predict_at(const Predictor& predict, const Tensor& x, double sigma) {
  return predict(x, torch::full({x.size(0)}, sigma, x.options()));
}

void check_pictures(const std::string& where, const Tensor& pictures) {
  check_shape(where.c_str(), "pictures", pictures, {-1, -1, -1, -1});
  if (!pictures.is_floating_point() || !pictures.isfinite().all().item<bool>()) {
    throw ValueError("[" + where + "] expected finite pictures of a floating dtype, got " + describe_tensor(pictures));
  }
}

void check_sigmas(const std::string& where, const std::vector<double>& sigmas) {
  bool falls = sigmas.size() >= 2;
  for (size_t i = 0; i < sigmas.size(); ++i) {
    falls = falls && std::isfinite(sigmas[i]) && (i == 0 || sigmas[i] < sigmas[i - 1]);
  }
  if (!falls || sigmas.back() < 0) {
    throw ValueError(
        format_text("[{}] expected at least two finite noise levels >= 0, strictly decreasing, got {} levels; "
                    "sampling_sigmas() makes them",
                    where, sigmas.size()));
  }
}

void check_edit_friendly(const PictureBatch& batch, const std::vector<double>& sigmas) {
  const std::string where = "explain.invert_edit_friendly";
  check_pictures(where, batch.pictures);
  check_shape(where.c_str(), "pictures", batch.pictures, {batch.size(), -1, -1, -1});
  check_sigmas(where, sigmas);
  if (sigmas.back() != 0) {
    throw ValueError(format_text("[{}] expected noise levels that end in 0, got {}", where, sigmas.back()));
  }
}

/// x_i of edit-friendly inversion: the pictures with a noise of this level alone.
Tensor noised(const PictureBatch& batch, const std::vector<double>& sigmas, size_t i) {
  const auto& [pictures, noise] = batch;
  const Tensor eps =
      noise.random.normal(Purpose::explain, i, noise.sample_ids, pictures.sizes().slice(1), pictures.scalar_type());
  return pictures + sigmas[i] * eps.to(pictures.device());
}

void report_step(const Control& control, const char* task, size_t done, size_t total) {
  control.report({task, static_cast<double>(done), static_cast<double>(total), "steps", {}});
}

}  // namespace

void describe(Describer& d, DdimInversionOptions& options) {
  d("refinements", options.refinements, "fixed-point iterations of each inverted step", {.min = 0, .max = 1000});
}

void observe_noising_path(const Predictor& predict, const PictureBatch& batch, const EvidenceOptions& options,
                          const SamplerObserver& observer, const Control& control) {
  const torch::NoGradGuard no_grad;
  SamplerStep last;
  const auto show = [&](double sigma_next) {
    last.sigma_next = sigma_next;
    last.prediction = predict_at(predict, last.x, last.sigma);
    observer(last);
    ++last.index;
    report_step(control, "noising path", static_cast<size_t>(last.index), static_cast<size_t>(last.count));
  };
  last.count = options.steps + 1;
  walk_noising_paths(batch, options, [&](const Tensor& x, double sigma) {
    control.throw_if_stopped("explain.observe_noising_path");
    if (last.x.defined()) show(sigma);
    last.x = x;
    last.sigma = sigma;
  });
  show(0);
}

Tensor invert_ddim(const Predictor& predict, const Tensor& pictures, const std::vector<double>& sigmas,
                   const DdimInversionOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  check_pictures("explain.invert_ddim", pictures);
  check_sigmas("explain.invert_ddim", sigmas);
  if (options.refinements < 0) {
    throw ValueError(format_text("[explain.invert_ddim] expected refinements >= 0, got {}", options.refinements));
  }
  Tensor y = pictures;
  for (size_t i = sigmas.size() - 1; i > 0; --i) {
    control.throw_if_stopped("explain.invert_ddim");
    const double sigma = sigmas[i - 1];
    const double share = (sigma - sigmas[i]) / sigma;
    Tensor x = y;
    for (int64_t pass = 0; pass <= options.refinements; ++pass) {
      x = y + share * (x - predict_at(predict, x, sigma).denoised);
    }
    y = x;
    report_step(control, "invert", sigmas.size() - i, sigmas.size() - 1);
  }
  return y;
}

EditFriendlyInversion invert_edit_friendly(const Predictor& predict, const PictureBatch& batch,
                                           const std::vector<double>& sigmas, const SamplerObserver& observer,
                                           const Control& control) {
  const torch::NoGradGuard no_grad;
  check_edit_friendly(batch, sigmas);
  const size_t count = sigmas.size() - 1;
  std::vector<Tensor> states = {noised(batch, sigmas, 0)}, noises;
  EditFriendlyInversion out;
  for (size_t i = 0; i < count; ++i) {
    control.throw_if_stopped("explain.invert_edit_friendly");
    const Prediction prediction = predict_at(predict, states[i], sigmas[i]);
    if (observer) {
      observer({static_cast<int64_t>(i), static_cast<int64_t>(count), sigmas[i], sigmas[i + 1], states[i], prediction});
    }
    const AncestralStep step(sigmas[i], sigmas[i + 1]);
    const Tensor mean = step.mean(states[i], prediction.denoised);
    if (i + 1 < count) {
      noises.push_back((noised(batch, sigmas, i + 1) - mean) / step.deviation());
      states.push_back(mean + step.deviation() * noises.back());
    } else {
      out.remainder = batch.pictures - mean;
    }
    report_step(control, "invert", i + 1, count);
  }
  out.sigmas = sigmas;
  out.states = torch::stack(states);
  out.noises = noises.empty() ? out.states.slice(0, 0, 0) : torch::stack(noises);
  return out;
}

Tensor replay(const Predictor& predict, const EditFriendlyInversion& inversion, int64_t first_step,
              const SamplerObserver& observer, const Control& control) {
  const torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(inversion.sigmas.size()) - 1;
  if (first_step < 0 || first_step >= count) {
    throw ValueError(format_text("[explain.replay] expected a first step below {}, got {}", count, first_step));
  }
  Tensor x = inversion.states[first_step];
  for (int64_t i = first_step; i < count; ++i) {
    control.throw_if_stopped("explain.replay");
    const auto place = static_cast<size_t>(i);
    const double sigma = inversion.sigmas[place], sigma_next = inversion.sigmas[place + 1];
    const Prediction prediction = predict_at(predict, x, sigma);
    if (observer) observer({i, count, sigma, sigma_next, x, prediction});
    const AncestralStep step(sigma, sigma_next);
    const Tensor mean = step.mean(x, prediction.denoised);
    x = i + 1 < count ? mean + step.deviation() * inversion.noises[i] : mean + inversion.remainder;
    report_step(control, "replay", place + 1, static_cast<size_t>(count));
  }
  return x;
}

Trajectory inverted_trajectory(const Model& model, const PictureRequest& prompt, const Tensor& picture,
                               const SamplingOptions& options, const Control& control) {
  check_picture(model, picture);
  const torch::NoGradGuard no_grad;
  SamplingOptions ancestral = options;
  ancestral.sampler = {.solver = Solver::ddpm};
  ancestral.guidance.clamp = 0;
  const Trajectory plan = draw_trajectory(model, prompt, ancestral);  // its prompts, levels and guidance
  const Tensor pictures = picture.to(model.device, torch::kFloat32).expand({plan.count(), -1, -1, -1}).contiguous();
  GuidanceOptions both = ancestral.guidance;
  both.both_branches = true;
  TrajectoryRecorder recorder{RecorderOptions{}};
  const EditFriendlyInversion found =
      invert_edit_friendly(plan.predictor(both), {pictures, {plan.noise().random, plan.noise().sample_ids}},
                           plan.sampling().sigmas, recorder.observer(), control);
  NoiseSource noise = plan.noise();
  noise.given = found.noises;
  const std::vector<SamplerStep>& steps = recorder.steps();
  return {plan.sampling(),
          {plan.condition(), plan.null_condition(), found.states[0] / steps.front().sigma, noise},
          steps,
          found.remainder};
}

Tensor reconstruction_error(const Tensor& pictures, const Tensor& reconstructed) {
  check_pictures("explain.reconstruction_error", pictures);
  check_shape("explain.reconstruction_error", "reconstructed", reconstructed,
              {pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  const auto exact = [](const Tensor& t) { return t.to(torch::kCPU, torch::kFloat64); };
  return (exact(pictures) - exact(reconstructed)).square().mean({1, 2, 3}).sqrt();
}

Tensor inversion_stability(const Tensor& noise, const Tensor& inverted) {
  check_shape("explain.inversion_stability", "inverted", inverted,
              {noise.size(0), noise.size(1), noise.size(2), noise.size(3)});
  const Tensor a = noise.to(torch::kCPU, torch::kFloat64).flatten(1);
  const Tensor b = inverted.to(torch::kCPU, torch::kFloat64).flatten(1);
  return (a * b).sum(1) / (a.norm(2, 1) * b.norm(2, 1));
}

void describe(AnswerDescriber& d, const EditFriendlyInversion& a) {
  d("sigmas", a.sigmas, "edge", "pixel units", "noise levels, the last 0");
  d("states", a.states, "step picture channel y x", "pixel units", "noisy pictures at each level but the last");
  d("noises", a.noises, "injection picture channel y x", "", "of every step but the last, which injects none");
  d("remainder", a.remainder, "picture channel y x", "pixel units", "picture less the last estimate");
}

void describe(AnswerDescriber& d, const InversionOfPictures& a) {
  d("steps", a.steps, "count", "steps", "of DDIM inversion");
  d("ddim_error", a.ddim_error, "count picture", "pixel units", "root mean square error of the reconstruction",
    {.x = "steps", .null = 0});
  d("edit_friendly_error", a.edit_friendly_error, "picture", "pixel units", "the same of the edit-friendly inversion",
    {.null = 0});
  d("noise_size", a.noise_size, "picture", "", "root mean square of the noise that DDIM finds", {.null = 1});
  d("smooth_deficit", a.smooth_deficit, "picture", "log ratio",
    "variance of that noise on smooth over other pixels; NaN: not both are there", {.null = 0, .is_signed = true});
  d("noise", a.noise, "picture channel y x", "", "that DDIM inversion finds", {.is_signed = true});
  d("states", a.states, "step picture channel y x", "pixel units", "of the edit-friendly inversion");
}

void describe(Describer& d, InversionOptions& options) {
  d("steps", options.steps, "steps of DDIM inversion; edit-friendly inversion takes the first",
    {.min = 2, .max = 100000});
}

namespace {

struct DdimInversion {
  Tensor noise, error;  // [B, C, H, W], [B]
};

DdimInversion invert_with(const Predictor& predict, const Tensor& pictures, const std::vector<double>& sigmas,
                          const Control& control) {
  const Tensor x = invert_ddim(predict, pictures, sigmas, {}, control);
  const NoiseSource unused{Random(0), sample_range(0, pictures.size(0))};
  const Tensor again = run_sampler(predict, x, {sigmas, {.solver = Solver::ddim}, unused}, {}, control);
  return {(x / sigmas[0]).cpu(), reconstruction_error(pictures, again).cpu()};
}

std::vector<double> levels_of(const Subject& subject, int64_t steps) {
  GridOptions grid = subject.sample.grid;
  grid.steps = steps;
  return sampling_sigmas(grid, subject.model.schedule);
}

InversionOfPictures ask_inversion(const Subject& subject, const InversionOptions& options, const Control& control) {
  if (options.steps.empty()) throw ValueError("[explain.inversion] expected at least one number of steps, got none");
  const int64_t count = subject.independent();
  const Tensor pictures = subject.trajectory.pictures(control).slice(0, 0, count);
  const Tensor condition = subject.condition(count);
  const Predictor predict = guide(subject.model.denoiser, condition, condition, {.scale = 1, .clamp = 0});
  InversionOfPictures out{options.steps, {}, {}, {}, {}, {}, {}};
  std::vector<Tensor> errors;
  for (const int64_t steps : options.steps) {
    DdimInversion found = invert_with(predict, pictures, levels_of(subject, steps), control);
    errors.push_back(found.error);
    out.noise = found.noise;
  }
  out.ddim_error = torch::stack(errors);
  const EditFriendlyInversion friendly = invert_edit_friendly(predict, {pictures, subject.noise(count)},
                                                              levels_of(subject, options.steps.front()), {}, control);
  out.edit_friendly_error = reconstruction_error(pictures, replay(predict, friendly, 0, {}, control)).cpu();
  out.states = friendly.states.cpu();
  out.noise_size = out.noise.square().mean({1, 2, 3}).sqrt();
  out.smooth_deficit = smooth_deficit(out.noise, pictures.cpu()).log_ratio;
  return out;
}

int64_t inversion_cost(const Subject& subject, const InversionOptions& options) {
  int64_t steps = options.steps.empty() ? 0 : 2 * options.steps.front();
  for (const int64_t count : options.steps) steps += 2 * count;
  return steps * subject.independent();
}

}  // namespace

Method inversion_method() {
  return method("inversion", "Which noise leads to this picture?", {}, inversion_cost, ask_inversion);
}

}  // namespace noisescope::explain
