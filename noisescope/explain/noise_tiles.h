// Which part of the initial noise decided which part of the picture: one tile of x_T is drawn anew, all other
// noise stays, and what changes is seen. A causal matrix from tiles of noise to tiles of the picture; the
// noise occlusion of x_T, without leaving the Gaussian that the network knows.
//
//   effect(i, j) = E |x_j - x_j'|^2, x' drawn with tile i of x_T anew, the mean over R redraws
// Half of its mean over pictures is the numerator of the total Sobol index of tile i for region j
// (Jansen 1999; sobol.h).
#pragma once

#include "noisescope/core/options.h"
#include "noisescope/diffusion/trajectory.h"

namespace noisescope::explain {

class AnswerDescriber;

struct NoiseTilesOptions {
  int64_t tile_px = 0;  // side of a tile; divides the sides of the picture; 0: a quarter of its height
  int64_t redraws = 3;  // R

  /// Sampler steps for `pictures` pictures of height x width pixels.
  int64_t cost(int64_t pictures, int64_t height, int64_t width, int64_t steps) const {
    const int64_t side = side_px(height);
    return pictures * (1 + redraws * (height / side) * (width / side)) * steps;
  }
  int64_t side_px(int64_t height) const { return tile_px > 0 ? tile_px : std::max<int64_t>(height / 4, 1); }
};
void describe(Describer& d, NoiseTilesOptions& options);

/// B pictures, T = rows x columns tiles, row by row; float64 on the CPU.
struct NoiseTiles {
  Tensor pictures;  // [B, C, H, W], with all noise as it was
  Tensor effect;    // [B, T, T]: of noise tile i on picture tile j; pixel units squared, summed over channels
                    // and pixels, >= 0. Null value 0; in chaos a tile's own share of what a new seed changes
  int64_t rows = 0, columns = 0;

  /// What each tile of noise changes in the whole picture, [B, rows, columns]; higher = matters more.
  Tensor importance() const { return effect.sum(2).view({-1, rows, columns}); }
  /// Share of a tile's effect that lands in the tile itself, [B, T]; NaN for a tile without effect.
  Tensor locality() const { return effect.diagonal(0, 1, 2) / effect.sum(2); }
};

/// Explains the B pictures of a trajectory. Redraws are of a seed derived from its noise's. With a stochastic
/// sampler its step noise stays, so that the effect is x_T's alone. Throws ValueError for tiles that do not
/// divide the picture or options out of range.
NoiseTiles noise_tiles(const Trajectory& trajectory, const NoiseTilesOptions& options, const Control& control = {});

/// Share of each tile that a mask [B, H, W] bool covers: [B, H / tile_px, W / tile_px] float64.
Tensor tile_cover(const Tensor& mask, int64_t tile_px);

void describe(AnswerDescriber& d, const NoiseTiles& answer);

struct NoiseTilesQuestion {
  int64_t pictures = 2;  // of the trajectory, at most
  NoiseTilesOptions options;
};
void describe(Describer& d, NoiseTilesQuestion& question);

}  // namespace noisescope::explain
