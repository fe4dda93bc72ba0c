// Which pixels, at which noise level, decided each word of a prompt: evidence filtering with a run's
// model on one picture, and on a world beside what the exact denoiser says of the same paths.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/explain/evidence.h"
#include "noisescope/explain/prompt_contrast.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"

namespace noisescope {

struct EvidenceRequest {
  std::string prompt;
  std::vector<std::string> words;         // empty: all with alternatives in the data's vocabulary
  std::vector<std::string> alternatives;  // of the words; empty: those of the vocabulary
  Tensor picture;                         // [3, S, S] in [-1, 1]; undefined: drawn for the prompt
  int64_t paths = 8;
  EvidenceOptions options{.steps = 100};
  uint64_t seed = 0;
};

/// One word. Evidence of B = paths noising paths of the same picture.
struct WordEvidence {
  PromptContrast contrast;
  Evidence model;
  std::optional<Evidence> exact;  // worlds: the exact denoiser on the same paths
  Tensor mask;                    // worlds, where the picture is read as the prompt: [S, S] bool, the
                                  // pixels that the word's alternatives would change
};

struct EvidenceExplanation {
  std::string prompt;
  Tensor picture;  // [3, S, S]
  double log_snr_max = 0;
  std::vector<WordEvidence> words;
};

/// Paths end where training of the model ended (cleanest_trained_log_snr), if the options do not end
/// them before. Throws ValueError for a word that is not in the prompt or has no alternatives, a picture
/// of another size, a prompt with unknown words.
EvidenceExplanation explain_evidence(const TextToImage& model, const RunConfig& config,
                                     const EvidenceRequest& request, const Control& control);

/// For each word: the total and the half-point with intervals over paths, p at the end, the decision
/// curve, agreement with the exact map and mask where there is one.
nlohmann::ordered_json to_json(const EvidenceExplanation& explanation);

}  // namespace noisescope
