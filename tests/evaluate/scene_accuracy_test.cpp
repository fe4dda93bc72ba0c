#include "noisescope/evaluate/scene_accuracy.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

ParsedScene read_as(const Scene& scene) { return {scene, 0.0, false}; }

TEST(SceneAccuracy, CountsEachAttribute) {
  const World world;
  const WorldGrammar grammar(world);
  const Scene asked{{0, 0, 0}, {1, 1, 0}, 2};
  const CaptionMeaning meaning = grammar.full_meaning(asked);
  const Scene other_shape{{2, 0, 0}, {1, 1, 0}, 2};
  const Scene exchanged{asked.right, asked.left, 2};
  ParsedScene refused = read_as(asked);
  refused.rejected = true;
  const SceneAccuracy accuracy = scene_accuracy({read_as(asked), read_as(other_shape), read_as(exchanged), refused},
                                                {meaning, meaning, meaning, meaning});
  EXPECT_DOUBLE_EQ(accuracy.joint.value, 0.25);
  EXPECT_DOUBLE_EQ(accuracy.shapes.value, 0.5);
  EXPECT_DOUBLE_EQ(accuracy.colours.value, 0.75);
  EXPECT_DOUBLE_EQ(accuracy.sides.value, 0.5);
  EXPECT_DOUBLE_EQ(accuracy.background.value, 0.75);
  EXPECT_DOUBLE_EQ(accuracy.rejected.value, 0.25);
  EXPECT_EQ(accuracy.joint.n, 4);
  EXPECT_THROW(scene_accuracy({}, {}), ValueError);
}

TEST(ScenePrompts, AreTrueOfTheirMeaningInBothOrders) {
  const WorldGrammar grammar{World()};
  const ScenePrompts prompts = draw_scene_prompts(grammar, Random(1), 0, 200, SceneSet::all);
  int64_t right_of = 0;
  for (size_t k = 0; k < prompts.captions.size(); ++k) {
    EXPECT_EQ(grammar.parse(prompts.captions[k]), prompts.meanings[k]) << prompts.captions[k];
    right_of += prompts.captions[k].find("right of") != std::string::npos;
  }
  EXPECT_GT(right_of, 60);  // 100 +- 7 expected
  EXPECT_LT(right_of, 140);
  EXPECT_NE(prompts.captions, draw_scene_prompts(grammar, Random(1), 1, 200, SceneSet::all).captions);
}

}  // namespace
}  // namespace noisescope
