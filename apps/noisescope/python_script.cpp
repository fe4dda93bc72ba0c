#include "apps/noisescope/python_script.h"

#include <cerrno>
#include <filesystem>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

extern char** environ;

namespace noisescope::cli {
namespace {

/// Before a script: Linux ends it when the program ends, however that comes (1: PR_SET_PDEATHSIG).
constexpr const char* kEndsWithProgram =
    "import ctypes, os, signal\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"
    "if os.getppid() != {}: os._exit(1)\n";

}  // namespace

std::string default_python() { return std::filesystem::exists(".venv/bin/python") ? ".venv/bin/python" : "python3"; }

void run_python(const std::string& python, const char* script, const std::vector<std::string>& arguments,
                const std::string& needs) {
  std::vector<std::string> words = {python, "-c", format_text(kEndsWithProgram, ::getpid()) + script};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // stdout is the result's
  pid_t child = 0;
  const int failed = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw IoError("[cli.run_python] expected to start " + python + ", a Python with " + needs + ", see --python",
                  failed);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw FormatError("[cli.run_python] expected " + python + " (with " + needs +
                      ") to read these files, got a failure; its message stands above");
  }
}

}  // namespace noisescope::cli
