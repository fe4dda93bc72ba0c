#include "apps/noisescope/clip_commands.h"

#include <algorithm>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_embed.h"

namespace noisescope::cli {
namespace {

constexpr size_t kBatch = 32;

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

nlohmann::ordered_json EmbeddedImages::skipped_json() const {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const SkippedFile& file : skipped) json.push_back({{"name", file.name}, {"reason", file.reason}});
  return json;
}

EmbeddedImages embed_images(const Session& session, const ClipModel& model, const std::vector<std::string>& files) {
  const torch::NoGradGuard no_grad;
  EmbeddedImages images;
  std::vector<Tensor> rows, pixels;
  const auto encode = [&] {
    if (!pixels.empty()) rows.push_back(model.encode_pixel_values(torch::stack(pixels)).to(torch::kCPU));
    pixels.clear();
  };
  for (const std::string& file : files) {
    session.control.throw_if_stopped("clip.embed_images");
    try {
      pixels.push_back(read_pixel_values(file, model.config().preprocess));
      images.files.push_back(file);
    } catch (const FormatError& error) {
      images.skipped.push_back({file, error.what()});
    } catch (const ValueError& error) {  // a size that cannot be cut to that of the tower
      images.skipped.push_back({file, error.what()});
    }
    if (pixels.size() == kBatch) encode();
  }
  encode();
  for (const SkippedFile& file : images.skipped) session.notice("left out " + file.name + ": " + file.reason);
  if (rows.empty()) throw DataError("[clip] expected a picture that can be read, got none");
  images.rows = torch::cat(rows);
  return images;
}

int64_t say_of_cut_texts(const Session& session, const ClipModel& model, const std::vector<std::string>& texts) {
  const TokenTable table = tokenize(model.tokenizer(), texts);
  const auto cut = static_cast<int64_t>(table.truncated.size());
  if (cut > 0) {
    session.notice(format_text("{} {} longer than the {} tokens that the encoder reads, and cut off: '{}...'", cut,
                               cut == 1 ? "text is" : "texts are", model.tokenizer().context_length(),
                               table.truncated.front().substr(0, 40)));
  }
  return cut;
}

void say_of_unknown_words(const Session& session, const ClipModel& model, const std::vector<std::string>& texts) {
  const std::string unknown = describe_unknown(model.tokenizer(), tokenize(model.tokenizer(), texts).unknown());
  if (!unknown.empty()) session.notice("read as unknown: " + unknown);
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
  for (const std::string& text : texts) {
    if (tidy_caption(text).empty()) throw ValueError("[clip] expected texts, got a blank one among them; take it out");
  }
  return texts;
}

}  // namespace noisescope::cli
