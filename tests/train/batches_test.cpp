#include "noisescope/train/batches.h"

#include <gtest/gtest.h>

#include <set>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Pixel [c, y, x] of sample i is i / 100 + x / 1000; captions 2i and 2i + 1 are true of it.
class NumberedDataset : public Dataset {
 public:
  NumberedDataset(int64_t size, bool flips) : size_(size), flips_(flips) {
    for (int64_t i = 0; i < 2 * size; ++i) captions_.push_back("caption " + std::to_string(i));
  }
  std::string name() const override { return "numbered"; }
  int64_t size() const override { return size_; }
  int64_t image_size_px() const override { return 4; }
  Tensor images(const std::vector<int64_t>& indices) const override {
    const Tensor base = torch::tensor(indices, torch::kInt64).to(torch::kFloat32) / 100;
    return base.view({-1, 1, 1, 1}) + (torch::arange(4) / 1000.0).expand({1, 3, 4, 4});
  }
  const std::vector<std::string>& captions() const override { return captions_; }
  std::vector<int64_t> captions_of(int64_t index) const override { return {2 * index, 2 * index + 1}; }
  bool flips_keep_captions() const override { return flips_; }
  std::string fingerprint() const override { return "numbered"; }

 private:
  int64_t size_;
  bool flips_;
  std::vector<std::string> captions_;
};

/// Row r of the text table is r, row i of the image table is -1 - i.
ConditionTable numbered_table(int64_t size, double image_share) {
  ConditionTable table;
  table.text = torch::arange(2 * size, torch::kFloat32).unsqueeze(1);
  if (image_share > 0) table.image = -1 - torch::arange(size, torch::kFloat32).unsqueeze(1);
  table.image_share = image_share;
  return table;
}

const std::vector<int64_t> kSamples = {1, 3, 4, 5, 8, 9, 10};

BatchSource numbered_batches(bool flips, double image_share, uint64_t seed = 2) {
  return make_batches(std::make_shared<NumberedDataset>(11, flips), kSamples, numbered_table(11, image_share), seed);
}

int64_t sample_of(const Tensor& image) { return std::llround(image.min().item<double>() * 100); }

TEST(Batches, EveryEpochShowsEverySampleOnceInAnotherOrder) {
  const BatchSource batches = numbered_batches(false, 0);
  const TrainBatch batch = batches(0, 21);
  std::vector<std::vector<int64_t>> epochs(3);
  for (int64_t image = 0; image < 21; ++image) {
    epochs[static_cast<size_t>(image / 7)].push_back(sample_of(batch.images[image]));
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (std::vector<int64_t>& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    EXPECT_EQ(epoch, kSamples);
  }
}

TEST(Batches, AreAFunctionOfTheImageNumber) {
  const BatchSource batches = numbered_batches(true, 0.4);
  const TrainBatch all = batches(0, 30);
  for (const int64_t first : {20, 3, 11, 0}) {
    const TrainBatch some = batches(first, 10);
    EXPECT_TRUE(torch::equal(some.images, all.images.narrow(0, first, 10)));
    EXPECT_TRUE(torch::equal(some.conditions, all.conditions.narrow(0, first, 10)));
  }
  EXPECT_FALSE(torch::equal(numbered_batches(true, 0.4, 3)(0, 30).images, all.images));
}

TEST(Batches, ConditionsBelongToTheirImagesAndAllCaptionsAreSaid) {
  const int64_t n = 700;
  const TrainBatch batch = numbered_batches(false, 0.3)(0, n);
  std::set<int64_t> said;
  int64_t from_image = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto condition = std::llround(batch.conditions[i][0].item<double>());
    const int64_t sample = sample_of(batch.images[i]);
    if (condition < 0) {
      EXPECT_EQ(-1 - condition, sample);
      ++from_image;
    } else {
      EXPECT_EQ(condition / 2, sample);
      said.insert(condition);
    }
  }
  EXPECT_EQ(said.size(), 2 * kSamples.size());
  EXPECT_NEAR(static_cast<double>(from_image) / n, 0.3, 4 * std::sqrt(0.3 * 0.7 / n));
}

TEST(Batches, FlipsHalfOfTheImagesWhereCaptionsAllowIt) {
  const auto flipped_share = [](bool allowed) {
    const Tensor images = numbered_batches(allowed, 0)(0, 400).images;
    const Tensor flipped = images.select(3, 0).gt(images.select(3, 3)).all(2).all(1);
    return flipped.to(torch::kFloat64).mean().item<double>();
  };
  EXPECT_EQ(flipped_share(false), 0);
  EXPECT_NEAR(flipped_share(true), 0.5, 4 * std::sqrt(0.25 / 400));
}

TEST(Batches, FlipsAsAskedWhateverTheCaptionsSay) {
  for (const bool allowed : {false, true}) {
    for (const bool asked : {false, true}) {
      const BatchSource batches =
          make_batches(std::make_shared<NumberedDataset>(11, allowed), kSamples, numbered_table(11, 0), 2, asked);
      EXPECT_TRUE(torch::equal(batches(0, 100).images, numbered_batches(asked, 0)(0, 100).images));
    }
  }
}

TEST(Batches, RefuseNoSamplesAndTablesOfOtherData) {
  const auto dataset = std::make_shared<NumberedDataset>(11, false);
  EXPECT_THROW(make_batches(dataset, {}, numbered_table(11, 0), 0), ValueError);
  EXPECT_THROW(make_batches(dataset, kSamples, numbered_table(10, 0), 0), ShapeError);
  ConditionTable table = numbered_table(11, 0.5);
  table.image = table.image.narrow(0, 0, 10);
  EXPECT_THROW(make_batches(dataset, kSamples, table, 0), ShapeError);
}

}  // namespace
}  // namespace noisescope
