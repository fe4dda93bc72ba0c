#include "noisescope/report/explain_guidance.h"

#include <cmath>
#include <cstdio>

#include "noisescope/data/data_options.h"
#include "noisescope/world/grammar.h"
#include "noisescope/stats/estimate.h"

namespace noisescope {
namespace {

/// Noise of explanations: apart from that of pictures (0 ...) and of evaluation (2^32 ...).
constexpr int64_t kFirstGuidanceSample = int64_t{1} << 33;

GuidanceExplanation explain_prompt(const TextToImage& model, const RunConfig& config,
                           const GuidanceRequest& request, size_t number, const Control& control) {
  GuidanceOptions guidance = config.sample.guidance;
  guidance.scale = request.scale;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  const std::string& prompt = request.prompts[number];
  const DrawRequest drawing{std::vector<std::string>(static_cast<size_t>(request.count), prompt),
                            "", request.seed,
                            kFirstGuidanceSample + static_cast<int64_t>(number) * request.count};
  // One batch: the observer follows one run.
  const Tensor pictures =
      draw(model, drawing, sampling_sigmas(config.sample.grid, config.precondition.schedule),
           config.sample.sampler, guidance, request.count, information.observer(), control);
  return {prompt, pictures, information.result()};
}

}  // namespace

std::vector<GuidanceExplanation> explain_guidance(const TextToImage& model, const RunConfig& config,
                                         const GuidanceRequest& request, const Control& control) {
  std::vector<GuidanceExplanation> explanations;
  for (size_t k = 0; k < request.prompts.size(); ++k) {
    explanations.push_back(explain_prompt(model, config, request, k, control));
  }
  return explanations;
}

double prompt_entropy(const RunConfig& config) {
  if (config.data.kind != DataKind::world) return 0;
  return WorldGrammar(World(config.data.world)).entropy();
}

nlohmann::ordered_json to_json(const GuidanceExplanation& explanation, double entropy_nats) {
  const GuidanceInformation& info = explanation.information;
  const Estimate total = mean_estimate(info.total());
  nlohmann::ordered_json json;
  json["prompt"] = explanation.prompt;
  json["total"] = to_json(total);
  json["half_point_log_snr"] = info.mean_half_point();
  json["covered_share_of_log_snr"] = info.covered_share;
  const Tensor shares = info.mean_level_shares();
  for (size_t i = 0; i < info.cells.size(); ++i) {
    json["profile"].push_back({{"log_snr", info.cells[i].log_snr},
                               {"share", shares[static_cast<int64_t>(i)].item<double>()}});
  }
  if (info.unit == InformationUnit::nats && entropy_nats > 0 && total.low > entropy_nats) {
    char text[320];
    std::snprintf(text, sizeof text,
                  "the total of %.1f nats exceeds the %.2f nats that a prompt of this world can "
                  "carry: the identity holds for an exact denoiser, and at low noise it multiplies "
                  "the errors of a trained one. Trust the shape of the profile at high noise, not "
                  "its sum",
                  total.value, entropy_nats);
    json["warning"] = text;
  }
  return json;
}

}  // namespace noisescope
