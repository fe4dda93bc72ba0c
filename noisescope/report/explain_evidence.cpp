#include "noisescope/report/explain_evidence.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/parser.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/report/explained_run.h"
#include "noisescope/run/word_contrasts.h"

namespace noisescope {
namespace {

Tensor picture_of(const TextToImage& model, const RunConfig& config, const EvidenceRequest& request,
                  const Control& control) {
  if (!request.picture.defined()) {
    return draw(model, {{request.prompt}, "", request.seed, 0},
                sampling_sigmas(config.sample.grid, config.precondition.schedule),
                config.sample.sampler, config.sample.guidance, 1, {}, {{}, control.stop})[0];
  }
  check_picture(model, request.picture);
  return request.picture;
}

Evidence filter(const Denoiser& denoiser, const Tensor& conditions, const Tensor& picture,
                int64_t own, const EvidenceRequest& request, double log_snr_max,
                const Control& control) {
  const int64_t paths = request.paths;
  EvidenceOptions options = request.options;
  options.log_snr_max = log_snr_max;
  return filter_noising_paths(
      denoiser, picture.unsqueeze(0).expand({paths, -1, -1, -1}).contiguous(),
      {conditions.unsqueeze(1).expand({-1, paths, -1}), torch::full({paths}, own, torch::kInt64)},
      options, {Random(request.seed), sample_range(0, paths)}, control);
}

/// What of the scene differs between two versions of an ordered caption.
std::optional<SceneFactor> factor_between(const CaptionMeaning& a, const CaptionMeaning& b) {
  if (!a.ordered) return std::nullopt;
  if (a.left.shape != b.left.shape) return SceneFactor::left_shape;
  if (a.left.colour != b.left.colour) return SceneFactor::left_colour;
  if (a.right.shape != b.right.shape) return SceneFactor::right_shape;
  if (a.right.colour != b.right.colour) return SceneFactor::right_colour;
  return SceneFactor::background;
}

/// What is known of pictures of a world.
class Truth {
 public:
  explicit Truth(const RunConfig& config)
      : denoiser_(World(config.data.world)), parser_(denoiser_.world()) {}

  Evidence evidence(const PromptContrast& contrast, const Tensor& picture,
                    const EvidenceRequest& request, double log_snr_max) const {
    return filter(denoiser_.denoiser(), denoiser_.condition_of(contrast.prompts), picture,
                  contrast.own, request, log_snr_max, {});
  }

  /// Undefined where the picture cannot be read as the prompt says, or the sides are not said.
  Tensor mask(const PromptContrast& contrast, const Tensor& picture) const {
    const auto meaning = [&](int64_t k) {
      return denoiser_.grammar().parse(contrast.prompts[static_cast<size_t>(k)]);
    };
    const CaptionMeaning own = meaning(contrast.own);
    const ParsedScene read = parser_.parse(picture.unsqueeze(0))[0];
    const auto factor = factor_between(own, meaning(contrast.own == 0 ? 1 : 0));
    if (!factor || !agreement(read, own).joint) return {};
    return denoiser_.world().counterfactual_mask(read.scene, *factor);
  }

 private:
  WorldDenoiser denoiser_;
  WorldParser parser_;
};

Tensor finite(const Tensor& values) { return values.masked_select(values.isfinite()); }

nlohmann::ordered_json to_json(const WordEvidence& word) {
  const Evidence& e = word.model;
  nlohmann::ordered_json json = {{"word", word.contrast.word},
                                 {"versions", word.contrast.values},
                                 {"total_nats", to_json(mean_estimate(e.realised_total()))},
                                 {"most_nats", std::log(double(word.contrast.values.size()))}};
  const Tensor half = finite(e.half_points());
  if (half.size(0) >= 2) json["half_point_log_snr"] = to_json(mean_estimate(half));
  const Tensor curve = e.decision().mean(1);
  for (size_t i = 0; i < e.log_snrs.size(); ++i) {
    json["decision"].push_back({{"log_snr", e.log_snrs[i]},
                                {"p", curve[static_cast<int64_t>(i)].item<double>()}});
  }
  const Tensor map = e.compensated.mean(0).unsqueeze(0);
  if (word.exact) {
    const Tensor exact = word.exact->compensated.mean(0);
    json["correlation_with_the_exact_map"] =
        torch::corrcoef(torch::stack({map.flatten(), exact.flatten()}))[0][1].item<double>();
    const Tensor exact_half = finite(word.exact->half_points());
    if (exact_half.size(0) >= 2) json["exact_half_point_log_snr"] = to_json(mean_estimate(exact_half));
  }
  if (word.mask.defined()) {
    json["auc_against_what_would_change"] =
        localisation_auc(map, word.mask.unsqueeze(0)).item<double>();
  }
  return json;
}

/// The progress of one of several equal parts, as part of the whole.
Control part_of(const Control& control, size_t part, size_t parts, const std::string& name) {
  Control out{{}, control.stop};
  if (!control.progress) return out;
  out.progress = [=](Progress p) {
    p.done += static_cast<double>(part) * p.total;
    p.total *= static_cast<double>(parts);
    p.detail = name;
    control.progress(p);
  };
  return out;
}

}  // namespace

EvidenceExplanation explain_evidence(const TextToImage& model, const RunConfig& config,
                                     const EvidenceRequest& request, const Control& control) {
  if (request.paths < 2) {
    throw ValueError("[report.explain_evidence] expected at least 2 paths, so that there are intervals, "
                     "got " + std::to_string(request.paths));
  }
  EvidenceExplanation explanation{request.prompt, picture_of(model, config, request, control),
                                  std::min(request.options.log_snr_max,
                                           cleanest_trained_log_snr(config)), {}};
  std::optional<Truth> truth;
  if (config.data.kind == DataKind::world) truth.emplace(config);
  const std::vector<PromptContrast> contrasts =
      word_contrasts(config, request.prompt, request.words, request.alternatives);
  for (size_t k = 0; k < contrasts.size(); ++k) {
    WordEvidence e{contrasts[k], {}, {}, {}};
    const Tensor picture = explanation.picture.to(model.device(), torch::kFloat32);
    e.model = filter(model.denoiser(), model.condition(e.contrast.prompts), picture, e.contrast.own,
                     request, explanation.log_snr_max,
                     part_of(control, k, contrasts.size(), e.contrast.word));
    if (truth) {
      const Tensor known = explanation.picture.to(torch::kFloat64);
      e.exact = truth->evidence(e.contrast, known, request, explanation.log_snr_max);
      e.mask = truth->mask(e.contrast, explanation.picture);
    }
    explanation.words.push_back(std::move(e));
  }
  return explanation;
}

nlohmann::ordered_json to_json(const EvidenceExplanation& explanation) {
  nlohmann::ordered_json json = {{"prompt", explanation.prompt},
                                 {"unit", "nats"},
                                 {"log_snr_max", explanation.log_snr_max}};
  for (const WordEvidence& word : explanation.words) json["words"].push_back(to_json(word));
  return json;
}

}  // namespace noisescope
