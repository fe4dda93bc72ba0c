// The two-object world: 32x32 RGB pictures with one object in each 16-wide half, the two different,
// whose captions, masks, factors and Bayes-optimal denoiser are known exactly. It is the data set of
// the demo and the ground truth of every explanation method.
//
// This header is the world itself: its options, its scenes and how they look. What is said of them
// is in world_grammar.h, how pictures are read in world_parser.h, the denoiser in world_denoiser.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"

namespace noisescope::world {

constexpr int64_t kWorldImagePx = 32;
constexpr int64_t kWorldHalfPx = kWorldImagePx / 2;

/// The defaults are the member "demo".
struct WorldOptions {
  int64_t object_size_px = 12;
  int64_t grid_step_px = 4;
  std::vector<std::string> shapes = {"square", "disc", "cross"};
  std::vector<std::string> colours = {"red", "green", "blue", "yellow"};
  std::vector<std::string> backgrounds = {"dark", "grey", "bright"};
  bool ordered_captions = true;
  bool background_captions = true;
  double word_drop = 0.12;
  double hold_out = 0.0;
  int64_t hold_out_seed = 0;

  bool operator==(const WorldOptions&) const = default;
};
void describe(Describer& d, WorldOptions& options);

/// "demo": 12-px objects on a 4-px grid, captions with order and background; easy to learn.
/// "fine": 8-px objects on a 1-px grid, captions without either; tells explanation methods apart.
/// Throws ValueError for other names.
WorldOptions world_member(const std::string& name);

/// One object. Numbers index the option lists; `position` indexes World::position.
struct WorldObject {
  int64_t shape = 0;
  int64_t colour = 0;
  int64_t position = 0;

  bool operator==(const WorldObject&) const = default;
};

/// Everything that determines a picture. Objects differ in shape or colour.
struct Scene {
  WorldObject left;
  WorldObject right;
  int64_t background = 0;

  bool operator==(const Scene&) const = default;
};

/// What of a scene a question is about. An object is shape and colour together.
enum class SceneFactor {
  left_shape,
  left_colour,
  left_object,
  left_position,
  right_shape,
  right_colour,
  right_object,
  right_position,
  background,
};

/// Scenes by their pair of attributes: all; those that training may show; those held out, whose two
/// (shape, colour) attributes never stand together in training, on whichever sides.
enum class SceneSet { all, seen, held_out };

/// An attribute is a (shape, colour) combination, numbered shape * colour_count + colour.
struct AttributePair {
  int64_t left = 0;
  int64_t right = 0;
};

/// Immutable and cheap to copy.
class World {
 public:
  /// Throws ValueError for unknown or repeated names, objects that do not fit, fewer than two
  /// attributes, or a hold_out share that would remove an attribute from training altogether.
  explicit World(WorldOptions options = {});

  const WorldOptions& options() const { return options_; }
  /// "demo", "fine", or the parameters of any other member.
  std::string name() const;
  /// All options in one line; equal for equal worlds.
  std::string signature() const;

  int64_t shape_count() const { return static_cast<int64_t>(options_.shapes.size()); }
  int64_t colour_count() const { return static_cast<int64_t>(options_.colours.size()); }
  int64_t background_count() const { return static_cast<int64_t>(options_.backgrounds.size()); }
  int64_t position_count() const { return static_cast<int64_t>(positions_.size()); }
  int64_t attribute_count() const { return shape_count() * colour_count(); }

  int64_t attribute(const WorldObject& object) const { return object.shape * colour_count() + object.colour; }
  WorldObject object(int64_t attribute, int64_t position = 0) const {
    return {attribute / colour_count(), attribute % colour_count(), position};
  }

  /// Red, green, blue in [-1, 1].
  const std::array<double, 3>& colour(int64_t index) const { return rgb_.at(size_t(index)); }
  /// The grey level of a background in [-1, 1].
  double background(int64_t index) const { return levels_.at(size_t(index)); }
  /// Top-left corner (y, x) of an object within its half.
  const std::array<int64_t, 2>& position(int64_t index) const { return positions_.at(size_t(index)); }
  /// Row-major object_size_px^2 cells, 1 where the shape covers the pixel.
  const std::vector<uint8_t>& shape_mask(int64_t index) const { return masks_.at(size_t(index)); }

  /// Ordered pairs of different attributes, in the order (left, right).
  const std::vector<AttributePair>& pairs(SceneSet set) const;
  bool is_held_out(int64_t left_attribute, int64_t right_attribute) const {
    return held_out_[static_cast<size_t>(left_attribute * attribute_count() + right_attribute)] != 0;
  }

  /// A scene drawn uniformly over pairs, positions and backgrounds, by (Purpose::scene, step,
  /// sample). Throws ValueError if the set is empty.
  Scene draw_scene(const Random& random, uint64_t step, int64_t sample, SceneSet set = SceneSet::seen) const;

  /// [B, 3, 32, 32] float32.
  Tensor render(const std::vector<Scene>& scenes) const;
  /// [B, 2, 32, 32] bool: the pixels of the left and of the right object.
  Tensor object_masks(const std::vector<Scene>& scenes) const;
  /// [32, 32] bool: the pixels that change when this factor alone takes any other value (that gives
  /// a scene of the world). The ground truth of where evidence on a factor can lie: for a shape
  /// these are the disputed edges, not the object.
  Tensor counterfactual_mask(const Scene& scene, SceneFactor factor) const;

 private:
  void hold_out_pairs();

  WorldOptions options_;
  std::vector<std::array<double, 3>> rgb_;
  std::vector<double> levels_;
  std::vector<std::vector<uint8_t>> masks_;
  std::vector<std::array<int64_t, 2>> positions_;
  std::vector<uint8_t> held_out_;  // [left, right]
  std::vector<AttributePair> all_, seen_, unseen_;
};

}  // namespace noisescope::world
