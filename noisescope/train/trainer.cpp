#include "noisescope/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <ATen/ops/_foreach_norm.h>
#include <torch/nn/module.h>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/train/inputs.h"
#include "noisescope/train/metrics.h"

namespace noisescope::train {
namespace {

namespace fs = std::filesystem;

/// A stopwatch that stands still during everything but training.
class Stopwatch {
 public:
  explicit Stopwatch(double seconds_before) : before_(seconds_before) {}

  double seconds() const { return before_ + since(started_) - paused_; }

  /// Runs `work` off the clock.
  template <class Work>
  void pause(Work work) {
    const auto begin = Clock::now();
    work();
    paused_ += since(begin);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point time) { return std::chrono::duration<double>(Clock::now() - time).count(); }

  double before_;
  double paused_ = 0;
  Clock::time_point started_ = Clock::now();
};

/// Share of the budget that is spent, in [0, 1].
class BudgetClock {
 public:
  BudgetClock(const TrainOptions& options, int64_t samples_per_epoch) {
    const Budget budget = parse_budget(options.budget);
    const auto images_per_step = static_cast<double>(options.batch_size * options.accumulate);
    double images = budget.amount;
    if (budget.unit == BudgetUnit::epochs) {
      if (samples_per_epoch < 1) {
        throw ValueError("[train.train] expected samples for a budget in epochs, got none");
      }
      images *= static_cast<double>(samples_per_epoch);
    }
    in_seconds_ = budget.unit == BudgetUnit::seconds;
    const bool counted = in_seconds_ || budget.unit == BudgetUnit::steps;
    amount_ = counted ? budget.amount : images / images_per_step;
    if (!in_seconds_) amount_ = std::ceil(amount_);  // whole updates
  }

  double progress(const TrainState& state) const {
    const double spent = in_seconds_ ? state.seconds : static_cast<double>(state.step);
    return std::min(1.0, spent / amount_);
  }

 private:
  bool in_seconds_ = false;
  double amount_ = 0;  // seconds or updates
};

bool all_finite(const NamedTensors& tensors) {
  std::vector<Tensor> values;
  for (const auto& entry : tensors) {
    if (entry.second.is_floating_point()) values.push_back(entry.second);
  }
  if (values.empty()) return true;
  const torch::NoGradGuard no_grad;
  return torch::stack(at::_foreach_norm(values)).isfinite().all().item<bool>();
}

Tensor zero_sum(torch::Device device, double value) {
  return torch::full({}, value, torch::TensorOptions(device).dtype(torch::kFloat64));
}

class Run {
 public:
  Run(const TrainableModel& model, const TrainData& data, const TrainSetup& setup, const TrainObserver& observer,
      const Control& control)
      : model_(model),
        validation_(data.validation),
        setup_(setup),
        folder_(setup.folder),
        observer_(observer),
        control_(control),
        budget_(setup.train, setup.samples_per_epoch),
        inputs_(data.training,
                {setup.seed, setup.train.batch_size, setup.train.accumulate, setup.train.null_probability,
                 setup.noise_levels, setup.precondition.schedule, setup.train.null_mask},
                setup.train.prefetch),
        optimizer_(trainable_parameters(*model.module), setup.train.optimizer),
        ema_(*model.module, setup.train.ema) {}

  TrainResult operator()() {
    if (setup_.noise_levels.distribution == NoiseDistribution::information && !setup_.measure_levels) {
      throw ValueError("[train.train] expected measure_levels for noise levels 'information', got none");
    }
    make_folder(checkpoints());
    const FolderLock lock(checkpoints());
    const bool resumed = resume();
    if (!state_.finished) train_the_rest();
    load_module_state(*model_.module, ema_.weights(), "averaged weights");
    model_.module->eval();
    return {state_, resumed};
  }

 private:
  bool resume() {
    const auto found = load_latest_checkpoint(checkpoints(), setup_.identity, observer_.notice);
    if (!found) return false;
    load_module_state(*model_.module, found->model, "the checkpoint's weights");
    ema_.load_state(found->ema);
    optimizer_.load_state(found->optimizer, "the checkpoint's optimizer");
    state_ = found->state;
    if (state_.levels) inputs_.set_noise_levels(*state_.levels);
    const double progress = budget_.progress(state_), every = setup_.train.validate_every;
    if (every > 0 && static_cast<double>(state_.validations) > progress / every + 1e-9) {  // the budget was raised
      state_.validations = static_cast<int64_t>(progress / every);
    }
    if (state_.finished && progress < 1) {
      state_.finished = false;
      say_longer(progress);
    } else if (!state_.finished) {
      notice(format_text("going on after {} images", state_.images));
    }
    return true;
  }

