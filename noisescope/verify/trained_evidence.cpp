#include "noisescope/verify/trained_evidence.h"

#include <cmath>

#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_calibration.h"
#include "noisescope/world/parser.h"

namespace noisescope::verify {
namespace {

/// Mean difference at the levels at which a picture is undecided: of a model that is calibrated and knows less than
/// all, below 0.
Estimate undecided_difference(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  const Tensor open = undecided(truth);
  const Tensor sums = ((evidence.decision() - truth) * open).sum(0), counts = open.sum(0);  // [B]
  const double mean = (sums.sum() / counts.sum()).item<double>();
  return mean_estimate(mean + (sums - mean * counts) / counts.mean());
}

/// Mean absolute difference; of pictures whose decision curves both end above half way. As far as the levels reach
/// where hardly any does: of a model that decides nothing.
Estimate half_point_distance(const Evidence& a, const Evidence& b) {
  const Tensor difference = (a.half_points() - b.half_points()).abs();
  const Tensor decided = difference.masked_select(difference.isfinite());
  if (decided.size(0) >= 2) return mean_estimate(decided);
  const double all = b.log_snrs.back() - b.log_snrs.front();
  return {all, all, all, decided.size(0)};
}

/// As `noisescope explain` asks.
Question as_explained(const VerifyContext& context, Question question) {
  question.options.steps = 100;
  question.options.log_snr_max = std::min(question.options.log_snr_max, context.trained->log_snr_max);
  return question;
}

/// Evidence of the trained subject beside the exact posterior of the same paths.
struct AgainstExact {
  const VerifyContext& context;
  const Question& question;
  std::string of_pictures;  // what figures say of their pictures: "", or ", drawn pictures"
  Evidence evidence = ask(*context.trained, question, context);
  Tensor exact = exact_posterior(context.demo, question, context);

  VerifyRow row(const char* what, const std::string& figure, Direction direction, double bar,
                const Estimate& measured) const {
    return {kEvidence, context.trained->name, of(what, question.word) + of_pictures + figure, direction, bar, measured};
  }
  /// Curves, half-points and log-odds, with their bars.
  VerifyRows rows() const {
    const bool colour = question.word == Word::colour;
    const Estimate slope = exact_slope(evidence, exact, Random(context.options.seed));
    return {row("decision curve", ": RMSE where undecided", Direction::at_most, colour ? 0.10 : 0.13,
                undecided_rmse(evidence, exact)),
            row("half-point", ": log-SNR off the exact one, mean", Direction::at_most, colour ? 0.4 : 0.7,
                half_point_distance(evidence, ask_truth(question, context))),
            row("decision curve", ": mean over the exact one where undecided", Direction::at_most, 0.02,
                undecided_difference(evidence, exact)),
            row("log-odds", ": slope of the exact ones on them, off 1", Direction::at_most, 0.15,
                absolute(plus(slope, -1)))};
  }
};

/// What calibration by other scenes does to the log score, ln p of the true version averaged over levels.
VerifyRow calibration_row(const AgainstExact& against, const Model& calibrated) {
  const Evidence mended = ask(calibrated, against.question, against.context);
  const auto score = [&](const Tensor& log_p) { return own_of(log_p, mended.true_version).clamp_min(-1e3).mean(0); };
  return against.row("log score", ", calibrated by 64 other pictures, over the claimed, nats", Direction::at_least,
                     -0.01, mean_estimate(score(mended.log_posterior) - score(mended.claimed)));
}

/// Beside the rows of `against`: the slope where it is worst; and without bars curve and slope as the model claims
/// them, and the slope the other way.
VerifyRows rows_beside(const AgainstExact& against) {
  const Random random(against.context.options.seed);
  const Evidence claimed = against.evidence.as_claimed();
  const auto reported = [&](const char* what, const std::string& figure, const Estimate& measured) {
    return against.row(what, figure, Direction::reported, 0, measured);
  };
  const Estimate worst = worst_level_slope(against.evidence, against.exact, random);
  return {against.row("log-odds", ": slope of the exact ones on them at the worst unit of log-SNR, off 1",
                      Direction::at_most, 0.15, absolute(plus(worst, -1))),
          reported("decision curve", ", as claimed: RMSE where undecided", undecided_rmse(claimed, against.exact)),
          reported("log-odds", ", as claimed: slope of the exact ones on them",
                   exact_slope(claimed, against.exact, random)),
          reported("log-odds", ": slope on the exact ones", log_odds_slope(against.evidence, against.exact, random)),
          reported("log-odds", ": squared correlation with the exact ones",
                   log_odds_correlation(against.evidence, against.exact, random))};
}

/// Maps of the colour word over 8 paths of each of n / 8 pictures, as they are shown to users.
Estimate shown_map_correlation(const VerifyContext& context, Question question) {
  constexpr int64_t kPaths = 8;
  const int64_t pictures = question.batch.size() / kPaths;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < pictures * kPaths; ++i) rows.push_back(i / kPaths);
  question.batch = question.batch.rows(rows);
  const auto shown = [&](const Evidence& evidence) {
    const Tensor map = evidence.map();
    return map.view({pictures, kPaths, map.size(1), map.size(2)}).mean(1);
  };
  return map_correlation(shown(ask(*context.trained, question, context)), shown(ask_truth(question, context)));
}

/// Pictures that the trained subject draws of the batch's captions, as users draw them, where the exact parser reads
/// what was asked; with the scenes that it reads.
SceneBatch drawn_pictures(const VerifyContext& context, const SceneBatch& asked) {
  const Model& subject = *context.trained;
  const PictureRequest request{asked.captions(), "", context.options.seed, 0};
  SceneBatch drawn = asked;
  drawn.pictures = draw_trajectory(subject, request, subject.sample).pictures(context.control).to(torch::kFloat64);
  const std::vector<ParsedScene> read = WorldParser(asked.world).parse(drawn.pictures.to(torch::kFloat32));
  std::vector<int64_t> kept;
  for (size_t i = 0; i < read.size(); ++i) {
    drawn.scenes[i] = read[i].scene;
    if (agreement(read[i], asked.grammar.full_meaning(asked.scenes[i])).joint) kept.push_back(static_cast<int64_t>(i));
  }
  return drawn.rows(kept);
}

}  // namespace

