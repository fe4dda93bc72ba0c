#include "noisescope/model/word_contrasts.h"

#include <gtest/gtest.h>

#include "noisescope/world/world.h"

namespace noisescope {
namespace {

TEST(PromptWithout, LeavesAWordOpenAsTheWorldDoes) {
  const World world;
  const WorldGrammar grammar(world);
  std::vector<std::string> open;
  for (const PromptContrast& c : word_contrasts(&grammar, "a red square left of a blue square on dark", {}, {})) {
    open.push_back(prompt_without(&grammar, c));
  }
  EXPECT_EQ(open, (std::vector<std::string>{
                      "a square left of a blue square on dark", "a red shape left of a blue square on dark",
                      "a red square left of a square on dark", "a red square left of a blue shape on dark",
                      "a red square left of a blue square"}));
  const auto contrast = word_contrasts(nullptr, "a photo of a red fox", {"red"}, {"arctic"});
  EXPECT_EQ(prompt_without(nullptr, contrast[0]), "a photo of a fox");
}

TEST(WordContrasts, CaseDoesNotMatter) {
  const World world;
  const WorldGrammar grammar(world);
  const std::string prompt = "a RED square left of a blue square on Dark";
  const auto contrasts = word_contrasts(&grammar, prompt, {"RED", "dark"}, {});
  ASSERT_EQ(contrasts.size(), 2u);
  EXPECT_EQ(contrasts[0].values.size(), world.options().colours.size() - 1);  // two blue squares are no scene
  EXPECT_EQ(prompt_without(&grammar, contrasts[1]), "a RED square left of a blue square");
}

}  // namespace
}  // namespace noisescope
