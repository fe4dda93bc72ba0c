#include "noisescope/train/batches.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::train {
namespace {

/// Sample numbers of the run's images; keeps the permutation of the present epoch.
class EpochOrder {
 public:
  EpochOrder(std::vector<int64_t> samples, Random random) : samples_(std::move(samples)), random_(random) {}

  int64_t at(int64_t image) {
    const auto size = static_cast<int64_t>(samples_.size());
    if (image / size != epoch_) {
      epoch_ = image / size;
      order_ = random_.permutation(Purpose::data_order, static_cast<uint64_t>(epoch_), size);
    }
    return samples_[static_cast<size_t>(order_.const_data_ptr<int64_t>()[image % size])];
  }

 private:
  std::vector<int64_t> samples_;
  Random random_;
  int64_t epoch_ = -1;
  Tensor order_;
};

class Batches {
 public:
  Batches(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> samples, ConditionTable conditions,
          uint64_t seed, bool mirror)
      : dataset_(std::move(dataset)),
        mirror_(mirror),
        conditions_(std::move(conditions)),
        random_(seed),
        order_(std::move(samples), random_) {}

  TrainBatch operator()(int64_t first, int64_t count) {
    std::vector<int64_t> indices, rows;
    for (int64_t image = first; image < first + count; ++image) {
      indices.push_back(order_.at(image));
      rows.push_back(caption_row(indices.back(), image));
    }
    const std::vector<int64_t> numbers = sample_range(first, count);
    return {flipped(dataset_->images(indices), numbers), condition(indices, rows, numbers)};
  }

 private:
  int64_t caption_row(int64_t sample, int64_t image) const {
    const std::vector<int64_t> own = dataset_->captions_of(sample);
    if (own.empty()) {
      throw DataError(format_text("[train.make_batches] expected a caption of sample {} of {}, got none", sample,
                                  dataset_->name()));
    }
    const auto choices = static_cast<int64_t>(own.size());
    return own[static_cast<size_t>(random_.integer(Purpose::caption, 0, image, choices))];
  }

  Tensor flipped(const Tensor& images, const std::vector<int64_t>& numbers) const {
    if (!mirror_) return images;
    const Tensor flip = random_.uniform(Purpose::augment, 0, numbers, {1, 1, 1}) < 0.5;
    return torch::where(flip, images.flip({3}), images);
  }

  Tensor condition(const std::vector<int64_t>& indices, const std::vector<int64_t>& rows,
                   const std::vector<int64_t>& numbers) const {
    const Tensor text = conditions_.text.index_select(0, torch::tensor(rows, torch::kInt64));
    if (!conditions_.image.defined()) return text;
    const Tensor image = conditions_.image.index_select(0, torch::tensor(indices, torch::kInt64));
    const Tensor use_image = random_.uniform(Purpose::caption, 1, numbers, {1}) < conditions_.image_share;
    return torch::where(use_image, image, text);
  }

  std::shared_ptr<const Dataset> dataset_;
  bool mirror_;
  ConditionTable conditions_;
  Random random_;
  EpochOrder order_;
};

}  // namespace

BatchSource make_batches(std::shared_ptr<const Dataset> dataset, std::vector<int64_t> samples,
                         ConditionTable conditions, uint64_t seed, std::optional<bool> mirror) {
  if (samples.empty()) throw ValueError("[train.make_batches] expected training samples, got none");
  const auto captions = static_cast<int64_t>(dataset->captions().size());
  check_shape("train.make_batches", "conditions.text", conditions.text, {captions, -1});
  if (conditions.image.defined()) {
    check_shape("train.make_batches", "conditions.image", conditions.image, {dataset->size(), conditions.text.size(1)});
  }
  const bool flips = mirror.value_or(dataset->flips_keep_captions());
  auto batches = std::make_shared<Batches>(std::move(dataset), std::move(samples), std::move(conditions), seed, flips);
  return [batches](int64_t first, int64_t count) { return (*batches)(first, count); };
}

}  // namespace noisescope::train
