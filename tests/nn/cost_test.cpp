#include "noisescope/nn/cost.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/unet.h"

namespace noisescope {
namespace {

TEST(UNetPlan, OfTheDemo) {
  std::vector<std::string> names;
  for (const UNetLayer& layer : unet_plan({})) names.push_back(layer.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"enc.16x16_conv", "enc.16x16_block0", "enc.8x8_down", "enc.8x8_block0",
                                      "enc.4x4_down", "enc.4x4_block0", "mid.4x4_block0", "mid.4x4_block1",
                                      "dec.4x4_block0", "dec.4x4_block1", "dec.8x8_up", "dec.8x8_block0",
                                      "dec.8x8_block1", "dec.16x16_up", "dec.16x16_block0", "dec.16x16_block1"}));
}

TEST(UNetPlan, EverySkipConnectionIsUsedOnce) {
  UNetOptions options;
  options.image_size = 64;
  options.channels = {8, 16, 24, 40};
  options.head_width = 8;
  options.blocks_per_level = 3;
  int64_t made = 0, used = 0;
  for (const UNetLayer& layer : unet_plan(options)) {
    if (layer.name.starts_with("enc.")) made += layer.out_channels;
    used += layer.skip_channels;
  }
  EXPECT_EQ(made, used);
}

TEST(UNetCost, CountsTheParametersOfTheRealNetwork) {
  UNetOptions plain;
  plain.position = Position::none;
  plain.condition_map_channels = 0;
  plain.attention_resolutions = {};
  UNetOptions deep;
  deep.image_size = 64;
  deep.patch = 4;
  deep.channels = {24, 48};
  deep.blocks_per_level = 2;
  deep.head_width = 24;
  deep.position = Position::coordinates;
  deep.attention_resolutions = {16};
  for (const UNetOptions& options : {UNetOptions{}, plain, deep}) {
    const UNet net(options);
    EXPECT_EQ(unet_cost(options).parameters, parameter_count(*net));
  }
}

// One level of 4 channels on an 8 x 8 image without patch, map or position: 64 pixels.
TEST(UNetCost, HandCounted) {
  UNetOptions o;
  o.in_channels = 1;
  o.image_size = 8;
  o.patch = 1;
  o.channels = {4};
  o.head_width = 4;
  o.attention_resolutions = {};
  o.embedding_width = 8;
  o.condition_width = 2;
  o.condition_map_channels = 0;
  o.position = Position::none;
  const double embedding = 2 * (64 * 8 + 8 * 8 + 2 * 8);
  const double stem = 2 * 9 * 1 * 4 * 64, out = 2 * 9 * 4 * 1 * 64;
  const double block = 2 * 9 * 4 * 4 * 64 * 2 + 2 * 8 * 8;  // two convolutions, film
  const double joined = 2 * 9 * 8 * 4 * 64 + 2 * 9 * 4 * 4 * 64 + 2 * 8 * 4 * 64 + 2 * 8 * 8;
  const double attention = 2 * 4 * 12 * 64 + 2 * 2 * 4 * 64 * 64 + 2 * 4 * 4 * 64;
  const UNetCost cost = unet_cost(o);
  EXPECT_EQ(cost.forward_flops, embedding + stem + 3 * block + attention + 2 * joined + out);
  EXPECT_EQ(cost.train_flops, 3 * cost.forward_flops);
}

TEST(UNetCost, OfTheDemo) {
  const UNetCost cost = unet_cost({});
  EXPECT_NEAR(cost.forward_flops, 0.175e9, 0.01e9);
  EXPECT_LT(training_bytes(cost, 64), 0.5e9);
  EXPECT_LT(sampling_bytes({}, cost, 64), training_bytes(cost, 64));
  EXPECT_THROW(training_bytes(cost, 0), ValueError);
}

}  // namespace
}  // namespace noisescope
