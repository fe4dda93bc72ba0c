// Every picture that one half of the two-object world can show, and sums over them: what the exact
// denoiser and the parser share. Given the background the halves are independent, so positions of
// both are never enumerated together.
#pragma once

#include <array>

#include "noisescope/core/tensor.h"
#include "noisescope/world/world.h"

namespace noisescope::world {

/// A template is (background, colour, shape, position): dimensions G, K, S, P below. All float64.
class WorldTemplates {
 public:
  explicit WorldTemplates(const World& world, torch::Device device = torch::kCPU);

  /// |half - template|^2 for the left and the right half of x [B, 3, 32, 32]; each [B, G, K, S, P].
  std::array<Tensor, 2> squared_distances(const Tensor& x) const;

  /// sum of weights * template; weights of both halves [B, G, K, S, P] -> [B, 3, 32, 32].
  Tensor mixture(const std::array<Tensor, 2>& weights) const;

  torch::Device device() const { return masks_.device(); }

 private:
  Tensor half_distances(const Tensor& half) const;
  Tensor half_mixture(const Tensor& weights) const;

  std::array<int64_t, 4> sizes_;  // G, K, S, P
  Tensor masks_;                  // [S * P, 32 * 16], 0 or 1
  Tensor contrasts_;              // [G * K, 3], colour - background
  Tensor levels_;                 // [G]
  Tensor norms_;                  // [G, K, S, 1], |template|^2
};

}  // namespace noisescope::world
