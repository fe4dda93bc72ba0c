#include "noisescope/io/writable_folder.h"

#include "noisescope/io/file.h"

namespace noisescope::io {

void check_writable(const std::filesystem::path& folder) {
  make_folder(folder);
  const std::filesystem::path probe = folder / ".write-test";
  write_file_atomic(probe, "");
  std::filesystem::remove(probe);
}

ResultFolder::ResultFolder(std::filesystem::path folder) : folder_(std::filesystem::absolute(folder)) {
  for (std::filesystem::path part = folder_; !std::filesystem::exists(part); part = part.parent_path()) made_ = part;
  check_writable(folder_);
}

ResultFolder::~ResultFolder() {
  std::error_code error;
  for (std::filesystem::path part = folder_; !made_.empty(); part = part.parent_path()) {
    if (!std::filesystem::remove(part, error) || part == made_) return;
  }
}

}  // namespace noisescope::io
