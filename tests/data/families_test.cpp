#include "noisescope/data/families.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

const WordKind& kind(const std::string& name) {
  for (const WordKind& kind : emoji_words()) {
    if (kind.name == name) return kind;
  }
  throw ValueError("no such kind");
}

/// Pictures of 8 px, picture i filled with 10 i.
ImageSamples captioned(const std::vector<std::string>& captions) {
  ImageSamples samples;
  const auto count = static_cast<int64_t>(captions.size());
  samples.pixels = (torch::arange(count) * 10).view({-1, 1, 1, 1}).expand({count, 3, 8, 8}).to(torch::kUInt8).clone();
  for (const std::string& caption : captions) {
    samples.caption_rows.push_back({samples.captions.add(caption)});
    samples.parts.push_back(Part::train);
    samples.file_names.push_back(caption);
  }
  return samples;
}

/// Every tone of every gesture.
ImageSamples gestures(const std::vector<std::string>& names) {
  std::vector<std::string> captions;
  for (const std::string& name : names) {
    captions.push_back(name);
    for (const std::string& tone : kind("skin tone").words) captions.push_back(name + ", " + tone + " skin tone");
  }
  return captioned(captions);
}

TEST(Families, WordsAreWhole) {
  const auto frames = [](const std::string& name, const std::string& caption) {
    std::vector<std::string> result;
    for (const FoundWord& found : find_words(kind(name), caption)) result.push_back(found.word + "|" + found.frame);
    return result;
  };
  using Frames = std::vector<std::string>;
  EXPECT_EQ(frames("skin tone", "hand, medium-dark skin tone"), Frames{"medium-dark|hand, {} skin tone"});
  EXPECT_EQ(frames("skin tone", "couple, dark skin tone, light skin tone"),
            (Frames{"dark|couple, {} skin tone, light skin tone", "light|couple, dark skin tone, {} skin tone"}));
  EXPECT_EQ(frames("person", "woman, red hair"), Frames{"woman|{}, red hair"});
  EXPECT_EQ(frames("person", "snowman"), Frames{});
  EXPECT_EQ(frames("colour", "light blue heart"), (Frames{"light blue|{} heart", "blue|light {} heart"}));
  EXPECT_EQ(frames("colour", "red hearts"), Frames{});
  EXPECT_EQ(frames("hour", "one-thirty"), Frames{"one|{}-thirty"});
  EXPECT_EQ(frames("direction", "up-right arrow"), Frames{"up-right|{} arrow"});
}

TEST(Families, AreCaptionsThatDifferInOneWord) {
  const ImageSamples samples = captioned({"red heart", "fox", "blue heart", "red circle", "red heart", "woman", "man"});
  const std::vector<Family> families = find_families(samples);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].frame, "{}");
  EXPECT_EQ(families[0].kind, "person");
  EXPECT_EQ(families[0].samples, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(families[1].frame, "{} heart");
  EXPECT_EQ(families[1].words, (std::vector<std::string>{"red", "blue"}));
  EXPECT_EQ(families[1].samples, (std::vector<int64_t>{0, 2}));
}

TEST(Families, MaskIsWhereMembersDiffer) {
  ImageSamples samples = captioned({"red heart", "blue heart", "green heart"});
  samples.pixels.fill_(100);
  samples.pixels[1][2][3][4] = 109;  // visible
  samples.pixels[2][0][5][6] = 91;   // visible
  samples.pixels[2][1][0][0] = 108;  // not
  const Family family = find_families(samples).at(0);
  const Tensor red = family_mask(samples, family, 0);
  EXPECT_EQ(red.sum().item<int64_t>(), 2);
  EXPECT_TRUE(red[3][4].item<bool>() && red[5][6].item<bool>());
  EXPECT_EQ(family_mask(samples, family, 1).sum().item<int64_t>(), 2);
  EXPECT_THROW(family_mask(samples, family, 3), ValueError);
}

TEST(Families, HeldOutCompositionsStayKnownByTheirParts) {
  const ImageSamples samples = gestures({"waving hand", "fist", "thumbs up", "nose", "ear", "victory hand"});
  const std::vector<Family> families = find_families(samples);
  ASSERT_EQ(families.size(), 6U);
  const std::vector<int64_t> held = hold_out_members(families, 0.4, 7);
  EXPECT_EQ(held.size(), 12U);
  EXPECT_EQ(held, hold_out_members(families, 0.4, 7));
  EXPECT_NE(held, hold_out_members(families, 0.4, 8));
  const std::set<int64_t> out(held.begin(), held.end());
  std::map<std::string, int> trained_words;
  for (const Family& family : families) {
    int trained = 0;
    for (size_t m = 0; m < family.samples.size(); ++m) {
      if (out.contains(family.samples[m])) continue;
      ++trained;
      ++trained_words[family.words[m]];
    }
    EXPECT_GE(trained, 2);
  }
  EXPECT_EQ(trained_words.size(), 5U);
}

TEST(Families, NothingIsHeldOutThatWouldBeUnknown) {
  const std::vector<Family> lone = find_families(gestures({"waving hand"}));
  EXPECT_TRUE(hold_out_members(lone, 0.5, 0).empty());  // each tone stands in this family alone
  EXPECT_LE(hold_out_members(find_families(gestures({"a", "b"})), 0.9, 0).size(), 5U);
  EXPECT_THROW(hold_out_members(lone, 1.0, 0), ValueError);
}

}  // namespace
}  // namespace noisescope
