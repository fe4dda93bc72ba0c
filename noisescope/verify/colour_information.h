// A map of which it is known that it is right.
#pragma once

#include "noisescope/verify/check.h"

namespace noisescope::verify {

/// [B, H, W]: what the colour word says of each pixel, in nats: its information map.
Tensor colour_information(const Model& subject, const SceneBatch& batch, int64_t draws, const VerifyContext& context);

}  // namespace noisescope::verify
