#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/estimates.h"

namespace noisescope {
namespace {

constexpr const char* kMethod = "evidence filtering";
constexpr int64_t kBatch = 32;  // pictures whose paths advance together

/// The same question put to several subjects over the same paths.
struct Question {
  Word word;
  SceneBatch batch;
  EvidenceOptions options;
};

Tensor conditions_of(const Subject& subject, const Question& question) {
  std::vector<Tensor> rows;
  for (const auto& version : question.batch.versions(question.word)) {
    rows.push_back(subject.condition(version));
  }
  return torch::stack(rows);
}

Evidence ask(const Subject& subject, const Question& question, const VerifyContext& context) {
  const Contrast all{conditions_of(subject, question), question.batch.own_version(question.word)};
  std::vector<Evidence> parts;
  for (int64_t first = 0; first < question.batch.size(); first += kBatch) {
    const int64_t count = std::min(kBatch, question.batch.size() - first);
    parts.push_back(filter_noising_paths(
        subject.denoiser, question.batch.pictures.narrow(0, first, count),
        {all.conditions.narrow(1, first, count), all.own.narrow(0, first, count)}, question.options,
        {Random(context.options.seed), sample_range(first, count)}, context.control));
  }
  return concatenate(parts);
}

/// p(version | x) at every level of the same paths, from the exact likelihoods: [N, B, K].
/// The paths are those of filter_noising_paths: the same noise, drawn again.
Tensor exact_posterior(const WorldDenoiser& truth, const Question& question,
                       const VerifyContext& context) {
  std::vector<Tensor> rows;
  const SceneBatch& batch = question.batch;
  const Subject subject = exact_subject(truth);
  const Tensor conditions = conditions_of(subject, question);
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  walk_noising_paths(batch.pictures, question.options, {Random(context.options.seed), ids},
                     [&](const Tensor& x, double sigma) {
    const Tensor sigmas = torch::full({batch.size()}, sigma, torch::kFloat64);
    std::vector<Tensor> log_density;
    for (int64_t k = 0; k < conditions.size(0); ++k) {
      log_density.push_back(truth.log_density(x, sigmas, conditions[k]));
    }
    rows.push_back(torch::stack(log_density, 1).log_softmax(1).exp());
  });
  return torch::stack(rows);
}

Tensor squared_errors(const Evidence& evidence, const Tensor& exact) {
  const Tensor own = evidence.own.view({1, -1, 1}).expand({exact.size(0), -1, 1});
  const Tensor truth = exact.gather(2, own).squeeze(2);
  return (evidence.decision() - truth).square().mean(0);  // [B], mean over levels
}

/// Of pictures whose decision curves both end above half way.
Estimate half_point_distance(const Evidence& a, const Evidence& b) {
  const Tensor difference = a.half_points() - b.half_points();
  return absolute(mean_estimate(difference.masked_select(difference.isfinite())));
}

std::string of(const std::string& what, Word word) {
  return what + " of the " + to_string(word) + " word";
}

std::vector<VerifyRow> exact_rows(const VerifyContext& context, const Question& question,
                                  const Evidence& evidence, const Tensor& exact) {
  const std::string& subject = context.exact_demo.name;
  const Tensor own = evidence.own.unsqueeze(1);
  const Tensor closed = exact[-1].gather(1, own).squeeze(1).log() +
                        std::log(static_cast<double>(exact.size(2)));
  std::vector<VerifyRow> rows = {
      {kMethod, subject, of("decision curve", question.word) + ": RMSE against the posterior",
       Direction::at_most, 0.03, root_mean(squared_errors(evidence, exact))},
      {kMethod, subject, of("realised map's sum", question.word) + ": standard errors off",
       Direction::at_most, 3, in_standard_errors(evidence.realised.sum({1, 2}) - closed)}};
  if (question.word == Word::colour) {
    rows.push_back({kMethod, subject, "colour map: AUC against the object", Direction::at_least, 0.95,
                    mean_estimate(localisation_auc(evidence.compensated,
                                                   question.batch.left_masks()))});
  }
  return rows;
}

/// The sum of the realised map against ln p_end + ln K, over the whole: a bias of the step size.
VerifyRow completeness_row(const VerifyContext& context, Question question) {
  question.options.steps = 320;
  const Evidence evidence = ask(context.exact_demo, question, context);
  const double whole = std::log(static_cast<double>(evidence.log_posterior.size(2)));
  return {kMethod, context.exact_demo.name, "completeness gap at 320 steps, share of ln K",
          Direction::at_most, 0.02,
          absolute(scaled(mean_estimate(evidence.completeness_gap()), 1 / whole))};
}

std::vector<VerifyRow> trained_rows(const VerifyContext& context, const Question& question,
                                    const Evidence& reference, const Tensor& exact) {
  const Subject& subject = *context.trained;
  const Evidence evidence = ask(subject, question, context);
  const bool colour = question.word == Word::colour;
  const double whole = std::log(static_cast<double>(exact.size(2)));
  const Estimate total = mean_estimate(evidence.realised_total() / whole - 1);
  std::vector<VerifyRow> rows = {
      {kMethod, subject.name, of("decision curve", question.word) + ": RMSE against the posterior",
       Direction::at_most, colour ? 0.10 : 0.13, root_mean(squared_errors(evidence, exact))},
      {kMethod, subject.name, of("half-point", question.word) + ": log-SNR off the exact one",
       Direction::at_most, colour ? 0.4 : 0.7, half_point_distance(evidence, reference)},
      {kMethod, subject.name, of("realised total", question.word) + ": relative to ln K, off",
       Direction::at_most, 0.10, absolute(total)}};
  if (colour) {
    rows.push_back({kMethod, subject.name, "colour map: AUC against the object", Direction::at_least,
                    0.93,
                    mean_estimate(localisation_auc(evidence.compensated,
                                                   question.batch.left_masks()))});
    rows.push_back({kMethod, subject.name, "colour map: correlation with the exact one",
                    Direction::at_least, 0.85,
                    map_correlation(evidence.compensated, reference.compensated)});
  }
  return rows;
}

}  // namespace

std::vector<VerifyRow> check_evidence(const VerifyContext& context) {
  std::vector<VerifyRow> rows;
  const auto add = [&](const std::vector<VerifyRow>& more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  for (const Word word : {Word::colour, Word::shape}) {
    const int64_t count = context.n(200, 32);
    const Question question{
        word, contrastable_scenes(context.demo.world(), context.options.seed, count), {}};
    const Tensor exact = exact_posterior(context.demo, question, context);
    const Evidence evidence = ask(context.exact_demo, question, context);
    add(exact_rows(context, question, evidence, exact));
    if (word == Word::colour) rows.push_back(completeness_row(context, question));
    if (context.trained) add(trained_rows(context, question, evidence, exact));
  }
  return rows;
}

}  // namespace noisescope
