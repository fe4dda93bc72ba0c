#include "apps/noisescope/unpickle.h"

#include "apps/noisescope/python_script.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnpickleScript =
#include "apps/noisescope/unpickle_script.inc"
    ;

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

Workplace::Workplace(const fs::path& out) : out_(out), path_(out.string() + ".partial") {
  if (fs::exists(out) && !(fs::is_directory(out) && fs::is_empty(out))) {
    throw IoError("[convert] expected a new or empty folder as --out, got " + out.string());
  }
  fs::remove_all(path_);
  make_folder(path_);
}

Workplace::~Workplace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void Workplace::publish(const fs::path& folder) const {
  fs::remove_all(out_);
  fs::rename(folder, out_);
}

}  // namespace noisescope::cli
