#include "apps/noisescope/clip_commands.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_classes.h"

namespace noisescope::cli {
namespace {

using Json = nlohmann::ordered_json;

void run_classify(const Session& session, const ScoreFlags& flags) {
  const std::vector<std::string> labels = texts_of(flags);
  const std::vector<std::string> files = image_files(flags.images);
  const ClipModel model = load_model(session, flags.model);
  const Tensor classes = class_embeddings(model, labels, flags.templates.empty() ? usual_templates() : flags.templates);
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

}  // namespace

void add_clip_classify(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("classify", "Which of some labels fits a picture (zero-shot)");
  add_common(*command, session);
  auto flags = std::make_shared<ScoreFlags>();
  add_clip_folder(*command, "--model", flags->model);
  command->add_option("images", flags->images, "pictures or folders of them")->required();
  command->add_option("--labels", flags->texts, "class names")->delimiter(',');
  command->add_option("--labels-file", flags->texts_file, "file with a class name a line");
  command->add_option("--template", flags->templates, "caption of a class; default: the usual seven, averaged")
      ->allow_extra_args(false);
  command->add_option("--top", flags->top, "labels shown")->check(CLI::Range(1, 1000))->capture_default_str();
  command->footer("Example:\n  noisescope clip classify --model models/ViT-B-32 --labels cat,dog photo.jpg");
  command->callback([&session, flags] { run_classify(session, *flags); });
}

}  // namespace noisescope::cli
