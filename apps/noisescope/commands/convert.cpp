// convert: weights of others in this program's layouts.
#include <algorithm>
#include <filesystem>
#include <vector>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/clip_commands.h"
#include "apps/noisescope/python_script.h"
#include "apps/noisescope/unpickle.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/run/xnoise_checkpoint.h"

namespace noisescope::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHowPickles =
    "Pickles (.pt, .pth, .bin) can run code when opened. This program never opens one: a small Python\n"
    "script does, with weights_only=True, which builds tensors and refuses everything else.";

struct ConvertFlags {
  ClipFolderFlags model;
  std::string out;
  std::string python = default_python();
};

struct XNoiseFlags {
  std::string checkpoint, clip, out;
  std::string python = default_python();
};

struct EmbeddingFlags {
  std::string csv, out;
};

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

/// Text files beside the weights: configuration and tokenizer.
void copy_texts(const fs::path& source, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(source.empty() ? "." : source)) {
    const std::string end = entry.path().extension().string();
    const bool is_index = entry.path().string().ends_with(".index.json");
    if ((end == ".json" && !is_index) || end == ".txt") {
      fs::copy_file(entry.path(), folder / entry.path().filename());
    }
  }
}

void convert_clip(const Session& session, const ConvertFlags& flags) {
  const Workplace workplace(flags.out);
  const std::vector<fs::path> pickles = pickles_of(flags.model.folder);
  fs::path source = flags.model.folder;
  if (!pickles.empty()) {
    session.say(
        format_text("reading {} pickle file(s) with Python's torch.load(weights_only=True): tensors alone, "
                    "no code",
                    pickles.size()));
    source = workplace.path() / "tensors";
    make_folder(source);
    unpickle(flags.python, "state_dict,model_state_dict,model", pickles, source / "model.safetensors");
    copy_texts(pickles.front().parent_path(), source);
  }
  const ClipModel model = ClipModel::load(source, flags.model.load_options());
  model.save(workplace.path() / "model");
  workplace.publish(workplace.path() / "model");
  session.say("wrote " + flags.out +
              (model.has_text() && !model.has_tokenizer() ? "; no tokenizer was found beside the weights" : ""));
  session.result({{"out", flags.out},
                  {"pickles", pickles.size()},
                  {"has_text", model.has_text()},
                  {"has_image", model.has_image()},
                  {"has_tokenizer", model.has_tokenizer()}});
}

void convert_xnoise(const Session& session, const XNoiseFlags& flags) {
  const Workplace workplace(flags.out);
  fs::path weights = flags.checkpoint;
  if (is_pickle(weights)) {
    weights = workplace.path() / "checkpoint.safetensors";
    unpickle(flags.python, "ema,model", {flags.checkpoint}, weights);
  }
  const RunFolder run{workplace.path() / "run"};
  const RunConfig config = import_xnoise_checkpoint(read_safetensors(weights), flags.clip, run);
  workplace.publish(run.root);
  session.say(format_text("wrote {}; now: noisescope sample {} --prompt \"...\"", flags.out, flags.out));
  session.result({{"out", flags.out},
                  {"channels", config.network.channels},
                  {"timesteps", config.precondition.schedule.timesteps}});
}

void convert_embeddings(const Session& session, const EmbeddingFlags& flags) {
  const TensorFile file = read_xnoise_embeddings(flags.csv);
  write_safetensors(flags.out, file);
  const Tensor& image = file.at("image");
  session.say(format_text("wrote {}: image {}", flags.out, describe_tensor(image)));
  session.result({{"out", flags.out}, {"images", image.size(0)}, {"width", image.size(1)}});
}

void add_python(CLI::App& command, std::string& python) {
  command.add_option("--python", python, "Python with torch and safetensors, for pickles")->capture_default_str();
}

void add_convert_xnoise(CLI::App& convert, Session& session) {
  CLI::App* command =
      convert.add_subcommand("xnoise", "A checkpoint of xNoise, the project that this one grew from, as a run");
  add_common(*command, session);
  auto flags = std::make_shared<XNoiseFlags>();
  command->add_option("checkpoint", flags->checkpoint, "its <epoch>.pth")->required()->check(CLI::ExistingFile);
  command->add_option("--clip", flags->clip, "folder of the CLIP it was trained with (ViT-B/32)")->required();
  command->add_option("--out", flags->out, "new run folder")->required();
  add_python(*command, flags->python);
  command->footer(std::string("Examples:\n"
                              "  noisescope convert xnoise 99.pth --clip models/ViT-B-32 --out runs/xnoise\n"
                              "  noisescope sample runs/xnoise --prompt \"a photo of a goldfish\"\n"
                              "Averaged weights are taken where the checkpoint has them.\n") +
                  kHowPickles);
  command->callback([&session, flags] { convert_xnoise(session, *flags); });
}

void add_convert_embeddings(CLI::App& convert, Session& session) {
  CLI::App* command = convert.add_subcommand(
      "embeddings", "xNoise's CSV of image embeddings as safetensors, as 'clip embed' writes them");
  add_common(*command, session);
  auto flags = std::make_shared<EmbeddingFlags>();
  command->add_option("csv", flags->csv, "one line a picture: name, numbers; no header")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--out", flags->out, "new file")->required();
  command->footer("Examples:\n  noisescope convert embeddings clip.csv --out clip.safetensors");
  command->callback([&session, flags] { convert_embeddings(session, *flags); });
}

}  // namespace

void add_convert(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("convert",
                                         "A CLIP of open_clip, OpenAI or a pickle as a Hugging Face folder; "
                                         "xNoise's checkpoints and embeddings");
  add_common(*command, session);
  command->require_subcommand(0, 1);
  auto flags = std::make_shared<ConvertFlags>();
  add_clip_folder(*command, "IN", flags->model);
  command->get_option("IN")->required(false);
  command->add_option("--out", flags->out, "new folder");
  add_python(*command, flags->python);
  add_convert_xnoise(*command, session);
  add_convert_embeddings(*command, session);
  command->footer(std::string("Examples:\n"
                              "  noisescope convert downloads/open_clip-ViT-B-32 --out models/ViT-B-32\n"
                              "  noisescope convert ViT-B-32-state-dict.pt --activation quick_gelu --text-heads 8 \\\n"
                              "                     --image-heads 12 --out models/ViT-B-32\n"
                              "  noisescope convert xnoise 99.pth --clip models/ViT-B-32 --out runs/xnoise\n"
                              "  noisescope convert embeddings clip.csv --out clip.safetensors\n") +
                  kHowPickles);
  command->callback([&session, flags, command] {
    if (!command->get_subcommands().empty()) return;
    if (flags->model.folder.empty() || flags->out.empty()) {
      throw ValueError("[convert] expected a model to convert and --out; see 'noisescope convert --help'");
    }
    convert_clip(session, *flags);
  });
}

}  // namespace noisescope::cli
