#include "noisescope/live/drawing.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace noisescope::live {
namespace {

double log_snr_at(double sigma) { return -2 * std::log(sigma); }

/// `row` once a picture.
void append_rows(Floats& rows, const Floats& row, int64_t pictures) {
  for (int64_t k = 0; k < pictures; ++k) rows.insert(rows.end(), row.begin(), row.end());
}

double scale_at(const DrawingPlan& plan, double sigma) {
  const GuidanceSettings& guidance = plan.sample.guidance;
  double scale = guidance.scale;
  for (const GuidanceWindow& window : plan.windows) {
    const double level = log_snr_at(sigma);
    if (window.log_snr_min <= level && level <= window.log_snr_max) scale = window.scale;
  }
  const auto level = static_cast<float>(sigma);  // as torch compares
  const bool acts = level >= static_cast<float>(guidance.sigma_min) && level <= static_cast<float>(guidance.sigma_max);
  return acts ? scale : 1;
}

double deviation(const float* values, int64_t count) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]);
  const double mean = sum / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) squares += std::pow(static_cast<double>(values[i]) - mean, 2);
  return std::sqrt(squares / static_cast<double>(count - 1));
}

/// arXiv:2305.08891, eq. 15-16, a picture at a time.
void rescale(Floats& combined, const Floats& conditional, double share, int64_t size) {
  for (size_t at = 0; at < combined.size(); at += static_cast<size_t>(size)) {
    const double factor =
        deviation(&conditional[at], size) / std::max(deviation(&combined[at], size), 1e-8) * share + (1 - share);
    for (int64_t i = 0; i < size; ++i) combined[at + static_cast<size_t>(i)] *= static_cast<float>(factor);
  }
}

void check_box(const PixelBox& box, int64_t side) {
  const bool inside = box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1 && box.x + box.width <= side &&
                      box.y + box.height <= side;
  if (inside) return;
  throw ValueError(
      format_text("[live.Drawing] expected a box inside the picture of {} pixels a side, got {} x {} at "
                  "({}, {})",
                  side, box.width, box.height, box.x, box.y));
}

/// Calls see(offset in a box of the same size, offset in [C, H, W]) for each pixel of each channel.
template <class See>
void over_box(const PixelBox& box, int64_t channels, int64_t side, See see) {
  int64_t number = 0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < box.height; ++i) {
      for (int64_t j = 0; j < box.width; ++j) {
        see(static_cast<size_t>(number++), static_cast<size_t>((c * side + box.y + i) * side + box.x + j));
      }
    }
  }
}

/// One plane [H, W]: the values of the box go to (x, y), and what was there comes back, row by row.
void move_in_plane(float* plane, int64_t side, const DrawingChange::Move& move) {
  const PixelBox &from = move.box, to{move.x, move.y, from.width, from.height};
  const Floats before(plane, plane + side * side);
  const auto in = [](const PixelBox& box, int64_t x, int64_t y) {
    return box.x <= x && x < box.x + box.width && box.y <= y && y < box.y + box.height;
  };
  std::vector<int64_t> left, pushed;
  for (int64_t p = 0; p < side * side; ++p) {
    const bool was = in(from, p % side, p / side), is = in(to, p % side, p / side);
    if (was && !is) left.push_back(p);
    if (is && !was) pushed.push_back(p);
    if (is) plane[p] = before[static_cast<size_t>(p + (from.y - to.y) * side + from.x - to.x)];
  }
  for (size_t k = 0; k < left.size(); ++k) plane[left[k]] = before[static_cast<size_t>(pushed[k])];
}

}  // namespace

