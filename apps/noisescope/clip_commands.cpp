#include "apps/noisescope/clip_commands.h"

#include <algorithm>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/device.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_embed.h"

namespace noisescope::cli {
namespace {

constexpr int64_t kBatch = 32;

}  // namespace

ClipLoadOptions ClipFolderFlags::load_options() const {
  ClipLoadOptions loading = options;
  if (!activation.empty()) loading.hints.activation = parse_enum<ClipActivation>(activation);
  loading.position_resize = parse_enum<PositionResize>(position_resize);
  return loading;
}

void add_clip_folder(CLI::App& command, const std::string& name, ClipFolderFlags& flags) {
  command
      .add_option(name, flags.folder, "model folder: transformers, open_clip, or OpenAI's state dict as safetensors")
      ->required();
  command.add_option("--activation", flags.activation, "where no file says it")
      ->check(CLI::IsMember({"quick_gelu", "gelu"}));
  command.add_option("--text-heads", flags.options.hints.text_heads, "where no file says it");
  command.add_option("--image-heads", flags.options.hints.image_heads, "where no file says it");
  command.add_option("--image-size", flags.options.image_size,
                     "px a side; other than in training: position embeddings are resized");
  command.add_option("--position-resize", flags.position_resize, "transformers or open_clip")
      ->check(CLI::IsMember({"transformers", "open_clip"}))
      ->capture_default_str();
}

ClipModel load_model(const Session& session, const ClipFolderFlags& flags) {
  ClipModel model = ClipModel::load(flags.folder, flags.load_options());
  model.to(parse_device(session.common.device));
  return model;
}

/// Unit embeddings of image files: [N, E] on the CPU.
Tensor embed_images(const ClipModel& model, const std::vector<std::string>& files, const Control& control) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> rows;
  for (size_t first = 0; first < files.size(); first += kBatch) {
    control.throw_if_stopped("clip.embed_images");
    std::vector<Tensor> pixels;
    for (size_t k = first; k < std::min(files.size(), first + kBatch); ++k) {
      pixels.push_back(read_pixel_values(files[k], model.config().preprocess));
    }
    rows.push_back(model.encode_pixel_values(torch::stack(pixels)).to(torch::kCPU));
  }
  return torch::cat(rows);
}

/// Files as given, and those of folders among them.
std::vector<std::string> image_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const std::string& name : image_names(path)) {
      files.push_back((std::filesystem::path(path) / name).string());
    }
  }
  return files;
}

/// Texts of the command line, then those of the file.
std::vector<std::string> texts_of(const ScoreFlags& flags) {
  std::vector<std::string> texts = flags.texts;
  if (!flags.texts_file.empty()) {
    for (std::string& line : read_lines(flags.texts_file)) texts.push_back(std::move(line));
  }
  if (texts.empty()) throw ValueError("[clip] expected at least one text, got none");
  return texts;
}

}  // namespace noisescope::cli
