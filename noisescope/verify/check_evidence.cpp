#include <cmath>

#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_calibration.h"

namespace noisescope::verify {
namespace {

Tensor squared_errors(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  return (evidence.decision() - truth).square().mean(0);  // [B], mean over levels
}

/// Root mean square over the levels at which a picture is undecided by the exact posterior; the interval is that of a
/// ratio of sums over pictures.
Estimate undecided_rmse(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  const Tensor open = undecided(truth);
  const Tensor sums = ((evidence.decision() - truth).square() * open).sum(0), counts = open.sum(0);  // [B]
  const double mean = (sums.sum() / counts.sum()).item<double>();
  return root_mean(mean + (sums - mean * counts) / counts.mean());
}

/// Mean absolute difference; of pictures whose decision curves both end above half way.
Estimate half_point_distance(const Evidence& a, const Evidence& b) {
  const Tensor difference = (a.half_points() - b.half_points()).abs();
  return mean_estimate(difference.masked_select(difference.isfinite()));
}

/// The three standard errors that were allowed at these numbers of pictures before rows became equivalence tests. Those
/// of the half-way evidence are too wide for one: its point estimate is held against them.
double half_way_bar(const VerifyContext& context, Word word) {
  if (word == Word::colour) return 0.045;
  return context.options.full ? 0.07 : 0.12;
}

VerifyRows exact_rows(const VerifyContext& context, const Question& question, const Evidence& evidence,
                      const Tensor& exact) {
  const std::string& subject = context.exact_demo.name;
  const Tensor filtered = own_of(evidence.log_posterior, evidence.true_version);
  const Tensor closed = own_of(exact.log(), evidence.true_version);
  const auto versions = static_cast<double>(exact.size(2));
  const double half = 0.5 + 0.5 / versions, whole = std::log(versions);
  const int64_t middle = (closed.exp().mean(1) - half).abs().argmin().item<int64_t>();
  const Estimate slope = log_odds_slope(evidence, exact, Random(context.options.seed));
  VerifyRows rows = {
      {kEvidence, subject, of("decision curve", question.word) + ": RMSE against the posterior", Direction::at_most,
       0.03, root_mean(squared_errors(evidence, exact))},
      {kEvidence, subject, of("realised evidence", question.word) + " half way: off, relative", Direction::at_most,
       half_way_bar(context, question.word), relative_off(filtered[middle] + whole, closed[middle] + whole)},
      {kEvidence, subject, of("realised total", question.word) + ": off, relative", Direction::within, 0.02,
       relative_off(filtered[-1] + whole, closed[-1] + whole)},
      {kEvidence, subject, of("log-odds", question.word) + ": slope on the exact ones, off 1", Direction::within, 0.1,
       absolute(plus(slope, -1))}};
  if (question.word == Word::colour) {
    rows.push_back({kEvidence, subject, "colour map: AUC against the object", Direction::at_least, 0.95,
                    mean_estimate(localisation_auc(evidence.map(), question.batch.left_masks()))});
  }
  return rows;
}

/// Maps of the colour word over 8 paths of each of n / 8 pictures, as they are shown to users.
Estimate shown_map_correlation(const VerifyContext& context, Question question) {
  constexpr int64_t kPaths = 8;
  const int64_t pictures = question.batch.size() / kPaths;
  SceneBatch repeated = question.batch;
  repeated.scenes.clear();
  for (int64_t i = 0; i < pictures * kPaths; ++i) {
    repeated.scenes.push_back(question.batch.scenes[static_cast<size_t>(i / kPaths)]);
  }
  repeated.pictures = question.batch.world.render(repeated.scenes).to(torch::kFloat64);
  question.batch = repeated;
  const auto maps = [&](const Model& subject) {
    const Tensor map = ask(subject, question, context).map();
    return map.view({pictures, kPaths, map.size(1), map.size(2)}).mean(1);
  };
  return map_correlation(maps(*context.trained), maps(context.exact_demo));
}

/// What is held against the exact posterior: curves, half-points, slopes of the log-odds, as users get them; beside
/// them, without bars, what calibration makes of curve and slope.
VerifyRows decision_rows(const VerifyContext& context, const Question& question, const Evidence& evidence) {
  const std::string& subject = context.trained->name;
  const Tensor exact = exact_posterior(context.demo, question, context);
  const Evidence reference = ask(context.exact_demo, question, context);
  const Evidence calibrated = ask_calibrated(context, question);
  const Random random(context.options.seed);
  const bool colour = question.word == Word::colour;
  const auto row = [&](const std::string& figure, Direction direction, double bar, const Estimate& measured) {
    return VerifyRow{kEvidence, subject, figure, direction, bar, measured};
  };
  const std::string curve = of("decision curve", question.word), odds = of("log-odds", question.word);
  const std::string half = of("half-point", question.word);
  return {
      row(curve + ": RMSE where undecided", Direction::at_most, colour ? 0.10 : 0.13, undecided_rmse(evidence, exact)),
      row(curve + ", calibrated: RMSE where undecided", Direction::reported, 0, undecided_rmse(calibrated, exact)),
      row(half + ": log-SNR off the exact one, mean", Direction::at_most, colour ? 0.4 : 0.7,
          half_point_distance(evidence, reference)),
      row(odds + ": slope of the exact ones on them, off 1", Direction::at_most, 0.15,
          absolute(plus(exact_slope(evidence, exact, random), -1))),
      row(odds + ", calibrated: slope of the exact ones on them", Direction::reported, 0,
          exact_slope(calibrated, exact, random)),
      row(odds + ": slope on the exact ones", Direction::reported, 0, log_odds_slope(evidence, exact, random)),
      row(odds + ": squared correlation with the exact ones", Direction::reported, 0,
          log_odds_correlation(evidence, exact, random))};
}

VerifyRows trained_rows(const VerifyContext& context, Question question) {
  const Model& subject = *context.trained;
  question.options.steps = 100;  // as `noisescope explain` asks
  question.options.log_snr_max = std::min(question.options.log_snr_max, subject.log_snr_max);
  const Evidence evidence = ask(subject, question, context);
  const double whole = std::log(static_cast<double>(evidence.log_posterior.size(2)));
  VerifyRows rows = decision_rows(context, question, evidence);
  rows.push_back({kEvidence, subject.name, of("realised total", question.word) + ": relative to ln K, off",
                  Direction::within, 0.10, absolute(mean_estimate(evidence.realised_total() / whole - 1))});
  if (question.word != Word::colour) return rows;
  rows.push_back({kEvidence, subject.name, "colour map: AUC against the object", Direction::at_least, 0.93,
                  mean_estimate(localisation_auc(evidence.map(), question.batch.left_masks()))});
  rows.push_back({kEvidence, subject.name, "colour map of 8 paths: correlation with the exact one of the same noise",
                  Direction::at_least, 0.85, shown_map_correlation(context, question)});
  return rows;
}

}  // namespace

VerifyRows check_evidence(const VerifyContext& context) {
  VerifyRows rows = calibration_rows(context);
  for (const Word word : {Word::colour, Word::shape}) {
    const int64_t count = context.n(200, word == Word::colour ? 200 : 64);
    const Question question{word, contrastable_scenes(context.demo.world(), context.options.seed, count)};
    const Tensor exact = exact_posterior(context.demo, question, context);
    const Evidence evidence = ask(context.exact_demo, question, context);
    append(rows, exact_rows(context, question, evidence, exact));
    context.show({kEvidence, of("evidence", word) + ", one path, and what would change", question.batch.pictures[0],
                  evidence.map()[0], question.batch.counterfactual_masks(word)[0]});
    if (context.trained) append(rows, trained_rows(context, question));
    append(rows, evidence_map_rows(context, word));
  }
  return rows;
}

}  // namespace noisescope::verify
