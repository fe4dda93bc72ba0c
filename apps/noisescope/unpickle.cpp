#include "apps/noisescope/unpickle.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "apps/noisescope/python_script.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnpickleScript =
#include "apps/noisescope/unpickle_script.inc"
    ;

/// `out` without a slash at its end.
fs::path checked_target(const fs::path& out) {
  const bool is_free = !fs::exists(out) || (fs::is_directory(out) && fs::is_empty(out));
  if (is_free) return out.has_filename() ? out : out.parent_path();
  throw IoError("[convert] expected a new or empty folder as --out, got " + out.string());
}

/// Makes files that Python wrote durable: the whole file system, in one call.
void sync_files(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = descriptor < 0 || ::syncfs(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  if (error) throw IoError("[convert] expected to sync " + folder.string(), error);
}

}  // namespace

bool is_pickle(const fs::path& path) {
  const std::string end = path.extension().string();
  return end == ".bin" || end == ".pt" || end == ".pth" || end == ".ckpt";
}

void unpickle(const std::string& python, const std::string& keys, const std::vector<fs::path>& pickles,
              const fs::path& target) {
  std::vector<std::string> arguments = {keys};
  for (const fs::path& pickle : pickles) arguments.push_back(pickle.string());
  arguments.push_back(target.string());
  run_python(python, kUnpickleScript, arguments, "torch and safetensors");
}

Workplace::Workplace(const fs::path& out) : out_(checked_target(out)), path_(out_.string() + ".partial"), lock_(path_) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(path_)) {
    if (entry.path().filename() != ".lock") left.push_back(entry.path());
  }
  for (const fs::path& path : left) fs::remove_all(path);
}

Workplace::~Workplace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Workplace::publish(const fs::path& folder) const {
  sync_files(folder);
  fs::rename(folder, out_);  // over an empty folder, if one is there
  sync_folder(fs::absolute(out_).parent_path());
}

}  // namespace noisescope::cli
