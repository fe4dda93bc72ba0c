// convert: weights of others as a folder in Hugging Face layout.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/clip_commands.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

extern char** environ;

namespace noisescope::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScript =
#include "apps/noisescope/convert_script.inc"
    ;

struct ConvertFlags {
  ClipFolderFlags model;
  std::string out;
  std::string python = "python3";
};

bool is_pickle(const fs::path& path) {
  const std::string end = path.extension().string();
  return end == ".bin" || end == ".pt" || end == ".pth" || end == ".ckpt";
}

/// The pickles that `source` is or holds, if it has no safetensors file.
std::vector<fs::path> pickles_of(const fs::path& source) {
  if (fs::is_regular_file(source)) {
    return is_pickle(source) ? std::vector<fs::path>{source} : std::vector<fs::path>{};
  }
  if (!fs::is_directory(source)) {
    throw IoError("[convert] expected a model folder or weight file, got " + source.string());
  }
  std::vector<fs::path> pickles;
  for (const auto& entry : fs::directory_iterator(source)) {
    if (entry.path().extension() == ".safetensors") return {};
    if (entry.is_regular_file() && is_pickle(entry.path())) pickles.push_back(entry.path());
  }
  std::sort(pickles.begin(), pickles.end());
  return pickles;
}

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

/// A folder beside `out` that is gone when this is.
class Workplace {
 public:
  explicit Workplace(const fs::path& out) : path_(out.string() + ".partial") {
    fs::remove_all(path_);
    make_folder(path_);
  }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Tensors of the pickles, and the text files beside them, as a folder that ClipModel::load reads.
void unpickle(const ConvertFlags& flags, const std::vector<fs::path>& pickles, const fs::path& folder) {
  std::vector<std::string> words = {flags.python, "-c", kScript};
  for (const fs::path& pickle : pickles) words.push_back(pickle.string());
  words.push_back((folder / "model.safetensors").string());
  run_program(words);
  const fs::path source = pickles.front().parent_path();
  for (const auto& entry : fs::directory_iterator(source.empty() ? "." : source)) {
    const std::string end = entry.path().extension().string();
    const bool is_index = entry.path().string().ends_with(".index.json");
    if ((end == ".json" && !is_index) || end == ".txt") {
      fs::copy_file(entry.path(), folder / entry.path().filename());
    }
  }
}

void run_convert(const Session& session, const ConvertFlags& flags) {
  const fs::path out = flags.out;
  if (fs::exists(out) && !fs::is_empty(out)) {
    throw IoError("[convert] expected a new or empty folder as --out, got " + out.string());
  }
  const std::vector<fs::path> pickles = pickles_of(flags.model.folder);
  const Workplace workplace(out);
  fs::path source = flags.model.folder;
  if (!pickles.empty()) {
    session.say("reading " + std::to_string(pickles.size()) +
                " pickle file(s) with Python's torch.load(weights_only=True): tensors alone, no code");
    source = workplace.path() / "tensors";
    make_folder(source);
    unpickle(flags, pickles, source);
  }
  const ClipModel model = ClipModel::load(source, flags.model.load_options());
  const fs::path whole = workplace.path() / "model";
  model.save(whole);
  fs::remove_all(out);
  fs::rename(whole, out);
  session.say("wrote " + out.string() + (model.has_text() && !model.has_tokenizer()
                                             ? "; no tokenizer was found beside the weights"
                                             : ""));
  session.result({{"out", out.string()},
                  {"pickles", pickles.size()},
                  {"has_text", model.has_text()},
                  {"has_image", model.has_image()},
                  {"has_tokenizer", model.has_tokenizer()}});
}

}  // namespace

void add_convert(CLI::App& app, Session& session) {
  CLI::App* command =
      app.add_subcommand("convert", "A CLIP of open_clip, OpenAI or a pickle as a Hugging Face folder");
  add_common(*command, session);
  auto flags = std::make_shared<ConvertFlags>();
  add_clip_folder(*command, "IN", flags->model);
  command->add_option("--out", flags->out, "new folder")->required();
  command->add_option("--python", flags->python, "Python with torch and safetensors, for pickles")
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  noisescope convert downloads/open_clip-ViT-B-32 --out models/ViT-B-32\n"
      "  noisescope convert ViT-B-32-state-dict.pt --activation quick_gelu --text-heads 8 \\\n"
      "                     --image-heads 12 --out models/ViT-B-32\n"
      "Pickles (.pt, .bin) can run code when opened. This program never opens one: a small Python\n"
      "script does, with weights_only=True, which builds tensors and refuses everything else.");
  command->callback([&session, flags] { run_convert(session, *flags); });
}

}  // namespace noisescope::cli
