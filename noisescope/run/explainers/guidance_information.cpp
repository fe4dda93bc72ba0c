#include "noisescope/run/explain_guidance.h"
#include "noisescope/run/explainers/explainers.h"
#include "noisescope/run/figures.h"

namespace noisescope {
namespace {

constexpr const char* kProse =
    "Half the squared difference of the two noises, summed over log-SNR, is for an exact denoiser the "
    "information in nats that the prompt carries about the picture (Kong et al. 2024). It comes free with "
    "any sampling run that evaluates both branches, here without guidance (s = 1), so that the unit is "
    "nats.";

}  // namespace

Explained explained_guidance(const std::vector<GuidanceExplanation>& explanations,
                             const RunConfig& config) {
  Explained out{{"What the prompt added, and where", kProse, {}, {}, {}, {}}};
  const double entropy = prompt_entropy(config);
  out.json["unit"] = to_string(explanations.front().information.unit);
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
        key_number(e.prompt, mean_estimate(e.information.total()), "nats",
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
  const auto prompts = [](const ExplainContext& c) {
    std::vector<std::string> all = {c.request.prompt};
    all.insert(all.end(), c.request.compared.begin(), c.request.compared.end());
    return all;
  };
  return {"guidance_information", "What did the prompt add, where and at which noise level?", true,
          false, false,
          [=](const ExplainContext& c) {
            return 2 * static_cast<int64_t>(prompts(c).size()) * c.request.pictures *
                   c.config.draw.grid.steps;
          },
          [=](const ExplainContext& c) {
            return explained_guidance(
                explain_guidance(c.model, c.config,
                                 {prompts(c), c.request.pictures, 1.0, c.request.seed}, c.control),
                c.config);
          }};
}

}  // namespace noisescope
