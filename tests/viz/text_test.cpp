#include "noisescope/viz/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace noisescope {
namespace {

using CodePoints = std::vector<char32_t>;
constexpr char32_t kBad = 0xFFFD;

TEST(CodePointsOfText, GoThereAndBack) {
  const std::string text = "a\u00e9\u03c3\u20ac\U0001F600";
  EXPECT_EQ(text_code_points(text), (CodePoints{'a', 0xE9, 0x3C3, 0x20AC, 0x1F600}));
  EXPECT_EQ(encode_utf8(text_code_points(text)), text);
}

TEST(CodePointsOfText, StandForEachByteThatIsNotUtf8) {
  EXPECT_EQ(text_code_points("a\xff\x62"), (CodePoints{'a', kBad, 'b'}));
  EXPECT_EQ(text_code_points("\xc3"), (CodePoints{kBad}));                      // cut off
  EXPECT_EQ(text_code_points("\xc0\x80"), (CodePoints{kBad, kBad}));            // overlong 0
  EXPECT_EQ(text_code_points("\xe0\x80\xaf"), (CodePoints{kBad, kBad, kBad}));  // overlong /
  EXPECT_EQ(text_code_points("\xed\xa0\x80"), (CodePoints{kBad, kBad, kBad}));  // surrogate
  EXPECT_EQ(text_code_points("\xf4\x90\x80\x80").size(), 4U);                   // above U+10FFFF
  EXPECT_EQ(text_code_points("\xe2\x82<"), (CodePoints{kBad, kBad, '<'}));
}

TEST(EscapeMarkup, LeavesNothingThatMarkupReads) {
  EXPECT_EQ(escape_markup("<b a=\"1\" c='2'>&amp;"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_markup("plain \u03c3 text\n"), "plain \u03c3 text\n");
}

TEST(EscapeMarkup, ReplacesWhatXmlForbids) {
  EXPECT_EQ(escape_markup(std::string_view("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(escape_markup("\x1b[31m"), "\uFFFD[31m");
  EXPECT_EQ(escape_markup("\u0085\uFFFE\uFFFF"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escape_markup("\xc3<script>"), "\uFFFD&lt;script&gt;");  // no tag hides in broken UTF-8
}

TEST(Base64, GivesTheVectorsOfRfc4648) {
  const std::vector<std::pair<std::string_view, std::string_view>> vectors = {{"", ""},
                                                                              {"f", "Zg=="},
                                                                              {"fo", "Zm8="},
                                                                              {"foo", "Zm9v"},
                                                                              {"foob", "Zm9vYg=="},
                                                                              {"fooba", "Zm9vYmE="},
                                                                              {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) EXPECT_EQ(base64(plain), coded);
  EXPECT_EQ(base64(std::string_view("\xfb\xff\xfe\x00", 4)), "+//+AA==");
  EXPECT_EQ(data_uri("image/png", "foo"), "data:image/png;base64,Zm9v");
}

TEST(Superscript, WritesEveryDigitAndTheSign) {
  EXPECT_EQ(superscript(1234567890), "\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u2070");
  EXPECT_EQ(superscript(-12), "\u207b\u00b9\u00b2");
  EXPECT_EQ(superscript(0), "\u2070");
}

TEST(FormatNumber, KeepsSignificantDigitsWithoutTrailingZeros) {
  EXPECT_EQ(format_number(3.14159), "3.14");
  EXPECT_EQ(format_number(-0.5), "\u22120.5");
  EXPECT_EQ(format_number(100), "100");
  EXPECT_EQ(format_number(9.9999), "10");
  EXPECT_EQ(format_number(0.0001), "0.0001");
  EXPECT_EQ(format_number(48211), "48211");
  EXPECT_EQ(format_number(-0.0), "0");
}

TEST(FormatNumber, UsesPowersOfTenForTheVeryLargeAndSmall) {
  EXPECT_EQ(format_number(1.5e-7), "1.5\u00d710\u207b\u2077");
  EXPECT_EQ(format_number(999999.9), "1\u00d710\u2076");  // decided after rounding
  EXPECT_EQ(format_number(-2.5e12), "\u22122.5\u00d710\u00b9\u00b2");
  EXPECT_EQ(format_number(0.000099999), "0.0001");
}

TEST(FormatNumber, SaysWhatIsNotFinite) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(format_number(std::numeric_limits<double>::quiet_NaN()), "not a number");
  EXPECT_EQ(format_number(infinity), "\u221e");
  EXPECT_EQ(format_number(-infinity), "\u2212\u221e");
  EXPECT_EQ(format_plus_minus(-2.54), "\u00b12.5");
}

}  // namespace
}  // namespace noisescope
