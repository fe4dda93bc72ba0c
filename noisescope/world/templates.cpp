#include "noisescope/world/templates.h"

namespace noisescope::world {
namespace {

constexpr int64_t kHalfPixels = kWorldImagePx * kWorldHalfPx;

Tensor position_masks(const World& world) {
  const int64_t size = world.options().object_size_px;
  const Tensor masks =
      torch::zeros({world.shape_count(), world.position_count(), kWorldImagePx, kWorldHalfPx}, torch::kFloat64);
  for (int64_t s = 0; s < world.shape_count(); ++s) {
    const Tensor shape = torch::tensor(world.shape_mask(s)).view({size, size}).to(torch::kFloat64);
    for (int64_t p = 0; p < world.position_count(); ++p) {
      const auto [y, x] = world.position(p);
      masks[s][p].narrow(0, y, size).narrow(1, x, size).copy_(shape);
    }
  }
  return masks.view({-1, kHalfPixels});
}

}  // namespace

WorldTemplates::WorldTemplates(const World& world, torch::Device device)
    : sizes_{world.background_count(), world.colour_count(), world.shape_count(), world.position_count()} {
  const auto [G, K, S, P] = sizes_;
  const Tensor masks = position_masks(world);
  const Tensor colours = torch::empty({K, 3}, torch::kFloat64);
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t c = 0; c < 3; ++c) colours[k][c] = world.colour(k)[static_cast<size_t>(c)];
  }
  const Tensor levels = torch::empty({G}, torch::kFloat64);
  for (int64_t g = 0; g < G; ++g) levels[g] = world.background(g);
  const Tensor areas = masks.view({S, P, -1}).select(1, 0).sum(-1);
  const Tensor inside = colours.square().sum(-1).view({1, K, 1, 1}) * areas.view({1, 1, S, 1});
  const Tensor outside =
      3 * levels.square().view({G, 1, 1, 1}) * (static_cast<double>(kHalfPixels) - areas.view({1, 1, S, 1}));
  masks_ = masks.to(device);
  contrasts_ = (colours.view({1, K, 3}) - levels.view({G, 1, 1})).view({G * K, 3}).to(device);
  levels_ = levels.to(device);
  norms_ = (inside + outside).to(device);
}

std::array<Tensor, 2> WorldTemplates::squared_distances(const Tensor& x) const {
  check_shape("world.WorldTemplates", "x", x, {-1, 3, kWorldImagePx, kWorldImagePx});
  const Tensor wide = x.to(torch::kFloat64);
  return {half_distances(wide.narrow(3, 0, kWorldHalfPx)), half_distances(wide.narrow(3, kWorldHalfPx, kWorldHalfPx))};
}

/// |x|^2 - 2 x.T + |T|^2 with x.T = (colour - background).(sums under the mask) + background * sum.
Tensor WorldTemplates::half_distances(const Tensor& half) const {
  const auto [G, K, S, P] = sizes_;
  const Tensor pixels = half.reshape({half.size(0), 3, kHalfPixels});
  const Tensor under_mask = torch::matmul(pixels.view({-1, kHalfPixels}), masks_.t()).view({-1, 3, S * P});
  const Tensor total = pixels.sum({1, 2});
  const Tensor base = pixels.square().sum({1, 2}).view({-1, 1}) - 2 * total.view({-1, 1}) * levels_;
  return torch::matmul(contrasts_, under_mask).view({-1, G, K, S, P}).mul(-2) + norms_ + base.view({-1, G, 1, 1, 1});
}

Tensor WorldTemplates::mixture(const std::array<Tensor, 2>& weights) const {
  return torch::cat({half_mixture(weights[0]), half_mixture(weights[1])}, 3);
}

/// sum_w w T = mask-weighted (colour - background), plus background everywhere.
Tensor WorldTemplates::half_mixture(const Tensor& weights) const {
  const auto [G, K, S, P] = sizes_;
  const Tensor under_mask = torch::matmul(contrasts_.t(), weights.reshape({-1, G * K, S * P}));
  const Tensor objects = torch::matmul(under_mask.view({-1, S * P}), masks_);
  const Tensor background = torch::matmul(weights.sum({2, 3, 4}), levels_);
  return objects.view({-1, 3, kWorldImagePx, kWorldHalfPx}) + per_sample(background);
}

}  // namespace noisescope::world
