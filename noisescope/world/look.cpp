#include "noisescope/world/look.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/world/world.h"

namespace noisescope::world {
namespace {

/// dy, dx: pixel centre relative to the centre of the square; n: side of the square.
using Covers = bool (*)(double dy, double dx, double n);

/// The disc leaves 0.4 px to the sides: without it the outermost rows would be stubs.
double disc_radius(double n) { return n / 2 - 0.4; }

/// Arms as wide as the smallest number of the parity of n that is at least n / 3, so that they lie
/// on the middle of the square.
double arm_width(double n) {
  double width = std::ceil(n / 3);
  if (std::fmod(n - width, 2.0) != 0.0) width += 1;
  return width;
}

constexpr std::array<std::pair<const char*, Covers>, 6> kShapes{{
    {"square", [](double, double, double) { return true; }},
    {"disc", [](double dy, double dx, double n) { return std::hypot(dy, dx) <= disc_radius(n); }},
    {"cross", [](double dy, double dx, double n) { return std::min(std::abs(dy), std::abs(dx)) < arm_width(n) / 2; }},
    {"ring",
     [](double dy, double dx, double n) {
       const double distance = std::hypot(dy, dx);
       return distance <= disc_radius(n) && distance > n / 4;
     }},
    {"triangle", [](double dy, double dx, double n) { return std::abs(dx) <= (dy + (n + 1) / 2) / 2; }},
    {"diamond", [](double dy, double dx, double n) { return std::abs(dy) + std::abs(dx) <= n / 2; }},
}};

constexpr double kHigh = 0.9;  // away from +-1, so that an estimate can err to both sides
constexpr double kLow = -0.7;

constexpr std::array<std::pair<const char*, std::array<double, 3>>, 8> kColours{{
    {"red", {kHigh, kLow, kLow}},
    {"green", {kLow, kHigh, kLow}},
    {"blue", {kLow, kLow, kHigh}},
    {"yellow", {kHigh, kHigh, kLow}},
    {"cyan", {kLow, kHigh, kHigh}},
    {"magenta", {kHigh, kLow, kHigh}},
    {"white", {kHigh, kHigh, kHigh}},
    {"black", {kLow, kLow, kLow}},
}};

constexpr std::array<std::pair<const char*, double>, 3> kBackgrounds{{{"dark", -0.4}, {"grey", 0.0}, {"bright", 0.4}}};

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.emplace_back(name);
  return names;
}

template <class Table>
auto find_in(const Table& table, const char* what, const std::string& wanted) {
  for (const auto& [name, value] : table) {
    if (wanted == name) return value;
  }
  throw ValueError(
      format_text("[world.world_look] expected a {} out of {}, got '{}'", what, join(names_of(table)), wanted));
}

/// Calls paint(y, x) for the pixels of an object whose half begins at column `first_column`.
template <class Paint>
void for_each_pixel(const World& world, const WorldObject& object, int64_t first_column, Paint paint) {
  const int64_t size = world.options().object_size_px;
  const auto [top, left] = world.position(object.position);
  const uint8_t* covered = world.shape_mask(object.shape).data();
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x, ++covered) {
      if (*covered != 0) paint(top + y, first_column + left + x);
    }
  }
}

