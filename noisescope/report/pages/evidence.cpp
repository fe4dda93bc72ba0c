#include "noisescope/report/evidence_figures.h"
#include "noisescope/report/pages/explainers.h"

namespace noisescope {
namespace {

constexpr const char* kEvidenceProse =
    "The picture is noised along several paths and read back from noise to picture, each word against "
    "its alternatives: at every step the probability of the word grows by what the model expected of it. "
    "The map sums to what was learnt, at most ln K nats for K alternatives, however imperfect the model; "
    "the totals of the information identity have no such bound.";
constexpr const char* kTruth =
    " Beside each map stands the truth: what the exact denoiser of this world says of the same paths, "
    "and the pixels that would change with the word. For a shape these are the disputed edges, not the "
    "object.";

std::string half_way(const nlohmann::ordered_json& word) {
  if (!word.contains("half_point_log_snr")) return "not decided on these paths";
  const auto at = [&](const char* key) { return word.at(key).at("value").get<double>(); };
  std::string text = text_of("decided half way at log-SNR %.1f", at("half_point_log_snr"));
  if (word.contains("exact_half_point_log_snr")) {
    text += text_of(" (exact denoiser: %.1f)", at("exact_half_point_log_snr"));
  }
  return text;
}

TensorFile tensors_of(const EvidenceExplanation& explanation) {
  TensorFile file;
  file.tensors["picture"] = explanation.picture.contiguous();
  file.metadata["prompt"] = explanation.prompt;
  for (size_t k = 0; k < explanation.words.size(); ++k) {
    const WordEvidence& word = explanation.words[k];
    const std::string prefix = "word" + std::to_string(k) + ".";
    file.metadata[prefix + "word"] = word.contrast.word;
    file.metadata[prefix + "versions"] = join(word.contrast.values);
    file.tensors[prefix + "log_posterior"] = word.model.log_posterior;
    file.tensors[prefix + "compensated"] = word.model.compensated;
    file.tensors[prefix + "realised"] = word.model.realised;
    file.tensors[prefix + "profile"] = word.model.profile;
  }
  return file;
}

int64_t versions_of(const ExplainContext& context) {
  int64_t versions = 0;
  for (const PromptContrast& c : context.contrasts) versions += static_cast<int64_t>(c.values.size());
  return versions;
}

}  // namespace

Explained explained_evidence(const EvidenceExplanation& explanation,
                             const ScheduleOptions& schedule) {
  const bool world = explanation.words.front().exact.has_value();
  Explained out{{"Which pixels, at which noise level, decided each word",
                 std::string(kEvidenceProse) + (world ? kTruth : ""), {}, {}, {}, {}}};
  out.json = to_json(explanation);
  out.tensors = tensors_of(explanation);
  for (size_t k = 0; k < explanation.words.size(); ++k) {
    const WordEvidence& word = explanation.words[k];
    const auto& json = out.json.at("words").at(k);
    out.section.numbers.push_back(
        key_number(word.contrast.word, mean_estimate(word.model.realised_total()),
                   text_of("of %.2f nats", json.at("most_nats").get<double>()), half_way(json)));
  }
  out.add_png("evidence.png", evidence_maps(explanation), "Evidence maps of each word",
              "Nats a pixel, mean over the paths; all panels of a word on one scale.");
  out.add_svg("decision.svg", decision_curves(explanation, Teller::model, schedule),
              "By the trained model: mean and 95 % interval over the paths.");
  if (world) {
    out.add_svg("decision_exact.svg", decision_curves(explanation, Teller::exact, schedule),
                "By the exact denoiser, on the same paths.");
  }
  return out;
}

Explainer evidence_explainer() {
  return {"evidence", "Which pixels, at which noise level, decided each word?", {.words = true},
          [](const ExplainContext& c) {
            return c.evidence_request().options.cost(c.request.paths, versions_of(c));
          },
          [](const ExplainContext& c) {
            return explained_evidence(c.evidence(), c.config.precondition.schedule);
          }};
}

}  // namespace noisescope
