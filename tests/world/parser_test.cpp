#include "noisescope/world/parser.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

struct Reading {
  explicit Reading(const char* member) : world(world_member(member)), parser(world) {
    for (int64_t i = 0; i < 200; ++i) {
      scenes.push_back(world.draw_scene(Random(11), 0, i, SceneSet::all));
    }
    pictures = world.render(scenes);
  }

  Tensor noise(double sd) const {
    return sd * Random(12).normal(Purpose::evaluation, 0, sample_range(0, pictures.size(0)),
                                  {3, kWorldImagePx, kWorldImagePx});
  }

  int64_t count_right(const Tensor& changed) const {
    const std::vector<ParsedScene> parsed = parser.parse(changed);
    int64_t right = 0;
    for (size_t i = 0; i < parsed.size(); ++i) {
      right += !parsed[i].rejected && parsed[i].scene == scenes[i] ? 1 : 0;
    }
    return right;
  }

  int64_t count_rejected(const Tensor& changed) const {
    int64_t rejected = 0;
    for (const ParsedScene& parsed : parser.parse(changed)) rejected += parsed.rejected ? 1 : 0;
    return rejected;
  }

  World world;
  WorldParser parser;
  std::vector<Scene> scenes;
  Tensor pictures;
};

const Reading& reading(const std::string& member) {
  static const Reading demo("demo"), fine("fine");
  return member == "demo" ? demo : fine;
}

