// printf into a string, for captions and reports.
#pragma once

#include <cstdio>
#include <string>

namespace noisescope {

/// Cut after 399 characters.
std::string text_of(const char* format, auto... values) {
  char text[400];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace noisescope
