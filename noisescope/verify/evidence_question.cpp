#include "noisescope/verify/evidence_question.h"

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/calibration.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/blind_maps.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kBatch = 32;      // pictures whose paths advance together
constexpr int64_t kShownPaths = 8;  // as `noisescope explain` shows

/// [B, H, W]: the map of each picture over `paths` paths by what `answer` says of them.
Tensor shown_maps(const Question& question, int64_t paths, const std::function<Evidence(const Question&)>& answer) {
  Question each = question;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < paths * question.batch.size(); ++i) rows.push_back(i / paths);
  each.batch = question.batch.rows(rows);
  const Tensor map = answer(each).map();
  return map.view({question.batch.size(), paths, map.size(1), map.size(2)}).mean(1);
}

}  // namespace

Tensor conditions_of(const Model& subject, const Question& question) {
  std::vector<Tensor> rows;
  for (const auto& version : question.batch.versions(question.word)) {
    rows.push_back(subject.condition(version));
  }
  return torch::stack(rows);
}

Evidence ask(const Model& subject, const Question& question, const VerifyContext& context, int64_t first_path) {
  const Tensor conditions = conditions_of(subject, question);
  const Tensor said = (question.batch.true_version(question.word) + question.version_said) % conditions.size(0);
  const Contrast all =
      context.seen(&Seams::contrast,
                   {conditions, said, step_weight(subject.calibration, question.options, to_string(question.word))});
  const PathFilter filter = context.seen(&Seams::filter, filter_noising_paths);
  std::vector<Evidence> parts;
  for (int64_t first = 0; first < question.batch.size(); first += kBatch) {
    const int64_t count = std::min(kBatch, question.batch.size() - first);
    const Contrast contrast{all.conditions.narrow(1, first, count), all.true_version.narrow(0, first, count),
                            all.weight};
    const PictureBatch pictures{question.batch.pictures.narrow(0, first, count),
                                {Random(context.options.seed), sample_range(first_path + first, count)}};
    parts.push_back(filter(subject.denoiser, pictures, contrast, question.options, context.control));
  }
  return concatenate(parts);
}

Evidence ask_truth(const Question& question, const VerifyContext& context, int64_t first_path) {
  VerifyContext sound = context;
  sound.seams = {};
  return ask(exact_model(context.demo), question, sound, first_path);
}

Tensor exact_posterior(const WorldDenoiser& truth, const Question& question, const VerifyContext& context) {
  std::vector<Tensor> rows;
  const SceneBatch& batch = question.batch;
  const Model subject = exact_model(truth);
  const Tensor conditions = conditions_of(subject, question);
  walk_noising_paths(batch.with_noise(context.options.seed), question.options, [&](const Tensor& x, double sigma) {
    rows.push_back(version_posterior(truth, x, sigma, conditions));
  });
  return torch::stack(rows);
}

Tensor version_posterior(const WorldDenoiser& truth, const Tensor& x, double sigma, const Tensor& conditions) {
  const int64_t versions = conditions.size(0), count = x.size(0);
  const Tensor log_density = truth.log_density(
      x.repeat({versions, 1, 1, 1}), torch::full({versions * count}, sigma, torch::kFloat64), conditions.flatten(0, 1));
  return log_density.view({versions, count}).t().softmax(1);
}

Tensor own_of(const Tensor& table, const Tensor& own) {
  return table.gather(2, own.view({1, -1, 1}).expand({table.size(0), -1, 1})).squeeze(2);
}

std::string of(const std::string& what, Word word) { return what + " of the " + to_string(word) + " word"; }

VerifyRows evidence_map_rows(const VerifyContext& context, Word word) {
  const int64_t pictures = context.n(6, 4), many = context.n(512, 128);
  Question question{word, contrastable_scenes(context.demo.world(), context.options.seed, pictures)};
  question.options = {};  // as `noisescope explain` asks
  if (context.trained) question.options.log_snr_max = std::min(5.0, context.trained->log_snr_max);
  const bool colour = word == Word::colour;
  const int64_t shown = pictures * kShownPaths;
  const Tensor truth = shown_maps(question, many, [&](const Question& each) {
    return ask_truth(each, context, shown);  // of noise of its own
  });
  const auto shown_map = [&](const Model& subject) {
    return shown_maps(question, kShownPaths, [&](const Question& each) { return ask(subject, each, context); });
  };
  const Tensor exact = shown_map(context.exact_demo);
  const std::string name = of("map of 8 paths", word) + ": correlation with that of many paths of other noise";
  const Estimate ceiling = map_correlation(exact, truth);
  VerifyRows rows = {{kEvidence, context.exact_demo.name, name, Direction::at_least, colour ? 0.9 : 0.8, ceiling}};
  const auto add_colour_rows = [&](const Model& subject, const Tensor& map, const WordMapBars& bars) {
    if (!colour) return;
    append(rows, word_map_rows({kEvidence, subject.name, "colour map of 8 paths", question.batch, map}, bars));
  };
  add_colour_rows(context.exact_demo, exact, {0.95, 0.02});
  if (!context.trained) return rows;
  const Tensor map = shown_map(*context.trained);
  rows.push_back({kEvidence, context.trained->name, name + ", share of the exact denoiser's", Direction::at_least,
                  colour ? 0.9 : 0.75, scaled(map_correlation(map, truth), 1 / ceiling.value)});
  add_colour_rows(*context.trained, map, {0.9, 0});
  return rows;
}

}  // namespace noisescope::verify