VerifyRows decision_rows(const VerifyContext& context, const Question& question) {
  return AgainstExact{context, question, ""}.rows();
}

VerifyRows trained_evidence_rows(const VerifyContext& context, const Question& question, const Model& calibrated) {
  const std::string& subject = context.trained->name;
  const Question asked = as_explained(context, question);
  const AgainstExact against{context, asked, ""};
  VerifyRows rows = against.rows();
  rows.push_back(calibration_row(against, calibrated));
  append(rows, rows_beside(against));
  const Evidence& evidence = against.evidence;
  const double whole = std::log(static_cast<double>(evidence.log_posterior.size(2)));
  rows.push_back({kEvidence, subject, of("realised total", asked.word) + ": relative to ln K, off", Direction::within,
                  0.10, absolute(mean_estimate(evidence.realised_total() / whole - 1))});
  if (asked.word != Word::colour) return rows;
  rows.push_back({kEvidence, subject, "colour map: AUC against the object", Direction::at_least, 0.93,
                  mean_estimate(localisation_auc(evidence.map(), asked.batch.left_masks()))});
  rows.push_back({kEvidence, subject, "colour map of 8 paths: correlation with the exact one of the same noise",
                  Direction::at_least, 0.85, shown_map_correlation(context, asked)});
  return rows;
}

VerifyRows drawn_picture_rows(const VerifyContext& context, const Question& question) {
  Question asked = as_explained(context, question);
  asked.batch = drawn_pictures(context, question.batch);
  return AgainstExact{context, asked, ", drawn pictures"}.rows();
}

VerifyRows contradicted_rows(const VerifyContext& context, const Model& subject, const Question& question) {
  Question asked = question;
  asked.options.log_snr_max = std::min(asked.options.log_snr_max, subject.log_snr_max);
  asked.version_said = 1;
  const Evidence evidence = ask(subject, asked, context);
  const std::string name = "contradicted " + to_string(question.word) + " word: ";
  return {{kEvidence, subject.name, name + "p at the end", Direction::at_most, 0.05,
           mean_estimate(evidence.decision()[-1])},
          {kEvidence, subject.name, name + "share of maps below 0 in total", Direction::at_least, 0.95,
           mean_estimate((evidence.map().sum({1, 2}) < 0).to(torch::kFloat64))}};
}

}  // namespace noisescope::verify
