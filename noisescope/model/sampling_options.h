// How pictures are sampled unless a command says otherwise.
#pragma once

#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"

namespace noisescope::model {

struct SamplingOptions {
  GridOptions grid;
  SamplerOptions sampler;
  GuidanceOptions guidance;
  int64_t batch_size = 128;
};
void describe(Describer& d, SamplingOptions& options);

}  // namespace noisescope::model
