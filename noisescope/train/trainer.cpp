#include "noisescope/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "noisescope/core/error.h"
#include "noisescope/train/metrics.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kValidationBatch = 64;

/// The budget as a share of steps or seconds.
class BudgetClock {
 public:
  BudgetClock(const TrainOptions& options, int64_t samples_per_epoch)
      : budget_(parse_budget(options.budget)) {
    const auto images_per_step = static_cast<double>(options.batch_size * options.accumulate);
    double images = budget_.amount;
    if (budget_.unit == BudgetUnit::epochs) images *= static_cast<double>(samples_per_epoch);
    if (budget_.unit == BudgetUnit::steps) {
      steps_ = std::ceil(budget_.amount);
    } else if (budget_.unit != BudgetUnit::seconds) {
      steps_ = std::ceil(images / images_per_step);
    }
  }

  bool in_seconds() const { return budget_.unit == BudgetUnit::seconds; }

  /// In [0, 1], before the update that follows `state`.
  double progress(const TrainState& state) const {
    const double share = in_seconds() ? state.seconds / budget_.amount
                                      : static_cast<double>(state.step) / steps_;
    return std::min(1.0, share);
  }

 private:
  Budget budget_;
  double steps_ = 0;
};

class Run {
 public:
  Run(const TrainableModel& model, const BatchSource& batches, const BatchSource& validation,
      const TrainSetup& setup, const fs::path& folder, const TrainObserver& observer,
      const Control& control)
      : model_(model),
        batches_(batches),
        validation_(validation),
        setup_(setup),
        folder_(folder),
        observer_(observer),
        control_(control),
        random_(setup.seed),
        clock_(setup.train, setup.samples_per_epoch),
        optimizer_(trainable_parameters(*model.module), setup.train.optimizer),
        ema_(*model.module, setup.train.ema) {}

  TrainResult operator()() {
    const bool resumed = resume();
    loss_sum_ = torch::full({}, state_.loss_sum,
                            torch::TensorOptions(model_.device).dtype(torch::kFloat64));
    MetricsLog log(folder_, state_.metrics_bytes);
    log_ = &log;
    started_ = Clock::now();
    seconds_before_ = last_checkpoint_seconds_ = state_.seconds;
    model_.module->train();
    while (clock_.progress(state_) < 1) {
      update();
      bookkeeping();
    }
    if (state_.loss_count > 0) write_metrics();
    validate();
    checkpoint();
    write_metrics_csv(folder_);
    load_named_tensors_into_module(ema_.weights());
    model_.module->eval();
    return {state_, resumed};
  }

 private:
  bool resume() {
    const auto found = load_latest_checkpoint(checkpoints(), setup_.config_json, setup_.free_keys,
                                              observer_.notice);
    if (!found) return false;
    load_module_state(*model_.module, found->model, "the checkpoint's weights");
    ema_.load_state(found->ema);
    optimizer_.load_state(found->optimizer, "the checkpoint's optimizer");
    state_ = found->state;
    if (observer_.notice) {
      observer_.notice("going on after " + std::to_string(state_.images) + " images");
    }
    return true;
  }

  void update() {
    const LrScheduleOptions& schedule = setup_.train.schedule;
    const double rate = learning_rate_at(schedule, state_.step, clock_.progress(state_));
    optimizer_.zero_grad();
    for (int64_t part = 0; part < setup_.train.accumulate; ++part) {
      const Tensor loss = batch_loss() / static_cast<double>(setup_.train.accumulate);
      loss.backward();
      // Stays on the device; read when metrics are written.
      loss_sum_ += loss.detach().to(torch::kFloat64);
      state_.images += setup_.train.batch_size;
    }
    clip_gradients(optimizer_.parameters(), setup_.train.clip_norm);
    optimizer_.step(rate);
    ema_.update(*model_.module);
    ++state_.step;
    ++state_.loss_count;
    last_rate_ = rate;
    state_.seconds = seconds_before_ +
                     std::chrono::duration<double>(Clock::now() - started_).count() - paused_;
  }

  /// Mean loss of images state_.images ... of the run.
  Tensor batch_loss() {
    const int64_t count = setup_.train.batch_size, first = state_.images;
    const std::vector<int64_t> numbers = sample_range(first, count);
    TrainBatch batch = batches_(first, count);
    const Tensor x0 = batch.images.to(model_.device);
    const Tensor drop = random_.uniform(Purpose::train_drop, 0, numbers, {1}) <
                        setup_.train.null_probability;
    const Tensor condition = torch::where(drop.to(model_.device),
                                          model_.null_condition.unsqueeze(0),
                                          batch.conditions.to(model_.device));
    const Tensor uniforms = stratified_uniforms(random_, static_cast<uint64_t>(first), count);
    const Tensor sigma = noise_levels(setup_.noise_levels, setup_.precondition.schedule, uniforms)
                             .to(model_.device, torch::kFloat32);
    const Tensor eps = random_.normal(Purpose::train_noise, 0, numbers, x0.sizes().slice(1))
                           .to(model_.device);
    return diffusion_loss(model_.network, setup_.precondition, setup_.loss, x0, sigma, eps,
                          condition)
        .mean();
  }

  void bookkeeping() {
    const TrainOptions& o = setup_.train;
    if (state_.step % o.log_every == 0) write_metrics();
    const double progress = clock_.progress(state_);
    if (o.validate_every > 0 && progress < 1 &&
        progress >= o.validate_every * static_cast<double>(state_.validations + 1)) {
      validate();
    }
    const bool due = (o.checkpoint_every > 0 && state_.step % o.checkpoint_every == 0) ||
                     (o.checkpoint_seconds > 0 &&
                      state_.seconds - last_checkpoint_seconds_ >= o.checkpoint_seconds);
    if (due && progress < 1) checkpoint();
    report(progress);
    if (control_.stop_requested()) {
      checkpoint();
      throw Interrupted("[train.train] stopped on request after " + std::to_string(state_.images) +
                        " images; the same command goes on from here");
    }
  }

