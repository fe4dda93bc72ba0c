// A look at a folder before long work ends in it. No torch here.
#pragma once

#include <filesystem>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// Creates the folder, and a file in it for a moment; throws IoError with the reason.
void check_writable(const std::filesystem::path& folder);

/// A folder for results: checked to be writable, and taken away again at the end if it was made here and holds nothing.
class ResultFolder {
 public:
  /// Throws IoError as check_writable.
  explicit ResultFolder(std::filesystem::path folder);
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

 private:
  std::filesystem::path folder_, made_;  // made_: the uppermost of those that were made, or empty
};

}  // namespace noisescope::io
