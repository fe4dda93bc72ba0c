#include "noisescope/train/inputs.h"

#include <utility>

namespace noisescope::train {
namespace {

/// Noise levels [B] of one pass: its part of the stratified levels of the whole update.
Tensor pass_sigmas(const Random& random, const InputOptions& options, int64_t first_image) {
  const int64_t update_size = options.pass_size * options.passes;
  const int64_t part_start = first_image % update_size;
  const auto update_first = static_cast<uint64_t>(first_image - part_start);
  const Tensor uniforms =
      stratified_uniforms(random, update_first, update_size).narrow(0, part_start, options.pass_size);
  return noise_levels(options.noise_levels, options.schedule, uniforms).to(torch::kFloat32);
}

}  // namespace

TrainInputs draw_inputs(const BatchSource& batches, const InputOptions& options, int64_t first_image) {
  const Random random(options.seed);
  const std::vector<int64_t> numbers = sample_range(first_image, options.pass_size);
  TrainBatch batch = batches(first_image, options.pass_size);
  check_shape("train.draw_inputs", "images", batch.images, {options.pass_size, -1, -1, -1});
  check_shape("train.draw_inputs", "conditions", batch.conditions, {options.pass_size, -1});
  const int64_t masked = options.null_mask == NullMask::element ? batch.conditions.size(1) : 1;
  const Tensor dropped = random.uniform(Purpose::train_drop, 0, numbers, {masked}) < options.null_probability;
  const Tensor noise = random.normal(Purpose::train_noise, 0, numbers, batch.images.sizes().slice(1));
  return {batch.images, batch.conditions, dropped, pass_sigmas(random, options, first_image), noise};
}

InputQueue::InputQueue(BatchSource batches, const InputOptions& options, bool ahead)
    : batches_(std::move(batches)), options_(options), ahead_(ahead) {}

void InputQueue::set_noise_levels(const NoiseLevelOptions& levels) {
  if (next_.valid()) next_.wait();  // what is prepared has the old levels
  next_image_ = -1;
  options_.noise_levels = levels;
}

TrainInputs InputQueue::take(int64_t first_image, int64_t next_image) {
  TrainInputs inputs;
  if (next_.valid() && next_image_ == first_image) {
    inputs = next_.get();
  } else {
    if (next_.valid()) next_.wait();  // a batch source serves one caller at a time
    inputs = draw_inputs(batches_, options_, first_image);
  }
  if (ahead_) {
    next_image_ = next_image;
    next_ =
        std::async(std::launch::async, [this, next = next_image_] { return draw_inputs(batches_, options_, next); });
  }
  return inputs;
}

}  // namespace noisescope::train
