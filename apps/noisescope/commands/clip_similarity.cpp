#include "apps/noisescope/clip_commands.h"
#include "noisescope/clip/clip_metrics.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_classes.h"
#include "noisescope/viz/heat_map.h"

namespace noisescope::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::vector<double>> rows_of(const Tensor& matrix) {
  std::vector<std::vector<double>> rows;
  for (const Tensor& row : matrix.to(torch::kFloat64).contiguous().unbind(0)) {
    rows.emplace_back(row.data_ptr<double>(), row.data_ptr<double>() + row.numel());
  }
  return rows;
}

/// The matrix as a picture, 24 px a cell, and beside it as a figure with names.
void write_matrix(const std::filesystem::path& path, const Tensor& matrix, const std::vector<std::string>& rows,
                  const std::vector<std::string>& columns) {
  constexpr int64_t kCellPx = 24;
  const ValueRange range = value_range(matrix);
  const Tensor cells = matrix.repeat_interleave(kCellPx, 0).repeat_interleave(kCellPx, 1);
  write_png(path, colour_image(cells, ColourMap::sequential, range));
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
  const std::vector<std::string> texts = texts_of(flags), asked = image_files(flags.images);
  const ClipModel model = load_model(session, flags.model);
  const Tensor text = embed_texts(model, texts);
  const int64_t cut = say_of_cut_texts(session, model, texts);
  say_of_unknown_words(session, model, texts);
  const EmbeddedImages images = embed_images(session, model, asked);
  const std::vector<std::string>& files = images.files;
  const Tensor cosines = at::matmul(images.rows, text.t());
  Json json = {{"images", files}, {"texts", texts}, {"cosines", rows_of(cosines)}};
  for (size_t k = 0; k < files.size(); ++k) {
    const int64_t best = cosines[static_cast<int64_t>(k)].argmax().item<int64_t>();
    session.say(format_text("{}: nearest text '{}', cosine {:.4f}", files[k], texts[size_t(best)],
                            cosines[static_cast<int64_t>(k)][best].item<double>()));
  }
  if (asked.size() == texts.size() && files.size() == asked.size() && files.size() > 1) {  // image i goes with text i
    json["modality_gap"] = gap_json(modality_gap(images.rows, text));
    session.say("modality gap, taking image i and text i as pairs: " + json["modality_gap"].dump());
  }
  json["truncated"] = cut;
  json["skipped"] = images.skipped_json();
  if (!flags.out.empty()) {
    write_matrix(flags.out, cosines, files, texts);
    session.say("wrote " + flags.out);
  }
  session.result(json);
}

}  // namespace

void add_clip_similarity(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("similarity", "Cosines of pictures and texts, modality gap");
  add_common(*command, session);
  auto flags = std::make_shared<ScoreFlags>();
  add_clip_folder(*command, "--model", flags->model);
  command->add_option("images", flags->images, "pictures or folders of them")->required();
  command->add_option("--text", flags->texts, "a text; may be given several times")->allow_extra_args(false);
  command->add_option("--texts-file", flags->texts_file, "file with one text per line");
  command->add_option("--out", flags->out, "PNG of the matrix; an SVG with names goes beside it");
  command->footer(
      "Example:\n"
      "  noisescope clip similarity --model models/ViT-B-32 photos --texts-file captions.txt \\\n"
      "                             --out similarity.png\n"
      "With as many texts as pictures the modality gap is reported, text i being that of picture i.");
  command->callback([&session, flags] { run_similarity(session, *flags); });
}

}  // namespace noisescope::cli
