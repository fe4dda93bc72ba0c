#include "noisescope/verify/guided_run.h"

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/explain/calibration.h"

namespace noisescope::verify {
namespace {

constexpr double kScale = 2;

/// Runs of a subject: what the filter made of their steps, the exact posterior at each level [N, B, K], where they end.
struct GuidedRuns {
  Evidence evidence;
  Tensor exact, pictures;
};

GuidedRuns draw(const VerifyContext& context, const Model& subject, const Question& question) {
  const std::vector<std::string> captions = question.batch.captions();
  const NoiseSource noise{Random(context.options.seed), sample_range(0, question.batch.size())};
  const EvidenceOptions& levels = question.options;
  const std::vector<double> sigmas =
      sampling_sigmas({GridKind::log_snr, levels.steps + 1, sigma_of_log_snr(levels.log_snr_max),
                       sigma_of_log_snr(levels.log_snr_min), 7.0});
  EvidenceFilter filter(
      subject.denoiser,
      context.seen(&Seams::contrast, {conditions_of(subject, question), question.batch.true_version(question.word),
                                      step_weight(subject.calibration, levels, to_string(question.word))}));
  const Tensor versions = conditions_of(exact_model(context.demo), question);
  std::vector<Tensor> exact;
  SamplerStep before;
  const SamplerObserver observer = [&](const SamplerStep& step) {
    exact.push_back(version_posterior(context.demo, step.x.to(torch::kFloat64), step.sigma, versions));
    if (step.index > 0) filter.advance(before.x, before.sigma, step.x, step.sigma);
    before = step;
  };
  const Trajectory runs({subject.denoiser, sigmas, {.solver = Solver::ddpm}, {.scale = kScale}},
                        {subject.condition(captions), subject.null_condition(question.batch.size()),
                         noise.initial(subject.image_shape, torch::kFloat64), noise});
  const Tensor pictures = runs.redraw({}, observer, context.control);
  return {filter.result(), torch::stack(exact), pictures};
}

/// Half-points along the runs less those along noising paths of their pictures, where both are decided; anything within
/// the levels where hardly any is.
Estimate earlier_by(const VerifyContext& context, const Model& subject, Question question, const GuidedRuns& runs) {
  question.batch.pictures = runs.pictures.to(torch::kFloat64);
  const Tensor difference =
      runs.evidence.half_points() - ask(subject, question, context, question.batch.size()).half_points();
  const Tensor decided = difference.masked_select(difference.isfinite());
  if (decided.size(0) >= 2) return mean_estimate(decided);
  const double all = runs.evidence.log_snrs.back() - runs.evidence.log_snrs.front();
  return {0, -all, all, decided.size(0)};
}

}  // namespace

VerifyRows guided_run_rows(const VerifyContext& context, const Model& subject, Question question) {
  const bool exact = subject.is_exact(), colour = question.word == Word::colour;
  question.options.log_snr_max = std::min(question.options.log_snr_max, subject.log_snr_max);
  const GuidedRuns runs = draw(context, subject, question);
  const Random random(context.options.seed);
  const auto row = [&](const char* what, const std::string& figure, Direction direction, double bar,
                       const Estimate& measured) -> VerifyRow {
    return {kEvidence, subject.name, of(what, question.word) + ", along guided runs: " + figure,
            direction, bar,          measured};
  };
  VerifyRows rows = {row("decision curve", "RMSE where undecided", Direction::at_most,
                         exact ? 0.05 : (colour ? 0.10 : 0.13), undecided_rmse(runs.evidence, runs.exact))};
  rows.push_back(exact ? row("log-odds", "slope on the exact ones, off 1", Direction::within, 0.1,
                             absolute(plus(log_odds_slope(runs.evidence, runs.exact, random), -1)))
                       : row("log-odds", "slope of the exact ones on them, off 1", Direction::at_most, 0.15,
                             absolute(plus(exact_slope(runs.evidence, runs.exact, random), -1))));
  rows.push_back(row("half-point", "log-SNR above that of noising paths of what was drawn", Direction::reported, 0,
                     earlier_by(context, subject, question, runs)));
  return rows;
}

}  // namespace noisescope::verify
