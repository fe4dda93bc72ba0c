#include "noisescope/model/sampling_options.h"

namespace noisescope::model {

void describe(Describer& d, SamplingOptions& o) {
  d.section("grid", o.grid, "noise levels that the sampler walks down");
  d.section("sampler", o.sampler, "the solver");
  d.section("guidance", o.guidance, "classifier-free guidance");
  d("batch_size", o.batch_size, "pictures sampled at once", {.min = 1, .max = 65536});
}

}  // namespace noisescope::model
