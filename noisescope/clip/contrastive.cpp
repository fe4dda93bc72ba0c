#include "noisescope/clip/contrastive.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>

#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_checkpoint.h"
#include "noisescope/clip/pair_gradient.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/random.h"
#include "noisescope/processes/blocks.h"

namespace noisescope::clip {
namespace {

/// Images are noised at a level of their own each, uniform in [0, largest].
Tensor add_noise(const Tensor& images, double largest, const Random& random, int64_t step) {
  if (largest <= 0) return images;
  const auto samples = sample_range(0, images.size(0));
  const auto number = static_cast<uint64_t>(step);
  // Level and noise come from one row, so that they are independent numbers.
  const Tensor level = random.uniform(Purpose::augment, 2 * number, samples, {1}) * largest;
  const Tensor noise = random.normal(Purpose::augment, 2 * number + 1, samples, images.sizes().slice(1));
  return images.addcmul(noise.to(images.device()), level.view({-1, 1, 1, 1}).to(images.device()));
}

/// The distinct rows of a batch, so that a caption is encoded once, and who uses which.
struct DistinctRows {
  std::vector<int64_t> rows;
  std::vector<int64_t> index;  // [B] into rows
};

DistinctRows distinct_rows(const std::vector<int64_t>& caption_rows, int64_t table_size) {
  DistinctRows out;
  out.rows = caption_rows;
  std::sort(out.rows.begin(), out.rows.end());
  out.rows.erase(std::unique(out.rows.begin(), out.rows.end()), out.rows.end());
  if (out.rows.empty() || out.rows.front() < 0 || out.rows.back() >= table_size) {
    const std::string got = out.rows.empty() ? "none" : format_text("{} to {}", out.rows.front(), out.rows.back());
    throw ValueError(format_text("[clip.train_clip] expected caption rows in [0, {}), got {}", table_size, got));
  }
  for (const int64_t row : caption_rows) {
    out.index.push_back(std::lower_bound(out.rows.begin(), out.rows.end(), row) - out.rows.begin());
  }
  return out;
}

Tensor positives_of(const ClipBatch& batch, const Tensor& rows) {
  if (batch.positives.defined()) return batch.positives;
  return rows.unsqueeze(1) == rows.unsqueeze(0);
}

class Trainer {
 public:
  Trainer(const ClipModel& model, const ClipTrainData& data, const ClipTrainOptions& options)
      : model_(model),
        batches_(data.batches),
        options_(options),
        random_(data.seed),
        tokens_(tokenize(model.tokenizer(), data.captions).ids),
        group_(data.group),
        optimizer_(trainable_parameters(model.module()), options.optimizer),
        key_(checkpoint_key(model, data.captions, options, data.seed)) {}

  ClipTrainResult run(const Control& control, const ClipTrainObserver& observer);

 private:
  using Clock = std::chrono::steady_clock;

  double spent() const;    // share of the budget, >= 1: over
  double clock() const;    // of this process, over all resumed parts
  double seconds() const;  // as all processes count them
  void resume(ClipTrainResult& result);
  void listen(bool stop);
  void one_step();
  void report(const ClipTrainObserver& observer, const Control& control);
  void save() {
    const ClipCounters now{counters_.step, counters_.images, seconds()};
    save_clip_checkpoint(options_.checkpoint, key_, model_, optimizer_, now);
  }