/// The scenes that differ from `scene` in this factor alone.
std::vector<Scene> counterfactuals(const World& world, const Scene& scene, SceneFactor factor) {
  std::vector<Scene> changed;
  const auto vary = [&](int64_t count, auto set_value) {
    for (int64_t value = 0; value < count; ++value) {
      Scene other = scene;
      set_value(other, value);
      const bool differ = world.attribute(other.left) != world.attribute(other.right);
      if (differ && !(other == scene)) changed.push_back(other);
    }
  };
  const auto vary_object = [&](WorldObject Scene::*side, SceneFactor first) {
    switch (static_cast<int>(factor) - static_cast<int>(first)) {
      case 0:
        return vary(world.shape_count(), [&](Scene& s, int64_t v) { (s.*side).shape = v; });
      case 1:
        return vary(world.colour_count(), [&](Scene& s, int64_t v) { (s.*side).colour = v; });
      case 2:
        return vary(world.attribute_count(),
                    [&](Scene& s, int64_t v) { s.*side = world.object(v, (s.*side).position); });
      default:
        return vary(world.position_count(), [&](Scene& s, int64_t v) { (s.*side).position = v; });
    }
  };
  if (factor == SceneFactor::background) {
    vary(world.background_count(), [](Scene& s, int64_t v) { s.background = v; });
  } else if (factor < SceneFactor::right_shape) {
    vary_object(&Scene::left, SceneFactor::left_shape);
  } else {
    vary_object(&Scene::right, SceneFactor::right_shape);
  }
  return changed;
}

}  // namespace

std::vector<std::string> world_shape_names() { return names_of(kShapes); }
std::vector<std::string> world_colour_names() { return names_of(kColours); }
std::vector<std::string> world_background_names() { return names_of(kBackgrounds); }

std::vector<uint8_t> world_shape_mask(const std::string& name, int64_t size_px) {
  const Covers covers = find_in(kShapes, "shape", name);
  const auto n = static_cast<double>(size_px);
  std::vector<uint8_t> mask;
  for (int64_t y = 0; y < size_px; ++y) {
    for (int64_t x = 0; x < size_px; ++x) {
      const double dy = double(y) - (n - 1) / 2, dx = double(x) - (n - 1) / 2;
      mask.push_back(covers(dy, dx, n) ? 1 : 0);
    }
  }
  return mask;
}

std::array<double, 3> world_colour_rgb(const std::string& name) { return find_in(kColours, "colour", name); }

double world_background_level(const std::string& name) { return find_in(kBackgrounds, "background", name); }

Tensor World::render(const std::vector<Scene>& scenes) const {
  constexpr int64_t plane = kWorldImagePx * kWorldImagePx;
  const Tensor images =
      torch::empty({static_cast<int64_t>(scenes.size()), 3, kWorldImagePx, kWorldImagePx}, torch::kFloat32);
  float* image = images.data_ptr<float>();
  for (const Scene& scene : scenes) {
    std::fill_n(image, 3 * plane, static_cast<float>(background(scene.background)));
    int64_t first_column = 0;
    for (const WorldObject& object : {scene.left, scene.right}) {
      const std::array<double, 3>& rgb = colour(object.colour);
      for_each_pixel(*this, object, first_column, [&](int64_t y, int64_t x) {
        float* pixel = image + y * kWorldImagePx + x;
        for (size_t c = 0; c < 3; ++c) pixel[int64_t(c) * plane] = static_cast<float>(rgb[c]);
      });
      first_column += kWorldHalfPx;
    }
    image += 3 * plane;
  }
  return images;
}

Tensor World::object_masks(const std::vector<Scene>& scenes) const {
  const Tensor masks =
      torch::zeros({static_cast<int64_t>(scenes.size()), 2, kWorldImagePx, kWorldImagePx}, torch::kBool);
  auto cell = masks.accessor<bool, 4>();
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    for_each_pixel(*this, scenes[i].left, 0, [&](int64_t y, int64_t x) { cell[row][0][y][x] = true; });
    for_each_pixel(*this, scenes[i].right, kWorldHalfPx, [&](int64_t y, int64_t x) { cell[row][1][y][x] = true; });
  }
  return masks;
}

Tensor World::counterfactual_mask(const Scene& scene, SceneFactor factor) const {
  const std::vector<Scene> others = counterfactuals(*this, scene, factor);
  if (others.empty()) return torch::zeros({kWorldImagePx, kWorldImagePx}, torch::kBool);
  return (render(others) != render({scene})).any(1).any(0);
}

}  // namespace noisescope::world
