#include "noisescope/model/family_contrasts.h"

#include <set>

#include <gtest/gtest.h>

namespace noisescope {
namespace {

using Texts = std::vector<std::string>;

TEST(FamilyContrasts, AreTheKnownVersionsOfEachWord) {
  const std::set<std::string> known = {"man, dark skin tone", "woman, dark skin tone", "man, light skin tone",
                                       "man, dark skin tone, bald"};
  const auto contrasts = family_contrasts("man, dark skin tone", emoji_words(),
                                          [&](const std::string& text) { return known.contains(text); });
  ASSERT_EQ(contrasts.size(), 2U);
  EXPECT_EQ(contrasts[0].name, "dark");
  EXPECT_EQ(contrasts[0].values, (Texts{"dark", "light"}));
  EXPECT_EQ(contrasts[0].prompts, (Texts{"man, dark skin tone", "man, light skin tone"}));
  EXPECT_EQ(contrasts[0].position, 5U);
  EXPECT_EQ(contrasts[1].values, (Texts{"man", "woman"}));
  EXPECT_TRUE(family_contrasts("fox", emoji_words(), [](const auto&) { return true; }).empty());
}

TEST(FamilyContrasts, SecondUsesOfAWordAreTold) {
  const auto contrasts = family_contrasts("kiss, man, man", {emoji_words()[1]}, [](const auto&) { return true; });
  ASSERT_EQ(contrasts.size(), 2U);
  EXPECT_EQ(contrasts[1].name, "man:2");
  EXPECT_EQ(contrasts[1].prompts, (Texts{"kiss, man, man", "kiss, man, woman", "kiss, man, person"}));
}

}  // namespace
}  // namespace noisescope