  const ClipModel& model_;
  const ClipBatchSource& batches_;
  const ClipTrainOptions& options_;
  Random random_;
  Tensor tokens_;  // [captions, L]
  std::shared_ptr<Group> group_;
  std::unique_ptr<PairGradient> gradient_;  // once a batch says how large it is
  Optimizer optimizer_;
  std::string key_;
  ClipCounters counters_;
  double seconds_before_ = 0;  // of earlier parts of this run
  Clock::time_point start_ = Clock::now();
  double learning_rate_ = 0;
  double loss_sum_ = 0, accuracy_sum_ = 0;
  int64_t summed_ = 0;
  ClipTrainStatus status_;
  double seconds_heard_ = 0;  // from process 0
  bool stop_ = false;         // a process was asked to
};

double Trainer::clock() const { return seconds_before_ + std::chrono::duration<double>(Clock::now() - start_).count(); }

double Trainer::seconds() const { return group_->is_alone() ? clock() : seconds_heard_; }

double Trainer::spent() const {
  double share = 0;
  const auto part = [&](double done, double total) {
    if (total > 0) share = std::max(share, done / total);
  };
  part(static_cast<double>(counters_.step), static_cast<double>(options_.steps));
  part(static_cast<double>(counters_.images), static_cast<double>(options_.images));
  if (options_.seconds > 0) part(seconds(), options_.seconds);
  return share;
}

void Trainer::one_step() {
  const ClipBatch batch = batches_(counters_.step);
  const int64_t size = batch.images.size(0);
  if (static_cast<int64_t>(batch.caption_rows.size()) != size) {
    throw ValueError(format_text("[clip.train_clip] expected one caption an image, got {} images and {} captions", size,
                                 batch.caption_rows.size()));
  }
  const DistinctRows distinct = distinct_rows(batch.caption_rows, tokens_.size(0));
  const Tensor index = torch::tensor(distinct.index, torch::kInt64);
  const Tensor ids = tokens_.index_select(0, torch::tensor(distinct.rows, torch::kInt64));
  const Tensor images = add_noise(batch.images, options_.image_noise, random_, counters_.step);
  if (!gradient_) {
    const int64_t blocks =
        blocks_of({size, 1, options_.blocks, "clip_batch_size", "clip_train.blocks"}, group_->size());
    gradient_ = std::make_unique<PairGradient>(model_, group_, blocks);
  }
  const auto [value, accuracy] = (*gradient_)({images, ids, index, positives_of(batch, index)});
  if (!std::isfinite(value)) {
    throw NumericError(
        format_text("[clip.train_clip] expected a finite loss, got {} at step {}; "
                    "lower the learning rate",
                    value, counters_.step));
  }
  learning_rate_ = learning_rate_at(options_.schedule, counters_.step, spent());
  optimizer_.step(learning_rate_);
  accuracy_sum_ += accuracy;
  loss_sum_ += value;
  ++summed_;
  ++counters_.step;
  counters_.images += size;
}

void Trainer::report(const ClipTrainObserver& observer, const Control& control) {
  if (summed_ > 0) {
    status_.loss = loss_sum_ / static_cast<double>(summed_);
    status_.accuracy = accuracy_sum_ / static_cast<double>(summed_);
  }
  loss_sum_ = accuracy_sum_ = 0;
  summed_ = 0;
  status_.step = counters_.step;
  status_.images = counters_.images;
  status_.seconds = seconds();
  status_.learning_rate = learning_rate_;
  status_.logit_scale = model_.logit_scale().item<double>();
  if (observer) observer(status_);
  control.report({.task = "clip",
                  .done = 100 * std::min(1.0, spent()),
                  .total = 100,
                  .unit = "%",
                  .detail = format_text("loss {:.3f}", status_.loss)});
}

/// All begin with what process 0 has.
void Trainer::resume(ClipTrainResult& result) {
  if (group_->leads() && !options_.checkpoint.empty()) {
    const ClipResume found = load_clip_checkpoint(options_.checkpoint, key_, model_, optimizer_);
    counters_ = found.counters;
    result.resume_note = found.note;
  }
  if (!group_->is_alone()) {
    for (const NamedTensors& tensors : {module_state(model_.module()), optimizer_.state()}) {
      for (const auto& entry : tensors) group_->share_first(entry.second);
    }
    const nlohmann::json mine = {counters_.step, counters_.images, counters_.seconds};
    const auto first = nlohmann::json::parse(group_->from_first(mine.dump()));
    counters_ = {first[0], first[1], first[2]};
  }
  seconds_before_ = seconds_heard_ = counters_.seconds;
  result.resumed_from_step = counters_.step;
}

/// Clocks differ, and so does who was asked to stop: all go by process 0's seconds and by anybody's stop.
void Trainer::listen(bool stop) {
  stop_ = stop;
  if (group_->is_alone()) return;
  const Tensor said =
      group_->gather(torch::tensor({group_->leads() ? clock() : 0.0, stop ? 1.0 : 0.0}, torch::kFloat64)).sum(0);
  seconds_heard_ = said[0].item<double>();
  stop_ = said[1].item<double>() > 0;
}

ClipTrainResult Trainer::run(const Control& control, const ClipTrainObserver& observer) {
  ClipTrainResult result;
  resume(result);
  const bool saves = group_->leads() && !options_.checkpoint.empty();
  start_ = Clock::now();
  double saved_at = seconds();
  for (listen(control.stop_requested()); spent() < 1; listen(control.stop_requested())) {
    if (stop_) {
      if (saves) save();
      throw Interrupted("[clip.train_clip] stopped on request");
    }
    watch_machine();
    one_step();
    if (counters_.step % options_.log_every == 0) report(observer, control);
    if (saves && seconds() - saved_at >= options_.checkpoint_seconds) {
      save();
      saved_at = seconds();
    }
  }
  if (summed_ > 0 || status_.step == 0) report(observer, control);
  optimizer_.zero_grad();
  if (saves) save();
  result.last = status_;
  return result;
}

}  // namespace

void describe(Describer& d, ClipTrainOptions& options) {
  constexpr double kMany = 1e12;
  d("steps", options.steps, "budget in steps; 0: no limit", {.min = 0, .max = kMany});
  d("images", options.images, "budget in images; 0: no limit", {.min = 0, .max = kMany});
  d("seconds", options.seconds, "budget in seconds; 0: no limit", {.min = 0, .max = kMany});
  d.section("schedule", options.schedule, "learning rate over the budget");
  d.section("optimizer", options.optimizer, "what turns gradients into updates");
  d("blocks", options.blocks,
    "equal blocks of a batch, encoded apart, whose gradients are summed in one order: what processes share; 0: as "
    "many as they need",
    {.min = 0, .max = 65536});
  d("image_noise", options.image_noise, "largest standard deviation of the Gaussian noise added to training images",
    {.min = 0, .max = 10});
  d("log_every", options.log_every, "steps between two reports", {.min = 1, .max = kMany});
  d("checkpoint", options.checkpoint, "file to go on from after an interruption; empty: none");
  d("checkpoint_seconds", options.checkpoint_seconds, "seconds between two checkpoints", {.min = 0, .max = kMany});
}

Tensor contrastive_loss(const Tensor& image, const Tensor& text, const Tensor& positives, const Tensor& scale) {
  check_shape("clip.contrastive_loss", "image", image, {-1, -1});
  check_shape("clip.contrastive_loss", "text", text, {-1, image.size(1)});
  check_shape("clip.contrastive_loss", "positives", positives, {image.size(0), text.size(0)});
  const Tensor weights = positives.to(image.scalar_type());
  const Tensor row_sums = weights.sum(1, true), column_sums = weights.sum(0, true);
  if ((row_sums <= 0).any().item<bool>() || (column_sums <= 0).any().item<bool>()) {
    throw ValueError(
        "[clip.contrastive_loss] expected a true caption for every image and a fitting "
        "image for every caption, got an empty row or column of positives");
  }
  const auto here = [&](const Tensor& targets) { return to_device(targets, image.device()); };
  const Tensor logits = scale * at::matmul(image, text.t());
  const Tensor per_image = (here(weights / row_sums) * at::log_softmax(logits, 1)).sum(1).mean();
  const Tensor per_text = (here(weights / column_sums) * at::log_softmax(logits, 0)).sum(0).mean();
  return -0.5 * (per_image + per_text);
}

ClipTrainResult train_clip(const ClipModel& model, const ClipTrainData& data, const ClipTrainOptions& options,
                           const Control& control, const ClipTrainObserver& observer) {
  check_options("clip.train_clip", options);
  if (options.steps == 0 && options.images == 0 && options.seconds == 0) {
    throw ValueError("[clip.train_clip] expected a budget in steps, images or seconds, got none");
  }
  return Trainer(model, data, options).run(control, observer);
}

}  // namespace noisescope::clip
