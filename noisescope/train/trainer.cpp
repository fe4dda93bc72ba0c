#include "noisescope/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/ops/_foreach_norm.h>
#include <torch/nn/module.h>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/nn/orthogonalizers.h"
#include "noisescope/nn/precision.h"
#include "noisescope/processes/blocks.h"
#include "noisescope/processes/dealt.h"
#include "noisescope/processes/gradient_sum.h"
#include "noisescope/train/clocks.h"
#include "noisescope/train/inputs.h"
#include "noisescope/train/metrics.h"

namespace noisescope::train {
namespace {

namespace fs = std::filesystem;

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

std::vector<Tensor> in_forward_order(const torch::nn::Module& module) {
  std::vector<Tensor> parameters = module.parameters();
  std::erase_if(parameters, [](const Tensor& parameter) { return !parameter.requires_grad(); });
  return parameters;
}

/// Passes of an update, over all processes.
int64_t passes_of(const TrainOptions& o, int64_t processes) {
  return o.accumulate * blocks_of({o.batch_size, o.accumulate, o.blocks}, processes);
}

/// What Muon asks of the matrices, dealt to the processes.
OrthogonalParts shared_orthogonal_parts(const std::shared_ptr<Group>& group) {
  return [group](const std::vector<Tensor>& tensors, double rms) {
    std::vector<double> costs;  // of products of the shorter side squared with the longer one
    for (const Tensor& tensor : tensors) {
      const auto rows = static_cast<double>(tensor.size(0)), numbers = static_cast<double>(tensor.numel());
      costs.push_back(numbers * std::min(rows, numbers / rows));
    }
    return dealt(*group, tensors, costs, [rms](const std::vector<Tensor>& own) { return orthogonal_parts(own, rms); });
  };
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
        group_(*setup.group),
        passes_(passes_of(setup.train, group_.size())),
        pass_size_(setup.train.batch_size * setup.train.accumulate / passes_),
        budget_(setup.train, setup.samples_per_epoch),
        inputs_(data.training,
                {setup.seed, pass_size_, passes_, setup.train.null_probability, setup.noise_levels,
                 setup.precondition.schedule, setup.train.null_mask},
                setup.train.prefetch),
        optimizer_(trainable_parameters(*model.module), setup.train.optimizer, shared_orthogonal_parts(setup.group)),
        gradients_(setup.group, in_forward_order(*model.module), passes_),
        ema_(*model.module, setup.train.ema) {}

  TrainResult operator()() {
    if (setup_.noise_levels.distribution == NoiseDistribution::information && !setup_.measure_levels) {
      throw ValueError("[train.train] expected measure_levels for noise levels 'information', got none");
    }
    std::optional<FolderLock> lock;
    if (group_.leads()) {
      make_folder(checkpoints());
      lock.emplace(checkpoints());
      resume();
    }
    choose_precision();
    share_start();
    const bool resumed = state_.step > 0;
    if (!state_.finished) train_the_rest();
    load_module_state(*model_.module, ema_.weights(), "averaged weights");
    model_.module->eval();
    return {state_, resumed};
  }

 private:
  void resume() {
    const auto found = load_latest_checkpoint(checkpoints(), setup_.identity, observer_.notice);
    if (!found) return;
    load_module_state(*model_.module, found->model, "the checkpoint's weights");
    ema_.load_state(found->ema);
    optimizer_.load_state(found->optimizer, "the checkpoint's optimizer");
    state_ = found->state;
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
  }

  /// All begin with what process 0 has.
  void share_start() {
    share_state();
    if (!group_.is_alone()) {
      NamedTensors average = ema_.state();
      for (const NamedTensors& tensors : {module_state(*model_.module), average, optimizer_.state()}) {
        for (const auto& entry : tensors) group_.share_first(entry.second);
      }
      ema_.load_state(average);
    }
    if (state_.levels) inputs_.set_noise_levels(*state_.levels);
  }

  /// Of process 0: the others are told.
  void choose_precision() {
    if (state_.finished) return;
    const Precision before = std::exchange(state_.precision, chosen_precision(setup_.train.precision, model_.device));
    if (state_.step == 0 || state_.precision == before) return;
    notice(format_text("going on in {}, begun in {}: the numbers will not be those of one machine",
                       to_string(state_.precision), to_string(before)));
  }

  void share_state() {
    if (!group_.is_alone())
      state_ = state_from_json(nlohmann::ordered_json::parse(group_.from_first(to_json(state_).dump())));
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
    if (group_.leads()) log_ = std::make_unique<MetricsLog>(folder_, state_.metrics_bytes, state_.step);
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
    } catch (const ProcessError&) {  // another process is lost; what was trained is not
      if (!half_updated_) save();
      throw;
    }
  }

