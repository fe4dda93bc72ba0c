// A prompt before it is split: cleaned by the rules of a profile, and split into words. No torch here.
#pragma once

#include "noisescope/clip/text/clip_profile.h"
#include "noisescope/clip/text/unicode.h"

namespace noisescope::clip {

/// hf: normalize_text. openai, open_clip: repair_text, HTML unescaped twice, blanks joined and
/// trimmed, lower_in_context; the two programs differ in how they find blanks, but the repair leaves
/// nothing on which they disagree. Throws ValueError for text that is not UTF-8.
CodePoints clean_text(std::string_view text, ClipProfile profile);

/// Code points [begin, end) of a cleaned text.
struct WordRange {
  size_t begin = 0;
  size_t end = 0;
};

/// [\p{L}\p{M}\p{N}]+ | one other character that is no white space.
std::vector<WordRange> split_words(const CodePoints& text);

/// CLIP's pattern 's|'t|'re|'ve|'m|'ll|'d | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+. Special tokens are plain
/// text in a prompt: for hf "<|", the name, "|>" wherever one begins (split_special_tokens of
/// transformers), for the others whatever the pattern makes of them. openai and open_clip match
/// without regard to case, which on text in lower case shows in two places: the long s U+017F also
/// ends 's, and the iota subscript U+0345, whose capital is a letter, belongs to nothing and is
/// dropped.
std::vector<WordRange> split_clip(const CodePoints& text, ClipProfile profile);

}  // namespace noisescope::clip
