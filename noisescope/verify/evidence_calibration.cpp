#include "noisescope/verify/evidence_calibration.h"

#include <cmath>

#include "noisescope/explain/calibration.h"
#include "noisescope/explain/decision_windows.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/verify/planted_error.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kPictures = 64;                  // as calibration.pictures of a run
constexpr uint64_t kCalibrationScenes = 1u << 20;  // added to the seed: scenes apart from those of the rows

/// Sums over levels of each picture, [B]: products of exact and filtered log-odds, and both squares.
struct LogOddsSums {
  Tensor both, exact, filtered;
};

/// Of the levels within [from, to).
LogOddsSums log_odds_sums(const Evidence& evidence, const Tensor& exact, double from = -100, double to = 100) {
  const Tensor p = own_of(exact, evidence.true_version);
  const Tensor levels = torch::tensor(evidence.log_snrs, torch::kFloat64);
  const Tensor open = undecided(p) * ((levels >= from) & (levels < to)).unsqueeze(1);
  const double prior = -std::log(static_cast<double>(exact.size(2)) - 1);
  const Tensor x = (p.clamp(0.05, 0.95).logit() - prior) * open;
  const Tensor y = (evidence.decision().clamp(1e-12, 1 - 1e-12).logit() - prior) * open;
  return {(x * y).sum(0), (x * x).sum(0), (y * y).sum(0)};
}

/// A figure of the sums over the pictures drawn.
Estimate over_pictures(const LogOddsSums& sums, const Random& random,
                       const std::function<double(double both, double exact, double filtered)>& figure) {
  return bootstrap(
      [&](const Tensor& rows) {
        const auto of = [&](const Tensor& each) { return each.index_select(0, rows).sum().item<double>(); };
        return figure(of(sums.both), of(sums.exact), of(sums.filtered));
      },
      sums.both.size(0), random);
}

/// What is asked of captions.
using Asking = std::vector<WordQuestion> (*)(const Model& model, const std::vector<std::string>& captions);

/// The left object's colour, of every caption.
std::vector<WordQuestion> colours_asked(const Model& model, const std::vector<std::string>& captions) {
  std::vector<WordQuestion> questions;
  for (size_t i = 0; i < captions.size(); ++i) {
    for (const PromptContrast& contrast : contrasts_of(model, captions[i], {}, {})) {
      if (contrast.kind != to_string(Word::colour)) continue;
      questions.push_back({static_cast<int64_t>(i), contrast});
      break;
    }
  }
  return questions;
}

/// As calibrate_run (run/calibrate_run.h), on scenes of the demo world.
Calibration calibration_of(const VerifyContext& context, const Model& subject, int64_t pictures, Asking ask_of) {
  const SceneBatch batch =
      contrastable_scenes(context.demo.world(), context.options.seed + kCalibrationScenes, pictures);
  EvidenceOptions levels;
  levels.log_snr_max = std::min(levels.log_snr_max, subject.log_snr_max);
  return fit_calibration(evidence_by_kind(subject, {batch.pictures, ask_of(context.exact_demo, batch.captions())},
                                          levels, Random(context.options.seed + kCalibrationScenes), context.control));
}

/// A slope of calibrated evidence on colours, with the error of the weights in its interval: relative to them at
/// log-SNR -4, in the middle of where words are decided.
Estimate with_fit_error(const Estimate& slope, const Calibration& c) {
  const EvidenceWeights& weights = c.weights_of(to_string(Word::colour));
  const double fit = c.is_needed() ? 1.96 * c.error_at(-4, weights) / c.fitted_at(-4, weights) : 0;
  return {slope.value, slope.value - std::hypot(slope.value - slope.low, fit),
          slope.value + std::hypot(slope.high - slope.value, fit), slope.n};
}

}  // namespace

Tensor undecided(const Tensor& own_probability) {
  return ((own_probability > 0.05) & (own_probability < 0.95)).to(torch::kFloat64);
}

Estimate undecided_rmse(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  const Tensor open = undecided(truth);
  const Tensor sums = ((evidence.decision() - truth).square() * open).sum(0), counts = open.sum(0);  // [B]
  const double mean = (sums.sum() / counts.sum()).item<double>();
  return root_mean(mean + (sums - mean * counts) / counts.mean());
}

Estimate log_odds_slope(const Evidence& evidence, const Tensor& exact, const Random& random) {
  return over_pictures(log_odds_sums(evidence, exact), random, [](double both, double x, double) { return both / x; });
}

Estimate exact_slope(const Evidence& evidence, const Tensor& exact, const Random& random) {
  return over_pictures(log_odds_sums(evidence, exact), random, [](double both, double, double y) { return both / y; });
}

Estimate worst_level_slope(const Evidence& evidence, const Tensor& exact, const Random& random) {
  constexpr double kLeastShare = 0.05;
  const Tensor open = undecided(own_of(exact, evidence.true_version)).sum(1);
  const Tensor levels = torch::tensor(evidence.log_snrs, torch::kFloat64);
  Estimate worst{1, 1, 1, 0};
  const double first = std::floor(evidence.log_snrs.front());
  for (int64_t unit = 0; first + static_cast<double>(unit) < evidence.log_snrs.back(); ++unit) {
    const double from = first + static_cast<double>(unit);
    const Tensor here = (levels >= from) & (levels < from + 1);
    if (((open * here).sum() / open.sum()).item<double>() < kLeastShare) continue;
    const Estimate slope = over_pictures(log_odds_sums(evidence, exact, from, from + 1), random,
                                         [](double both, double, double y) { return both / y; });
    if (std::abs(slope.value - 1) >= std::abs(worst.value - 1)) worst = slope;
  }
  return worst;
}

Estimate log_odds_correlation(const Evidence& evidence, const Tensor& exact, const Random& random) {
  return over_pictures(log_odds_sums(evidence, exact), random,
                       [](double both, double x, double y) { return both * both / (x * y); });
}

Model calibrated_subject(const VerifyContext& context) {
  Model subject = *context.trained;
  subject.calibration = calibration_of(context, subject, kPictures, one_word_each);
  return subject;
}

VerifyRows calibration_rows(const VerifyContext& context) {
  const int64_t fitted = context.n(256, 160);
  const Question question{Word::colour,
                          contrastable_scenes(context.demo.world(), context.options.seed, context.n(200, 100)),
                          EvidenceOptions{}};
  const Tensor exact = exact_posterior(context.demo, question, context);
  const Random random(context.options.seed);
  const std::pair<const char*, Model> planted[] = {
      {"denoiser told a third of sigma", misread_noise_level(1.0 / 3).model(context.exact_demo)},
      {"half of what the prompt adds", amplify_prompt(0.5).model(context.exact_demo)}};
  VerifyRows rows;
  for (const auto& [what, model] : planted) {
    Model subject = model;
    subject.calibration = calibration_of(context, subject, fitted, colours_asked);
    const Evidence evidence = ask(subject, question, context);
    const std::string name = std::string(what) + ", slope of the exact log-odds on its own";
    rows.push_back({kEvidence, context.exact_demo.name, name + ", not calibrated", Direction::reported, 0,
                    exact_slope(evidence.as_claimed(), exact, random)});
    rows.push_back({kEvidence, context.exact_demo.name, name + ", off 1", Direction::at_most, 0.15,
                    absolute(with_fit_error(plus(exact_slope(evidence, exact, random), -1), *subject.calibration))});
  }
  return rows;
}

}  // namespace noisescope::verify
