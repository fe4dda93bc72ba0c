#include "noisescope/world/world.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/world/look.h"

namespace noisescope::world {
namespace {

/// Throws unless `names` is a list of different names out of `known`.
void check_names(const char* what, const std::vector<std::string>& names, const std::vector<std::string>& known) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest_name(name, known);
      throw ValueError(format_text("[world.World] expected {} out of {}, got '{}'{}", what, join(known), name,
                                   near.empty() ? "" : format_text("; did you mean '{}'?", near)));
    }
    if (!seen.insert(name).second) {
      throw ValueError(format_text("[world.World] expected different {}, got '{}' twice; remove one", what, name));
    }
  }
  if (names.empty()) {
    throw ValueError(
        format_text("[world.World] expected at least one of the {}, got none; choose from {}", what, join(known)));
  }
}

void check(const WorldOptions& options) {
  check_options("world.World", options);
  check_names("shapes", options.shapes, world_shape_names());
  check_names("colours", options.colours, world_colour_names());
  check_names("backgrounds", options.backgrounds, world_background_names());
  if (options.shapes.size() * options.colours.size() < 2) {
    throw ValueError(
        "[world.World] expected at least two attributes (shapes x colours) because the "
        "two objects differ, got one; add a shape or a colour");
  }
}

std::vector<std::array<int64_t, 2>> grid(int64_t object_size, int64_t step) {
  std::vector<std::array<int64_t, 2>> positions;
  for (int64_t y = 0; y + object_size <= kWorldImagePx; y += step) {
    for (int64_t x = 0; x + object_size <= kWorldHalfPx; x += step) positions.push_back({y, x});
  }
  return positions;
}

}  // namespace

void describe(Describer& d, WorldOptions& o) {
  d("object_size_px", o.object_size_px, "side of the square that holds an object, in pixels",
    {.min = 3, .max = kWorldHalfPx});
  d("grid_step_px", o.grid_step_px, "distance of neighbouring object positions, in pixels",
    {.min = 1, .max = kWorldImagePx});
  d("shapes", o.shapes, "shapes an object can have", {.choices = world_shape_names()});
  d("colours", o.colours, "colours an object can have", {.choices = world_colour_names()});
  d("backgrounds", o.backgrounds, "backgrounds a picture can have", {.choices = world_background_names()});
  d("ordered_captions", o.ordered_captions,
    "captions tell the sides ('left of', 'right of') instead of naming two objects ('and')");
  d("background_captions", o.background_captions, "captions name the background ('on dark')");
  d("word_drop", o.word_drop, "probability with which each colour, shape and background is left out of a caption",
    {.min = 0, .max = 1});
  d("hold_out", o.hold_out, "share of the pairs of (shape, colour) attributes that never occur together in training",
    {.min = 0, .max = 0.9});
  d("hold_out_seed", o.hold_out_seed, "which pairs are held out");
}

WorldOptions world_member(const std::string& name) {
  WorldOptions options;
  if (name == "demo") return options;
  if (name == "fine") {
    options.object_size_px = 8;
    options.grid_step_px = 1;
    options.ordered_captions = false;
    options.background_captions = false;
    return options;
  }
  throw ValueError("[world.world_member] expected 'demo' or 'fine', got '" + name +
                   "'; other members are made by setting WorldOptions");
}

World::World(WorldOptions options) : options_(std::move(options)) {
  check(options_);
  for (const std::string& name : options_.colours) rgb_.push_back(world_colour_rgb(name));
  for (const std::string& name : options_.backgrounds) {
    levels_.push_back(world_background_level(name));
  }
  for (const std::string& name : options_.shapes) {
    masks_.push_back(world_shape_mask(name, options_.object_size_px));
  }
  positions_ = grid(options_.object_size_px, options_.grid_step_px);
  hold_out_pairs();
}

std::string World::signature() const {
  const WorldOptions& o = options_;
  std::ostringstream text;
  text.precision(17);
  text << o.object_size_px << "-px objects on a " << o.grid_step_px << "-px grid; " << join(o.shapes, " ") << "; "
       << join(o.colours, " ") << "; " << join(o.backgrounds, " ") << "; "
       << (o.ordered_captions ? "ordered" : "unordered") << " captions " << (o.background_captions ? "with" : "without")
       << " background, word drop " << o.word_drop << "; hold-out " << o.hold_out;
  if (o.hold_out > 0) text << " seed " << o.hold_out_seed;
  return text.str();
}

std::string World::name() const {
  for (const char* member : {"demo", "fine"}) {
    if (options_ == world_member(member)) return member;
  }
  return signature();
}

/// Holds out unordered pairs in a random order as long as every attribute keeps one partner: then
/// each attribute is still seen on both sides.
void World::hold_out_pairs() {
  const int64_t n = attribute_count();
  const int64_t unordered = n * (n - 1) / 2;
  const auto wanted = std::llround(options_.hold_out * static_cast<double>(unordered));
  std::vector<AttributePair> candidates;
  for (int64_t a = 0; a < n; ++a) {
    for (int64_t b = a + 1; b < n; ++b) candidates.push_back({a, b});
  }
  held_out_.assign(static_cast<size_t>(n * n), 0);
  std::vector<int64_t> partners(static_cast<size_t>(n), n - 1);
  const Tensor order = Random(static_cast<uint64_t>(options_.hold_out_seed))
                           .permutation(Purpose::evaluation, name_hash("hold_out"), unordered);
  int64_t held = 0;
  for (int64_t k = 0; k < unordered && held < wanted; ++k) {
    const auto [a, b] = candidates[static_cast<size_t>(order.const_data_ptr<int64_t>()[k])];
    if (partners[size_t(a)] < 2 || partners[size_t(b)] < 2) continue;
    --partners[size_t(a)], --partners[size_t(b)], ++held;
    held_out_[size_t(a * n + b)] = held_out_[size_t(b * n + a)] = 1;
  }
  if (held < wanted) {
    throw ValueError(
        format_text("[world.World] expected a hold_out share that leaves every attribute in training, "
                    "got {}; at most {} of {} pairs can go with this seed",
                    options_.hold_out, held, unordered));
  }
  for (int64_t left = 0; left < n; ++left) {
    for (int64_t right = 0; right < n; ++right) {
      if (left == right) continue;
      all_.push_back({left, right});
      (is_held_out(left, right) ? unseen_ : seen_).push_back({left, right});
    }
  }
}

const std::vector<AttributePair>& World::pairs(SceneSet set) const {
  return set == SceneSet::all ? all_ : set == SceneSet::seen ? seen_ : unseen_;
}

Scene World::draw_scene(const Random& random, uint64_t step, int64_t sample, SceneSet set) const {
  const std::vector<AttributePair>& choice = pairs(set);
  if (choice.empty()) {
    throw ValueError(
        "[world.World.draw_scene] expected a set with scenes, got none held out; set "
        "hold_out above 0");
  }
  const auto draw = [&](int64_t bound, uint32_t position) {
    return random.integer(Purpose::scene, step, sample, bound, position);
  };
  const AttributePair pair = choice[static_cast<size_t>(draw(int64_t(choice.size()), 0))];
  return {object(pair.left, draw(position_count(), 1)), object(pair.right, draw(position_count(), 2)),
          draw(background_count(), 3)};
}

}  // namespace noisescope::world
