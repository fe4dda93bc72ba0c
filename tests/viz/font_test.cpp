#include "noisescope/viz/font.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/viz/canvas.h"
#include "noisescope/viz/text.h"

namespace noisescope {
namespace {

const TextStyle kStyle{.size_px = 13};

int64_t ink(const TextMask& mask) { return std::accumulate(mask.coverage.begin(), mask.coverage.end(), int64_t{0}); }

/// Every character that the header of the font promises, but the space.
std::vector<char32_t> promised() {
  std::vector<char32_t> out;
  for (char32_t c = '!'; c <= '~'; ++c) out.push_back(c);
  for (const char32_t c : std::u32string_view(U"\u03c3\u03b5\u03bb\u03b1\u0394\u2212\u00d7\u00b1\u00b7"
                                              U"\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u00b0\u209c")) {
    out.push_back(c);
  }
  for (char32_t c = 0x2080; c <= 0x2089; ++c) out.push_back(c);
  return out;
}

TEST(Font, DrawsEveryPromisedCharacterAsItself) {
  const TextMask box = render_text("\uFFFD", kStyle);
  for (const char32_t c : promised()) {
    const TextMask mask = render_text(encode_utf8({c}), kStyle);
    EXPECT_GT(ink(mask), 0) << encode_utf8({c});
    EXPECT_NE(mask.coverage, box.coverage) << encode_utf8({c});
  }
  EXPECT_EQ(ink(render_text(" ", kStyle)), 0);
}

TEST(Font, DrawsAsciiCharactersDifferently) {
  for (const double size : {10.0, 13.0}) {
    std::set<std::pair<int64_t, std::vector<uint8_t>>> pictures;
    for (char c = '!'; c <= '~'; ++c) {
      const TextMask mask = render_text(std::string(1, c), {.size_px = size});
      EXPECT_TRUE(pictures.emplace(mask.width, mask.coverage).second) << c << " at " << size;
    }
  }
}

TEST(Font, DrawsABoxForAnythingElse) {
  const TextMask box = render_text("\uFFFD", kStyle);
  EXPECT_GT(ink(box), 0);
  EXPECT_EQ(render_text("\u4e2d", kStyle).coverage, box.coverage);
  EXPECT_EQ(render_text("\xff", kStyle).coverage, box.coverage);
}

TEST(Font, SetsTheCombiningHatOverTheLetterBefore) {
  EXPECT_EQ(text_width("x\u0302", kStyle), text_width("x", kStyle));
  const TextMask plain = render_text("x", kStyle), hat = render_text("x\u0302", kStyle);
  ASSERT_EQ(plain.coverage.size(), hat.coverage.size());
  int64_t above = 0, below = 0;  // the change, above and in the lower half of the letter
  double column = 0;             // its middle
  for (int64_t y = 0; y < hat.height; ++y) {
    for (int64_t x = 0; x < hat.width; ++x) {
      const int change = hat.coverage[y * hat.width + x] - plain.coverage[y * hat.width + x];
      (y < hat.baseline_px - 4 ? above : below) += std::abs(change);
      column += std::abs(change) * (static_cast<double>(x) + 0.5);
    }
  }
  ASSERT_GT(above, 0);
  EXPECT_EQ(below, 0);
  EXPECT_NEAR(column / static_cast<double>(above), text_width("x", kStyle) / 2.0, 1);
}

TEST(Font, CountsLineBreaksAndTabsAsSpaces) {
  EXPECT_EQ(render_text("a\nb\tc", kStyle).coverage, render_text("a b c", kStyle).coverage);
}

TEST(Font, WidthIsTheSumOfItsLettersAndGrowsWithSizeAndWeight) {
  EXPECT_EQ(text_width("", kStyle), 0);
  EXPECT_EQ(text_width("abc", kStyle), text_width("a", kStyle) + text_width("b", kStyle) + text_width("c", kStyle));
  const std::string text = "a red circle";
  EXPECT_GT(text_width(text, {.size_px = 26}), text_width(text, kStyle));
  EXPECT_GT(text_width(text, {.size_px = 13, .bold = true}), text_width(text, kStyle));
  EXPECT_GT(ink(render_text("H", {.size_px = 13, .bold = true})), ink(render_text("H", kStyle)));
}

TEST(Ellipsise, KeepsWhatFitsAndCutsWhatDoesNot) {
  const std::string text = "a red circle to the left of a blue square";
  EXPECT_EQ(ellipsise(text, kStyle, text_width(text, kStyle)), text);
  for (int64_t width = 30; width < text_width(text, kStyle); ++width) {
    const std::string cut = ellipsise(text, kStyle, width);
    EXPECT_LE(text_width(cut, kStyle), width);
    EXPECT_TRUE(cut.ends_with("\u2026")) << cut;
    const std::string kept = cut.substr(0, cut.size() - 3);
    EXPECT_TRUE(text.starts_with(kept)) << cut;
    EXPECT_NE(kept.back(), ' ') << cut;
  }
  EXPECT_EQ(ellipsise(text, kStyle, -5), "\u2026");
}

TEST(WrapText, BreaksAtSpacesIntoLinesThatFit) {
  const std::string text = "a red circle to the left of a blue square";
  const std::vector<std::string> lines = wrap_text(text, kStyle, 110, 9);
  ASSERT_GT(lines.size(), 1U);
  std::string joined;
  for (const std::string& line : lines) {
    EXPECT_LE(text_width(line, kStyle), 110) << line;
    joined += (joined.empty() ? "" : " ") + line;
  }
  EXPECT_EQ(joined, text);
}

TEST(WrapText, BreaksInsideOfWordsThatAreTooWideAndEndsInAnEllipsis) {
  const std::string word(60, 'm');
  const std::vector<std::string> lines = wrap_text(word, kStyle, 80, 3);
  ASSERT_EQ(lines.size(), 3U);
  for (const std::string& line : lines) EXPECT_LE(text_width(line, kStyle), 80) << line;
  EXPECT_TRUE(lines.back().ends_with("\u2026"));
  EXPECT_EQ(wrap_text("  ", kStyle, 80, 3).size(), 0U);
  EXPECT_EQ(wrap_text("wide", kStyle, 1, 9).size(), 4U);  // a letter a line, never stuck
}

TEST(Canvas, ClipsEverythingToItself) {
  Canvas canvas(6, 5, {10, 20, 30});
  canvas.rect(-4, -4, 6, 6, {1, 2, 3});
  EXPECT_EQ(canvas.image().at(1, 1)[0], 1);
  EXPECT_EQ(canvas.image().at(2, 2)[0], 10);
  canvas.disc(6, 5, 2, {0, 0, 0});
  canvas.hatch(3, 3, 50, 50, {9, 9, 9});
  canvas.frame(-2, -2, 40, 40, 3, {9, 9, 9});
  canvas.text(-10, -3, "clipped", kStyle);
  canvas.picture(4, 4, canvas.image(), 3);
  EXPECT_EQ(canvas.image().pixels.size(), 6U * 5U * 3U);
}

TEST(Canvas, MagnifiesPixelsAndBlendsAlpha) {
  Canvas canvas(4, 2, {255, 255, 255});
  const Image gray{.width = 1, .height = 1, .channels = 1, .pixels = {7}};
  const Image half{.width = 1, .height = 1, .channels = 4, .pixels = {0, 0, 0, 128}};
  canvas.picture(0, 0, gray, 2);
  canvas.picture(2, 0, half, 2);
  for (int64_t y = 0; y < 2; ++y) {
    for (int64_t x = 0; x < 4; ++x) EXPECT_EQ(canvas.image().at(y, x)[1], x < 2 ? 7 : 127);
  }
}

TEST(Canvas, AlignsTextLeftRightAndInTheMiddle) {
  const auto columns = [](Align align) {
    Canvas canvas(101, 20);
    canvas.text(50, 0, "HHH", kStyle, {Ink::kText, align});
    int64_t first = 101, last = -1;
    for (int64_t y = 0; y < 20; ++y) {
      for (int64_t x = 0; x < 101; ++x) {
        if (canvas.image().at(y, x)[0] < 200) first = std::min(first, x), last = std::max(last, x);
      }
    }
    return std::pair{first, last};
  };
  EXPECT_GE(columns(Align::left).first, 50);
  EXPECT_LE(columns(Align::right).second, 51);
  const auto [first, last] = columns(Align::center);
  EXPECT_NEAR(static_cast<double>(first + last) / 2, 50, 1.5);
}

TEST(Canvas, RefusesSidesOutOfRange) {
  EXPECT_THROW(Canvas(0, 4), ValueError);
  EXPECT_THROW(Canvas(4, -1), ValueError);
  EXPECT_THROW(Canvas(40000, 1), ValueError);
}

TEST(ColourBar, RunsFromTheLowestToTheHighestColour) {
  Canvas canvas(300, colour_bar_height());
  draw_colour_bar(canvas, 0, 0, 256, {ColourMap::sequential, {0, 2}, "nats"});
  const auto& table = colour_table(ColourMap::sequential);
  for (const int64_t x : {1, 100, 254}) EXPECT_EQ(canvas.image().at(5, x)[0], table[x].r) << x;
}

}  // namespace
}  // namespace noisescope
