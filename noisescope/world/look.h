// How the things of the two-object world look: shapes as pixel masks, colours, backgrounds by name.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::world {

/// square, disc, cross, ring, triangle, diamond.
std::vector<std::string> world_shape_names();
/// red, green, blue, yellow, cyan, magenta, white, black.
std::vector<std::string> world_colour_names();
/// dark, grey, bright.
std::vector<std::string> world_background_names();

/// Row-major size_px^2 cells, 1 where the centre of the pixel lies in the shape. All shapes are
/// symmetric from left to right, touch the sides of the square and differ from size 7 on.
/// Throws ValueError for unknown names, as the two below do.
std::vector<uint8_t> world_shape_mask(const std::string& name, int64_t size_px);
/// Red, green, blue in [-1, 1].
std::array<double, 3> world_colour_rgb(const std::string& name);
/// A grey level in [-1, 1].
double world_background_level(const std::string& name);

}  // namespace noisescope::world
