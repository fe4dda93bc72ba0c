#include "apps/noisescope/unpickle.h"

#include <cerrno>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

extern char** environ;

namespace noisescope::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript =
#include "apps/noisescope/unpickle_script.inc"
    ;

/// Runs a program to its end, without a shell; throws unless it succeeds.
void run_program(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // stdout is the result's
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw IoError("[convert] expected to start " + words.front() +
                      "; pickles are read by Python with torch and safetensors, see --python",
                  failed);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw FormatError("[convert] expected tensors in the pickle, got a failure of " + words.front() +
                      "; its message stands above");
  }
}

}  // namespace

bool is_pickle(const fs::path& path) {
  const std::string end = path.extension().string();
  return end == ".bin" || end == ".pt" || end == ".pth" || end == ".ckpt";
}

void unpickle(const std::string& python, const std::string& keys, const std::vector<fs::path>& pickles,
              const fs::path& target) {
  std::vector<std::string> words = {python, "-c", kScript, keys};
  for (const fs::path& pickle : pickles) words.push_back(pickle.string());
  words.push_back(target.string());
  run_program(words);
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
