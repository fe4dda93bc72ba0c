#include "noisescope/data/emoji.h"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/data/data_options.h"
#include "noisescope/data/families.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

constexpr const char* kThreeLines =
    "# group: People & Body\n\n# subgroup: hand-fingers-open\n"
    "1F44B                  ; fully-qualified     # \U0001F44B E0.6 waving hand\n"
    "1F44B 1F3FF            ; fully-qualified     # \U0001F44B\U0001F3FF E1.0 waving hand: dark skin tone\r\n"
    "263A                   ; unqualified         # \u263A E0.6 smiling face\n"
    "1F550                  ; fully-qualified     # \U0001F550 E0.6 one o\u2019clock\n";

struct Failure {
  std::string text;
  std::string part;  // of the message
};

template <class Error>
std::string emoji_failure(const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

ImageDataset emoji(const EmojiOptions& options, LoadReport& report, uint64_t seed = 0) {
  return load_emoji(options, {.image_size_px = 32}, seed, {}, report);
}

TEST(Emoji, ListIsReadWithNaturalCaptions) {
  const std::vector<EmojiEntry> entries = parse_emoji_list(kThreeLines, "list");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[1].sequence, (std::u32string{0x1F44B, 0x1F3FF}));
  EXPECT_EQ(entries[1].caption, "waving hand, dark skin tone");
  EXPECT_EQ(entries[1].group, "People & Body");
  EXPECT_EQ(entries[1].subgroup, "hand-fingers-open");
  EXPECT_EQ(entries[2].caption, "one o'clock");
}

TEST(Emoji, DamagedListsAreRefusedWithTheLine) {
  const std::vector<Failure> cases = {{"1F44B fully-qualified\n", "list:1: expected 'code points; status"},
                                      {"\n1F44B XYZ ; fully-qualified # x E1.0 hand\n", "list:2: expected code points"},
                                      {"110000 ; fully-qualified # x E1.0 hand\n", "list:1: expected code points"},
                                      {"1F44B ; fully-qualified # x hand\n", "list:1: expected '# emoji E1.0 name'"},
                                      {"# nothing\n", "expected fully-qualified emoji in list"}};
  for (const Failure& failure : cases) {
    const std::string message = emoji_failure<std::exception>([&] { parse_emoji_list(failure.text, "list"); });
    EXPECT_NE(message.find(failure.part), std::string::npos) << message;
  }
}

TEST(Emoji, MissingFilesNameThePackage) {
  LoadReport report;
  const auto font = emoji_failure<DataError>([&] { emoji({.font = "/nowhere/font.ttf"}, report); });
  EXPECT_NE(font.find("data.emoji_font"), std::string::npos) << font;
  EXPECT_NE(font.find("apt-get install fonts-noto-color-emoji"), std::string::npos) << font;
  const auto list = emoji_failure<DataError>([&] { emoji({.list = "/nowhere/list.txt"}, report); });
  EXPECT_NE(list.find("apt-get install unicode-data"), std::string::npos) << list;
  const auto other = emoji_failure<FormatError>([&] { emoji({.font = EmojiOptions{}.list}, report); });
  EXPECT_NE(other.find("expected a font with colour bitmaps"), std::string::npos) << other;
}

TEST(Emoji, PathIsRefused) {
  LoadReport report;
  DataOptions options;
  options.kind = DataKind::emoji;
  options.path = "somewhere";
  EXPECT_THROW(open_dataset(options, {}, report), ConfigError);
}

TEST(Emoji, AllOfTheFontAreThereAndFamiliesAreHeldOut) {
  LoadReport report, flagged_report;
  const ImageDataset data = emoji({}, report);
  const ImageDataset flagged = emoji({.flags = true}, flagged_report);
  EXPECT_GT(data.size(), 3200);
  EXPECT_GT(flagged.size(), data.size() + 250);
  EXPECT_EQ(report.loaded, data.size());
  const std::vector<std::string>& captions = data.captions();
  for (const char* caption : {"red heart", "fox", "waving hand, dark skin tone", "one o'clock", "keycap, #"}) {
    EXPECT_NE(std::find(captions.begin(), captions.end(), caption), captions.end()) << caption;
  }
  EXPECT_FALSE(data.flips_keep_captions());

  const std::vector<Family> families = find_families(data.samples());
  std::set<int64_t> members;
  for (const Family& family : families) members.insert(family.samples.begin(), family.samples.end());
  const Split split = data.split(0, 0);
  const std::set<int64_t> trained(split.train.begin(), split.train.end());
  const auto held = data.size() - static_cast<int64_t>(trained.size());
  EXPECT_NEAR(double(held), 0.1 * double(members.size()), 1.0);
  for (int64_t i = 0; i < data.size(); ++i) {
    const bool is_held = data.samples().parts[size_t(i)] == Part::test;
    EXPECT_EQ(is_held, !trained.contains(i));
    EXPECT_TRUE(!is_held || members.contains(i));
  }
}

TEST(Emoji, HeldOutMembersAreThoseOfTheSeed) {
  LoadReport report;
  const auto parts = [&](uint64_t seed) { return emoji({}, report, seed).samples().parts; };
  const auto first = parts(3);
  EXPECT_EQ(first, parts(3));
  EXPECT_NE(first, parts(4));
}

}  // namespace
}  // namespace noisescope
