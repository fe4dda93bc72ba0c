#include "noisescope/verify/colour_information.h"

#include "noisescope/explain/information_map.h"

namespace noisescope::verify {

Tensor colour_information(const Model& subject, const SceneBatch& batch, int64_t draws, const VerifyContext& context) {
  return information_maps({subject.denoiser, subject.condition(batch.captions())},
                          batch.with_noise(context.options.seed),
                          subject.condition(batch.captions_without(true, false)).unsqueeze(0),
                          {.draws = draws, .log_snr_max = subject.log_snr_max}, context.control)
      .map[0];
}

}  // namespace noisescope::verify