  void measure_levels_if_due() {
    const NoiseLevelOptions& levels = setup_.noise_levels;
    if (levels.distribution != NoiseDistribution::information || state_.levels ||
        budget_.progress(state_) < levels.early_share) {
      return;
    }
    if (group_.leads()) {
      const WeightsInPlace averaged(*model_.module, ema_.weights());
      state_.levels = setup_.measure_levels();
    }
    share_state();
    if (state_.levels) inputs_.set_noise_levels(*state_.levels);
  }

  /// One update of the weights. The state changes at its end alone.
  void update() {
    const double rate = learning_rate_at(setup_.train.schedule, state_.step, budget_.progress(state_));
    const Tensor losses = run_passes();
    const Word word = talk(losses);
    // Sums and loss stay on the device until they are asked for: no synchronisation here.
    loss_ = word.losses.sum();
    loss_sum_ += loss_;
    norm_sum_ += clip_gradients(optimizer_.parameters(), setup_.train.max_grad_norm).to(torch::kFloat64);
    half_updated_ = true;
    optimizer_.step(rate);
    half_updated_ = false;
    ema_.update(*model_.module);
    ++state_.step;
    ++state_.loss_count;
    state_.images += passes_ * pass_size_;
    state_.learning_rate = rate;
    state_.seconds = word.seconds;
    stop_ = word.stop;
  }

  /// Gradients of the update; the losses of this process's passes, of all passes' mean, [own passes].
  Tensor run_passes() {
    const Stretch own = gradients_.own();
    std::vector<Tensor> losses;
    for (int64_t pass = own.first; pass < own.end; ++pass) {
      const int64_t after = pass + 1 < own.end ? pass + 1 : passes_ + own.first;
      gradients_.begin_part(pass);
      const Tensor loss = pass_loss(state_.images + pass * pass_size_, state_.images + after * pass_size_);
      (loss / static_cast<double>(passes_)).backward();
      gradients_.end_part();
      losses.push_back(loss.detach() / static_cast<double>(passes_));
    }
    gradients_.finish();
    return torch::stack(losses).to(torch::kFloat64);
  }

  /// What processes tell each other after each update's passes.
  struct Word {
    Tensor losses;       // of all passes, [passes] float64
    double seconds = 0;  // of process 0: clocks differ
    bool stop = false;   // was one of several asked to stop?
  };
  Word talk(const Tensor& own_losses) {
    if (group_.is_alone()) return {own_losses, watch_.seconds(), false};
    const Stretch own = gradients_.own();
    Tensor mine = torch::zeros({passes_ + 2}, torch::kFloat64);
    mine.slice(0, own.first, own.end).copy_(own_losses);
    mine[passes_] = group_.leads() ? watch_.seconds() : 0.0;
    mine[passes_ + 1] = control_.stop_requested() ? 1.0 : 0.0;
    const Tensor all = group_.gather(mine).sum(0);  // one number and zeros: exact
    return {all.slice(0, 0, passes_), all[passes_].item<double>(), all[passes_ + 1].item<double>() > 0};
  }

