// What is said of the two-object world: captions, what they mean and of which scenes they are true.
//
//   caption    := object [relation object] ["on" background]
//   object     := "a" [colour] (shape | "shape")
//   relation   := "left of" | "right of" | "and"
//
// "shape" and a missing colour, background or second object leave that open; "and" leaves the sides
// open. Every world reads the whole grammar; its options decide what its own captions say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/world/world.h"

namespace noisescope::world {

constexpr int64_t kAny = -1;  // not said

/// What a caption says of one object: indices into the option lists, or kAny.
struct ObjectMeaning {
  int64_t shape = kAny;
  int64_t colour = kAny;

  bool operator==(const ObjectMeaning&) const = default;
};

/// What a caption says. Default: nothing, true of every scene.
struct CaptionMeaning {
  ObjectMeaning left;  // where not ordered: the object said first, on either side
  ObjectMeaning right;
  bool ordered = false;  // the sides are said
  int64_t background = kAny;

  bool operator==(const CaptionMeaning&) const = default;
};

bool is_true(const ObjectMeaning& meaning, const WorldObject& object);
bool is_true(const CaptionMeaning& meaning, const Scene& scene);

class WorldGrammar {
 public:
  explicit WorldGrammar(const World& world);

  /// Reads a caption; case does not matter. Throws ValueError that names unknown words with the
  /// nearest known one, the place where the grammar breaks, or a contradiction (no scene fits).
  CaptionMeaning parse(const std::string& caption) const;

  /// The words for a meaning. `swapped` says the right (or second) object first: "right of".
  std::string say(const CaptionMeaning& meaning, bool swapped = false) const;

  /// All that a caption of this world says when no word is dropped.
  CaptionMeaning full_meaning(const Scene& scene) const;

  /// One caption for every full meaning of the set, "left of" where ordered: all 396 of the demo
  /// are 132 ordered pairs x 3 backgrounds; `fine` has 66.
  std::vector<std::string> full_captions(SceneSet set, bool swapped = false) const;

  /// Every different caption that a training scene can carry: the full_captions(SceneSet::seen)
  /// first, then their swapped form, then those with dropped words.
  const std::vector<std::string>& captions() const { return captions_; }
  /// Their meanings, in the same order.
  const std::vector<CaptionMeaning>& meanings() const { return meanings_; }

  /// The row in captions() that is said of a training scene: each of its words but "shape" is
  /// dropped with probability word_drop, either object is said first with probability 1/2.
  /// By (Purpose::caption, step, sample).
  int64_t draw(const Scene& scene, const Random& random, uint64_t step, int64_t sample) const;

  /// Every word of the grammar, in a stable order.
  const std::vector<std::string>& words() const { return words_; }

  /// Entropy in nats of the full meaning of a scene, given that `given` is true of it and all scenes
  /// are equally likely: ln 396 for the demo, ln 66 for `fine`, ln 4 where all but one of four
  /// colours is known.
  double entropy(const CaptionMeaning& given = {}) const;

  const World& world() const { return world_; }

 private:
  int64_t code(const CaptionMeaning& meaning, bool swapped) const;
  void add(CaptionMeaning meaning, bool swapped);
  void add_full_captions(bool swapped);
  void add_partial_captions();
  std::vector<CaptionMeaning> full_meanings(SceneSet set) const;

  World world_;
  std::vector<std::string> words_;
  std::vector<std::string> captions_;
  std::vector<CaptionMeaning> meanings_;
  std::vector<int32_t> row_of_code_;  // -1: not a caption of this world
};

}  // namespace noisescope::world
