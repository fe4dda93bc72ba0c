// The figures of evidence filtering.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/diffusion/schedule.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/io/image.h"
#include "noisescope/model/calibration.h"
#include "noisescope/model/prompt_contrast.h"

namespace noisescope::report {

/// A word, by the model and, on a world, by the exact denoiser of the same paths.
struct WordEvidence {
  PromptContrast contrast;
  Evidence model;
  std::optional<Evidence> exact;
  Tensor mask;  // [H, W] bool: the pixels that would change with the word; undefined where unknown
};

/// model: calibrated, where the model is; claimed: as it claims.
enum class Teller { model, claimed, exact };

/// One row per word: the picture, the model's map, and on a world the exact denoiser's map of the same
/// paths on the same colour scale and the pixels that the word's alternatives would change.
Image evidence_maps(const Tensor& picture, const std::vector<WordEvidence>& words);

/// P(word given the picture so far) over log-SNR, one line per word, mean and 95 % interval over paths,
/// t along the top. Teller::exact needs a world.
std::string decision_curves(const std::vector<WordEvidence>& words, Teller teller, const ScheduleOptions& schedule);

/// How many of a model's probabilities came true, as claimed and calibrated, with intervals, beside the diagonal.
std::string reliability_diagram(const Calibration& calibration);

}  // namespace noisescope::report
