#include "noisescope/train/inputs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "noisescope/core/error.h"
#include "tests/train/tiny_problem.h"

namespace noisescope {
namespace {

InputOptions options_of(int64_t batch, int64_t accumulate) {
  InputOptions options;
  options.seed = 9;
  options.pass_size = batch;
  options.passes = accumulate;
  options.null_probability = 0.25;
  return options;
}

TEST(TrainInputs, AnImageHasItsNoiseAndDropWhateverTheBatch) {
  const TrainInputs eight = draw_inputs(tiny_batch, options_of(8, 1), 16);
  const TrainInputs two = draw_inputs(tiny_batch, options_of(2, 1), 20);
  EXPECT_TRUE(torch::equal(two.noise, eight.noise.narrow(0, 4, 2)));
  EXPECT_TRUE(torch::equal(two.dropped, eight.dropped.narrow(0, 4, 2)));
  EXPECT_TRUE(torch::equal(two.images, eight.images.narrow(0, 4, 2)));
  EXPECT_FALSE(torch::equal(eight.noise[0], draw_inputs(tiny_batch, options_of(8, 1), 24).noise[0]));
}

TEST(TrainInputs, PassesOfOneUpdateAreTheBigBatchCutUp) {
  const TrainInputs big = draw_inputs(tiny_batch, options_of(8, 1), 24);
  std::vector<Tensor> sigmas;
  for (int64_t part = 0; part < 4; ++part) {
    sigmas.push_back(draw_inputs(tiny_batch, options_of(2, 4), 24 + 2 * part).sigma);
  }
  EXPECT_TRUE(torch::equal(torch::cat(sigmas), big.sigma));
}

TEST(TrainInputs, NoiseLevelsMeetEveryStratumOnce) {
  InputOptions options = options_of(32, 1);
  options.noise_levels = {.mean = 0.4, .std = 1.1};
  const Tensor sigma = draw_inputs(tiny_batch, options, 64).sigma.to(torch::kFloat64);
  const Tensor uniform = torch::special_ndtr((sigma.log() - 0.4) / 1.1);
  const Tensor strata = std::get<0>((uniform * 32).floor().sort());
  EXPECT_TRUE(torch::equal(strata, torch::arange(32, torch::kFloat64)));
}

TEST(TrainInputs, ConditionsAreDroppedWholeAtTheGivenRate) {
  double dropped = 0;
  for (int64_t update = 0; update < 100; ++update) {
    const Tensor drop = draw_inputs(tiny_batch, options_of(64, 1), 64 * update).dropped;
    ASSERT_EQ(drop.sizes(), torch::IntArrayRef({64, 1}));
    dropped += drop.sum().item<double>();
  }
  EXPECT_NEAR(dropped / 6400, 0.25, 4 * std::sqrt(0.25 * 0.75 / 6400));
}

TEST(TrainInputs, ElementsAreDroppedOneByOneAtTheGivenRate) {
  InputOptions options = options_of(64, 1);
  options.null_mask = NullMask::element;
  double dropped = 0, whole = 0;
  for (int64_t update = 0; update < 100; ++update) {
    const Tensor drop = draw_inputs(tiny_batch, options, 64 * update).dropped;
    ASSERT_EQ(drop.sizes(), torch::IntArrayRef({64, kTinyKinds}));
    dropped += drop.sum().item<double>();
    whole += drop.all(1).sum().item<double>();
  }
  const double count = 6400.0 * kTinyKinds;
  EXPECT_NEAR(dropped / count, 0.25, 4 * std::sqrt(0.25 * 0.75 / count));
  const double all = std::pow(0.25, kTinyKinds);
  EXPECT_NEAR(whole / 6400, all, 4 * std::sqrt(all / 6400));
}

TEST(TrainInputs, RefusesBatchesOfAnotherSize) {
  const BatchSource wrong = [](int64_t first, int64_t count) { return tiny_batch(first, count - 1); };
  EXPECT_THROW(draw_inputs(wrong, options_of(8, 1), 0), ShapeError);
}

TEST(InputQueue, AheadOrNotGivesTheSameNumbersInAnyOrder) {
  InputQueue plain(tiny_batch, options_of(8, 1), false);
  InputQueue ahead(tiny_batch, options_of(8, 1), true);
  for (const int64_t first : {0, 8, 16, 64, 72, 0, 8}) {
    const TrainInputs a = plain.take(first, first + 8), b = ahead.take(first, first + 8);
    EXPECT_TRUE(torch::equal(a.noise, b.noise) && torch::equal(a.sigma, b.sigma) && torch::equal(a.images, b.images) &&
                torch::equal(a.dropped, b.dropped));
  }
}

TEST(InputQueue, ErrorsOfTheSourceComeOutOfTake) {
  const BatchSource failing = [](int64_t first, int64_t count) {
    if (first >= 8) throw DataError("no more");
    return tiny_batch(first, count);
  };
  InputQueue ahead(failing, options_of(8, 1), true);
  EXPECT_NO_THROW(ahead.take(0, 8));
  EXPECT_THROW(ahead.take(8, 16), DataError);
}

}  // namespace
}  // namespace noisescope
