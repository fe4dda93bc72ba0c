#include <cmath>

#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_calibration.h"
#include "noisescope/verify/guided_run.h"
#include "noisescope/verify/prompt_share.h"
#include "noisescope/verify/trained_evidence.h"

namespace noisescope::verify {
namespace {

Tensor squared_errors(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  return (evidence.decision() - truth).square().mean(0);  // [B], mean over levels
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

}  // namespace

VerifyRows check_evidence(const VerifyContext& context) {
  VerifyRows rows = calibration_rows(context);
  append(rows, prompt_share_rows(context, context.exact_demo, {0.1, 0.1, 0.5, 0.1}));
  if (context.trained) append(rows, prompt_share_rows(context, *context.trained, {0.2, 0.2, 1}));
  const std::optional<Model> calibrated = context.trained ? std::optional(calibrated_subject(context)) : std::nullopt;
  for (const Word word : {Word::colour, Word::shape}) {
    const int64_t count = context.n(200, word == Word::colour ? 200 : 64);
    const Question question{word, contrastable_scenes(context.demo.world(), context.options.seed, count)};
    const Tensor exact = exact_posterior(context.demo, question, context);
    const Evidence evidence = ask(context.exact_demo, question, context);
    append(rows, exact_rows(context, question, evidence, exact));
    context.show({kEvidence, of("evidence", word) + ", one path, and what would change", question.batch.pictures[0],
                  evidence.map()[0], question.batch.counterfactual_masks(word)[0]});
    Question fewer = question;
    fewer.batch = question.batch.rows(sample_range(0, std::min<int64_t>(count, context.n(64, 32))));
    append(rows, contradicted_rows(context, context.exact_demo, fewer));
    append(rows, guided_run_rows(context, context.exact_demo, fewer));
    if (context.trained) {
      append(rows, trained_evidence_rows(context, question, *calibrated));
      append(rows, drawn_picture_rows(context, question));
      append(rows, contradicted_rows(context, *context.trained, fewer));
      append(rows, guided_run_rows(context, *context.trained, fewer));
    }
    append(rows, evidence_map_rows(context, word));
  }
  return rows;
}

}  // namespace noisescope::verify
