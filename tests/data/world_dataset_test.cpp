#include "noisescope/data/world_dataset.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

World dataset_world(double hold_out, int64_t seed = 0) {
  WorldOptions options;
  options.hold_out = hold_out;
  options.hold_out_seed = seed;
  return World(options);
}

TEST(WorldDataset, SampleIsAFunctionOfItsIndex) {
  const WorldDataset data(World(), 100, 5), longer(World(), 1000, 5);
  const Tensor batch = data.images({7, 99, 7});
  EXPECT_TRUE(torch::equal(batch[0], batch[2]));
  EXPECT_TRUE(torch::equal(batch[1], data.images({99})[0]));
  EXPECT_TRUE(torch::equal(batch[1], longer.images({99})[0]));
  EXPECT_EQ(data.captions_of(99), longer.captions_of(99));
  EXPECT_EQ(batch.scalar_type(), torch::kFloat32);
  EXPECT_THROW(data.images({100}), ValueError);
}

TEST(WorldDataset, CaptionsAreTrueAndSaidAsOftenAsTheGrammarSays) {
  const WorldDataset data(World(), 300, 5);
  double full = 0, swapped = 0, said = 0;
  for (int64_t i = 0; i < data.size(); ++i) {
    for (int64_t row : data.captions_of(i)) {
      const std::string& caption = data.captions()[size_t(row)];
      EXPECT_TRUE(is_true(data.grammar().parse(caption), data.scene(i))) << caption;
      full += row < 2 * 396 ? 1 : 0;
      swapped += caption.find("right of") != std::string::npos ? 1 : 0;
      ++said;
    }
  }
  const double keeps_all = std::pow(1 - 0.12, 5);  // four words of objects and the background
  EXPECT_NEAR(full / said, keeps_all, 4 * std::sqrt(keeps_all * (1 - keeps_all) / said));
  EXPECT_NEAR(swapped / said, 0.5, 4 * 0.5 / std::sqrt(said));
}

TEST(WorldDataset, TruthGoesByMeaning) {
  const WorldDataset data(World(), 40, 5);
  std::vector<int64_t> samples, rows;
  for (int64_t i = 0; i < 40; ++i) samples.push_back(i);
  for (int64_t r = 0; r < int64_t(data.captions().size()); r += 7) rows.push_back(r);
  const Tensor truth = data.caption_is_true(samples, rows);
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      const CaptionMeaning meaning = data.grammar().parse(data.captions()[size_t(rows[j])]);
      ASSERT_EQ(truth[int64_t(i)][int64_t(j)].item<bool>(), is_true(meaning, data.scene(samples[i])));
    }
  }
  const auto& captions = data.captions();
  const int64_t anything = std::find(captions.begin(), captions.end(), "a shape left of a shape") - captions.begin();
  EXPECT_TRUE(data.caption_is_true(samples, {anything}).all().item<bool>());
}

TEST(WorldDataset, HeldOutScenesAreNeitherShownNorSpokenOf) {
  const World world = dataset_world(0.2);
  const WorldDataset seen(world, 500, 1), held(world, 50, 1, SceneSet::held_out);
  std::set<std::string> spoken(seen.captions().begin(), seen.captions().end());
  for (const std::string& caption : seen.grammar().full_captions(SceneSet::held_out)) {
    EXPECT_EQ(spoken.count(caption), 0u) << caption;
  }
  const auto held_out = [&](const Scene& scene) {
    return world.is_held_out(world.attribute(scene.left), world.attribute(scene.right));
  };
  for (int64_t i = 0; i < 500; ++i) EXPECT_FALSE(held_out(seen.scene(i)));
  for (int64_t i = 0; i < 50; ++i) EXPECT_TRUE(held_out(held.scene(i)));
  EXPECT_TRUE(held.captions_of(0).empty());
}

TEST(WorldDataset, FingerprintFollowsEverythingThatSamplesDependOn) {
  const std::string base = WorldDataset(World(), 100, 5).fingerprint();
  EXPECT_EQ(base, WorldDataset(World(), 100, 5).fingerprint());
  EXPECT_NE(base, WorldDataset(World(), 100, 6).fingerprint());
  EXPECT_NE(base, WorldDataset(World(), 101, 5).fingerprint());
  EXPECT_NE(base, WorldDataset(World(world_member("fine")), 100, 5).fingerprint());
  EXPECT_NE(WorldDataset(dataset_world(0.2, 0), 100, 5).fingerprint(),
            WorldDataset(dataset_world(0.2, 1), 100, 5).fingerprint());
}

TEST(WorldDataset, FlipsKeepUnorderedCaptions) {
  EXPECT_FALSE(WorldDataset(World(), 10, 0).flips_keep_captions());
  EXPECT_TRUE(WorldDataset(World(world_member("fine")), 10, 0).flips_keep_captions());
  WorldOptions uneven = world_member("fine");
  uneven.grid_step_px = 3;  // columns 0, 3, 6 of 0..8: 6 flips to 2, which is no place
  EXPECT_FALSE(WorldDataset(World(uneven), 10, 0).flips_keep_captions());
}

}  // namespace
}  // namespace noisescope
