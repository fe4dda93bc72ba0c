// What is verified: a denoiser of a two-object world, exact or trained, and the scenes it is shown.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noisescope/world/world.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/model/text_to_image.h"

namespace noisescope {

struct Subject {
  std::string name;  // "exact demo"
  bool exact = true;
  Denoiser denoiser;
  /// Condition rows [B, D] of captions; "" is the null condition.
  std::function<Tensor(const std::vector<std::string>& captions)> condition;
  double log_snr_max = 5;  // the cleanest noise level that it is asked about
  /// A reader of pictures over texts: the model's own CLIP, or the world's exact one, whose scores are
  /// the log-odds of p(text is true | picture with noise of deviation 1).
  std::function<WordReader(const std::vector<std::string>& texts)> reader = {};
  std::shared_ptr<const TextToImage> model = nullptr;  // null: exact
};

Subject exact_subject(const WorldDenoiser& truth);
/// `log_snr_max`: beyond it the network was hardly trained (cleanest_trained_log_snr in run_config.h).
/// Throws ModelError unless the model draws pictures of the world's size.
Subject trained_subject(const TextToImage& model, const World& world, double log_snr_max);

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
  std::vector<std::string> captions() const;
  /// Captions in which the left object's colour, shape or both are open.
  std::vector<std::string> captions_without(bool colour, bool shape) const;
  /// Full captions that say which object stands left, the background open.
  std::vector<std::string> sided_captions() const { return sided_captions_with({}, false); }
  /// The same with the left object described as `left` says; empty: as it is.
  std::vector<std::string> sided_captions_with(
      const std::function<ObjectMeaning(const WorldObject&)>& left, bool name_background) const;
  /// [K][B]: the captions with each of the K values of the word, in the order of the world's lists.
  std::vector<std::vector<std::string>> versions(Word word) const;
  /// [B]: which of them is true.
  Tensor own_version(Word word) const;
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

}  // namespace noisescope
