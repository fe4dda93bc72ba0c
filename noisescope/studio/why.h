// "Why is this here?": the evidence of each word of a branch's prompt about one of its pictures, by windows of noise
// levels (explain/evidence_windows.h), beside the truth where a world knows it, and beside maps that never heard the
// prompt.
#pragma once

#include <optional>
#include <vector>

#include "noisescope/explain/evidence_windows.h"
#include "noisescope/model/model.h"
#include "noisescope/studio/branch.h"

namespace noisescope::studio {

struct WhyWord {
  PromptContrast contrast;
  EvidenceWindows model;
  std::optional<EvidenceWindows> truth = {};
};

struct Why {
  int64_t branch = 0, picture = 0, paths = 0;
  Tensor image;  // [C, H, W]: the picture
  std::vector<WhyWord> words;
};

/// Paths of the picture by (seed of the branch, path). Throws ValueError for words that are not there, and as
/// evidence_windows.
Why why_of(const Model& model, const Branch& branch, const Question& question, const Control& control);

Json to_json(const Why& why);

/// A map as it goes to the page: float32 [2][y][x], nats and half-width of the interval, of a window of levels.
struct ShownMap {
  std::string bytes;
  double low = 0, high = 0;  // log-SNR
};

/// `source`: model, truth, or blind:NAME scaled to the same total, without interval (NaN). The window is snapped to the
/// edges. Throws NotThere for a word or source that there is not.
ShownMap shown_map(const Why& why, size_t word, const std::string& source, double low, double high);

/// What each word says of one pixel, the most nats first. Throws NotThere.
Json pixel_json(const Why& why, int64_t x, int64_t y, const std::string& source);

}  // namespace noisescope::studio
