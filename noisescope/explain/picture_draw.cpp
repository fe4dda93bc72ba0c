#include "noisescope/explain/picture_draw.h"

#include <algorithm>

#include "noisescope/core/error.h"

namespace noisescope {

NoiseSource rows_of(const NoiseSource& noise, const std::vector<int64_t>& rows) {
  NoiseSource out = noise;
  out.sample_ids.clear();
  for (const int64_t row : rows) out.sample_ids.push_back(noise.sample_ids.at(size_t(row)));
  return out;
}

DrawPictures picture_drawer(DrawSetup setup, Control control) {
  if (setup.pass_size < 1) {
    throw ValueError("[explain.picture_drawer] expected pass_size >= 1, got " +
                     std::to_string(setup.pass_size));
  }
  return [setup = std::move(setup), control = std::move(control)](
             const Tensor& initial, const Tensor& condition, const NoiseSource& noise) {
    const auto count = static_cast<int64_t>(noise.sample_ids.size());
    check_shape("explain.picture_drawer", "initial", initial, {count, -1, -1, -1});
    check_shape("explain.picture_drawer", "condition", condition, {count, -1});
    std::vector<Tensor> pictures;
    for (int64_t from = 0; from < count; from += setup.pass_size) {
      const int64_t to = std::min(from + setup.pass_size, count);
      const Tensor rows = condition.slice(0, from, to);
      const Predictor predict =
          guide(setup.denoiser, rows, setup.null_condition.expand_as(rows), setup.guidance);
      pictures.push_back(run_sampler(predict, initial.slice(0, from, to) * setup.sigmas.at(0),
                                     setup.sigmas, setup.sampler,
                                     rows_of(noise, sample_range(from, to - from)), {}, control));
    }
    return pictures.empty() ? torch::empty_like(initial) : torch::cat(pictures);
  };
}

}  // namespace noisescope
