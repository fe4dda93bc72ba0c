// Deterministic trajectories of scenes of the exact `fine` world.
#pragma once

#include "noisescope/explain/guidance_information.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {

struct DeterministicRun {
  Tensor pictures;
  GuidanceInformation information;
  std::vector<SamplerStep> steps;
};

/// DDIM from log-SNR -9 to 2 for all captions of a batch; `without` stands in for the null condition.
DeterministicRun draw_run(const VerifyContext& context, const std::vector<std::string>& captions,
                          const std::vector<std::string>& without, int64_t steps, const NoiseSource& noise);

/// DDIM in 13 steps, of which the first takes in all of x_T before anything is decided. Captions say the sides, so
/// that the left object is known.
struct WorldTrajectory {
  SceneBatch batch;
  Trajectory trajectory;

  WorldTrajectory(const VerifyContext& context, int64_t count);
  /// The pixels of the left object, [B, 32, 32] bool.
  Tensor left_objects(const Tensor& pictures) const;
};

}  // namespace noisescope::verify
