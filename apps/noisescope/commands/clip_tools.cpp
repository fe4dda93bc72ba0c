// clip inspect, embed, classify, similarity.
#include <algorithm>

#include "apps/noisescope/clip_commands.h"
#include "noisescope/clip/clip_images.h"
#include "noisescope/clip/folder/clip_inspect.h"
#include "noisescope/clip/clip_metrics.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_classes.h"
#include "noisescope/run/clip_embed.h"
#include "noisescope/viz/heat_map.h"

namespace noisescope::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kBatch = 32;

ClipModel load_model(const Session& session, const ClipFolderFlags& flags) {
  ClipModel model = ClipModel::load(flags.folder, flags.load_options());
  model.to(parse_device(session.common.device));
  return model;
}

/// Unit embeddings of image files: [N, E] on the CPU.
Tensor embed_images(const ClipModel& model, const std::vector<std::string>& files,
                    const Control& control) {
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
std::vector<std::string> expand(const std::vector<std::string>& paths) {
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

std::vector<std::vector<double>> rows_of(const Tensor& matrix) {
  std::vector<std::vector<double>> rows;
  for (const Tensor& row : matrix.to(torch::kFloat64).contiguous().unbind(0)) {
    rows.emplace_back(row.data_ptr<double>(), row.data_ptr<double>() + row.numel());
  }
  return rows;
}

Json encoder_json(const EncoderOptions& options, int64_t parameters) {
  return {{"width", options.width},     {"layers", options.layers},
          {"heads", options.heads},     {"mlp_width", options.mlp_size()},
          {"activation", to_string(options.activation)},
          {"norm_eps", options.norm_eps}, {"parameters", parameters}};
}

Json to_json(const ClipInspection& inspection) {
  const ClipConfig& config = inspection.config;
  Json json = {{"weights", inspection.weights.string()}, {"dtypes", inspection.dtypes}};
  if (!config.source.empty()) {
    json["layout"] = to_string(inspection.layout);
    json["configuration"] = config.source;
    json["embedding_dim"] = config.options.embedding_dim;
    if (config.has_text) {
      json["text"] = encoder_json(config.options.text, inspection.text_parameters);
      json["text"]["vocabulary"] = config.vocabulary_size;
      json["text"]["context"] = config.context_length;
      json["text"]["pooled_at"] = config.end_id;
      json["tokenizer"] = inspection.tokenizer;
    }
    if (config.has_image) {
      const ImageTowerOptions& image = config.options.image;
      json["image"] = encoder_json(image.encoder, inspection.image_parameters);
      json["image"]["size"] = image.image_size;
      json["image"]["patch"] = image.patch_size;
      json["image"]["mean"] = config.options.image_mean;
      json["image"]["std"] = config.options.image_std;
    }
    json["notes"] = config.notes;
  }
  json["problems"] = inspection.problems;
  return json;
}

void run_inspect(Session& session, const ClipFolderFlags& flags) {
  const ClipInspection inspection = inspect_clip(flags.folder, flags.load_options().hints);
  const Json json = to_json(inspection);
  for (const auto& [key, value] : json.items()) {
    if (key == "problems" || key == "notes") continue;
    session.say(key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()));
  }
  for (const std::string& note : inspection.config.notes) session.say("note: " + note);
  for (const std::string& problem : inspection.problems) session.say("missing or wrong: " + problem);
  session.result(json);
  if (!inspection.loads()) session.exit_code = 4;
}

struct EmbedFlags {
  ClipFolderFlags model;
  ClipEmbedRequest request;
  std::string dtype = "float32";
};

void run_embed(const Session& session, EmbedFlags flags) {
  flags.request.float16 = flags.dtype == "float16";
  const ClipEmbedResult result =
      clip_embed(load_model(session, flags.model), flags.request, session.control);
  for (const SkippedFile& file : result.skipped) {
    session.notice(format_text("left out {}: {}", file.name, file.reason));
  }
  if (result.truncated > 0) {
    session.notice(format_text("{} texts were cut to fit the context", result.truncated));
  }
  session.say(result.was_complete
                  ? flags.request.out.string() + " already holds these embeddings"
                  : format_text("wrote {}: {} texts, {} images, {} classes", flags.request.out.string(), result.texts,
                                result.images, result.classes));
  session.result({{"out", flags.request.out.string()},
                  {"texts", result.texts},
                  {"images", result.images},
                  {"classes", result.classes},
                  {"resumed_shards", result.resumed_shards},
                  {"truncated", result.truncated},
                  {"skipped", result.skipped.size()},
                  {"was_complete", result.was_complete}});
}

struct ScoreFlags {
  ClipFolderFlags model;
  std::vector<std::string> images;
  std::vector<std::string> texts;
  std::vector<std::string> templates;
  std::string texts_file;
  std::string out;
  int64_t top = 5;
};

/// Texts of the command line, then those of the file.
std::vector<std::string> texts_of(const ScoreFlags& flags) {
  std::vector<std::string> texts = flags.texts;
  if (!flags.texts_file.empty()) {
    for (std::string& line : read_lines(flags.texts_file)) texts.push_back(std::move(line));
  }
  if (texts.empty()) throw ValueError("[clip] expected at least one text, got none");
  return texts;
}

void run_classify(const Session& session, const ScoreFlags& flags) {
  const std::vector<std::string> labels = texts_of(flags);
  const std::vector<std::string> files = expand(flags.images);
  const ClipModel model = load_model(session, flags.model);
  const Tensor classes = class_embeddings(
      model, labels, flags.templates.empty() ? usual_templates() : flags.templates);
  const Tensor images = embed_images(model, files, session.control);
  const auto top = std::min(flags.top, static_cast<int64_t>(labels.size()));
  const auto [scores, order] = class_probabilities(model, images, classes).topk(top, 1);
  Json json = Json::array();
  for (size_t k = 0; k < files.size(); ++k) {
    Json found = Json::array();
    std::string line = files[k] + ":";
    for (int64_t rank = 0; rank < top; ++rank) {
      const auto row = static_cast<int64_t>(k);
      const std::string& label = labels[size_t(order[row][rank].item<int64_t>())];
      const double score = scores[row][rank].item<double>();
      found.push_back({{"label", label}, {"probability", score}});
      line += format_text(" {:.3f} {}{}", score, label, rank + 1 < top ? "," : "");
    }
    session.say(line);
    json.push_back({{"image", files[k]}, {"labels", found}});
  }
  session.result({{"images", json}});
}

/// The matrix as a picture, 24 px a cell, and beside it as a figure with names.
void write_matrix(const std::filesystem::path& path, const Tensor& matrix,
                  const std::vector<std::string>& rows, const std::vector<std::string>& columns) {
  constexpr int64_t kCellPx = 24;
  const ValueRange range = value_range(matrix);
  const Tensor cells = matrix.repeat_interleave(kCellPx, 0).repeat_interleave(kCellPx, 1);
  write_png(path, color_image(cells, ColorMap::sequential, range));
  HeatMap figure;
  figure.title = "Cosines of images and texts";
  figure.description = "One row an image, one column a text";
  figure.values = matrix;
  figure.y_names = rows;
  figure.x_names = columns;
  figure.value_label = "cosine";
  figure.range = range;
  auto svg = path;
  write_file_atomic(svg.replace_extension(".svg"), render_svg(figure));
}

Json gap_json(const ModalityGap& gap) {
  return {{"distance", gap.distance},
          {"pair_cosine", gap.pair_cosine},
          {"unpaired_cosine", gap.unpaired_cosine},
          {"centred_pair_cosine", gap.centred_pair_cosine},
          {"centred_unpaired_cosine", gap.centred_unpaired_cosine},
          {"pairs", gap.pairs}};
}

void run_similarity(const Session& session, const ScoreFlags& flags) {
  const std::vector<std::string> texts = texts_of(flags), files = expand(flags.images);
  const ClipModel model = load_model(session, flags.model);
  const Tensor text = embed_texts(model, texts);
  if (const size_t cut = tokenize(model.tokenizer(), texts).truncated.size(); cut > 0) {
    session.notice(std::to_string(cut) + " texts were cut to fit the context");
  }
  const Tensor image = embed_images(model, files, session.control);
  const Tensor cosines = at::matmul(image, text.t());
  Json json = {{"images", files}, {"texts", texts}, {"cosines", rows_of(cosines)}};
  for (size_t k = 0; k < files.size(); ++k) {
    const int64_t best = cosines[static_cast<int64_t>(k)].argmax().item<int64_t>();
    session.say(format_text("{}: nearest text '{}', cosine {:.4f}", files[k], texts[size_t(best)],
                            cosines[static_cast<int64_t>(k)][best].item<double>()));
  }
  if (files.size() == texts.size() && files.size() > 1) {  // image i goes with text i
    json["modality_gap"] = gap_json(modality_gap(image, text));
    session.say("modality gap, taking image i and text i as pairs: " + json["modality_gap"].dump());
  }
  if (!flags.out.empty()) {
    write_matrix(flags.out, cosines, files, texts);
    session.say("wrote " + flags.out);
  }
  session.result(json);
}

}  // namespace

