#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/viz/image_grid.h"
#include "noisescope/world/denoiser.h"
using namespace noisescope;

int main() {
  const WorldDenoiser world{World()};  // exact, nothing to train
  const std::vector<std::string> prompts(8, "a red square left of a blue disc on dark");
  const Tensor condition = world.condition_of(prompts);  // [8, 432]
  const Tensor null = world.null_condition().expand_as(condition);
  const std::vector<double> sigmas = sampling_sigmas({.steps = 20});  // 21 levels, the last 0
  const NoiseSource noise{Random(1), sample_range(0, 8)};
  const Tensor x = noise.initial({3, 32, 32}) * sigmas.front();  // [8, 3, 32, 32]
  const Predictor predict = guide(world.denoiser(), condition, null, {.scale = 2});
  write_png("world.png", image_grid(run_sampler(predict, x, {sigmas, {}, noise}), prompts));
}
