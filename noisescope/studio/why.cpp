#include "noisescope/studio/why.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "noisescope/core/format.h"
#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/studio/evidence_json.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/stoppable.h"

namespace noisescope::studio {
namespace {

struct BlindMap {
  const char* id;
  std::function<Tensor(const Tensor& pictures)> of;  // [1, C, H, W] -> [1, H, W] >= 0
};

/// Distance from the colour of the border: the median of its pixels.
Tensor distance_from_background(const Tensor& pictures) {
  const int64_t height = pictures.size(2), width = pictures.size(3);
  const Tensor border = torch::cat(
      {pictures.select(2, 0), pictures.select(2, height - 1), pictures.select(3, 0), pictures.select(3, width - 1)}, 2);
  const Tensor background = std::get<0>(border.median(2));
  return (pictures - background.view({1, -1, 1, 1})).abs().sum(1);
}

const std::array<BlindMap, 2>& blind_maps() {
  static const std::array<BlindMap, 2> maps = {{{"background", distance_from_background}, {"edges", edge_maps}}};
  return maps;
}

/// What must be known before the map: "" where the model gives the word the picture.
std::string note_of(const WhyWord& word) {
  const double end = word.model.whole.decision()[-1].mean().item<double>();
  if (end >= 0.5) return "";
  return format_text("The model gives \"{}\" only {:.2f} at the end: by its account the picture does not show it.",
                     word.contrast.word, end);
}

Json word_json(const WhyWord& word) {
  std::vector<std::string> alternatives;
  for (size_t k = 0; k < word.contrast.values.size(); ++k) {
    if (static_cast<int64_t>(k) != word.contrast.true_version) alternatives.push_back(word.contrast.values[k]);
  }
  const std::string note = note_of(word);
  Json json = {{"word", word.contrast.name},
               {"start", word.contrast.position},
               {"end", word.contrast.position + word.contrast.word.size()},
               {"alternatives", alternatives},
               {"ln_k", std::log(static_cast<double>(word.contrast.values.size()))},
               {"shown", note.empty()},
               {"note", note},
               {"model", evidence_json(word.model.whole)}};
  if (word.truth) json["truth"] = evidence_json(word.truth->whole);
  return json;
}

const WhyWord& word_of(const Why& why, size_t word) {
  if (word < why.words.size()) return why.words[word];
  throw NotThere(format_text("[studio.why] there is no word {}; {} were asked about", word, why.words.size()));
}

const EvidenceWindows& windows_of(const WhyWord& word, const std::string& source) {
  if (source == "model") return word.model;
  if (source == "truth" && word.truth) return *word.truth;
  throw NotThere("[studio.why] there is no source " + in_quotes(source) +
                 "; see \"sources\" and \"blind\" of the answer");
}

/// The edge nearest to a log-SNR.
size_t edge_near(const std::vector<double>& edges, double log_snr) {
  const auto nearer = [&](double a, double b) { return std::abs(a - log_snr) < std::abs(b - log_snr); };
  return static_cast<size_t>(std::min_element(edges.begin(), edges.end(), nearer) - edges.begin());
}

std::pair<size_t, size_t> snapped(const std::vector<double>& edges, double low, double high) {
  const size_t from = std::min(edge_near(edges, low), edges.size() - 2);
  return {from, std::max(edge_near(edges, high), from + 1)};
}

/// A map that never heard the prompt, with the sum of the model's: [2, H, W], the half-width NaN.
Tensor blind_map(const Why& why, const std::string& name, double total) {
  for (const BlindMap& blind : blind_maps()) {
    if (name != blind.id) continue;
    const Tensor map = blind.of(why.image.unsqueeze(0))[0].to(torch::kFloat64);
    return torch::stack(
        {map * (total / std::max(map.sum().item<double>(), 1e-12)), torch::full_like(map, std::nan(""))});
  }
  throw NotThere("[studio.why] there is no blind map " + in_quotes(name));
}

std::string float_bytes(const Tensor& values) {
  const Tensor floats = values.to(torch::kFloat32).contiguous();
  return {static_cast<const char*>(floats.const_data_ptr()), floats.nbytes()};
}

}  // namespace

Why why_of(const Model& model, const Branch& branch, const Question& question, const Control& control) {
  const Tensor picture = branch.trajectory->pictures()[question.picture].to(torch::kCPU, torch::kFloat32);
  const std::vector<PromptContrast> contrasts =
      contrasts_of(model, branch.prompt, question.words, question.alternatives);
  if (contrasts.empty()) {
    throw ValueError("[studio.why] expected a word whose alternatives are known, got none in " +
                     in_quotes(branch.prompt) + "; name a word and what it might have been");
  }
  const Tensor copies = picture.to(model.device).unsqueeze(0).expand({question.paths, -1, -1, -1}).contiguous();
  const PictureBatch batch{copies, {Random(branch.request.seed), sample_range(0, question.paths)}};
  const EvidenceWindowOptions options{{.log_snr_max = std::min(EvidenceOptions{}.log_snr_max, model.log_snr_max)}};
  std::vector<Model> sources = {model};
  if (model.world && !model.is_exact()) sources.push_back(stoppable(exact_model(*model.world)));
  Why why{branch.id, question.picture, question.paths, picture, {}};
  size_t part = 0;
  for (const PromptContrast& contrast : contrasts) {
    std::vector<EvidenceWindows> answers;
    for (const Model& source : sources) {
      const Tensor conditions = source.condition(contrast.prompts).unsqueeze(1).expand({-1, question.paths, -1});
      const Contrast asked{conditions, torch::full({question.paths}, contrast.true_version, torch::kInt64)};
      answers.push_back(evidence_windows(source.denoiser, batch, asked, options,
                                         control.part(part++, contrasts.size() * sources.size(), contrast.name)));
    }
    why.words.push_back({contrast, std::move(answers[0]), {}});
    if (answers.size() > 1) why.words.back().truth = std::move(answers[1]);
  }
  return why;
}

Json to_json(const Why& why) {
  Json json = {{"branch", why.branch},
               {"picture", why.picture},
               {"paths", why.paths},
               {"log_snrs", why.words.front().model.whole.log_snrs},
               {"sources", {"model"}}};
  if (why.words.front().truth) json["sources"].push_back("truth");
  for (const BlindMap& blind : blind_maps()) json["blind"].push_back(blind.id);
  for (const WhyWord& word : why.words) json["words"].push_back(word_json(word));
  return json;
}

ShownMap shown_map(const Why& why, size_t word, const std::string& source, double low, double high) {
  const WhyWord& asked = word_of(why, word);
  const bool is_blind = source.starts_with("blind:");
  const EvidenceWindows& windows = windows_of(asked, is_blind ? "model" : source);
  const auto [from, to] = snapped(windows.edges, low, high);
  Tensor map = mean_and_half(windows.map(from, to));
  if (is_blind) map = blind_map(why, source.substr(std::string_view("blind:").size()), map[0].sum().item<double>());
  return {float_bytes(map), windows.edges[from], windows.edges[to]};
}

Json pixel_json(const Why& why, int64_t x, int64_t y, const std::string& source) {
  if (x < 0 || y < 0 || y >= why.image.size(1) || x >= why.image.size(2)) {
    throw NotThere(format_text("[studio.why] there is no pixel ({}, {})", x, y));
  }
  std::vector<std::pair<double, Json>> ranked;
  for (size_t k = 0; k < why.words.size(); ++k) {
    const EvidenceWindows& windows = windows_of(why.words[k], source);
    const Tensor nats = windows.map(0, windows.edges.size() - 1).select(1, y).select(1, x);
    const double at = windows.decided_at()[y][x].item<double>();
    Json json = {{"word", k}, {"nats", estimate_json(nats)}, {"decided_at", std::isfinite(at) ? Json(at) : Json()}};
    ranked.emplace_back(std::abs(nats.mean().item<double>()), std::move(json));
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  Json words = Json::array();
  for (auto& [size, json] : ranked) words.push_back(std::move(json));
  return {{"words", std::move(words)}};
}

}  // namespace noisescope::studio
