#include <map>

#include "apps/noisescope/clip_commands.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/file.h"
#include "noisescope/run/clip_classes.h"

namespace noisescope::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Labels without those that are given twice; what was left out is said.
struct Labels {
  std::vector<std::string> kept;
  Json left_out = Json::array();
};

Labels distinct_labels(const Session& session, const ClipModel& model, const std::vector<std::string>& labels) {
  Labels distinct;
  std::map<std::vector<int64_t>, std::string> by_ids;
  for (const std::string& label : labels) {
    const Encoding encoding = model.tokenizer().encode(label);
    const auto [first, is_new] = by_ids.emplace(encoding.ids, label);
    if (is_new) {
      distinct.kept.push_back(label);
    } else if (encoding.unknown.empty() && !encoding.truncated()) {
      distinct.left_out.push_back(label);
      session.notice("label left out: '" + label + "' says the same as '" + first->second + "'");
    } else {
      throw ValueError("[clip.classify] expected labels that the model tells apart, got '" +
                       first->second.substr(0, 60) + "' and '" + label.substr(0, 60) + "', which it reads alike: " +
                       (encoding.truncated() ? "they differ behind the tokens that it reads"
                                             : describe_unknown(model.tokenizer(), encoding.unknown)));
    }
  }
  if (distinct.kept.size() == 1) session.notice("of a single label the probability is always 1; give several");
  return distinct;
}

std::vector<std::string> labels_of(const ScoreFlags& flags) {
  ScoreFlags present = flags;  // a comma too many is no label
  std::erase_if(present.texts, [](const std::string& text) { return tidy_caption(text).empty(); });
  return texts_of(present);
}

/// The best labels of one picture, and as a line of text.
Json best_labels(const Tensor& scores, const Tensor& order, const std::vector<std::string>& labels, std::string& line) {
  Json found = Json::array();
  for (int64_t rank = 0; rank < scores.size(0); ++rank) {
    const std::string& label = labels[size_t(order[rank].item<int64_t>())];
    const double score = scores[rank].item<double>();
    found.push_back({{"label", label}, {"probability", score}});
    line += format_text("{} {:.3f} {}", rank == 0 ? "" : ",", score, label);
  }
  return found;
}

void run_classify(const Session& session, const ScoreFlags& flags) {
  const std::vector<std::string> asked = labels_of(flags);
  const std::vector<std::string> files = image_files(flags.images);
  const ClipModel model = load_model(session, flags.model);
  const std::vector<std::string>& templates = flags.templates.empty() ? usual_templates() : flags.templates;
  const int64_t cut = say_of_cut_texts(session, model, asked);
  say_of_unknown_words(session, model, asked);
  const Labels labels = distinct_labels(session, model, asked);
  if (cut == 0) say_of_cut_texts(session, model, fill_templates(templates, labels.kept));
  const Tensor classes = class_embeddings(model, labels.kept, templates);
  const EmbeddedImages images = embed_images(session, model, files);
  const auto top = std::min(flags.top, static_cast<int64_t>(labels.kept.size()));
  const auto [scores, order] = class_probabilities(model, images.rows, classes).topk(top, 1);
  Json json = Json::array();
  for (size_t k = 0; k < images.files.size(); ++k) {
    const auto row = static_cast<int64_t>(k);
    std::string line = images.files[k] + ":";
    const Json found = best_labels(scores[row], order[row], labels.kept, line);
    session.say(line);
    json.push_back({{"image", images.files[k]}, {"labels", found}});
  }
  session.result(
      {{"images", json}, {"truncated", cut}, {"left_out_labels", labels.left_out}, {"skipped", images.skipped_json()}});
}

}  // namespace

void add_clip_classify(CLI::App& clip, Session& session) {
  CLI::App* command = clip.add_subcommand("classify", "Which of some labels fits a picture (zero-shot)");
  add_common(*command, session);
  auto flags = std::make_shared<ScoreFlags>();
  add_clip_folder(*command, "--model", flags->model);
  command->add_option("images", flags->images, "pictures or folders of them")->required();
  command->add_option("--labels", flags->texts, "class names")->delimiter(',');
  command->add_option("--labels-file", flags->texts_file, "file with one class name per line");
  command->add_option("--template", flags->templates, "caption of a class; default: the usual seven, averaged")
      ->allow_extra_args(false);
  command->add_option("--top", flags->top, "labels shown")->check(CLI::Range(1, 1000))->capture_default_str();
  command->footer("Example:\n  noisescope clip classify --model models/ViT-B-32 --labels cat,dog photo.jpg");
  command->callback([&session, flags] { run_classify(session, *flags); });
}

}  // namespace noisescope::cli