  void report(double progress) const {
    char detail[64];
    std::snprintf(detail, sizeof detail, "%.0f images/s  loss %.4f",
                  static_cast<double>(state_.images) / std::max(1e-9, state_.seconds), last_loss_);
    const double total = static_cast<double>(state_.images) / std::max(1e-9, progress);
    control_.report({"train", static_cast<double>(state_.images), total, "images", detail});
  }

  /// Mean loss since the last record. Throws NumericError if it is not finite.
  void take_loss() {
    state_.loss_sum = loss_sum_.item<double>();
    if (std::isfinite(state_.loss_sum)) return;
    throw NumericError("[train.train] expected a finite loss, got NaN or infinity near step " +
                       std::to_string(state_.step) + "; the last good checkpoint is kept. Lower "
                       "train.schedule.learning_rate, or raise warmup_steps, and run again");
  }

  void write_metrics() {
    take_loss();
    last_loss_ = state_.loss_sum / static_cast<double>(state_.loss_count);
    log_->write({{"step", state_.step},
                 {"images", state_.images},
                 {"loss", last_loss_},
                 {"learning_rate", last_rate_},
                 {"seconds", state_.seconds}});
    loss_sum_.zero_();
    state_.loss_sum = 0;
    state_.loss_count = 0;
  }

  /// Everything but training stops the clock of a budget in seconds.
  template <class Work>
  void paused(Work work) {
    const auto begin = Clock::now();
    work();
    paused_ += std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void checkpoint() {
    paused([&] {
      take_loss();
      state_.metrics_bytes = log_->flush();
      save_checkpoint(checkpoints(),
                      {state_, module_state(*model_.module), ema_.state(), optimizer_.state()},
                      setup_.config_json, setup_.train.keep_checkpoints);
      last_checkpoint_seconds_ = state_.seconds;
    });
  }

  void validate() {
    ++state_.validations;
    paused([&] {
      NamedTensors trained;
      for (const auto& [name, value] : module_state(*model_.module)) trained[name] = value.clone();
      load_named_tensors_into_module(ema_.weights());
      model_.module->eval();
      const Validation result = validation_losses();
      nlohmann::ordered_json record = {{"step", state_.step},
                                       {"images", state_.images},
                                       {"validation_loss", result.loss}};
      for (const ValidationBin& bin : result.bins) {
        char name[48];
        std::snprintf(name, sizeof name, "validation_loss/sigma_%.3g", bin.sigma);
        record[name] = bin.loss;
      }
      log_->write(record);
      if (observer_.on_validation) observer_.on_validation(result);
      load_named_tensors_into_module(trained);
      model_.module->train();
    });
  }

  Validation validation_losses() {
    const torch::NoGradGuard no_grad;
    Validation result{state_.step, state_.images, 0, {}};
    for (const double sigma : validation_sigmas()) {
      double sum = 0;
      const int64_t n = setup_.train.validation_samples;
      for (int64_t first = 0; first < n; first += kValidationBatch) {
        const int64_t count = std::min(kValidationBatch, n - first);
        TrainBatch batch = validation_(first, count);
        const Tensor x0 = batch.images.to(model_.device);
        const Tensor eps = random_.normal(Purpose::validation, 0, sample_range(first, count),
                                          x0.sizes().slice(1)).to(model_.device);
        sum += diffusion_loss(model_.network, setup_.precondition, setup_.loss, x0,
                              torch::full({count}, sigma, x0.options()), eps,
                              batch.conditions.to(model_.device))
                   .sum()
                   .item<double>();
      }
      result.bins.push_back({sigma, sum / static_cast<double>(n)});
      result.loss += result.bins.back().loss;
    }
    result.loss /= static_cast<double>(result.bins.size());
    return result;
  }

  void load_named_tensors_into_module(const NamedTensors& weights) {
    load_module_state(*model_.module, weights, "weights of this run");
  }

  fs::path checkpoints() const { return folder_ / "checkpoints"; }

  const TrainableModel& model_;
  const BatchSource& batches_;
  const BatchSource& validation_;
  const TrainSetup& setup_;
  fs::path folder_;
  const TrainObserver& observer_;
  const Control& control_;
  Random random_;
  BudgetClock clock_;
  AdamW optimizer_;
  Ema ema_;
  TrainState state_;
  MetricsLog* log_ = nullptr;
  Tensor loss_sum_;  // float64 scalar: one order of summation, also across a resume
  double last_loss_ = 0, last_rate_ = 0;
  Clock::time_point started_;
  double seconds_before_ = 0, last_checkpoint_seconds_ = 0, paused_ = 0;
};

}  // namespace

std::vector<double> validation_sigmas() {
  constexpr int kBins = 12;
  std::vector<double> sigmas;
  for (int i = 0; i < kBins; ++i) {
    sigmas.push_back(0.02 * std::pow(40 / 0.02, i / static_cast<double>(kBins - 1)));
  }
  return sigmas;
}

TrainResult train(const TrainableModel& model, const BatchSource& batches,
                  const BatchSource& validation, const TrainSetup& setup,
                  const fs::path& folder, const TrainObserver& observer, const Control& control) {
  return Run(model, batches, validation, setup, folder, observer, control)();
}

}  // namespace noisescope
