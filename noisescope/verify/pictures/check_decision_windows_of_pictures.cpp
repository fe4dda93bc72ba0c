// At which noise levels captions are decided: against the entropy of the exact posterior at noise drawn anew for every
// level.
#include <cmath>

#include "noisescope/explain/decision_windows.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/asked_pictures.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

constexpr const char* kDecisionWindows = "decision_windows";
constexpr size_t kGroupPictures = 4;  // pictures; independent groups give the standard errors

/// Pictures asked together: all with the same number of versions, or each for itself.
struct Group {
  std::vector<AskedPicture> asked;
  double whole = 0;  // ln K, mean over the pictures

  CaptionedPictures captioned(const PictureContext& context) const {
    std::vector<int64_t> samples;
    std::vector<WordQuestion> questions;
    for (const AskedPicture& one : asked) {
      questions.push_back({static_cast<int64_t>(samples.size()), one.contrast});
      samples.push_back(one.sample);
    }
    return {context.pictures(samples), questions};
  }
};

std::vector<Group> groups_of(const std::vector<AskedPicture>& asked) {
  std::vector<Group> groups;
  for (size_t first = 0; first + kGroupPictures <= asked.size(); first += kGroupPictures) {
    Group group;
    for (size_t k = first; k < first + kGroupPictures; ++k) {
      group.asked.push_back(asked[k]);
      group.whole += std::log(static_cast<double>(asked[k].contrast.prompts.size())) / kGroupPictures;
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

/// Entropy of the versions at one level, mean over the pictures of the group and over draws of noise.
double exact_entropy(const PictureContext& context, const Group& group, double log_snr, uint64_t noise) {
  constexpr int64_t kDraws = 4;
  std::vector<int64_t> copies;
  for (const AskedPicture& one : group.asked) copies.insert(copies.end(), kDraws, one.sample);
  const auto [x, sigma] = noisy_pictures(context, copies, log_snr, noise);
  const Tensor of_pictures = context.truth.posterior(x, sigma, context.null_condition(x.size(0)));
  double sum = 0;
  for (size_t k = 0; k < group.asked.size(); ++k) {
    const Tensor conditions = context.truth.condition_of(group.asked[k].contrast.prompts).unsqueeze(1);
    const Tensor p = exact_versions(of_pictures.narrow(0, static_cast<int64_t>(k) * kDraws, kDraws), conditions);
    sum -= (p * p.clamp_min(1e-300).log()).sum().item<double>();
  }
  return sum / static_cast<double>(copies.size());
}

/// Shares of what is to be decided: decided up to each middle and half of its own step, [N], by the method and exactly.
struct Curves {
  Tensor measured, exact;
  double total = 0;  // measured, in all
};

Curves curves_of(const PictureContext& context, const Group& group, const EvidenceOptions& levels, uint64_t number) {
  const DecisionWindows windows = context.seen(
      &Seams::decided, measure_decision_windows(context.exact, group.captioned(context), levels,
                                                Random(context.options.seed + 1000 * (number + 1)), context.control));
  std::vector<double> exact;
  for (size_t i = 0; i < windows.log_snrs.size(); ++i) {
    context.control.throw_if_stopped("verify.decision_windows");
    const uint64_t noise = stream(Drawn::decision_noise, number * 10000 + i);
    exact.push_back(1 - exact_entropy(context, group, windows.log_snrs[i], noise) / group.whole);
  }
  const Tensor nats = torch::tensor(windows.nats, torch::kFloat64);
  return {(nats.cumsum(0) - nats / 2) / group.whole, torch::tensor(exact, torch::kFloat64),
          windows.total() / group.whole};
}

}  // namespace

VerifyRows check_decision_windows_of_pictures(const PictureContext& context) {
  const std::vector<AskedPicture> asked = asked_pictures(context, context.n(128, 48));
  const std::vector<Group> groups = groups_of(asked);
  if (groups.size() < 2) return {};
  EvidenceOptions levels = levels_from(context, hidden_versions_log_snr(context, asked));
  levels.steps = std::max<int64_t>(2, levels.steps / 4);
  std::vector<Tensor> off;
  std::vector<double> totals;
  for (size_t g = 0; g < groups.size(); ++g) {
    const Curves curves = curves_of(context, groups[g], levels, g);
    off.push_back(curves.measured - curves.exact);
    totals.push_back(curves.total);
  }
  const Tensor differences = torch::stack(off);  // [G, N]
  const auto count = static_cast<double>(groups.size());
  const double rmse = differences.mean(0).square().mean().sqrt().item<double>();
  const double spread = (differences.var(0) / count).mean().sqrt().item<double>();
  return {{kDecisionWindows, context.exact.name, "nats decided: off ln K of the captions, relative", Direction::within,
           0.02, absolute(plus(mean_estimate(torch::tensor(totals, torch::kFloat64)), -1))},
          {kDecisionWindows,
           context.exact.name,
           "nats decided by each level: RMSE against the exact entropy, share",
           Direction::at_most,
           0.03,
           {rmse, std::max(0.0, rmse - spread), rmse + spread, static_cast<int64_t>(groups.size())}}};
}

}  // namespace noisescope::verify
