#include "noisescope/data/captions.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

using Texts = std::vector<std::string>;

TEST(Captions, TableKeepsDistinctTextsInOrderOfFirstUse) {
  CaptionTable table;
  EXPECT_EQ(table.add("a cat"), 0);
  EXPECT_EQ(table.add("a dog"), 1);
  EXPECT_EQ(table.add("  a\t cat\r\n"), 0);
  EXPECT_EQ(table.texts(), (Texts{"a cat", "a dog"}));
  EXPECT_EQ(table.add_all({"a dog", "a bird", "a dog"}), (std::vector<int64_t>{1, 2}));
  EXPECT_THROW(table.add(" \n "), DataError);
}

TEST(Captions, TemplatesTimesNames) {
  EXPECT_EQ(fill_templates({"a photo of a {}", "{}!"}, {"cat", "dog"}),
            (Texts{"a photo of a cat", "a photo of a dog", "cat!", "dog!"}));
  EXPECT_THROW(fill_templates({"a photo"}, {"cat"}), ValueError);
  EXPECT_THROW(fill_templates({"{} and {}"}, {"cat"}), ValueError);
  // A name that looks like a slot is not filled again.
  EXPECT_EQ(fill_templates({"a {}"}, {"{}"}), (Texts{"a {}"}));
}

TEST(Captions, NamesOfClasses) {
  EXPECT_EQ(split_synonyms("goldfish, Carassius auratus"), (Texts{"goldfish", "Carassius auratus"}));
  EXPECT_EQ(split_synonyms("banana"), (Texts{"banana"}));
  EXPECT_TRUE(split_synonyms(" , ").empty());
  EXPECT_EQ(name_from_folder("school_bus"), "school bus");
}

TEST(Captions, SidesAreFoundAsWords) {
  EXPECT_TRUE(mention_sides({"a cat", "a red disc Left of a dog"}));
  EXPECT_FALSE(mention_sides({"bright leftovers", "a cat"}));
  EXPECT_EQ(caption_words("A Red-disc, 2 caf\xc3\xa9s"), (Texts{"a", "red", "disc", "2", "caf\xc3\xa9s"}));
}

}  // namespace
}  // namespace noisescope