class WorldParserOf : public ::testing::TestWithParam<const char*> {
 protected:
  const Reading& r = reading(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Members, WorldParserOf, ::testing::Values("demo", "fine"));

TEST_P(WorldParserOf, ReadsEveryFactorOfRealPictures) {
  EXPECT_EQ(r.count_right(r.pictures), 200);
  for (const ParsedScene& parsed : r.parser.parse(r.pictures)) {
    EXPECT_LT(parsed.residual_rms, 1e-6);
  }
}

TEST_P(WorldParserOf, ReadsNoisyPicturesAndTheirResidualIsTheNoise) {
  EXPECT_EQ(r.count_right(r.pictures + r.noise(0.14)), 200);
  for (const ParsedScene& parsed : r.parser.parse(r.pictures + r.noise(0.05))) {
    EXPECT_NEAR(parsed.residual_rms, 0.05, 0.05 * 5 / std::sqrt(2 * 3 * 64.0));  // smallest part
  }
}

TEST_P(WorldParserOf, BoundIsTheResidualOfTheNoiseThatMustBeReadable) {
  EXPECT_GT(r.parser.residual_bound(), 0.145);
  EXPECT_LT(r.parser.residual_bound(), 0.175);
}

// Flat backgrounds half way between two of the world: their residual is half the spacing where no object stands, and
// they are right for neither prompt.
TEST_P(WorldParserOf, RejectsBackgroundsHalfWay) {
  for (const int64_t darker : {0, 1}) {
    Tensor sum = torch::zeros_like(r.pictures);
    for (const int64_t background : {darker, darker + 1}) {
      std::vector<Scene> scenes = r.scenes;
      for (Scene& scene : scenes) scene.background = background;
      sum += r.world.render(scenes) / 2;
    }
    EXPECT_EQ(r.count_rejected(sum), 200) << darker;
  }
}

TEST_P(WorldParserOf, RejectsWhatIsNoPictureOfTheWorld) {
  EXPECT_EQ(r.count_rejected(r.noise(1.0)), 200);
  EXPECT_EQ(r.count_rejected(torch::zeros_like(r.pictures)), 200) << "blank";
  EXPECT_EQ(r.count_rejected(torch::full_like(r.pictures, NAN)), 200);
  EXPECT_EQ(r.count_rejected((r.pictures.roll(1, 1) + r.pictures) / 2), 200) << "mixed colours";
  EXPECT_EQ(r.count_rejected((r.pictures.flip(0) + r.pictures) / 2), 200) << "double exposure";
  const int64_t reach = r.world.options().object_size_px / 2 + 2;  // blurs wider than the objects
  const Tensor padded = torch::replication_pad2d(r.pictures, {reach, reach, reach, reach});
  EXPECT_EQ(r.count_rejected(torch::avg_pool2d(padded, 2 * reach + 1, 1)), 200) << "blurred";
}

TEST_P(WorldParserOf, RejectsHalvesThatDoNotBelongTogether) {
  Tensor pictures = r.pictures.clone();
  std::vector<Scene> other = r.scenes;
  for (Scene& scene : other) scene.background = (scene.background + 1) % 3;
  pictures.narrow(3, 16, 16).copy_(r.world.render(other).narrow(3, 16, 16));
  EXPECT_EQ(r.count_rejected(pictures), 200) << "two backgrounds";
}

TEST_P(WorldParserOf, ReadsABatchAsItsPictures) {
  const ParsedScene alone = r.parser.parse(r.pictures.narrow(0, 130, 1))[0];
  const ParsedScene batch = r.parser.parse(r.pictures)[130];
  EXPECT_EQ(alone.scene, batch.scene);
  EXPECT_TRUE(r.parser.parse(r.pictures.narrow(0, 0, 0)).empty());
  EXPECT_THROW(r.parser.parse(torch::zeros({1, 3, 16, 16})), ShapeError);
}

TEST(CaptionAgreement, NamesWhatIsWrong) {
  const WorldGrammar grammar{World()};
  ParsedScene parsed;
  parsed.scene = {{0, 0, 0}, {1, 2, 0}, 0};  // red square left of blue disc on dark
  const auto errors = [&](const char* caption) {
    const CaptionAgreement a = agreement(parsed, grammar.parse(caption));
    EXPECT_EQ(a.joint, !parsed.rejected && is_true(grammar.parse(caption), parsed.scene)) << caption;
    return std::string(a.shapes ? "" : "shapes ") + (a.colours ? "" : "colours ") + (a.sides ? "" : "sides ") +
           (a.background ? "" : "background ");
  };
  EXPECT_EQ(errors("a red square left of a blue disc on dark"), "");
  EXPECT_EQ(errors("a blue disc right of a red square on dark"), "");
  EXPECT_EQ(errors("a red square right of a blue disc on dark"), "sides ");
  EXPECT_EQ(errors("a red cross left of a blue disc on dark"), "shapes ");
  EXPECT_EQ(errors("a red square left of a green disc on dark"), "colours ");
  EXPECT_EQ(errors("a red square left of a blue disc on bright"), "background ");
  EXPECT_EQ(errors("a blue disc and a red square"), "");
  EXPECT_EQ(errors("a disc"), "");
  EXPECT_EQ(errors("a shape left of a square"), "sides ");
  EXPECT_EQ(errors("a red disc and a blue square"), "shapes ");  // one of two equal explanations
  parsed.rejected = true;
  EXPECT_EQ(errors("a shape"), "shapes colours sides background ");
}

TEST(CaptionAgreement, JointIsTruthForEveryCaptionAndScene) {
  const WorldGrammar grammar{World()};
  for (int64_t i = 0; i < 50; ++i) {
    ParsedScene parsed;
    parsed.scene = grammar.world().draw_scene(Random(5), 0, i);
    for (const CaptionMeaning& meaning : grammar.meanings()) {
      ASSERT_EQ(agreement(parsed, meaning).joint, is_true(meaning, parsed.scene));
    }
    CaptionMeaning unordered = grammar.meanings()[size_t(i)];
    unordered.ordered = false;
    EXPECT_EQ(agreement(parsed, unordered).joint, is_true(unordered, parsed.scene));
  }
}

TEST(WorldParser, WithMuchReadableNoiseNothingIsRefused) {
  const Tensor pictures = Random(3).normal(Purpose::evaluation, 0, sample_range(0, 8), {3, 32, 32});
  for (const ParsedScene& read : WorldParser(World()).parse(pictures)) EXPECT_TRUE(read.rejected);
  const WorldParser lenient(World(), {.readable_noise = 10});
  for (const ParsedScene& read : lenient.parse(pictures)) EXPECT_FALSE(read.rejected);
}

TEST(WorldParser, BadOptionsAreRefused) {
  WorldParserOptions options;
  options.readable_noise = 0;
  EXPECT_THROW(WorldParser(World(), options), ValueError);
}

}  // namespace
}  // namespace noisescope
