#include "noisescope/diffusion/trajectory.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"

namespace noisescope::diffusion {
namespace {

constexpr const char* kWhere = "diffusion.Trajectory";

std::string at_where(const std::string& text) { return std::string("[") + kWhere + "] " + text; }

void check_whole(const std::vector<SamplerStep>& steps, int64_t expected) {
  const auto count = static_cast<int64_t>(steps.size());
  for (int64_t i = 0; i < count; ++i) {
    const SamplerStep& step = steps[static_cast<size_t>(i)];
    if (step.index == i && step.count == count) continue;
    throw ValueError(at_where("expected the steps of one whole run, got step " + std::to_string(step.index) + " of " +
                              std::to_string(step.count) + " at place " + std::to_string(i) +
                              "; record one batch alone"));
  }
  if (count == expected) return;
  throw ValueError(at_where("expected " + std::to_string(expected) + " recorded steps, one for each noise level, got " +
                            std::to_string(count)));
}

void check_recorded(const SamplerStep& step, int64_t count) {
  if (!step.x.defined()) throw ValueError(at_where("expected a record of the noisy images, got none; record x"));
  check_shape(kWhere, "x", step.x, {count, -1, -1, -1});
  if (step.x.isfinite().all().item<bool>()) return;
  throw NumericError(
      at_where("expected finite recorded images, got NaN or infinity at step " + std::to_string(step.index)));
}

void check_block(const NoiseBlock& block, const SamplerStep& step, const NoiseSource& noise) {
  const bool inside = block.top >= 0 && block.left >= 0 && block.height >= 1 && block.width >= 1 &&
                      block.top + block.height <= step.x.size(2) && block.left + block.width <= step.x.size(3);
  if (!inside) {
    throw ValueError(at_where("expected a block inside the picture, got " + std::to_string(block.height) + "x" +
                              std::to_string(block.width) + " at (" + std::to_string(block.top) + ", " +
                              std::to_string(block.left) + ") of " + describe_tensor(step.x)));
  }
  if (!step.prediction.denoised.defined() || static_cast<int64_t>(noise.sample_ids.size()) != step.x.size(0)) {
    throw ValueError(
        at_where("expected recorded estimates and a sample id for each picture to draw a block of "
                 "noise anew; record denoised"));
  }
}

/// x_k with the noise of the block drawn anew.
Tensor with_block(const NoiseBlock& block, const SamplerStep& step, const NoiseSource& noise) {
  check_block(block, step, noise);
  const auto inside = [&](const Tensor& t) {
    return t.narrow(2, block.top, block.height).narrow(3, block.left, block.width);
  };
  Tensor x = step.x.clone();
  const Tensor eps = block.random.normal(Purpose::explain, static_cast<uint64_t>(step.index), noise.sample_ids,
                                         {x.size(1), block.height, block.width}, x.scalar_type());
  inside(x).copy_(inside(step.prediction.denoised) + step.sigma * eps.to(x.device()));
  return x;
}

/// `prompted` levels by `with`, all others by `without`; all samples of a call are at one level.
Predictor heard_at(Predictor with, Predictor without, std::function<bool(double)> prompted) {
  return [=](const Tensor& x, const Tensor& sigma) {
    return prompted(log_snr_of(sigma[0].item<double>())) ? with(x, sigma) : without(x, sigma);
  };
}

/// The guidance that counts at a noise level.
GuidanceOptions guidance_at(const Sampling& sampling, double log_snr) {
  GuidanceOptions guidance = sampling.guidance;
  for (const ScaleWindow& window : sampling.windows) {
    if (window.holds(log_snr)) guidance.scale = window.scale;
  }
  return guidance;
}

/// Hears the condition with the guidance that counts at each noise level; all samples of a call are at one level.
Predictor heard(const Sampling& sampling, const Tensor& condition, const Tensor& null_condition) {
  if (sampling.windows.empty()) return guide(sampling.denoiser, condition, null_condition, sampling.guidance);
  return [=](const Tensor& x, const Tensor& sigma) {
    const GuidanceOptions guidance = guidance_at(sampling, log_snr_of(sigma[0].item<double>()));
    return guide(sampling.denoiser, condition, null_condition, guidance)(x, sigma);
  };
}

void check_window(const ScaleWindow& window) {
  if (window.log_snr_min <= window.log_snr_max) return;
  throw ValueError(at_where(format_text("expected a window of guidance from a lower to a higher log-SNR, got {} to {}",
                                        window.log_snr_min, window.log_snr_max)));
}

/// The own noise before step `step`, from there on that of the change.
NoiseSource noise_from(const NoiseSource& own, const Change& change) {
  NoiseSource noise = own;
  if (!change.remaining_noise) return noise;
  noise.random_of_step = [own, step = static_cast<uint64_t>(change.step),
                          other = *change.remaining_noise](uint64_t at) {
    if (at >= step) return other;
    return own.random_of_step ? own.random_of_step(at) : own.random;
  };
  return noise;
}

/// The noise of the steps from change.step on.
NoiseSource noise_of_change(const Change& change, const NoiseSource& own) {
  NoiseSource noise = change.noise.value_or(own);
  noise.first_step += static_cast<uint64_t>(change.step);
  if (change.remaining_noise) {
    noise.random = *change.remaining_noise;
    noise.random_of_step = {};
    noise.given = Tensor();
  }
  return noise;
}

/// The rows [from, to) of a history.
SamplerHistory part_of(const SamplerHistory& history, int64_t from, int64_t to) {
  return {history.denoised.defined() ? history.denoised.slice(0, from, to) : Tensor(), history.sigma};
}

SamplerStep rows_of_step(SamplerStep step, const Tensor& rows) {
  for (Tensor* plane :
       {&step.x, &step.prediction.denoised, &step.prediction.conditional, &step.prediction.unconditional}) {
    if (plane->defined()) *plane = plane->index_select(0, rows.to(plane->device()));
  }
  return step;
}

}  // namespace

bool injects_noise(const SamplerOptions& o) {
  return o.solver == Solver::ddpm || o.solver == Solver::dpmpp_2m_sde || (o.solver == Solver::ddim && o.eta > 0) ||
         (o.solver == Solver::heun && o.churn > 0);
}

NoiseSource rows_of(const NoiseSource& noise, const std::vector<int64_t>& rows) {
  NoiseSource out = noise;
  if (noise.sample_ids.empty()) return out;  // of deterministic solvers, which need none
  out.sample_ids.clear();
  for (const int64_t row : rows) out.sample_ids.push_back(noise.sample_ids.at(size_t(row)));
  return out;
}

Trajectory::Trajectory(Sampling sampling, TrajectoryStart start)
    : sampling_(std::move(sampling)), start_(std::move(start)), drawn_(std::make_shared<std::optional<Drawn>>()) {
  if (sampling_.sigmas.size() < 2 || sampling_.pass_size < 1) {
    throw ValueError(at_where("expected at least 2 noise levels and pass_size >= 1, got " +
                              std::to_string(sampling_.sigmas.size()) + " and " + std::to_string(sampling_.pass_size)));
  }
  check_shape(kWhere, "condition", start_.condition, {-1, -1});
  check_shape(kWhere, "initial", start_.initial, {count(), -1, -1, -1});
  check_shape(kWhere, "null_condition", start_.null_condition, {-1, start_.condition.size(1)});
  if (start_.null_condition.size(0) == 1) start_.null_condition = start_.null_condition.expand_as(start_.condition);
  check_shape(kWhere, "null_condition", start_.null_condition, {count(), -1});
}

Trajectory::Trajectory(Sampling sampling, TrajectoryStart start, std::vector<SamplerStep> steps, Tensor remainder)
    : Trajectory(std::move(sampling), std::move(start)) {
  check_whole(steps, sampling_.steps());
  remainder_ = std::move(remainder);
  Tensor pictures = steps.back().prediction.denoised;  // every solver ends with its last estimate
  if (pictures.defined()) pictures = pictures.to(start_.initial.device());
  if (remainder_.defined()) pictures = pictures + remainder_.to(pictures.device());
  *drawn_ = Drawn{std::move(steps), pictures};
}

const Trajectory::Drawn& Trajectory::drawn(const Control& control) const {
  if (*drawn_) return **drawn_;
  const torch::NoGradGuard no_grad;
  Sampling both = sampling_;
  both.guidance.both_branches = true;
  TrajectoryRecorder recorder{RecorderOptions{}};
  const Tensor pictures =
      run_sampler(heard(both, start_.condition, start_.null_condition), start_.initial * sampling_.sigmas.front(),
                  {sampling_.sigmas, sampling_.sampler, start_.noise}, recorder.observer(), control);
  *drawn_ = Drawn{recorder.steps(), pictures};
  return **drawn_;
}

const std::vector<SamplerStep>& Trajectory::steps(const Control& control) const { return drawn(control).steps; }

Tensor Trajectory::pictures(const Control& control) const {
  if (drawn(control).pictures.defined()) return drawn(control).pictures;
  throw ValueError(at_where("expected a record of the last estimate, where the steps end, got none; record denoised"));
}

bool Trajectory::has_both_branches() const {
  return std::all_of(steps().begin(), steps().end(), [](const SamplerStep& step) {
    return step.prediction.conditional.defined() && step.prediction.unconditional.defined();
  });
}

Tensor Trajectory::start_of(const Change& change) const {
  if (change.step < 0 || change.step >= sampling_.steps()) {
    throw ValueError(at_where("expected a step in [0, " + std::to_string(sampling_.steps()) + "), got " +
                              std::to_string(change.step)));
  }
  if (change.initial.defined() && change.step > 0) {
    throw ValueError(at_where("expected other first noise from step 0 on, got step " + std::to_string(change.step)));
  }
  if (change.x.defined()) return change.x.to(start_.initial.device(), start_.initial.scalar_type());
  const Tensor& initial = change.initial.defined() ? change.initial : start_.initial;
  const bool from_start = change.step == 0 && !change.block;
  if (from_start) return initial * sampling_.sigmas.front();
  const SamplerStep& step = steps()[static_cast<size_t>(change.step)];
  check_recorded(step, count());
  return (change.block ? with_block(*change.block, step, start_.noise) : step.x)
      .to(initial.device(), initial.scalar_type());
}

SamplerHistory Trajectory::history_of(const Change& change) const {
  if (change.step == 0) return {};
  const SamplerStep& before = steps()[static_cast<size_t>(change.step) - 1];
  const Tensor& denoised = before.prediction.denoised;
  return {denoised.defined() ? denoised.to(start_.initial.device(), start_.initial.scalar_type()) : Tensor(),
          before.sigma};
}

Tensor Trajectory::redraw(const Change& change, const SamplerObserver& observer, const Control& control) const {
  const torch::NoGradGuard no_grad;
  const Tensor x = start_of(change);
  check_shape(kWhere, "initial", x, {count(), -1, -1, -1});
  const Tensor condition = change.condition.defined() ? change.condition : start_.condition;
  check_shape(kWhere, "condition", condition, {count(), start_.condition.size(1)});
  const Sampling sampling = sampling_of(change);
  const std::vector<double> sigmas(sampling_.sigmas.begin() + change.step, sampling_.sigmas.end());
  const NoiseSource noise = noise_of_change(change, start_.noise);
  const SamplerHistory history = history_of(change);
  std::vector<Tensor> pictures;
  for (int64_t from = 0; from < count(); from += sampling_.pass_size) {
    const int64_t to = std::min(from + sampling_.pass_size, count());
    const Tensor null = start_.null_condition.slice(0, from, to);
    Predictor predict = heard(sampling, condition.slice(0, from, to), null);
    if (change.prompted) {
      predict = heard_at(predict, guide(sampling.denoiser, null, null, {.scale = 1, .clamp = sampling.guidance.clamp}),
                         change.prompted);
    }
    pictures.push_back(run_sampler(
        predict, x.slice(0, from, to),
        {sigmas, sampling_.sampler, rows_of(noise, sample_range(from, to - from)), part_of(history, from, to)},
        observer, control));
  }
  const Tensor drawn = torch::cat(pictures);
  return remainder_.defined() ? drawn + remainder_.to(drawn.device()) : drawn;
}

Trajectory Trajectory::changed(const Change& change, const SamplerObserver& observer, const Control& control) const {
  if (change.prompted || (change.noise && change.step > 0) || start_.noise.given.defined() || remainder_.defined()) {
    throw ValueError(at_where(
        "expected a change that a trajectory can hold, got a window of prompts, other noise of all steps from their "
        "middle, or a trajectory found by inversion; use redraw()"));
  }
  const torch::NoGradGuard no_grad;
  const Tensor x = start_of(change);
  check_shape(kWhere, "x", x, {count(), -1, -1, -1});
  TrajectoryStart start = start_;
  if (change.condition.defined()) start.condition = change.condition;
  if (change.noise) start.noise = *change.noise;
  start.noise = noise_from(start.noise, change);
  if (change.step == 0) start.initial = x / sampling_.sigmas.front();
  Sampling sampling = sampling_of(change);
  Sampling recorded = sampling;
  recorded.guidance.both_branches = true;
  std::vector<SamplerStep> steps;
  if (change.step > 0) steps.assign(this->steps(control).begin(), this->steps(control).begin() + change.step);
  TrajectoryRecorder recorder{RecorderOptions{}};
  const auto see = [&](SamplerStep step) {
    step.index += change.step;
    step.count += change.step;
    recorder.observer()(step);
    if (observer) observer(recorder.steps().back());
  };
  run_sampler(heard(recorded, start.condition, start.null_condition), x,
              {{sampling.sigmas.begin() + change.step, sampling.sigmas.end()},
               sampling.sampler,
               noise_of_change(change, start_.noise),
               history_of(change)},
              see, control);
  steps.insert(steps.end(), recorder.steps().begin(), recorder.steps().end());
  return {std::move(sampling), std::move(start), std::move(steps)};
}

Trajectory Trajectory::rows(const std::vector<int64_t>& rows) const {
  const Tensor at = torch::tensor(rows, torch::kInt64);
  const auto taken = [&](const Tensor& t) { return t.index_select(0, at.to(t.device())); };
  Trajectory out(sampling_, {taken(start_.condition), taken(start_.null_condition), taken(start_.initial),
                             rows_of(start_.noise, rows)});
  if (remainder_.defined()) out.remainder_ = taken(remainder_);
  if (*drawn_) {
    Drawn kept{{}, (*drawn_)->pictures.defined() ? taken((*drawn_)->pictures) : Tensor()};
    for (const SamplerStep& step : (*drawn_)->steps) kept.steps.push_back(rows_of_step(step, at));
    *out.drawn_ = std::move(kept);
  }
  return out;
}

Trajectory joined(const Trajectory& a, const Trajectory& b, const Control& control) {
  const auto is_inverted = [](const Trajectory& t) { return t.remainder().defined() || t.noise().given.defined(); };
  if (a.noise().random.seed() != b.noise().random.seed() || is_inverted(a) || is_inverted(b)) {
    throw ValueError("[diffusion.joined] expected trajectories whose noise is drawn from one seed");
  }
  std::vector<SamplerStep> steps = a.steps(control);
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto add = [](Tensor& mine, const Tensor& more) {
      mine = mine.defined() && more.defined() ? torch::cat({mine, more}) : Tensor();
    };
    const SamplerStep& other = b.steps(control)[i];
    add(steps[i].x, other.x);
    add(steps[i].prediction.denoised, other.prediction.denoised);
    add(steps[i].prediction.conditional, other.prediction.conditional);
    add(steps[i].prediction.unconditional, other.prediction.unconditional);
  }
  NoiseSource noise = a.noise();
  noise.sample_ids.insert(noise.sample_ids.end(), b.noise().sample_ids.begin(), b.noise().sample_ids.end());
  return {a.sampling(),
          {torch::cat({a.condition(), b.condition()}), torch::cat({a.null_condition(), b.null_condition()}),
           torch::cat({a.initial(), b.initial()}), noise},
          std::move(steps)};
}

Sampling Trajectory::sampling_of(const Change& change) const {
  Sampling sampling = sampling_;
  if (change.scale) {
    sampling.guidance.scale = *change.scale;
    sampling.windows.clear();
  }
  if (change.window) {
    check_window(*change.window);
    sampling.windows.push_back(*change.window);
  }
  return sampling;
}

Predictor Trajectory::predictor() const { return heard(sampling_, start_.condition, start_.null_condition); }

Predictor Trajectory::predictor(const GuidanceOptions& guidance) const {
  return guide(sampling_.denoiser, start_.condition, start_.null_condition, guidance);
}

Predictor Trajectory::unprompted() const {
  GuidanceOptions alone = sampling_.guidance;
  alone.scale = 1;
  return guide(sampling_.denoiser, start_.null_condition, start_.null_condition, alone);
}

}  // namespace noisescope::diffusion