ClipLoadOptions ClipFolderFlags::load_options() const {
  ClipLoadOptions loading = options;
  if (!activation.empty()) loading.hints.activation = parse_enum<ClipActivation>(activation);
  loading.position_resize = parse_enum<PositionResize>(position_resize);
  return loading;
}

void add_clip_folder(CLI::App& command, const std::string& name, ClipFolderFlags& flags) {
  command.add_option(name, flags.folder,
                     "model folder: transformers, open_clip, or OpenAI's state dict as safetensors")
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

void add_clip_inspect(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("inspect", "What a model folder holds and what it lacks");
  add_common(*command, session);
  auto flags = std::make_shared<ClipFolderFlags>();
  add_clip_folder(*command, "DIR", *flags);
  command->footer(
      "Example:\n  noisescope clip inspect models/ViT-B-32\n"
      "Exit code 4 if something is missing or does not fit; everything is listed at once.");
  command->callback([&session, flags] { run_inspect(session, *flags); });
}

void add_clip_embed(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("embed", "Embeddings of texts, images and classes in one file");
  add_common(*command, session);
  auto flags = std::make_shared<EmbedFlags>();
  add_clip_folder(*command, "--model", flags->model);
  ClipEmbedRequest& request = flags->request;
  command->add_option("--texts", request.texts, "file with a text a line")->check(CLI::ExistingFile);
  command->add_option("--images", request.images, "folder of PNG and JPEG files")
      ->check(CLI::ExistingDirectory);
  command->add_option("--classes", request.classes, "file with a class name a line")
      ->check(CLI::ExistingFile);
  command->add_option("--template", request.templates,
                      "caption of a class, e.g. \"a photo of a {}\"; default: the usual seven")
      ->allow_extra_args(false);
  command->add_option("--out", request.out, "safetensors file")->required();
  command->add_option("--dtype", flags->dtype, "float32 or float16")
      ->check(CLI::IsMember({"float32", "float16"}))
      ->capture_default_str();
  command->add_option("--batch-size", request.batch_size, "rows embedded at once")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  command->add_option("--shard-rows", request.shard_rows, "rows between two saves")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  noisescope clip embed --model models/ViT-B-32 --texts captions.txt --images photos \\\n"
      "                        --out embeddings.safetensors\n"
      "Tensors text, image and class; names as JSON lists in the metadata. After an interruption the\n"
      "same command goes on; the finished file has the same bits either way.");
  command->callback([&session, flags] { run_embed(session, *flags); });
}

