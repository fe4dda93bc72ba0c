#include "noisescope/world/grammar.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

const WorldGrammar& demo() {
  static const WorldGrammar grammar{World()};
  return grammar;
}

const WorldGrammar& fine() {
  static const WorldGrammar grammar{World(world_member("fine"))};
  return grammar;
}

constexpr ObjectMeaning kRedSquare{0, 0}, kBlueDisc{1, 2};

/// The message of the ValueError that the caption causes.
std::string complaint(const std::string& caption) {
  try {
    demo().parse(caption);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(WorldGrammar, BothOrdersOfWordsMeanTheSame) {
  const CaptionMeaning meaning{kRedSquare, kBlueDisc, true, 0};
  EXPECT_EQ(demo().parse("a red square left of a blue disc on dark"), meaning);
  EXPECT_EQ(demo().parse("a blue disc right of a red square on dark"), meaning);
  EXPECT_EQ(demo().parse("A Red Square  LEFT of a blue disc on dark"), meaning);
  EXPECT_NE(demo().parse("a blue disc left of a red square on dark"), meaning);
}

TEST(WorldGrammar, MissingWordsLeaveOpen) {
  EXPECT_EQ(demo().parse("a red shape left of a disc"), (CaptionMeaning{{kAny, 0}, {1, kAny}, true, kAny}));
  EXPECT_EQ(demo().parse("a shape and a disc on grey"), (CaptionMeaning{{kAny, kAny}, {1, kAny}, false, 1}));
  EXPECT_EQ(demo().parse("a red square"), (CaptionMeaning{kRedSquare, {}, false, kAny}));
  EXPECT_EQ(demo().parse("a shape"), CaptionMeaning{});
}

TEST(WorldGrammar, TruthOfACaption) {
  const Scene scene{{0, 0, 0}, {1, 2, 5}, 2};  // red square, blue disc, bright
  const auto truth = [&](const char* caption) { return is_true(demo().parse(caption), scene); };
  EXPECT_TRUE(truth("a red square left of a blue disc on bright"));
  EXPECT_TRUE(truth("a disc right of a shape"));
  EXPECT_TRUE(truth("a blue disc and a square"));
  EXPECT_TRUE(truth("a disc"));
  EXPECT_FALSE(truth("a red square right of a blue disc on bright"));
  EXPECT_FALSE(truth("a red square left of a blue disc on dark"));
  EXPECT_FALSE(truth("a red disc and a blue shape"));
  EXPECT_FALSE(truth("a red shape and a square"));  // one object cannot stand for both
  EXPECT_FALSE(truth("a cross"));
}

TEST(WorldGrammar, UnknownWordsAreNamedTogetherWithWhatIsKnown) {
  const std::string text = complaint("a purple squre left of a blue disc on dark");
  EXPECT_NE(text.find("'purple'"), std::string::npos) << text;
  EXPECT_NE(text.find("'squre' (did you mean 'square'?)"), std::string::npos) << text;
  EXPECT_NE(text.find("red green blue yellow"), std::string::npos) << text;
}

TEST(WorldGrammar, MalformedAndContradictoryCaptionsAreRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected 'a' as word 1"},
      {"red square", "expected 'a' as word 1"},
      {"a red", "expected a shape (square, disc, cross) as word 3"},
      {"a square red", "expected 'left of', 'right of', 'and', 'on' or the end as word 3"},
      {"a square left a disc", "expected 'of' as word 4"},
      {"a square left of", "got the end"},
      {"a square on red", "expected a background (dark, grey, bright) as word 4"},
      {"a square and a disc and a cross", "as word 6"},
      {"a red square left of a red square", "always differ"},
      {"a red square and a red square on dark", "always differ"},
  };
  for (const auto& [caption, expected] : cases) {
    EXPECT_NE(complaint(caption).find(expected), std::string::npos) << caption << ": " << complaint(caption);
  }
}

TEST(WorldGrammar, FullCaptionsAreAllScenesUpToPositions) {
  EXPECT_EQ(demo().full_captions(SceneSet::all).size(), 396u);  // 132 ordered pairs x 3
  EXPECT_EQ(fine().full_captions(SceneSet::all).size(), 66u);   // 12 choose 2
  EXPECT_EQ(demo().full_captions(SceneSet::all)[0], "a red square left of a green square on dark");
  EXPECT_EQ(demo().full_captions(SceneSet::all, true)[0], "a green square right of a red square on dark");
}

// Objects: (3 + 1) x (4 + 1) = 20 ways to say one; 400 pairs less the 12 of two equal attributes.
TEST(WorldGrammar, CaptionsAreDistinctAndMeanWhatTheySay) {
  EXPECT_EQ(demo().captions().size(), 388u * 2 * 4);  // two orders, three backgrounds or none
  EXPECT_EQ(fine().captions().size(), 388u);
  for (const WorldGrammar* grammar : {&demo(), &fine()}) {
    const std::set<std::string> distinct(grammar->captions().begin(), grammar->captions().end());
    EXPECT_EQ(distinct.size(), grammar->captions().size());
    const auto full = grammar->full_captions(SceneSet::all);
    EXPECT_TRUE(std::equal(full.begin(), full.end(), grammar->captions().begin()));
    for (size_t row = 0; row < grammar->captions().size(); ++row) {
      ASSERT_EQ(grammar->parse(grammar->captions()[row]), grammar->meanings()[row]);
    }
  }
}

TEST(WorldGrammar, WithoutWordDropOnlyFullCaptionsAreSaid) {
  WorldOptions options;
  options.word_drop = 0;
  EXPECT_EQ(WorldGrammar(World(options)).captions().size(), 2u * 396);
}

TEST(WorldGrammar, DrawsAreTrueCaptionsOfTheScene) {
  for (const WorldGrammar* grammar : {&demo(), &fine()}) {
    std::set<int64_t> rows;
    for (int64_t i = 0; i < 2000; ++i) {
      const Scene scene = grammar->world().draw_scene(Random(3), 0, i);
      const int64_t row = grammar->draw(scene, Random(3), 1, i);
      ASSERT_TRUE(is_true(grammar->meanings()[size_t(row)], scene));
      ASSERT_EQ(row, grammar->draw(scene, Random(3), 1, i));
      rows.insert(row);
    }
    EXPECT_GT(rows.size(), 200u);
  }
}

TEST(WorldGrammar, SaysBothObjectsFirstWhereUnordered) {
  const Scene scene{{0, 0, 0}, {1, 2, 0}, 0};
  std::set<std::string> said;
  for (int64_t i = 0; i < 100; ++i) {
    said.insert(fine().captions()[size_t(fine().draw(scene, Random(3), 1, i))]);
  }
  EXPECT_EQ(said.count("a red square and a blue disc"), 1u);
  EXPECT_EQ(said.count("a blue disc and a red square"), 1u);
}

TEST(WorldGrammar, EntropiesInNats) {
  const auto entropy = [](const WorldGrammar& grammar, const char* caption) {
    return grammar.entropy(grammar.parse(caption));
  };
  EXPECT_NEAR(demo().entropy(), std::log(396), 1e-12);
  EXPECT_NEAR(fine().entropy(), std::log(66), 1e-12);
  EXPECT_NEAR(entropy(demo(), "a square left of a blue disc on dark"), std::log(4), 1e-12);
  EXPECT_NEAR(entropy(demo(), "a square left of a blue square on dark"), std::log(3), 1e-12);
  EXPECT_NEAR(entropy(demo(), "a red square left of a blue disc"), std::log(3), 1e-12);
  EXPECT_NEAR(entropy(demo(), "a red square and a blue disc on dark"), std::log(2), 1e-12);
  EXPECT_NEAR(entropy(demo(), "a red square left of a blue disc on dark"), 0, 1e-12);
  EXPECT_NEAR(entropy(fine(), "a shape and a blue disc"), std::log(11), 1e-12);
}

}  // namespace
}  // namespace noisescope
