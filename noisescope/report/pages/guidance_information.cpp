#include "noisescope/report/explain_guidance.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kGuidanceInformationProse =
    "Half the squared difference of the two noises, summed over log-SNR, is for an exact denoiser the "
    "information in nats that the prompt carries about the picture (Kong et al. 2024). It comes free with "
    "any sampling run that evaluates both branches.";

/// What this run's sum is: nats, or a size without that meaning.
std::string unit_prose(InformationUnit unit) {
  if (unit == InformationUnit::nats) return " Here no guidance shaped the noisy pictures, so the unit is nats.";
  return " Guidance shaped the noisy pictures of this run, so that its sum is guidance energy: a size, without "
         "the meaning of nats.";
}

std::string unit_name(InformationUnit unit) {
  return unit == InformationUnit::nats ? "nats" : "guidance energy";
}

std::vector<std::string> prompts_of(const ExplainContext& context) {
  std::vector<std::string> all = {context.request.prompt};
  all.insert(all.end(), context.request.compared.begin(), context.request.compared.end());
  return all;
}

/// The steps of the explained run as seen with another prompt: noisy pictures, new estimates.
std::vector<SamplerStep> seen_with(const ExplainContext& context, const std::string& prompt) {
  const torch::Device device = context.model.device();
  const int64_t count = context.run.count();
  const Predictor predict =
      guide(context.model.denoiser(), context.model.condition({prompt}).expand({count, -1}),
            context.null_condition(count), {.clamp = 0, .both_branches = true});
  std::vector<SamplerStep> steps = context.run.steps;
  for (SamplerStep& step : steps) {
    const Tensor x = step.x.to(device);
    step.prediction = predict(x, torch::full({count}, step.sigma, x.options()));
  }
  return steps;
}

/// Information of a run as it stands. The noisy pictures of an inverted run are those of the forward process
/// whatever its guidance: nats.
GuidanceExplanation read_off(const ExplainContext& context, const std::string& prompt) {
  GuidanceOptions guidance = context.run.sample.guidance;
  if (context.is_inverted()) guidance.scale = 1;
  GuidanceInformationObserver information(guidance);
  for (const SamplerStep& step :
       prompt == context.request.prompt ? context.run.steps : seen_with(context, prompt)) {
    information.observe(step);
  }
  return {prompt, context.run.pictures, information.result()};
}

/// A drawn run is drawn once more without guidance, for nats; any other stands as it is.
std::vector<GuidanceExplanation> explanations_of(const ExplainContext& context) {
  const std::vector<std::string> prompts = prompts_of(context);
  if (context.run.origin == RunOrigin::drawn) {
    return explain_guidance(context.model, context.config,
                            {prompts, context.request.pictures, 1.0, context.request.seed},
                            context.control);
  }
  std::vector<GuidanceExplanation> explanations;
  for (const std::string& prompt : prompts) explanations.push_back(read_off(context, prompt));
  return explanations;
}

int64_t guidance_information_cost(const ExplainContext& context) {
  const auto prompts = static_cast<int64_t>(prompts_of(context).size());
  const bool drawn = context.run.origin == RunOrigin::drawn;
  return 2 * (drawn ? prompts : prompts - 1) * context.run.count() * context.config.sample.grid.steps;
}

}  // namespace

Explained explained_guidance(const std::vector<GuidanceExplanation>& explanations,
                             const RunConfig& config) {
  Explained out{{"What the prompt added, and where", kGuidanceInformationProse, {}, {}, {}, {}}};
  const InformationUnit unit = explanations.front().information.unit;
  out.section.prose += unit_prose(unit);
  const double entropy = unit == InformationUnit::nats ? prompt_entropy(config) : 0;
  out.json["unit"] = to_string(unit);
  if (entropy > 0) out.json["prompt_entropy_nats"] = entropy;
  std::string warning;
  for (size_t k = 0; k < explanations.size(); ++k) {
    const GuidanceExplanation& e = explanations[k];
    out.json["prompts"].push_back(to_json(e, entropy));
    const std::string prefix = "prompt" + std::to_string(k) + ".";
    out.tensors.tensors[prefix + "pictures"] = e.pictures;
    out.tensors.tensors[prefix + "map"] = e.information.map;
    out.tensors.tensors[prefix + "profile"] = e.information.profile;
    out.tensors.metadata[prefix + "prompt"] = e.prompt;
    out.section.numbers.push_back(
        key_number(e.prompt, mean_estimate(e.information.total()), unit_name(unit),
                   text_of("half of it above log-SNR %.2f", e.information.mean_half_point())));
    warning = out.json["prompts"].back().value("warning", warning);
  }
  if (entropy > 0) {
    out.section.numbers.push_back({"the most a prompt can say", text_of("%.2f nats", entropy), "",
                                   "the entropy of the set of all full prompts of this world"});
  }
  if (!warning.empty()) out.section.prose += "\n\nA warning: " + warning + ".";
  out.add_png("guidance_information.png", information_maps(explanations),
              "Maps of guidance information", "Bright pixels are where the prompt changed the noise.");
  out.add_svg("guidance_profile.svg",
              information_profile(explanations, config.precondition.schedule),
              text_of("Which noise level decided: mean and 95 %% interval over %lld pictures a prompt.",
                      static_cast<long long>(explanations.front().pictures.size(0))));
  return out;
}

Explainer guidance_information_explainer() {
  return {"guidance_information", "What did the prompt add, where and at which noise level?",
          {.run = true, .branches = true}, guidance_information_cost, [](const ExplainContext& context) {
            return explained_guidance(explanations_of(context), context.config);
          }};
}

}  // namespace noisescope
