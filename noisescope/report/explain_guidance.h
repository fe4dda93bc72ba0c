// What the prompt added, where and at which noise level: guidance information of a run's model.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/explain/guidance_information.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"

namespace noisescope {

struct GuidanceRequest {
  std::vector<std::string> prompts;
  int64_t count = 16;     // pictures of each prompt: the profile is their mean
  double scale = 1.0;     // guidance; 1 gives nats, anything else guidance energy
  uint64_t seed = 0;
};

/// One prompt: its pictures and what guidance said in drawing them.
struct GuidanceExplanation {
  std::string prompt;
  Tensor pictures;                  // [B, 3, S, S]
  GuidanceInformation information;  // of the same pictures
};

/// Draws and explains; both branches are evaluated at every noise level.
std::vector<GuidanceExplanation> explain_guidance(const TextToImage& model, const RunConfig& config,
                                         const GuidanceRequest& request, const Control& control);

/// Totals, shares and half-points, each with mean, interval and n, and the warning where a total is
/// larger than the information that a prompt can carry (`entropy_nats`; 0: unknown).
nlohmann::ordered_json to_json(const GuidanceExplanation& explanation, double entropy_nats);

/// The entropy in nats of the prompt among all full captions of a world: what a prompt can say at
/// most; 0 for other data.
double prompt_entropy(const RunConfig& config);

}  // namespace noisescope
