#include "noisescope/run/fit_levels.h"

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/explain/decision_windows.h"
#include "noisescope/io/file.h"
#include "noisescope/model/word_contrasts.h"
#include "noisescope/run/held_out_pictures.h"
#include "noisescope/run/train_run.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

std::vector<WordQuestion> questions_of_words(const RunConfig& config, const std::vector<std::string>& captions) {
  const WorldGrammar grammar{World(config.data.world)};
  std::vector<WordQuestion> questions;
  for (size_t i = 0; i < captions.size(); ++i) {
    for (PromptContrast& contrast : word_contrasts(&grammar, captions[i], {}, {})) {
      questions.push_back({static_cast<int64_t>(i), std::move(contrast)});
    }
  }
  return questions;
}

void keep(const RunFolder& folder, const DecisionWindows& windows, const NoiseLevelOptions& levels) {
  const ordered_json json = {{"mean_ln_sigma", levels.mean},
                             {"std_ln_sigma", levels.std},
                             {"decided_nats", windows.total()},
                             {"log_snr", windows.log_snrs},
                             {"nats", windows.nats}};
  write_file_atomic(folder.noise_levels(), json.dump(2));
}

}  // namespace

NoiseLevelOptions fit_noise_levels(const TextToImage& model, const RunConfig& config, const RunData& data,
                                   const RunFolder& folder, const Control& control) {
  const auto [indices, captions] = held_out_pictures(data, config.noise_levels.pictures);
  if (indices.empty()) {
    throw DataError(
        "[run.fit_noise_levels] expected held-out pictures with captions, got none; set "
        "noise_levels.distribution=lognormal");
  }
  const std::vector<WordQuestion> questions = config.data.kind == DataKind::world
                                                  ? questions_of_words(config, captions)
                                                  : captions_against_others(captions, captions.size());
  if (questions.empty()) {
    throw DataError("[run.fit_noise_levels] expected pictures whose captions differ, got \"" + captions.front() +
                    "\" of all; raise noise_levels.pictures, or set noise_levels.distribution=lognormal");
  }
  const DecisionWindows windows = measure_decision_windows(
      run_model(model, config, folder), {data.dataset->images(indices).to(model.device()), questions}, {.steps = 32},
      Random(static_cast<uint64_t>(config.seed)), {{}, control.stop});
  const NoiseLevelOptions levels = fitted_levels(config.noise_levels, windows);
  keep(folder, windows, levels);
  return levels;
}

}  // namespace noisescope::run