LivePrediction guided(const LiveModel& model, const DrawingPlan& plan, const Floats& x, double sigma) {
  Floats both = x, conditions;
  both.insert(both.end(), x.begin(), x.end());
  append_rows(conditions, plan.condition, plan.pictures);
  append_rows(conditions, plan.null_condition, plan.pictures);
  const Floats answers = model.denoise(both, sigma, conditions);
  const auto half = answers.begin() + static_cast<int64_t>(x.size());
  LivePrediction out{{}, {answers.begin(), half}, {half, answers.end()}};
  const double scale = scale_at(plan, sigma);
  out.denoised = scale == 1 ? out.conditional : mix(1 - scale, out.unconditional, scale, out.conditional);
  const GuidanceSettings& guidance = plan.sample.guidance;
  if (scale != 1 && guidance.rescale > 0) {
    rescale(out.denoised, out.conditional, guidance.rescale, model.picture_size());
  }
  if (guidance.clamp > 0) {
    const auto limit = static_cast<float>(guidance.clamp);
    for (float& value : out.denoised) value = std::clamp(value, -limit, limit);
  }
  return out;
}

Drawing::Drawing(const LiveModel& model, DrawingPlan plan)
    : model_(&model),
      plan_(std::move(plan)),
      sigmas_(live_sigmas(plan_.sample.grid, model.schedule())),
      solver_((check_options("live.Drawing", plan_.sample), plan_.sample.sampler)) {
  if (plan_.pictures < 1) throw ValueError("[live.Drawing] expected at least one picture");
  x_ = normal(Purpose::initial_noise, plan_.seed, 0);
  for (float& value : x_) value *= static_cast<float>(sigmas_.front());
  first_x_ = x_;
}

/// Standard normal numbers of all pictures, [B, C, H, W].
Floats Drawing::normal(Purpose purpose, uint64_t seed, int64_t step) const {
  const int64_t size = model_->picture_size();
  Floats out;
  std::vector<double> numbers(static_cast<size_t>(size));
  for (int64_t k = 0; k < plan_.pictures; ++k) {
    fill_normal({seed, purpose, static_cast<uint64_t>(step), k}, numbers.data(), size);
    for (const double number : numbers) out.push_back(static_cast<float>(number));
  }
  return out;
}

uint64_t Drawing::seed_at(int64_t step) const {
  uint64_t seed = plan_.seed;
  for (const StepSeed& other : plan_.step_seeds) {
    if (step >= other.from) seed = other.seed;
  }
  return seed;
}

bool Drawing::advance() {
  if (is_done()) return false;
  const int64_t i = done();
  const auto place = static_cast<size_t>(i);
  SolverStep step{i - first_, count() - first_, sigmas_[place], sigmas_[place + 1], 0, x_, {}, {}, {}};
  if (i + 1 < count()) step.sigma_after = sigmas_[place + 2];
  step.noise = [&] { return normal(Purpose::step_noise, seed_at(i), i); };
  step.denoise = [&](const Floats& x, double sigma) { return guided(*model_, plan_, x, sigma).denoised; };
  solver_.prepare(step);
  LivePrediction prediction = guided(*model_, plan_, step.x, step.sigma);
  step.denoised = prediction.denoised;
  x_ = solver_.advance(step);
  double sum = 0;
  for (const float value : x_) sum += static_cast<double>(value);
  if (!std::isfinite(sum)) {
    throw NumericError(format_text("[live.Drawing] expected finite pictures, got others after step {}", i + 1));
  }
  steps_.push_back(std::make_shared<const DrawnStep>(DrawnStep{step.sigma, std::move(step.x), std::move(prediction)}));
  return !is_done();
}

void Drawing::check_change(const DrawingChange& change) const {
  if (!is_done()) throw ValueError("[live.Drawing] expected a finished drawing to change, got one that is being drawn");
  if (change.step < 0 || change.step >= count()) {
    throw ValueError(format_text("[live.Drawing] expected a step in [0, {}), got {}", count(), change.step));
  }
  if (change.window && change.window->log_snr_min > change.window->log_snr_max) {
    throw ValueError("[live.Drawing] expected a window of guidance from a lower to a higher log-SNR");
  }
  if (change.noise) check_box(change.noise->box, model_->side());
  if (change.move) {
    check_box(change.move->box, model_->side());
    check_box({change.move->x, change.move->y, change.move->box.width, change.move->box.height}, model_->side());
  }
  if (change.swap) {
    check_box(change.swap->box, model_->side());
    const auto& [box, picture, of] = *change.swap;
    if (std::min(picture, of) < 0 || std::max(picture, of) >= plan_.pictures || picture == of) {
      throw ValueError(
          format_text("[live.Drawing] expected two of {} pictures, got {} and {}", plan_.pictures, of, picture));
    }
  }
  if (change.remaining_seed && !plan_.sample.sampler.adds_noise()) {
    throw ValueError("[live.Drawing] expected a solver that adds noise at its steps for other remaining noise, got " +
                     to_string(plan_.sample.sampler.solver) + "; draw with sampler.solver ddpm, say");
  }
}