void add_clip_classify(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("classify", "Which of some labels fits a picture (zero-shot)");
  add_common(*command, session);
  auto flags = std::make_shared<ScoreFlags>();
  add_clip_folder(*command, "--model", flags->model);
  command->add_option("images", flags->images, "pictures or folders of them")->required();
  command->add_option("--labels", flags->texts, "class names")->delimiter(',');
  command->add_option("--labels-file", flags->texts_file, "file with a class name a line");
  command->add_option("--template", flags->templates,
                      "caption of a class; default: the usual seven, averaged")
      ->allow_extra_args(false);
  command->add_option("--top", flags->top, "labels shown")->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->footer("Example:\n  noisescope clip classify --model models/ViT-B-32 --labels cat,dog photo.jpg");
  command->callback([&session, flags] { run_classify(session, *flags); });
}

void add_clip_similarity(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("similarity", "Cosines of pictures and texts, modality gap");
  add_common(*command, session);
  auto flags = std::make_shared<ScoreFlags>();
  add_clip_folder(*command, "--model", flags->model);
  command->add_option("images", flags->images, "pictures or folders of them")->required();
  command->add_option("--text", flags->texts, "a text; may be given several times")
      ->allow_extra_args(false);
  command->add_option("--texts-file", flags->texts_file, "file with a text a line");
  command->add_option("--out", flags->out, "PNG of the matrix; an SVG with names goes beside it");
  command->footer(
      "Example:\n"
      "  noisescope clip similarity --model models/ViT-B-32 photos --texts-file captions.txt \\\n"
      "                             --out similarity.png\n"
      "With as many texts as pictures the modality gap is reported, text i being that of picture i.");
  command->callback([&session, flags] { run_similarity(session, *flags); });
}

}  // namespace noisescope::cli
