#include "noisescope/explain/decision_windows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"
#include "noisescope/model/word_contrasts.h"

namespace noisescope::explain {
namespace {

using Questions = std::vector<const WordQuestion*>;  // with the same number of versions

Evidence answer(const Model& model, const Tensor& pictures, const Questions& questions, const EvidenceOptions& options,
                const PathNoise& noise, const Control& control) {
  std::vector<int64_t> rows, own;
  std::vector<Tensor> conditions;
  for (const WordQuestion* question : questions) {
    rows.push_back(question->picture);
    own.push_back(question->contrast.true_version);
    conditions.push_back(model.condition(question->contrast.prompts));
  }
  const Tensor shown = pictures.index_select(0, torch::tensor(rows).to(pictures.device()));
  return filter_noising_paths(model.denoiser, {shown, noise}, {torch::stack(conditions, 1), torch::tensor(own)},
                              options, control);
}

}  // namespace

double DecisionWindows::total() const { return std::accumulate(nats.begin(), nats.end(), 0.0); }

std::vector<WordQuestion> one_word_each(const Model& model, const std::vector<std::string>& captions) {
  std::vector<WordQuestion> questions;
  for (size_t i = 0; i < captions.size(); ++i) {
    const std::vector<PromptContrast> contrasts = model.world
                                                      ? word_contrasts(&model.world->grammar(), captions[i], {}, {})
                                                  : model.contrasts ? model.contrasts(captions[i])
                                                                    : std::vector<PromptContrast>{};
    if (contrasts.empty()) continue;
    questions.push_back({static_cast<int64_t>(i), contrasts[i % contrasts.size()]});
  }
  return questions;
}

std::vector<WordQuestion> captions_against_others(const std::vector<std::string>& captions, size_t others) {
  std::vector<std::string> distinct = captions;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  if (distinct.size() < 2) return {};
  std::vector<WordQuestion> questions;
  for (size_t i = 0; i < captions.size(); ++i) {
    const auto at = static_cast<size_t>(std::find(distinct.begin(), distinct.end(), captions[i]) - distinct.begin());
    std::vector<std::string> versions;
    for (size_t k = 0; k < std::min(distinct.size(), others + 1); ++k) {
      versions.push_back(distinct[(at + k) % distinct.size()]);
    }
    questions.push_back({static_cast<int64_t>(i), {captions[i], versions, versions, 0, 0, captions[i]}});
  }
  return questions;
}

std::vector<Evidence> evidence_of_questions(const Model& model, const CaptionedPictures& asked,
                                            const EvidenceOptions& options, const Random& random,
                                            const Control& control) {
  if (asked.questions.empty()) {
    throw ValueError("[explain.evidence_of_questions] expected words with alternatives, got none");
  }
  std::map<size_t, Questions> by_versions;
  for (const WordQuestion& question : asked.questions) {
    by_versions[question.contrast.prompts.size()].push_back(&question);
  }
  std::vector<Evidence> parts;
  int64_t first = 0;
  for (const auto& [versions, group] : by_versions) {
    const auto count = static_cast<int64_t>(group.size());
    parts.push_back(answer(model, asked.pictures, group, options, {random, sample_range(first, count)},
                           control.part(parts.size(), by_versions.size(), format_text("{} versions", versions))));
    first += count;
  }
  return parts;
}

DecisionWindows measure_decision_windows(const Model& model, const CaptionedPictures& asked,
                                         const EvidenceOptions& options, const Random& random, const Control& control) {
  std::vector<double> levels;
  Tensor decided;
  for (const Evidence& evidence : evidence_of_questions(model, asked, options, random, control)) {
    const Tensor nats = -evidence.entropy().diff(1, 0).sum(1) / static_cast<double>(asked.pictures.size(0));
    decided = decided.defined() ? decided + nats : nats;
    levels = evidence.log_snrs;
  }
  DecisionWindows windows;
  for (size_t i = 0; i + 1 < levels.size(); ++i) {
    windows.log_snrs.push_back((levels[i] + levels[i + 1]) / 2);
    windows.nats.push_back(decided[static_cast<int64_t>(i)].item<double>());
  }
  return windows;
}

NoiseLevelOptions fitted_levels(const NoiseLevelOptions& usual, const DecisionWindows& windows) {
  double weight = 0, sum = 0, squares = 0;
  for (size_t i = 0; i < windows.nats.size(); ++i) {
    const double nats = std::max(0.0, windows.nats[i]), ln_sigma = -windows.log_snrs[i] / 2;
    weight += nats;
    sum += nats * ln_sigma;
    squares += nats * ln_sigma * ln_sigma;
  }
  if (!(weight > 0)) {
    throw ValueError("[explain.fitted_levels] expected a model that decides something, got 0 nats");
  }
  NoiseLevelOptions levels = usual;
  levels.mean = sum / weight;
  levels.std = std::sqrt(std::max(0.0, squares / weight - levels.mean * levels.mean));
  return levels;
}

void describe(AnswerDescriber& d, const DecisionWindows& a) {
  d("log_snrs", a.log_snrs, "step", "nats", "middles of the steps");
  d("nats", a.nats, "step", "nats per step", "decided in the step, mean over the pictures, sum over the words",
    {.x = "log_snrs", .null = 0, .is_signed = true});
  d("total", [&] { return a.total(); }, "", "nats", "decided in all; at most the entropy of the words", {.null = 0});
}

void describe(Describer& d, DecisionWindowsOptions& options) {
  d("steps", options.steps, "noise levels of a path, less one", {.min = 2, .max = 100000});
}

namespace {

DecisionWindows ask_decision_windows(const Subject& subject, const DecisionWindowsOptions& options,
                                     const Control& control) {
  std::vector<WordQuestion> questions;
  for (int64_t picture = 0; picture < subject.independent(); ++picture) {
    for (const PromptContrast& contrast : subject.contrasts) questions.push_back({picture, contrast});
  }
  EvidenceOptions levels;
  levels.steps = options.steps;
  levels.log_snr_max = std::min(levels.log_snr_max, subject.model.log_snr_max);
  return measure_decision_windows(subject.model,
                                  {subject.trajectory.pictures(control).slice(0, 0, subject.independent()), questions},
                                  levels, Random(subject.seed), control);
}

int64_t decision_windows_cost(const Subject& subject, const DecisionWindowsOptions& options) {
  int64_t versions = 0;
  for (const PromptContrast& contrast : subject.contrasts) versions += static_cast<int64_t>(contrast.prompts.size());
  return options.steps * subject.independent() * versions;
}

}  // namespace

Method decision_windows_method() {
  return method("decision_windows", "At which noise levels is the prompt decided, over all its words?",
                {.trajectory = true, .words = true, .posterior_mean = true}, decision_windows_cost,
                ask_decision_windows);
}

}  // namespace noisescope::explain
