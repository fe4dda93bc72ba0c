// The page that is built into the program: the files of web/dist.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "noisescope/core/namespaces.h"

namespace noisescope::studio {

struct PageFile {
  std::string_view bytes;
  const char* type;  // MIME
};

/// A file of the page by its path, "index.html" or "assets/index-1a2b.js"; nothing where it is not.
std::optional<PageFile> page_file(std::string_view path);

/// The MIME type of a file name of the page.
const char* type_of(std::string_view path);

}  // namespace noisescope::studio
