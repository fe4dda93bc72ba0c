#include "noisescope/explain/noise_tiles.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"

namespace noisescope::explain {
namespace {

void check_options(const NoiseTilesOptions& options, const Tensor& initial) {
  const int64_t side = options.side_px(initial.size(2));
  if (side < 1 || options.redraws < 1 || initial.size(2) % side != 0 || initial.size(3) % side != 0) {
    throw ValueError(
        format_text("[explain.noise_tiles] expected redraws >= 1 and tiles that divide pictures of {}x{} pixels, got "
                    "{} redraws and tile_px = {}",
                    initial.size(2), initial.size(3), options.redraws, side));
  }
}

/// Sums over tiles: [B, H, W] -> [B, T].
Tensor sum_tiles(const Tensor& map, int64_t side) {
  return map.view({map.size(0), map.size(1) / side, side, map.size(2) / side, side}).sum({2, 4}).flatten(1);
}

/// One mask a tile: [T, 1, H, W] bool.
Tensor tile_masks(int64_t height, int64_t width, int64_t side) {
  const int64_t columns = width / side, tiles = height / side * columns;
  const Tensor row = torch::arange(height).floor_divide(side).unsqueeze(1);
  const Tensor column = torch::arange(width).floor_divide(side).unsqueeze(0);
  return (row * columns + column).unsqueeze(0).eq(torch::arange(tiles).view({-1, 1, 1})).unsqueeze(1);
}

}  // namespace

void describe(Describer& d, NoiseTilesOptions& options) {
  d("tile_px", options.tile_px, "side of a tile of noise in pixels; 0: a quarter of the picture",
    {.min = 0, .max = 4096});
  d("redraws", options.redraws, "new draws of every tile", {.min = 1, .max = 100000});
}

NoiseTiles noise_tiles(const Trajectory& trajectory, const NoiseTilesOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  const Tensor& initial = trajectory.initial();
  check_options(options, initial);
  const int64_t side = options.side_px(initial.size(2)), count = trajectory.count();
  const Random anew(trajectory.noise().random.seed() ^ name_hash("noise_tiles"));
  const Tensor masks = tile_masks(initial.size(2), initial.size(3), side).to(initial.device());
  const int64_t tiles = masks.size(0);
  NoiseTiles out{trajectory.redraw(), torch::zeros({count, tiles, tiles}, torch::kFloat64), initial.size(2) / side,
                 initial.size(3) / side};
  const Control silent{{}, control.stop};
  for (int64_t r = 0; r < options.redraws; ++r) {
    const Tensor fresh = anew.normal(Purpose::explain, uint64_t(r), trajectory.noise().sample_ids,
                                     trajectory.image_shape(), initial.scalar_type())
                             .to(initial.device());
    for (int64_t b = 0; b < count; ++b) {
      const Trajectory same = trajectory.rows(std::vector<int64_t>(size_t(tiles), b));
      const Tensor redrawn = same.redraw({.initial = torch::where(masks, fresh[b], initial[b])}, {}, silent);
      const Tensor change = (redrawn - out.pictures[b]).square().sum(1);
      out.effect[b] += sum_tiles(change.to(torch::kCPU, torch::kFloat64), side) / static_cast<double>(options.redraws);
    }
    control.report({"noise tiles", double(r + 1), double(options.redraws), "redraws", ""});
  }
  return out;
}

Tensor tile_cover(const Tensor& mask, int64_t tile_px) {
  check_shape("explain.tile_cover", "mask", mask, {-1, -1, -1});
  if (tile_px < 1 || mask.size(1) % tile_px != 0 || mask.size(2) % tile_px != 0) {
    throw ValueError(
        format_text("[explain.tile_cover] expected tiles that divide the mask, got tiles of {} pixels for {}", tile_px,
                    describe_tensor(mask)));
  }
  const Tensor sums = sum_tiles(mask.to(torch::kCPU, torch::kFloat64), tile_px);
  return sums.view({mask.size(0), mask.size(1) / tile_px, mask.size(2) / tile_px}) /
         static_cast<double>(tile_px * tile_px);
}

void describe(AnswerDescriber& d, const NoiseTiles& a) {
  d("pictures", a.pictures, "picture channel y x", "pixel units", "with all noise as it was");
  d("importance", [&] { return a.importance(); }, "picture y x", "pixel units squared",
    "what each tile of first noise changes in the whole picture", {.null = 0, .higher = "matters more"});
  d(
      "locality", [&] { return a.locality(); }, "picture tile", "share",
      "of a tile's effect that lands in the tile itself; NaN: no effect");
  d("effect", a.effect, "picture tile tile", "pixel units squared", "of each tile of noise on each tile of the picture",
    {.null = 0});
}

void describe(Describer& d, NoiseTilesQuestion& question) {
  d("pictures", question.pictures, "pictures of the trajectory, at most", {.min = 1, .max = 100000});
  describe(d, question.options);
}

namespace {

NoiseTiles ask_tiles(const Subject& subject, const NoiseTilesQuestion& question, const Control& control) {
  return noise_tiles(subject.first(question.pictures), question.options, control);
}

int64_t tiles_cost(const Subject& subject, const NoiseTilesQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  const int64_t height = subject.model.image_shape[1], width = subject.model.image_shape[2];
  return sampling.branches() * sampling.stages() *
         question.options.cost(std::min(question.pictures, subject.trajectory.count()), height, width,
                               sampling.steps());
}

}  // namespace

Method noise_tiles_method() {
  return method("noise_tiles", "Which tile of the first noise decided what?", {.trajectory = true}, tiles_cost,
                ask_tiles);
}

}  // namespace noisescope::explain
