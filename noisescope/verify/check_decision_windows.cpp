// At which noise levels the words of captions are decided, on the exact `demo` world: against the entropy of the
// exact posterior at noise drawn anew for every level, and its moments against those of a rate put in by hand.
#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/decision_windows.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kDecisionWindows = "decision_windows";
constexpr int64_t kGroupPictures = 8;  // independent groups of pictures give the standard errors

EvidenceOptions decision_levels() { return {.steps = 160}; }  // as evidence is verified

/// The captions of each picture, once with every version of its colour, once with every version of its shape.
std::vector<WordQuestion> questions_of(const SceneBatch& batch) {
  std::vector<WordQuestion> questions;
  for (const Word word : {Word::colour, Word::shape}) {
    const auto versions = batch.versions(word);
    const Tensor own = batch.true_version(word);
    for (int64_t picture = 0; picture < batch.size(); ++picture) {
      WordQuestion question{picture, {}};
      for (const auto& captions : versions) {
        question.contrast.prompts.push_back(captions[static_cast<size_t>(picture)]);
      }
      question.contrast.true_version = own[picture].item<int64_t>();
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

/// ln K, summed over the words.
double entropy_of_questions(const World& world) {
  return std::log(static_cast<double>(world.colour_count())) + std::log(static_cast<double>(world.shape_count()));
}

/// Entropy of the versions given a picture at log-SNR l, by the exact likelihoods, mean over pictures and `draws`,
/// sum over words: [L].
Tensor exact_entropy(const VerifyContext& context, const SceneBatch& batch, const std::vector<double>& log_snrs,
                     int64_t draws) {
  std::vector<std::vector<Tensor>> conditions;
  for (const Word word : {Word::colour, Word::shape}) {
    std::vector<Tensor> versions;
    for (const auto& captions : batch.versions(word)) versions.push_back(context.demo.condition_of(captions));
    conditions.push_back(std::move(versions));
  }
  std::vector<Tensor> entropy;
  uint64_t step = 1000;  // apart from the paths of the method
  for (const double log_snr : log_snrs) {
    Tensor sum = torch::zeros({}, torch::kFloat64);
    const double sigma = sigma_of_log_snr(log_snr);
    const Tensor sigmas = torch::full({batch.size()}, sigma, torch::kFloat64);
    for (int64_t draw = 0; draw < draws; ++draw) {
      const Tensor x = batch.pictures + sigma * Random(context.options.seed + 1)
                                                    .normal(Purpose::explain, step++, sample_range(0, batch.size()),
                                                            {3, kWorldImagePx, kWorldImagePx}, torch::kFloat64);
      for (const auto& versions : conditions) {
        std::vector<Tensor> columns;
        for (const Tensor& version : versions) columns.push_back(context.demo.log_density(x, sigmas, version));
        const Tensor log_p = torch::stack(columns, 1).log_softmax(1);
        sum += -(log_p.exp() * log_p).nan_to_num(0).sum(1).mean();
      }
    }
    entropy.push_back(sum / static_cast<double>(draws));
  }
  return torch::stack(entropy);
}

/// Mean and standard deviation of ln sigma under the rate -dH of entropies H [L] at levels.
std::pair<double, double> moments_of(const Tensor& entropy, const std::vector<double>& log_snrs) {
  double weight = 0, sum = 0, squares = 0;
  for (size_t i = 0; i + 1 < log_snrs.size(); ++i) {
    const double nats = (entropy[int64_t(i)] - entropy[int64_t(i) + 1]).item<double>();
    const double ln_sigma = -(log_snrs[i] + log_snrs[i + 1]) / 4;
    weight += nats;
    sum += nats * ln_sigma;
    squares += nats * ln_sigma * ln_sigma;
  }
  const double mean = sum / weight;
  return {mean, std::sqrt(squares / weight - mean * mean)};
}

/// Of groups of pictures: what the method found in each.
struct MeasuredWindows {
  std::vector<DecisionWindows> groups;

  /// Nats decided up to each middle and half of its own step, [G, N].
  Tensor curves() const {
    std::vector<Tensor> rows;
    for (const DecisionWindows& w : groups) {
      const Tensor nats = torch::tensor(w.nats, torch::kFloat64);
      rows.push_back(nats.cumsum(0) - nats / 2);
    }
    return torch::stack(rows);
  }
  /// The mean over the groups.
  DecisionWindows mean() const {
    DecisionWindows sum = groups.front();
    for (size_t g = 1; g < groups.size(); ++g) {
      for (size_t i = 0; i < sum.nats.size(); ++i) sum.nats[i] += groups[g].nats[i];
    }
    for (double& nats : sum.nats) nats /= static_cast<double>(groups.size());
    return sum;
  }
  /// Of `of` (mean or std of the fitted levels): the whole, with the jackknife's interval over groups, off `truth`.
  Estimate off(double truth, double NoiseLevelOptions::*of) const {
    const auto fit = [&](const MeasuredWindows& some) { return fitted_levels({}, some.mean()).*of; };
    std::vector<double> without;
    for (size_t g = 0; g < groups.size(); ++g) {
      MeasuredWindows rest = *this;
      rest.groups.erase(rest.groups.begin() + static_cast<std::ptrdiff_t>(g));
      without.push_back(fit(rest));
    }
    const auto n = static_cast<double>(groups.size());
    const double error = std::sqrt((n - 1) * torch::tensor(without, torch::kFloat64).var(0, false).item<double>());
    const double value = fit(*this) - truth;
    return absolute({value, value - 1.96 * error, value + 1.96 * error, static_cast<int64_t>(groups.size())});
  }
};

MeasuredWindows measure(const VerifyContext& context, const SceneBatch& batch) {
  MeasuredWindows measured;
  const Model& model = context.exact_demo;
  for (int64_t first = 0; first + kGroupPictures <= batch.size(); first += kGroupPictures) {
    SceneBatch group = batch;
    group.scenes = {batch.scenes.begin() + first, batch.scenes.begin() + first + kGroupPictures};
    group.pictures = batch.pictures.narrow(0, first, kGroupPictures);
    measured.groups.push_back(context.seen(
        &Seams::decided,
        measure_decision_windows(model, {group.pictures, questions_of(group)}, decision_levels(),
                                 Random(context.options.seed + static_cast<uint64_t>(first)), context.control)));
  }
  return measured;
}

/// The distance of the mean curve from the exact one, over levels, in shares of all that is to be decided; the
/// interval is what the number of groups alone explains.
Estimate curve_rmse(const Tensor& curves, const Tensor& exact, double whole) {
  const double rmse = (curves.mean(0) - exact).square().mean().sqrt().item<double>() / whole;
  const double spread = (curves.var(0) / static_cast<double>(curves.size(0))).mean().sqrt().item<double>() / whole;
  return {rmse, std::max(0.0, rmse - spread), rmse + spread, curves.size(0)};
}

VerifyRows decision_world_rows(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(200, 64));
  const std::string& subject = context.exact_demo.name;
  const double whole = entropy_of_questions(context.demo.world());
  const MeasuredWindows measured = measure(context, batch);
  const std::vector<double>& middles = measured.groups.front().log_snrs;
  const Tensor exact = exact_entropy(context, batch, middles, 4);
  const auto [mean, std] = moments_of(exact, middles);
  std::vector<double> totals;
  for (const DecisionWindows& w : measured.groups) totals.push_back(w.total());
  const Tensor total = torch::tensor(totals, torch::kFloat64);
  return {{kDecisionWindows, subject, "nats decided: off ln K of the words, relative", Direction::within, 0.02,
           relative_off(total, torch::full_like(total, whole))},
          {kDecisionWindows, subject, "nats decided by each level: RMSE against the exact entropy, share",
           Direction::at_most, 0.03, curve_rmse(measured.curves(), whole - exact, whole)},
          {kDecisionWindows, subject, "mean of ln sigma where it is decided: off the exact one", Direction::at_most,
           0.1, measured.off(mean, &NoiseLevelOptions::mean)},
          {kDecisionWindows, subject, "deviation of ln sigma where it is decided: off the exact one",
           Direction::at_most, 0.1, measured.off(std, &NoiseLevelOptions::std)}};
}

/// Moments of a normal rate in ln sigma, known in closed form; steps of width h add h^2 / 12 to its variance.
VerifyRow planted_rate_row(const VerifyContext& context) {
  constexpr double kMean = -0.4, kStd = 0.6;
  const EvidenceOptions levels = decision_levels();
  const double h = (levels.log_snr_max - levels.log_snr_min) / static_cast<double>(levels.steps);
  const auto below = [&](double log_snr) {  // share of the rate at noisier levels
    return 0.5 * std::erfc((-log_snr / 2 - kMean) / kStd / std::sqrt(2.0));
  };
  DecisionWindows planted;
  for (int64_t i = 0; i < levels.steps; ++i) {
    const double from = levels.log_snr_min + h * static_cast<double>(i);
    planted.log_snrs.push_back(from + h / 2);
    planted.nats.push_back(2.5 * (below(from + h) - below(from)));
  }
  const NoiseLevelOptions fitted = fitted_levels({}, context.seen(&Seams::decided, planted));
  const double off = std::max(std::abs(fitted.mean - kMean), std::abs(fitted.std - kStd));
  return {kDecisionWindows,   "planted rate", "moments of a lognormal rate: error, worst",
          Direction::at_most, 0.01,           {off, off, off, levels.steps}};
}

}  // namespace

VerifyRows check_decision_windows(const VerifyContext& context) {
  VerifyRows rows = decision_world_rows(context);
  rows.push_back(planted_rate_row(context));
  return rows;
}

}  // namespace noisescope::verify
