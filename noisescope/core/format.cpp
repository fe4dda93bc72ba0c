// The wheel of torch brings the headers of {fmt} and no library: the code stands here, once.
#define FMT_HEADER_ONLY

#include "noisescope/core/format.h"

#include <fmt/format.h>

namespace noisescope {

std::string format_arguments(fmt::string_view form, fmt::format_args arguments) {
  return fmt::vformat(form, arguments);
}

}  // namespace noisescope
