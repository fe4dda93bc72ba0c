#include "noisescope/io/writable_folder.h"

#include "noisescope/io/file.h"

namespace noisescope::io {

void check_writable(const std::filesystem::path& folder) {
  make_folder(folder);
  const std::filesystem::path probe = folder / ".write-test";
  write_file_atomic(probe, "");
  std::filesystem::remove(probe);
}

}  // namespace noisescope::io
