// What reads words off pictures: a CLIP, or the exact reader of a world.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::clip {
class ClipModel;
}
namespace noisescope::world {
class PictureDenoiser;
class WorldDenoiser;
}  // namespace noisescope::world

namespace noisescope::model {

/// Scores of V words for pictures [B, C, H, W] in [-1, 1]: [B, V]; higher = the word fits better.
using WordReader = std::function<Tensor(const Tensor& pictures)>;

/// Cosines of CLIP's embeddings of picture and text. `texts`: the vocabulary, one text per word, in the
/// model's own language ("a red shape"). Throws ValueError for an empty vocabulary.
WordReader clip_reader(const ClipModel& clip, const std::vector<std::string>& texts);

/// Log-odds of p(text is true | picture) as if the picture carried noise of deviation 1: what a perfect
/// reader that is not sure of single pixels says. Throws as WorldGrammar::parse does.
WordReader exact_reader(const WorldDenoiser& truth, const std::vector<std::string>& texts);

/// The same of a set of pictures: log-odds that the picture is one of those that the text is said of. Throws as
/// PictureDenoiser::condition_of does.
WordReader exact_reader(const PictureDenoiser& truth, const std::vector<std::string>& texts);

}  // namespace noisescope::model
