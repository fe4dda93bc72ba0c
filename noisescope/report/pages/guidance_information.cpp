#include "noisescope/explain/guidance_information.h"

#include "noisescope/core/format.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/report/estimate_text.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
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

std::string unit_name(InformationUnit unit) { return unit == InformationUnit::nats ? "nats" : "guidance energy"; }

/// Total, shares and half-point, each with mean, interval and n, and the warning where a total is larger than the
/// information that a prompt can carry (`entropy_nats`; 0: unknown).
nlohmann::ordered_json prompt_json(const std::string& prompt, const GuidanceInformation& info, double entropy_nats) {
  const Estimate total = mean_estimate(info.total());
  nlohmann::ordered_json json;
  json["prompt"] = prompt;
  json["total"] = to_json(total);
  json["half_point_log_snr"] = info.mean_half_point();
  json["covered_share_of_log_snr"] = info.covered_share;
  const Tensor shares = info.mean_level_shares();
  for (size_t i = 0; i < info.cells.size(); ++i) {
    json["profile"].push_back(
        {{"log_snr", info.cells[i].log_snr}, {"share", shares[static_cast<int64_t>(i)].item<double>()}});
  }
  if (info.unit == InformationUnit::nats && entropy_nats > 0 && total.low > entropy_nats) {
    json["warning"] = format_text(
        "the total of {:.1f} nats exceeds the {:.2f} nats that a prompt of this world can carry: the identity holds "
        "for "
        "an exact denoiser, and at low noise it multiplies the errors of a trained one. Trust the shape of the profile "
        "at high noise, not its sum",
        total.value, entropy_nats);
  }
  return json;
}

}  // namespace

Page guidance_information_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& found = context.answer.as<Named<GuidanceExplanation>>();
  Page out{{"What the prompt added, and where", kGuidanceInformationProse, {}, {}, {}, {}}};
  const InformationUnit unit = found.answers.front().information.unit;
  out.section.prose += unit_prose(unit);
  const double entropy = unit == InformationUnit::nats ? prompt_entropy(subject) : 0;
  out.json["unit"] = to_string(unit);
  if (entropy > 0) out.json["prompt_entropy_nats"] = entropy;
  std::string warning;
  for (size_t k = 0; k < found.names.size(); ++k) {
    const GuidanceExplanation& e = found.answers[k];
    out.json["prompts"].push_back(prompt_json(found.names[k], e.information, entropy));
    out.section.numbers.push_back(
        key_number(found.names[k], mean_estimate(e.information.total()), unit_name(unit),
                   format_text("half of it above log-SNR {:.2f}", e.information.mean_half_point())));
    warning = out.json["prompts"].back().value("warning", warning);
  }
  if (entropy > 0) {
    out.section.numbers.push_back({"the most a prompt can say", format_text("{:.2f} nats", entropy), "",
                                   "the entropy of the set of all full prompts of this world"});
  }
  if (!warning.empty()) {
    out.section.prose += "\n\nA warning: " + warning + ".";
    out.warnings.push_back(warning);
  }
  out.add_png("guidance_information.png", guidance_maps(found), "Maps of guidance information",
              "Bright pixels are where the prompt changed the noise.");
  out.add_svg("guidance_profile.svg", guidance_profile(found, subject.model.schedule),
              format_text("Which noise level decided: mean and 95 % interval over {} pictures a prompt.",
                          found.answers.front().pictures.size(0)));
  return out;
}

}  // namespace noisescope::report
