#include "noisescope/core/random.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

// Known answers of the authors' Random123 distribution (kat_vectors, philox4x32 10 rounds).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, ~uint64_t{0}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822ull),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, ARowDependsOnItsSampleAlone) {
  const Random random(7);
  const Tensor batch = random.normal(Purpose::initial_noise, 3, {5, 9, 2}, {3, 4});
  const Tensor alone = random.normal(Purpose::initial_noise, 3, {9}, {3, 4});
  EXPECT_TRUE(torch::equal(batch[1], alone[0]));
}

TEST(Random, StreamsDiffer) {
  const Random random(7);
  const Tensor base = random.normal(Purpose::initial_noise, 3, {5}, {64});
  EXPECT_FALSE(torch::equal(base, random.normal(Purpose::step_noise, 3, {5}, {64})));
  EXPECT_FALSE(torch::equal(base, random.normal(Purpose::initial_noise, 4, {5}, {64})));
  EXPECT_FALSE(torch::equal(base, random.normal(Purpose::initial_noise, 3, {6}, {64})));
  EXPECT_FALSE(torch::equal(base, Random(8).normal(Purpose::initial_noise, 3, {5}, {64})));
}

TEST(Random, NormalHasTheMomentsOfAGaussian) {
  const Tensor x = Random(1).normal(Purpose::train_noise, 0, sample_range(0, 1000), {1000}, torch::kFloat64);
  const double n = static_cast<double>(x.numel());  // 10^6: standard errors below
  EXPECT_NEAR(x.mean().item<double>(), 0.0, 4 / std::sqrt(n));
  EXPECT_NEAR(x.pow(2).mean().item<double>(), 1.0, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(x.pow(3).mean().item<double>(), 0.0, 4 * std::sqrt(15 / n));
  EXPECT_NEAR(x.pow(4).mean().item<double>(), 3.0, 4 * std::sqrt(96 / n));
  const double neighbours = (x.slice(1, 0, 999) * x.slice(1, 1, 1000)).mean().item<double>();
  EXPECT_NEAR(neighbours, 0.0, 4 / std::sqrt(n));
}

TEST(Random, Float32IsTheRoundedFloat64) {
  const Random random(3);
  const Tensor wide = random.normal(Purpose::validation, 0, {0, 1}, {50}, torch::kFloat64);
  const Tensor narrow = random.normal(Purpose::validation, 0, {0, 1}, {50});
  EXPECT_TRUE(torch::equal(wide.to(torch::kFloat32), narrow));
}

TEST(Random, PermutationIsOne) {
  const Tensor order = Random(3).permutation(Purpose::data_order, 2, 1000);
  EXPECT_TRUE(torch::equal(std::get<0>(order.sort()), torch::arange(1000)));
  EXPECT_FALSE(torch::equal(order, torch::arange(1000)));
}

TEST(Random, NegativeSamplesAreRefused) { EXPECT_THROW(Random(1).normal(Purpose::scene, 0, {-1}, {2}), ValueError); }

}  // namespace
}  // namespace noisescope
