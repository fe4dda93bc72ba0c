// Text for figures and pages: numbers as people write them, escaping, base64. No torch here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::viz {

/// The code points of UTF-8 text. Bytes that are not UTF-8 become U+FFFD, one each.
std::vector<char32_t> text_code_points(std::string_view text);

/// UTF-8 of code points.
std::string encode_utf8(const std::vector<char32_t>& code_points);

/// Text that may stand between tags and inside quoted attributes of HTML, SVG and XML:
/// & < > " ' become entities; control characters, which XML forbids, and broken UTF-8 become U+FFFD.
std::string escape_markup(std::string_view text);

/// Standard base64 with padding (RFC 4648, section 4).
std::string base64(std::string_view bytes);

/// "data:image/png;base64,..."
std::string data_uri(std::string_view mime, std::string_view bytes);

/// An integer in superscript digits.
std::string superscript(int exponent);

/// A number with `digits` significant digits for a reader: true minus sign, no trailing zeros,
/// powers of ten as "1.5 x 10^-7" with real superscripts outside of [1e-4, 1e6); "not a number" and
/// infinities by sign.
std::string format_number(double value, int digits = 3);

/// "\u00b1" + format_number(magnitude): how a symmetric scale is stated.
std::string format_plus_minus(double magnitude, int digits = 2);

}  // namespace noisescope::viz