  /// A finished run whose budget was raised goes on.
  void say_longer(double progress) const {
    const LrScheduleOptions& schedule = setup_.train.schedule;
    notice(
        format_text("training longer, after {} images, {:.0f} % of the new budget: the learning rate, which had come "
                    "down to {:.2g}, goes on from {:.2g} along the {} decay over the whole of it",
                    state_.images, 100 * progress, state_.learning_rate,
                    learning_rate_at(schedule, state_.step, progress), to_string(schedule.decay)));
  }

  void train_the_rest() {
    loss_sum_ = zero_sum(model_.device, state_.loss_sum);
    norm_sum_ = zero_sum(model_.device, state_.gradient_norm_sum);
    log_ = std::make_unique<MetricsLog>(folder_, state_.metrics_bytes, state_.step);
    watch_ = Stopwatch(state_.seconds);
    logged_ = checkpointed_ = state_;
    model_.module->train();
    try {
      validate_if_due();  // an interrupted validation is done again
      while (budget_.progress(state_) < 1) {
        measure_levels_if_due();
        update();
        after_update();
      }
      finish();
    } catch (const Interrupted&) {
      save();
      throw;
    }
  }

  void measure_levels_if_due() {
    const NoiseLevelOptions& levels = setup_.noise_levels;
    if (levels.distribution != NoiseDistribution::information || state_.levels ||
        budget_.progress(state_) < levels.early_share) {
      return;
    }
    const WeightsInPlace averaged(*model_.module, ema_.weights());
    state_.levels = setup_.measure_levels();
    inputs_.set_noise_levels(*state_.levels);
  }

  /// One update of the weights. The state changes at its end alone.
  void update() {
    const int64_t parts = setup_.train.accumulate, batch = setup_.train.batch_size;
    const double rate = learning_rate_at(setup_.train.schedule, state_.step, budget_.progress(state_));
    optimizer_.zero_grad();
    Tensor total;
    for (int64_t part = 0; part < parts; ++part) {
      const Tensor loss = pass_loss(state_.images + part * batch) / static_cast<double>(parts);
      loss.backward();
      total = total.defined() ? total + loss.detach() : loss.detach();
    }
    // Sums and loss stay on the device until they are asked for: no synchronisation here.
    loss_ = total;
    loss_sum_ += total.to(torch::kFloat64);
    norm_sum_ += clip_gradients(optimizer_.parameters(), setup_.train.max_grad_norm).to(torch::kFloat64);
    optimizer_.step(rate);
    ema_.update(*model_.module);
    ++state_.step;
    ++state_.loss_count;
    state_.images += parts * batch;
    state_.learning_rate = rate;
    state_.seconds = watch_.seconds();
  }

  /// Mean loss of the pass that starts with this image of the run.
  Tensor pass_loss(int64_t first_image) {
    const TrainInputs inputs = inputs_.take(first_image);
    if (model_.before_pass) model_.before_pass(first_image);
    const auto here = [&](const Tensor& tensor) { return to_device(tensor, model_.device); };
    const Tensor condition =
        torch::where(here(inputs.dropped), model_.null_condition.unsqueeze(0), here(inputs.conditions));
    return diffusion_loss(model_.network, setup_.precondition, setup_.loss,
                          {here(inputs.images), here(inputs.sigma), here(inputs.noise), condition})
        .mean();
  }

  void after_update() {
    const TrainOptions& o = setup_.train;
    if (state_.step % o.log_every == 0) write_metrics();
    if (observer_.on_step) watch_.pause([&] { observer_.on_step(last_step()); });
    validate_if_due();
    const bool by_count = o.checkpoint_every > 0 && state_.step % o.checkpoint_every == 0;
    const bool by_time = o.checkpoint_seconds > 0 && state_.seconds - checkpointed_.seconds >= o.checkpoint_seconds;
    if ((by_count || by_time) && budget_.progress(state_) < 1) save();
    report();
    watch_machine();
    if (control_.stop_requested()) {
      throw Interrupted(
          format_text("[train.train] stopped on request after {} images; "
                      "the same command goes on from here",
                      state_.images));
    }
  }

  TrainStep last_step() const {
    return {state_.step, state_.images, loss_.item<double>(), state_.learning_rate, state_.seconds};
  }

  void finish() {
    if (state_.loss_count > 0) write_metrics();
    validate();
    state_.finished = true;
    save();
  }

  void report() const {
    const double seconds = std::max(1e-9, state_.seconds), images = static_cast<double>(state_.images);
    const std::string detail = format_text("{:.0f} images/s  loss {:.4f}", images / seconds, last_loss_);
    control_.report({"train", images, images / std::max(1e-9, budget_.progress(state_)), "images",
                     std::isnan(last_loss_) ? "" : detail});
  }

