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

}  // namespace noisescope::run
