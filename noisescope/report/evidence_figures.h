// The figures of evidence filtering.
#pragma once

#include <string>

#include "noisescope/diffusion/schedule.h"
#include "noisescope/io/image.h"
#include "noisescope/report/explain_evidence.h"

namespace noisescope {

enum class Teller { model, exact };

/// One row a word: the picture, the model's map, and on a world the exact denoiser's map of the same
/// paths on the same colour scale and the pixels that the word's alternatives would change.
Image evidence_maps(const EvidenceExplanation& explanation);

/// P(word given the picture so far) over log-SNR, one line a word, mean and 95 % interval over paths,
/// t along the top. Teller::exact needs a world.
std::string decision_curves(const EvidenceExplanation& explanation, Teller teller,
                            const ScheduleOptions& schedule);

}  // namespace noisescope
