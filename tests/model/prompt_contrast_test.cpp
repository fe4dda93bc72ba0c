#include "noisescope/model/prompt_contrast.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

using Words = std::vector<std::string>;
const std::string kPrompt = "a red square left of a red disc on dark";

TEST(ContrastPrompts, ReplacesTheWordByEachVersion) {
  const PromptContrast c = contrast_prompts(kPrompt, "square", {"disc", "square", "cross"});
  EXPECT_EQ(c.true_version, 1);
  EXPECT_EQ(c.prompts[1], kPrompt);
  EXPECT_EQ(c.prompts[2], "a red cross left of a red disc on dark");
}

TEST(ContrastPrompts, TakesTheOccurrenceAskedFor) {
  const PromptContrast c = contrast_prompts(kPrompt, "red:2", {"blue"});
  EXPECT_EQ(c.values, (Words{"red", "blue"}));
  EXPECT_EQ(c.prompts[1], "a red square left of a blue disc on dark");
  EXPECT_EQ(c.word, "red");
  EXPECT_EQ(c.name, "red:2");
  EXPECT_EQ(contrast_prompts(kPrompt, "red", {"blue"}).name, "red");
  EXPECT_THROW(contrast_prompts(kPrompt, "red:3", {"blue"}), ValueError);
}

TEST(ContrastPrompts, MatchesWholeWordsAndPhrasesWhateverTheirCase) {
  EXPECT_THROW(contrast_prompts("a bored dog", "red", {"blue"}), ValueError);
  const PromptContrast c = contrast_prompts("a photo of a King Penguin", "king penguin", {"tabby"});
  EXPECT_EQ(c.word, "King Penguin");
  EXPECT_EQ(c.prompts[1], "a photo of a tabby");
}

TEST(ContrastPrompts, AnErrorNamesTheWordsThereAre) {
  try {
    contrast_prompts("a red disc", "green", {"blue"});
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("a, red, disc"), std::string::npos) << error.what();
  }
  EXPECT_THROW(contrast_prompts("a red disc", "red", {}), ValueError);
  EXPECT_THROW(contrast_prompts("a red disc", "red", {"red"}), ValueError);
  EXPECT_THROW(contrast_prompts("a red disc", "", {"red"}), ValueError);
}

TEST(ContrastPrompts, AnAlternativeSaidTwiceWouldCountTwice) {
  EXPECT_THROW(contrast_prompts("a red disc", "red", {"green", "Green"}), ValueError);
  EXPECT_THROW(contrast_prompts("a red disc", "red", {"green", " "}), ValueError);
  EXPECT_EQ(contrast_prompts("a red disc", "red", {"green", "Red"}).values, (Words{"green", "Red"}));
}

TEST(WordsOf, CountsOccurrences) {
  EXPECT_EQ(words_of(kPrompt, {"red", "disc", "dark"}), (Words{"red", "red:2", "disc", "dark"}));
}

}  // namespace
}  // namespace noisescope
