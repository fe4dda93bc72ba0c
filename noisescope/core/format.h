// Texts with values in them, by {fmt}: "expected 1 to {} blocks, got {}". Numbers are written with the
// shortest text that reads back as the same number; "{:.3f}" and the other forms of std::format work, too.
#pragma once

#include <fmt/base.h>

#include <string>

#include "noisescope/core/namespaces.h"

namespace noisescope {

/// What format_text calls once its argument types are forgotten; the sources need not compile {fmt} again.
std::string format_arguments(fmt::string_view form, fmt::format_args arguments);

/// The text with every {} replaced by an argument. A form that does not fit its arguments does not compile.
template <class... Args>
std::string format_text(fmt::format_string<Args...> form, Args&&... arguments) {
  return format_arguments(form, fmt::make_format_args(arguments...));
}

}  // namespace noisescope
