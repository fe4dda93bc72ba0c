#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_question.h"

namespace noisescope::verify {
namespace {

constexpr const char* kEvidence = "evidence";

/// p(version | x) at every level of the same paths, from the exact likelihoods: [N, B, K].
/// The paths are those of filter_noising_paths: the same noise, drawn again.
Tensor exact_posterior(const WorldDenoiser& truth, const Question& question, const VerifyContext& context) {
  std::vector<Tensor> rows;
  const SceneBatch& batch = question.batch;
  const Model subject = exact_model(truth);
  const Tensor conditions = conditions_of(subject, question);
  walk_noising_paths(batch.with_noise(context.options.seed), question.options, [&](const Tensor& x, double sigma) {
    const Tensor sigmas = torch::full({batch.size()}, sigma, torch::kFloat64);
    std::vector<Tensor> log_density;
    for (int64_t k = 0; k < conditions.size(0); ++k) {
      log_density.push_back(truth.log_density(x, sigmas, conditions[k]));
    }
    rows.push_back(torch::stack(log_density, 1).softmax(1));
  });
  return torch::stack(rows);
}

/// The own version's column of a table [N, B, K], [N, B].
Tensor own_of(const Tensor& table, const Tensor& own) {
  return table.gather(2, own.view({1, -1, 1}).expand({table.size(0), -1, 1})).squeeze(2);
}

Tensor squared_errors(const Evidence& evidence, const Tensor& exact) {
  const Tensor truth = own_of(exact, evidence.true_version);
  return (evidence.decision() - truth).square().mean(0);  // [B], mean over levels
}

/// Of pictures whose decision curves both end above half way.
Estimate half_point_distance(const Evidence& a, const Evidence& b) {
  const Tensor difference = a.half_points() - b.half_points();
  return absolute(mean_estimate(difference.masked_select(difference.isfinite())));
}

/// Log-odds of the true version, less those of the prior, at every level and picture whose exact posterior is open
/// (between .05 and .95): least squares slope of what was filtered on the exact one, 1 for a filter that weighs
/// evidence as it should. The interval is over pictures.
Estimate log_odds_slope(const Evidence& evidence, const Tensor& exact, const Random& random) {
  const Tensor p = own_of(exact, evidence.true_version);
  const Tensor open = ((p > 0.05) & (p < 0.95)).to(torch::kFloat64);
  const double prior = -std::log(static_cast<double>(exact.size(2)) - 1);
  const Tensor x = (p.clamp(0.05, 0.95).logit() - prior) * open;
  const Tensor y = (evidence.decision().clamp(1e-12, 1 - 1e-12).logit() - prior) * open;
  const Tensor xy = (x * y).sum(0), xx = (x * x).sum(0);  // [B]
  return bootstrap(
      [&](const Tensor& rows) {
        return (xy.index_select(0, rows).sum() / xx.index_select(0, rows).sum()).item<double>();
      },
      xy.size(0), random);
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
  const Estimate less_one{slope.value - 1, slope.low - 1, slope.high - 1, slope.n};
  VerifyRows rows = {
      {kEvidence, subject, of("decision curve", question.word) + ": RMSE against the posterior", Direction::at_most,
       0.03, root_mean(squared_errors(evidence, exact))},
      {kEvidence, subject, of("realised evidence", question.word) + " half way: off, of max(2 %, 3 SE)",
       Direction::at_most, 1, share_of_allowance(filtered[middle] + whole, closed[middle] + whole, 0.02)},
      {kEvidence, subject, of("realised total", question.word) + ": off, of max(2 %, 3 SE)", Direction::at_most, 1,
       share_of_allowance(filtered[-1] + whole, closed[-1] + whole, 0.02)},
      {kEvidence, subject, of("log-odds", question.word) + ": slope on the exact ones, off 1", Direction::at_most, 0.1,
       absolute(less_one)}};
  if (question.word == Word::colour) {
    rows.push_back({kEvidence, subject, "colour map: AUC against the object", Direction::at_least, 0.95,
                    mean_estimate(localisation_auc(evidence.map(), question.batch.left_masks()))});
  }
  return rows;
}

/// The sum of the realised map against ln p_end + ln K, picture by picture.
VerifyRow completeness_row(const VerifyContext& context, const Evidence& evidence) {
  const double whole = std::log(static_cast<double>(evidence.log_posterior.size(2)));
  const Tensor gap = evidence.completeness_gap().abs() / whole;
  const double worst = gap.max().item<double>();
  return {kEvidence,
          context.exact_demo.name,
          "completeness gap, worst picture, share of ln K",
          Direction::at_most,
          0.02,
          {worst, worst, worst, gap.size(0)}};
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

VerifyRows trained_rows(const VerifyContext& context, Question question) {
  const Model& subject = *context.trained;
  question.options.steps = 100;  // as `noisescope explain` asks
  question.options.log_snr_max = std::min(question.options.log_snr_max, subject.log_snr_max);
  const Tensor exact = exact_posterior(context.demo, question, context);
  const Evidence reference = ask(context.exact_demo, question, context);
  const Evidence evidence = ask(subject, question, context);
  const bool colour = question.word == Word::colour;
  const double whole = std::log(static_cast<double>(exact.size(2)));
  const Estimate total = mean_estimate(evidence.realised_total() / whole - 1);
  VerifyRows rows = {{kEvidence, subject.name, of("decision curve", question.word) + ": RMSE against the posterior",
                      Direction::at_most, colour ? 0.10 : 0.13, root_mean(squared_errors(evidence, exact))},
                     {kEvidence, subject.name, of("half-point", question.word) + ": log-SNR off the exact one",
                      Direction::at_most, colour ? 0.4 : 0.7, half_point_distance(evidence, reference)},
                     {kEvidence, subject.name, of("realised total", question.word) + ": relative to ln K, off",
                      Direction::at_most, 0.10, absolute(total)},
                     {kEvidence, subject.name, of("log-odds", question.word) + ": slope on the exact ones",
                      Direction::reported, 0, log_odds_slope(evidence, exact, Random(context.options.seed))}};
  if (colour) {
    rows.push_back({kEvidence, subject.name, "colour map: AUC against the object", Direction::at_least, 0.93,
                    mean_estimate(localisation_auc(evidence.map(), question.batch.left_masks()))});
    rows.push_back({kEvidence, subject.name, "colour map of 8 paths: correlation with the exact one of the same noise",
                    Direction::at_least, 0.85, shown_map_correlation(context, question)});
  }
  return rows;
}

}  // namespace

VerifyRows check_evidence(const VerifyContext& context) {
  VerifyRows rows;
  for (const Word word : {Word::colour, Word::shape}) {
    const int64_t count = context.n(200, word == Word::colour ? 200 : 64);
    const Question question{word, contrastable_scenes(context.demo.world(), context.options.seed, count)};
    const Tensor exact = exact_posterior(context.demo, question, context);
    const Evidence evidence = ask(context.exact_demo, question, context);
    append(rows, exact_rows(context, question, evidence, exact));
    context.show({kEvidence, of("evidence", word) + ", one path, and what would change", question.batch.pictures[0],
                  evidence.map()[0], question.batch.counterfactual_masks(word)[0]});
    if (word == Word::colour) rows.push_back(completeness_row(context, evidence));
    if (context.trained) append(rows, trained_rows(context, question));
    append(rows, evidence_map_rows(context, word));
  }
  return rows;
}

}  // namespace noisescope::verify
