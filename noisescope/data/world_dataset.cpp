#include "noisescope/data/world_dataset.h"

#include <iomanip>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::data {
namespace {

constexpr int64_t kCaptionDraws = 32;

const char* set_name(SceneSet set) {
  return set == SceneSet::all ? "all" : set == SceneSet::seen ? "seen" : "held out";
}

}  // namespace

WorldDataset::WorldDataset(const World& world, int64_t size, uint64_t seed, SceneSet set)
    : grammar_(world), size_(size), random_(seed), set_(set) {
  if (size < 1) {
    throw ValueError(format_text("[data.WorldDataset] expected size >= 1, got {}", size));
  }
  if (world.pairs(set).empty()) {
    throw ValueError(
        "[data.WorldDataset] expected a set with scenes, got none held out; set "
        "hold_out above 0");
  }
}

std::string WorldDataset::name() const { return "two-object world " + world().name(); }

Scene WorldDataset::scene(int64_t index) const {
  if (index < 0 || index >= size_) {
    throw ValueError(format_text("[data.WorldDataset] expected a sample in [0, {}), got {}", size_, index));
  }
  return world().draw_scene(random_, 0, index, set_);
}

Tensor WorldDataset::images(const std::vector<int64_t>& indices) const {
  std::vector<Scene> scenes;
  scenes.reserve(indices.size());
  for (int64_t index : indices) scenes.push_back(scene(index));
  return world().render(scenes);
}

std::vector<int64_t> WorldDataset::captions_of(int64_t index) const {
  const Scene shown = scene(index);
  if (world().is_held_out(world().attribute(shown.left), world().attribute(shown.right))) return {};
  // A stream of its own: the caller may choose among the rows with the same seed.
  const Random random(random_.seed() ^ name_hash("WorldDataset.captions"));
  std::vector<int64_t> rows;
  rows.reserve(kCaptionDraws);
  for (int64_t draw = 0; draw < kCaptionDraws; ++draw) {
    rows.push_back(grammar_.draw(shown, random, static_cast<uint64_t>(draw), index));
  }
  return rows;
}

Tensor WorldDataset::caption_is_true(const std::vector<int64_t>& indices,
                                     const std::vector<int64_t>& caption_rows) const {
  const Tensor truth =
      torch::empty({static_cast<int64_t>(indices.size()), static_cast<int64_t>(caption_rows.size())}, torch::kBool);
  bool* cell = truth.data_ptr<bool>();
  for (int64_t index : indices) {
    const Scene shown = scene(index);
    for (int64_t row : caption_rows) {
      *cell++ = is_true(grammar_.meanings().at(static_cast<size_t>(row)), shown);
    }
  }
  return truth;
}

/// Shapes are symmetric; the grid is where it reaches the right edge of a half.
bool WorldDataset::flips_keep_captions() const {
  const WorldOptions& options = world().options();
  return !options.ordered_captions && (kWorldHalfPx - options.object_size_px) % options.grid_step_px == 0;
}

std::string WorldDataset::fingerprint() const {
  std::ostringstream content;
  content << "two-object world 1; " << world().signature() << "; " << set_name(set_) << " " << size_
          << " scenes of seed " << random_.seed();
  std::ostringstream hash;
  hash << std::hex << std::setw(16) << std::setfill('0') << name_hash(content.str());
  return hash.str();
}

}  // namespace noisescope::data