  /// Mean loss of the pass that starts with this image of the run.
  Tensor pass_loss(int64_t first_image, int64_t next_image) {
    const TrainInputs inputs = inputs_.take(first_image, next_image);
    if (model_.before_pass) model_.before_pass(first_image);
    const auto here = [&](const Tensor& tensor) { return to_device(tensor, model_.device); };
    const Tensor condition =
        torch::where(here(inputs.dropped), model_.null_condition.unsqueeze(0), here(inputs.conditions));
    const PrecisionScope scope(state_.precision, model_.device);
    return diffusion_loss(model_.network, setup_.precondition, setup_.loss,
                          {here(inputs.images), here(inputs.sigma), here(inputs.noise), condition})
        .mean();
  }

  void after_update() {
    const TrainOptions& o = setup_.train;
    if (state_.step % o.log_every == 0) write_metrics();
    if (observer_.on_step && group_.leads()) watch_.pause([&] { observer_.on_step(last_step()); });
    validate_if_due();
    const bool by_count = o.checkpoint_every > 0 && state_.step % o.checkpoint_every == 0;
    const bool by_time = o.checkpoint_seconds > 0 && state_.seconds - checkpointed_.seconds >= o.checkpoint_seconds;
    if ((by_count || by_time) && budget_.progress(state_) < 1) save();
    report();
    watch_machine();
    if (group_.is_alone() ? control_.stop_requested() : stop_) {
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
    if (log_) write_line();
    loss_sum_.zero_();
    norm_sum_.zero_();
    state_.loss_sum = state_.gradient_norm_sum = 0;
    state_.loss_count = 0;
    logged_ = state_;
  }

  void write_line() {
    const auto count = static_cast<double>(state_.loss_count);
    const double seconds = std::max(1e-9, state_.seconds - logged_.seconds);
    log_->write({{"step", state_.step},
                 {"images", state_.images},
                 {"loss", last_loss_},
                 {"gradient_norm", state_.gradient_norm_sum / count},
                 {"learning_rate", state_.learning_rate},
                 {"seconds", state_.seconds},
                 {"images_per_second", static_cast<double>(state_.images - logged_.images) / seconds}});
  }

  /// Writes a checkpoint of the present state, which must be finite.
  void save() {
    watch_.pause([&] {
      read_sums();
      const Checkpoint now{state_, module_state(*model_.module), ema_.state(), optimizer_.state()};
      if (!all_finite(now.model) || !all_finite(now.optimizer)) fail_not_finite("weight");
      checkpointed_ = state_;
      if (!group_.leads()) return;
      state_.metrics_bytes = log_->flush();
      write_metrics_csv(folder_);  // first: a finished run does not come by here again
      save_checkpoint(checkpoints(), {state_, now.model, now.ema, now.optimizer}, setup_.identity.config_json,
                      setup_.train.keep_checkpoints);
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
      if (!group_.leads()) return;
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
  Group& group_;
  int64_t passes_, pass_size_;  // of an update, over all processes
  BudgetClock budget_;
  InputQueue inputs_;
  Optimizer optimizer_;
  GradientSum gradients_;
  Ema ema_;
  TrainState state_;
  TrainState logged_, checkpointed_;  // the state at the last line of metrics, the last checkpoint
  std::unique_ptr<MetricsLog> log_;
  Tensor loss_;                 // of the last update
  Tensor loss_sum_, norm_sum_;  // float64 scalars: one order of summation, also across a resume
  double last_loss_ = std::nan("");
  bool stop_ = false;          // one of several processes was asked to
  bool half_updated_ = false;  // weights lie between two steps
  Stopwatch watch_{0};
};

}  // namespace

TrainResult train_model(const TrainableModel& model, const TrainData& data, const TrainSetup& setup,
                        const TrainObserver& observer, const Control& control) {
  return Run(model, data, setup, observer, control)();
}

}  // namespace noisescope::train
