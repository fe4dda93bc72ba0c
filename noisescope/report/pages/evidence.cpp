#include "noisescope/explain/evidence.h"

#include <cmath>
#include <limits>

#include "noisescope/core/format.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/evidence_figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/world/parser.h"

namespace noisescope::report {
namespace {

constexpr const char* kEvidenceProse =
    "The picture is noised along several paths and read back from noise to picture, each word against "
    "its alternatives: at every step the probability of the word grows by what the model expected of it. "
    "The map sums to what was decided, at most ln K nats for K alternatives, however imperfect the model, and below 0 "
    "where the picture contradicts the word; the totals of the information identity have no such bound. Where held-out "
    "pictures "
    "showed that the model claims too much or too little, its evidence is weighed by that, and what it claims stands "
    "beside.";
constexpr const char* kTruth =
    " Beside each map stands the truth: what the exact denoiser of this world says of the same paths, "
    "and the pixels that would change with the word. For a shape these are the disputed edges, not the "
    "object.";

std::string half_way(const nlohmann::ordered_json& word) {
  if (!word.contains("half_point_log_snr")) return "not decided on these paths";
  const auto at = [&](const char* key) { return word.at(key).at("value").get<double>(); };
  std::string text = format_text("decided half way at log-SNR {:.1f}", at("half_point_log_snr"));
  if (word.contains("claimed_half_point_log_snr")) {
    text += format_text(" (not calibrated: {:.1f})", at("claimed_half_point_log_snr"));
  }
  if (word.contains("exact_half_point_log_snr")) {
    text += format_text(" (exact denoiser: {:.1f})", at("exact_half_point_log_snr"));
  }
  return text;
}

/// What of the scene differs between two versions of an ordered caption.
std::optional<SceneFactor> factor_between(const CaptionMeaning& a, const CaptionMeaning& b) {
  if (!a.ordered) return std::nullopt;
  if (a.left.shape != b.left.shape) return SceneFactor::left_shape;
  if (a.left.colour != b.left.colour) return SceneFactor::left_colour;
  if (a.right.shape != b.right.shape) return SceneFactor::right_shape;
  if (a.right.colour != b.right.colour) return SceneFactor::right_colour;
  return SceneFactor::background;
}

/// The pixels that would change with the word; undefined where the picture cannot be read as the prompt says, or the
/// sides are not said.
Tensor mask_of(const Subject& subject, const PromptContrast& contrast) {
  const WorldGrammar& grammar = *subject.grammar();
  const auto meaning = [&](int64_t k) { return grammar.parse(contrast.prompts[static_cast<size_t>(k)]); };
  const CaptionMeaning own = meaning(contrast.true_version);
  const ParsedScene read = WorldParser(grammar.world()).parse(subject.picture.unsqueeze(0))[0];
  const auto factor = factor_between(own, meaning(contrast.true_version == 0 ? 1 : 0));
  if (!factor || !agreement(read, own).joint) return {};
  return grammar.world().counterfactual_mask(read.scene, *factor);
}

/// What the exact denoiser of the world says of the same paths.
Named<Evidence> truth_of(const PageContext& context, const WorldDenoiser& world) {
  Subject truth = context.subject;
  truth.model = exact_model(world);
  truth.model.log_snr_max = context.subject.model.log_snr_max;
  truth.picture = context.subject.picture.to(torch::kFloat64);
  return find_method("evidence").ask(truth, context.settings, {{}, context.control.stop}).as<Named<Evidence>>();
}

std::vector<WordEvidence> words_of_answer(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& found = context.answer.as<Named<Evidence>>();
  const std::optional<WorldDenoiser>& world = subject.model.world;
  const Named<Evidence> exact = world && !subject.model.is_exact() ? truth_of(context, *world) : Named<Evidence>{};
  std::vector<WordEvidence> words;
  for (size_t k = 0; k < found.answers.size(); ++k) {
    words.push_back({subject.contrasts[k], found.answers[k], {}, {}});
    if (!exact.answers.empty()) words.back().exact = exact.answers[k];
    if (subject.grammar()) words.back().mask = mask_of(subject, subject.contrasts[k]);
  }
  return words;
}

/// That the picture does not show a word, by the model's own account; "" where it shows all.
std::string doubts(const std::vector<WordEvidence>& words) {
  std::string text;
  for (const WordEvidence& word : words) {
    const double p = word.model.decision()[-1].mean().item<double>();
    if (p >= 0.5) continue;
    text += format_text("{}the picture does not show '{}', says the model: of its {} versions it gives this one {:.2g}",
                        text.empty() ? "" : "; ", word.contrast.name, word.contrast.values.size(), p);
  }
  if (text.empty()) return text;
  text[0] = 'T';
  return text + ". Maps of such a word show what speaks against it.";
}

Tensor finite(const Tensor& values) { return values.masked_select(values.isfinite()); }

/// ln K nats, the most that can be decided.
double most_nats(const WordEvidence& word) { return std::log(double(word.contrast.values.size())); }

Estimate mean_total(const WordEvidence& word) {
  return bounded(mean_estimate(word.model.realised_total()), -std::numeric_limits<double>::infinity(), most_nats(word));
}

nlohmann::ordered_json to_json(const WordEvidence& word, bool calibrated) {
  const Evidence& e = word.model;
  const auto p_end = [](const Evidence& of) { return to_json(bounded(mean_estimate(of.decision()[-1]), 0, 1)); };
  nlohmann::ordered_json json = {{"word", word.contrast.name},
                                 {"versions", word.contrast.values},
                                 {"total_nats", to_json(mean_total(word))},
                                 {"expected_nats", to_json(mean_estimate(e.compensated.sum({1, 2})))},
                                 {"p_end", p_end(e)},
                                 {"most_nats", most_nats(word)}};
  const Tensor half = finite(e.half_points());
  if (half.size(0) >= 2) json["half_point_log_snr"] = to_json(mean_estimate(half));
  if (calibrated) {
    const Evidence claimed = e.as_claimed();
    const Tensor claimed_half = finite(claimed.half_points());
    json["claimed_p_end"] = p_end(claimed);
    if (claimed_half.size(0) >= 2) json["claimed_half_point_log_snr"] = to_json(mean_estimate(claimed_half));
  }
  const Tensor curve = e.decision().mean(1);
  for (size_t i = 0; i < e.log_snrs.size(); ++i) {
    json["decision"].push_back({{"log_snr", e.log_snrs[i]}, {"p", curve[static_cast<int64_t>(i)].item<double>()}});
  }
  const Tensor map = e.map().mean(0).unsqueeze(0);
  if (word.exact) {
    const Tensor exact = word.exact->map().mean(0);
    json["correlation_with_the_exact_map"] =
        torch::corrcoef(torch::stack({map.flatten(), exact.flatten()}))[0][1].item<double>();
    const Tensor exact_half = finite(word.exact->half_points());
    if (exact_half.size(0) >= 2) json["exact_half_point_log_snr"] = to_json(mean_estimate(exact_half));
  }
  if (word.mask.defined()) {
    json["auc_against_what_would_change"] = localisation_auc(map, word.mask.unsqueeze(0)).item<double>();
  }
  return json;
}

/// Whether the answer's evidence is weighed by a calibration of the model.
bool is_calibrated(const PageContext& context) {
  const auto& known = context.subject.model.calibration;
  return known && known->is_needed() && options_of<EvidenceOptions>(context.settings).calibrated;
}

nlohmann::ordered_json weights_json(const EvidenceWeights& weights) {
  return {{"questions", weights.questions},
          {"weight_noisy", weights.noisy},
          {"weight_clean", weights.clean},
          {"log_score_gain", weights.gain.value}};
}

/// The curves before calibration, and how reliable the probabilities were before and after.
void add_calibration(Page& page, const PageContext& context, const Calibration& c,
                     const std::vector<WordEvidence>& words) {
  if (is_calibrated(context))
    page.add_svg("decision_claimed.svg", decision_curves(words, Teller::claimed, context.subject.model.schedule),
                 "By the model, not calibrated.");
  page.add_svg(
      "reliability.svg", reliability_diagram(c),
      format_text("{}On {} held-out pictures, a word and a path each, all noise levels; calibrated: each picture "
                  "by weights that it had no part in. 95 % intervals over pictures.",
                  c.is_needed() ? "" : "No gain is certain, so evidence counts as the model claims it. ",
                  c.common.questions));
  page.json["calibration"] = {{"is_needed", c.is_needed()}};
  page.json["calibration"].update(weights_json(c.common));
  for (const auto& [kind, weights] : c.kinds) page.json["calibration"]["kinds"][kind] = weights_json(weights);
}

}  // namespace

Page evidence_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const std::vector<WordEvidence> words = words_of_answer(context);
  const bool has_truth = words.front().exact.has_value();
  Page out{{"Which pixels, at which noise level, decided each word",
            std::string(kEvidenceProse) + (has_truth ? kTruth : ""),
            {},
            {},
            {},
            {}}};
  out.section.warning = doubts(words);
  out.json["unit"] = "nats";
  out.json["log_snr_max"] = subject.model.log_snr_max;
  for (const WordEvidence& word : words) {
    const nlohmann::ordered_json json = to_json(word, is_calibrated(context));
    out.section.numbers.push_back(key_number(word.contrast.name, mean_total(word),
                                             format_text("of {:.2f} nats", most_nats(word)), half_way(json)));
    out.json["words"].push_back(json);
  }
  out.add_png("evidence.png", evidence_maps(subject.picture, words), "Evidence maps of each word",
              "Nats per pixel, mean over the paths; all panels of a word on one scale.");
  out.add_svg("decision.svg", decision_curves(words, Teller::model, subject.model.schedule),
              "By the model: mean and 95 % interval over the paths.");
  if (const auto& calibration = subject.model.calibration) add_calibration(out, context, *calibration, words);
  if (has_truth) {
    out.add_svg("decision_exact.svg", decision_curves(words, Teller::exact, subject.model.schedule),
                "By the exact denoiser, on the same paths.");
  }
  return out;
}

}  // namespace noisescope::report