  /// Reads the sums from the device. Throws NumericError if they are not finite.
  void read_sums() {
    state_.loss_sum = loss_sum_.item<double>();
    state_.gradient_norm_sum = norm_sum_.item<double>();
    if (std::isfinite(state_.loss_sum) && std::isfinite(state_.gradient_norm_sum)) return;
    fail_not_finite(std::isfinite(state_.loss_sum) ? "gradients" : "loss");
  }

  [[noreturn]] void fail_not_finite(const char* what) const {
    throw NumericError(
        format_text("[train.train] expected finite numbers, got a {} of NaN or infinity by step {}; "
                    "the last good checkpoint (step {}) is kept. Train into a new folder with a lower "
                    "train.schedule.learning_rate or more train.schedule.warmup_steps",
                    what, state_.step, checkpointed_.step));
  }

  void write_metrics() {
    read_sums();
    const auto count = static_cast<double>(state_.loss_count);
    last_loss_ = state_.loss_sum / count;
    const double seconds = std::max(1e-9, state_.seconds - logged_.seconds);
    log_->write({{"step", state_.step},
                 {"images", state_.images},
                 {"loss", last_loss_},
                 {"gradient_norm", state_.gradient_norm_sum / count},
                 {"learning_rate", state_.learning_rate},
                 {"seconds", state_.seconds},
                 {"images_per_second", static_cast<double>(state_.images - logged_.images) / seconds}});
    loss_sum_.zero_();
    norm_sum_.zero_();
    state_.loss_sum = state_.gradient_norm_sum = 0;
    state_.loss_count = 0;
    logged_ = state_;
  }

  /// Writes a checkpoint of the present state, which must be finite.
  void save() {
    watch_.pause([&] {
      read_sums();
      const Checkpoint now{state_, module_state(*model_.module), ema_.state(), optimizer_.state()};
      if (!all_finite(now.model) || !all_finite(now.optimizer)) fail_not_finite("weight");
      state_.metrics_bytes = log_->flush();
      save_checkpoint(checkpoints(), {state_, now.model, now.ema, now.optimizer}, setup_.identity.config_json,
                      setup_.train.keep_checkpoints);
      write_metrics_csv(folder_);
      checkpointed_ = state_;
      if (observer_.on_checkpoint) observer_.on_checkpoint(list_checkpoints(checkpoints()).front());
    });
  }

  void validate_if_due() {
    const double progress = budget_.progress(state_), every = setup_.train.validate_every;
    const double next = every * static_cast<double>(state_.validations + 1);
    if (every > 0 && progress < 1 && progress >= next) validate();
  }

  void validate() {
    watch_.pause([&] {
      read_sums();  // before a preview says it in other words
      if (!all_finite(module_state(*model_.module))) fail_not_finite("weight");
      const WeightsInPlace averaged(*model_.module, ema_.weights());
      Validation result{state_.step, state_.images, 0, {}};
      result.bins = validation_losses(
          model_.network, validation_,
          {setup_.precondition, setup_.loss, setup_.seed, setup_.train.validation_samples, model_.device}, control_);
      for (const ValidationBin& bin : result.bins) {
        result.loss += bin.loss / static_cast<double>(result.bins.size());
      }
      if (observer_.on_validation) observer_.on_validation(result);
      write_validation(result);
    });
    ++state_.validations;
  }

  void write_validation(const Validation& validation) {
    nlohmann::ordered_json record = {
        {"step", validation.step}, {"images", validation.images}, {"validation_loss", validation.loss}};
    for (const ValidationBin& bin : validation.bins) {
      record[format_text("validation_loss/sigma_{:.3g}", bin.sigma)] = bin.loss;
    }
    log_->write(record);
  }

  void notice(const std::string& text) const {
    if (observer_.notice) observer_.notice(text);
  }

  fs::path checkpoints() const { return folder_ / "checkpoints"; }

  const TrainableModel& model_;
  const BatchSource& validation_;
  const TrainSetup& setup_;
  const fs::path& folder_;
  const TrainObserver& observer_;
  const Control& control_;
  BudgetClock budget_;
  InputQueue inputs_;
  Optimizer optimizer_;
  Ema ema_;
  TrainState state_;
  TrainState logged_, checkpointed_;  // the state at the last line of metrics, the last checkpoint
  std::unique_ptr<MetricsLog> log_;
  Tensor loss_;                 // of the last update
  Tensor loss_sum_, norm_sum_;  // float64 scalars: one order of summation, also across a resume
  double last_loss_ = std::nan("");
  Stopwatch watch_{0};
};

}  // namespace

TrainResult train_model(const TrainableModel& model, const TrainData& data, const TrainSetup& setup,
                        const TrainObserver& observer, const Control& control) {
  return Run(model, data, setup, observer, control)();
}

}  // namespace noisescope::train