/// x of a step with the noise of a box drawn anew.
Floats Drawing::with_noise(const DrawnStep& step, const DrawingChange::Noise& noise, int64_t index) const {
  const int64_t channels = model_->channels(), size = model_->picture_size();
  Floats x = step.x;
  std::vector<double> numbers(static_cast<size_t>(channels * noise.box.width * noise.box.height));
  for (int64_t k = 0; k < plan_.pictures; ++k) {
    fill_normal({noise.seed, Purpose::explain, static_cast<uint64_t>(index), k}, numbers.data(),
                static_cast<int64_t>(numbers.size()));
    over_box(noise.box, channels, model_->side(), [&](size_t number, size_t offset) {
      const size_t at = static_cast<size_t>(k * size) + offset;
      x[at] = step.prediction.denoised[at] + static_cast<float>(step.sigma) * static_cast<float>(numbers[number]);
    });
  }
  return x;
}

Floats Drawing::changed_x(const DrawingChange& change) const {
  const DrawnStep& step = this->step(change.step);
  if (change.turn_seed) {
    return mix(1, x_, step.sigma, normal(Purpose::explain, *change.turn_seed, change.step));
  }
  if (change.noise && !change.move && !change.swap) return with_noise(step, *change.noise, change.step);
  // The first estimate counts for nothing: x is noise as good as alone.
  const Floats clean = change.step == 0 ? Floats(step.x.size(), 0.0f) : step.prediction.denoised;
  Floats noise = mix(1, step.x, -1, clean);
  const int64_t side = model_->side(), plane = side * side, size = model_->picture_size();
  if (change.move) {
    for (int64_t p = 0; p < plan_.pictures * model_->channels(); ++p) {
      move_in_plane(noise.data() + p * plane, side, *change.move);
    }
  } else if (change.swap) {
    over_box(change.swap->box, model_->channels(), side, [&](size_t, size_t offset) {
      std::swap(noise[static_cast<size_t>(change.swap->of * size) + offset],
                noise[static_cast<size_t>(change.swap->picture * size) + offset]);
    });
  }
  return mix(1, clean, 1, noise);
}

Drawing Drawing::changed(const DrawingChange& change) const {
  check_change(change);
  Drawing out = *this;
  if (change.condition) out.plan_.condition = *change.condition;
  if (change.scale) {
    out.plan_.sample.guidance.scale = *change.scale;
    out.plan_.windows.clear();
  }
  if (change.window) out.plan_.windows.push_back(*change.window);
  if (change.remaining_seed) out.plan_.step_seeds.push_back({change.step, *change.remaining_seed});
  const auto from = static_cast<size_t>(change.step);
  out.steps_.resize(from);
  out.first_ = change.step;
  out.solver_ = LiveSolverRun(plan_.sample.sampler);
  if (change.noise || change.move || change.swap || change.turn_seed) {
    out.x_ = changed_x(change);
  } else {
    out.x_ = change.step == 0 ? first_x_ : step(change.step).x;
  }
  if (change.step > 0) {
    const DrawnStep& before = step(change.step - 1);
    out.solver_.recall(before.prediction.denoised, std::log(before.sigma / sigmas_[from]));
  }
  if (change.step == 0) out.first_x_ = out.x_;
  return out;
}

}  // namespace noisescope::live
