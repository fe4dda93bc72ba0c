#include "noisescope/studio/studio.h"

#include <algorithm>
#include <cctype>

#include "noisescope/core/format.h"
#include "noisescope/explain/method.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/run/train_run.h"
#include "noisescope/studio/planes.h"
#include "noisescope/studio/stoppable.h"
#include "noisescope/studio/training.h"

namespace noisescope::studio {
namespace {

Limits fitted(Limits limits, const Model& model) {
  limits.image_shape = model.image_shape;
  return limits;
}

const char* kind_of(const Studio& studio) {
  if (studio.options.folder) return "run";
  if (studio.model.is_exact()) return studio.model.world ? "world" : "pictures";
  return "function";
}

const Tokenizer* tokenizer_of(const Model& model) {
  return model.network ? &model.network->clip().tokenizer() : nullptr;
}

std::vector<std::string> known_words(const Model& model) {
  if (model.world) return model.world->grammar().words();
  const Tokenizer* tokenizer = tokenizer_of(model);
  return tokenizer ? tokenizer->known_words() : std::vector<std::string>{};
}

/// Runs of letters, digits, apostrophes and bytes beyond ASCII.
std::vector<TextSpan> word_spans(const std::string& text) {
  const auto is_part = [](unsigned char c) { return c >= 0x80 || c == '\'' || std::isalnum(c); };
  std::vector<TextSpan> spans;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!is_part(static_cast<unsigned char>(text[i]))) continue;
    const size_t begin = i;
    while (i < text.size() && is_part(static_cast<unsigned char>(text[i]))) ++i;
    spans.push_back({static_cast<int64_t>(begin), static_cast<int64_t>(i)});
  }
  return spans;
}

Json word_of_prompt(const std::string& prompt, const TextSpan& span, const std::vector<std::string>& known) {
  const std::string text = prompt.substr(static_cast<size_t>(span.begin), static_cast<size_t>(span.end - span.begin));
  const bool is_known = known.empty() || std::find(known.begin(), known.end(), lower_case(text)) != known.end();
  return {{"text", text},
          {"start", span.begin},
          {"end", span.end},
          {"known", is_known},
          {"suggestion", is_known ? "" : nearest_name(lower_case(text), known)}};
}

Json contrasts_json(const Model& model, const std::string& prompt) {
  Json list = Json::array();
  for (const PromptContrast& contrast : contrasts_of(model, prompt, {}, {})) {
    std::vector<std::string> others;
    for (size_t k = 0; k < contrast.values.size(); ++k) {
      if (static_cast<int64_t>(k) != contrast.true_version) others.push_back(contrast.values[k]);
    }
    list.push_back({{"word", contrast.name},
                    {"start", contrast.position},
                    {"end", contrast.position + contrast.word.size()},
                    {"alternatives", others}});
  }
  return list;
}

Json planes_json() {
  Json planes = Json::array();
  for (const PlaneKind& plane : kPlanes) {
    planes.push_back({{"id", plane.id}, {"name", plane.name}, {"help", plane.help}, {"signed", plane.is_signed}});
  }
  return planes;
}

}  // namespace

Studio::Studio(Model served, StudioOptions how)
    : model(stoppable(std::move(served))),
      options(std::move(how)),
      seconds_per_evaluation(options.waiting.empty() ? report::seconds_per_evaluation(model) : 0),
      tree(fitted(options.limits, model)),
      jobs(events, static_cast<size_t>(options.limits.waiting)) {}

Json model_json(const Studio& studio) {
  const Model& model = studio.model;
  const Limits& limits = studio.options.limits;
  const bool is_training = studio.options.folder && training_json(*studio.options.folder)["state"] == "running";
  return {{"name", studio.options.folder ? studio.options.folder->root.filename().string() : model.name},
          {"kind", kind_of(studio)},
          {"exact", model.is_exact()},
          {"version", studio.options.version},
          {"image", model.image_shape},
          {"posterior_mean", model.is_posterior_mean},
          {"log_snr_max", model.log_snr_max},
          {"knows_truth", model.world.has_value()},
          {"examples", studio.options.examples},
          {"words", known_words(model)},
          {"completions", studio.options.completions},
          {"planes", planes_json()},
          {"options", options_json([&](Describer& d) {
             SamplingOptions sample = model.sample;
             describe(d, sample);
           })},
          {"argument", studio.options.argument},
          {"waiting", studio.options.waiting},
          {"training", is_training},
          {"limits",
           {{"branches", limits.branches},
            {"pictures", limits.pictures},
            {"jobs", limits.waiting},
            {"steps", limits.steps}}}};
}

void check_prompt(const Model& model, const std::string& prompt) {
  if (const Tokenizer* tokenizer = tokenizer_of(model)) {
    const std::vector<UnknownWord> unknown = tokenizer->encode(prompt).unknown;
    if (!unknown.empty()) throw ValueError("[studio.prompt] " + describe_unknown(*tokenizer, unknown));
  }
  if (!model.is_exact() || prompt.empty()) return;
  if (model.world) model.world->grammar().parse(prompt);
  if (model.pictures) model.pictures->condition_of({prompt});
}

Json words_json(const Studio& studio, const std::string& prompt) {
  const Model& model = studio.model;
  Json json = {{"words", Json::array()}, {"contrasts", Json::array()}, {"cut", false}, {"error", ""}};
  const std::vector<std::string> known = known_words(model);
  for (const TextSpan& span : word_spans(prompt)) json["words"].push_back(word_of_prompt(prompt, span, known));
  if (!studio.options.waiting.empty()) return json;
  try {
    check_prompt(model, prompt);
    if (const Tokenizer* tokenizer = tokenizer_of(model)) json["cut"] = tokenizer->encode(prompt).truncated();
  } catch (const std::exception& error) {
    json["error"] = error.what();
    return json;
  }
  try {
    json["contrasts"] = contrasts_json(model, prompt);
  } catch (const ValueError&) {  // nothing is known of any word
  }
  return json;
}

}  // namespace noisescope::studio
