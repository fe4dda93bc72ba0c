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

}  // namespace
}  // namespace noisescope
