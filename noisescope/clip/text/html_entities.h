// Character references of HTML in text, as Python's html.unescape and ftfy resolve them (table of
// HTML 5, tools/make_html_entities.py). No torch here.
#pragma once

#include "noisescope/clip/text/unicode.h"

namespace noisescope::clip {

/// html.unescape: named and numeric references, the semicolon optional; of a longer name the longest
/// known beginning. What stands for a reference covers all of its bytes.
CodePoints unescape_html(const CodePoints& text);

/// ftfy's stricter rule: references that end in a semicolon alone, and names in capitals
/// ("&EACUTE;").
CodePoints unescape_closed_html(const CodePoints& text);

/// Windows-1252 where C1 controls (U+0080 to U+009F) were meant as such; 0x81, 0x8D, 0x8F, 0x90 and
/// 0x9D, which it does not define, and all other code points stay.
char32_t windows_1252(char32_t code);

}  // namespace noisescope::clip
