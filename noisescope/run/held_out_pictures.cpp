#include "noisescope/run/held_out_pictures.h"

#include <algorithm>
#include <utility>

namespace noisescope::run {
namespace {

std::string fullest_caption(const Dataset& dataset, int64_t index, const Fullness& fullness) {
  std::string fullest;
  std::pair<size_t, size_t> most = {0, 0};
  for (const int64_t row : dataset.captions_of(index)) {
    const std::string& caption = dataset.captions()[static_cast<size_t>(row)];
    const std::pair<size_t, size_t> says = {fullness ? fullness(caption) : 0, caption.size()};
    if (says <= most) continue;
    most = says;
    fullest = caption;
  }
  return fullest;
}

}  // namespace

CaptionedSamples held_out_pictures(const RunData& data, int64_t count, const Fullness& fullness) {
  CaptionedSamples found;
  for (const int64_t index : data.split.validation.empty() ? data.split.train : data.split.validation) {
    if (static_cast<int64_t>(found.indices.size()) == count) break;
    const std::string caption = fullest_caption(*data.dataset, index, fullness);
    if (caption.empty()) continue;
    found.indices.push_back(index);
    found.captions.push_back(caption);
  }
  return found;
}

}  // namespace noisescope::run
