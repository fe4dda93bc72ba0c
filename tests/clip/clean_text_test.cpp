#include "noisescope/clip/text/clean_text.h"

#include <gtest/gtest.h>

#include "noisescope/clip/text/html_entities.h"
#include "noisescope/clip/text/text_repair.h"
#include "noisescope/core/error.h"

namespace noisescope {
namespace {

std::string text_of(const CodePoints& points) {
  std::string text;
  for (const CodePoint& point : points) append_utf8(text, point.value);
  return text;
}

std::string unescaped(std::string_view text) { return text_of(unescape_html(decode_utf8(text))); }
std::string repaired(std::string_view text) { return text_of(repair_text(decode_utf8(text))); }

// The cases of HTML 5, 13.5 and of Python's documentation of html.unescape.
TEST(HtmlEntities, AreResolvedAsByPython) {
  EXPECT_EQ(unescaped("&lt;a&gt; &amp;amp;"), "<a> &amp;");
  EXPECT_EQ(unescaped("&eacute;&NotEqualTilde;"), "\u00e9\u2242\u0338");
  EXPECT_EQ(unescaped("&notit; &notin;"), "\u00acit; \u2209");  // the longest known beginning
  EXPECT_EQ(unescaped("&copy 1 &copyx"), "\u00a9 1 \u00a9x");
  EXPECT_EQ(unescaped("&#65;&#x42;&#X43 &#68"), "ABC D");
  EXPECT_EQ(unescaped("&#128;&#0;&#xD800;&#x110000;&#99999999999999999999;"), "\u20ac\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(unescaped("[&#1;&#127;&#xFDD0;&#x1FFFF;]"), "[]");
  EXPECT_EQ(unescaped("& &; &# &#x; &unknown; &"), "& &; &# &#x; &unknown; &");
}

TEST(HtmlEntities, CoverTheirBytes) {
  const CodePoints points = unescape_html(decode_utf8("x&amp;y"));
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[1].begin, 1);
  EXPECT_EQ(points[1].end, 6);
  EXPECT_EQ(points[2].begin, 6);
}

TEST(TextRepair, DoesWhatFtfyDoesAlways) {
  EXPECT_EQ(repaired("\u201cdon\u2019t\u201d"), "\"don't\"");
  EXPECT_EQ(repaired("\ufb01ne \u01c4 \u0149"), "fine D\u017d 'n");
  EXPECT_EQ(repaired("\uff21\uff01\u3000\uff8a\uff9e"), "A! \u30d0");
  EXPECT_EQ(repaired("a\r\nb\rc\u2028d"), "a\nb\nc\nd");
  EXPECT_EQ(repaired("\x1b[1;31mred\x1b[0m\x07 \ufeff"), "red ");
  EXPECT_EQ(repaired("\u0093x\u0085"), "\"x\u2026");                         // C1 controls are Windows-1252
  EXPECT_EQ(repaired("P&EACUTE;REZ &amp;lt; &copy"), "P\u00c9REZ < &copy");  // until nothing changes
  EXPECT_EQ(repaired("&eacute;\n<b>&eacute;\n&eacute;"), "\u00e9\n<b>&eacute;\n&eacute;");
}

TEST(CleanText, LowerCaseKnowsTheFinalSigma) {
  const auto lower = [](std::string_view text) { return text_of(lower_in_context(decode_utf8(text))); };
  EXPECT_EQ(lower("\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3"), "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c2");
  EXPECT_EQ(lower("A\u03a3. A\u03a3.B \u03a3"), "a\u03c2. a\u03c3.b \u03c3");  // a dot is case-ignorable
  EXPECT_EQ(lower("\u0130"), "i\u0307");
  EXPECT_EQ(text_of(clean_text("A\u03a3", ClipProfile::hf)), "a\u03c3");  // Rust: letter by letter
}

TEST(CleanText, ProfilesDiffer) {
  const std::string text = "  \u201cA&amp;B\u201d\t\u00a0";
  EXPECT_EQ(text_of(clean_text(text, ClipProfile::hf)), " \u201ca&amp;b\u201d ");
  EXPECT_EQ(text_of(clean_text(text, ClipProfile::openai)), "\"a&b\"");
  EXPECT_EQ(text_of(clean_text(text, ClipProfile::open_clip)), "\"a&b\"");
  EXPECT_EQ(text_of(clean_text("", ClipProfile::openai)), "");
  EXPECT_THROW(clean_text("\xff", ClipProfile::openai), ValueError);
}

std::vector<std::string> words_of(std::string_view text, ClipProfile profile) {
  const CodePoints points = decode_utf8(text);
  std::vector<std::string> words;
  for (const WordRange& range : split_clip(points, profile)) {
    words.push_back(
        text_of({points.begin() + static_cast<long>(range.begin), points.begin() + static_cast<long>(range.end)}));
  }
  return words;
}

TEST(CleanText, MatchingWithoutCaseHasTwoMarks) {
  const std::string text = "x'\u017f \u0345y";
  EXPECT_EQ(words_of(text, ClipProfile::openai), (std::vector<std::string>{"x", "'\u017f", "y"}));
  EXPECT_EQ(words_of(text, ClipProfile::hf), (std::vector<std::string>{"x", "'", "\u017f", "\u0345", "y"}));
}

// As split_special_tokens of transformers: a special token that begins a word is cut out of it.
TEST(CleanText, NamesOfSpecialTokensAreCutAsByTransformers) {
  EXPECT_EQ(words_of("<|endoftext|>!", ClipProfile::hf), (std::vector<std::string>{"<|", "endoftext", "|>", "!"}));
  EXPECT_EQ(words_of("!<|endoftext|>!", ClipProfile::hf), (std::vector<std::string>{"!<|", "endoftext", "|>!"}));
  EXPECT_EQ(words_of("<|endoftext|>!", ClipProfile::openai), (std::vector<std::string>{"<|", "endoftext", "|>!"}));
}

}  // namespace
}  // namespace noisescope
