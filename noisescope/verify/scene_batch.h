// The scenes of a two-object world that models are shown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/explain/batch.h"
#include "noisescope/model/model.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/world.h"

namespace noisescope::verify {

/// A word of the left object's description (in unordered captions: of the object said first).
enum class Word { colour, shape };

constexpr std::array<std::pair<Word, const char*>, 2> enum_names(Word) {
  return {{{Word::colour, "colour"}, {Word::shape, "shape"}}};
}

/// B scenes with their pictures and captions.
struct SceneBatch {
  World world;
  WorldGrammar grammar;
  std::vector<Scene> scenes;
  Tensor pictures;  // [B, 3, 32, 32] float64

  int64_t size() const { return static_cast<int64_t>(scenes.size()); }
  /// These scenes of it, in this order, also several times.
  SceneBatch rows(const std::vector<int64_t>& rows) const;
  /// The pictures, with noise (seed, 0 ..).
  PictureBatch with_noise(uint64_t seed) const { return {pictures, {Random(seed), sample_range(0, size())}}; }
  std::vector<std::string> captions() const;
  /// Captions in which the left object's colour, shape or both are open.
  std::vector<std::string> captions_without(bool colour, bool shape) const;
  /// Full captions that say which object stands left, the background open.
  std::vector<std::string> sided_captions() const { return sided_captions_with({}, false); }
  /// The same with the left object described as `left` says; empty: as it is.
  std::vector<std::string> sided_captions_with(const std::function<ObjectMeaning(const WorldObject&)>& left,
                                               bool name_background) const;
  /// [K][B]: the captions with each of the K values of the word, in the order of the world's lists.
  std::vector<std::vector<std::string>> versions(Word word) const;
  /// [B]: which of them is true.
  Tensor true_version(Word word) const;
  /// [B, 32, 32] bool: the left object's pixels.
  Tensor left_masks() const;
  /// [B, 32, 32] bool: where the picture would change with the word (World::counterfactual_mask).
  Tensor counterfactual_masks(Word word) const;
};

/// ln p(picture | caption) - ln p(picture | reference), [B] nats, where a picture names its scene: the
/// scenes of which the reference is true over those of which the caption is, all equally likely.
Tensor scene_ratio(const WorldDenoiser& truth, const std::vector<std::string>& captions,
                   const std::vector<std::string>& references);

/// Scenes drawn by World::draw_scene, in which every version of
/// the left object's colour and shape differs from the right object, so that ln K is the same for all.
SceneBatch contrastable_scenes(const World& world, uint64_t seed, int64_t count);

}  // namespace noisescope::verify
