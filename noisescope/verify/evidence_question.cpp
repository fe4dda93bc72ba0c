#include "noisescope/verify/evidence_question.h"

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/calibration.h"
#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kBatch = 32;      // pictures whose paths advance together
constexpr int64_t kShownPaths = 8;  // as `noisescope explain` shows

/// Every scene `times` times in a row.
SceneBatch repeated(const SceneBatch& batch, int64_t times) {
  SceneBatch out = batch;
  out.scenes.clear();
  for (const Scene& scene : batch.scenes) out.scenes.insert(out.scenes.end(), static_cast<size_t>(times), scene);
  out.pictures = batch.pictures.repeat_interleave(times, 0);
  return out;
}

/// [B, H, W]: the map of each picture over `paths` paths of noise number first_path on.
Tensor shown_maps(const Model& subject, const Question& question, int64_t paths, int64_t first_path,
                  const VerifyContext& context) {
  Question each = question;
  each.batch = repeated(question.batch, paths);
  const Tensor map = ask(subject, each, context, first_path).map();
  return map.view({question.batch.size(), paths, map.size(1), map.size(2)}).mean(1);
}

/// AUC of the left object's pixels among those of both objects, [B]: 1/2 for a map that does not know which was named.
Tensor named_against_other(const Tensor& map, const SceneBatch& batch) {
  const Tensor masks = batch.world.object_masks(batch.scenes);
  std::vector<Tensor> auc;
  for (int64_t b = 0; b < batch.size(); ++b) {
    const Tensor named = masks[b][0], either = named | masks[b][1];
    auc.push_back(
        localisation_auc(map[b].masked_select(either).view({1, 1, -1}), named.masked_select(either).view({1, 1, -1})));
  }
  return torch::cat(auc);
}

/// The larger AUC of two maps that know the picture and no prompt, its edges and its distance from the background, [B].
Tensor best_blind_auc(const SceneBatch& batch) {
  const Tensor background = batch.pictures.slice(2, 0, 1).slice(3, 0, 1);
  const Tensor objects = (batch.pictures - background).abs().sum(1);
  return torch::maximum(localisation_auc(objects, batch.left_masks()),
                        localisation_auc(edge_maps(batch.pictures), batch.left_masks()));
}

VerifyRows colour_rows(const std::string& subject, const Tensor& map, const SceneBatch& batch, double over_other,
                       double over_blind) {
  return {{kEvidence, subject, "colour map of 8 paths: AUC of the named object against the other", Direction::at_least,
           over_other, mean_estimate(named_against_other(map, batch))},
          {kEvidence, subject, "colour map of 8 paths: AUC against the object, over the best blind map's",
           Direction::at_least, over_blind,
           mean_estimate(localisation_auc(map, batch.left_masks()) - best_blind_auc(batch))}};
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
  const Contrast all =
      context.seen(&Seams::contrast, {conditions_of(subject, question), question.batch.true_version(question.word),
                                      step_weight(subject.calibration, question.options)});
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
  const Tensor truth = shown_maps(context.exact_demo, question, many, shown, context);  // of noise of its own
  const Tensor exact = shown_maps(context.exact_demo, question, kShownPaths, 0, context);
  const std::string name = of("map of 8 paths", word) + ": correlation with that of many paths of other noise";
  const Estimate ceiling = map_correlation(exact, truth);
  VerifyRows rows = {{kEvidence, context.exact_demo.name, name, Direction::at_least, colour ? 0.9 : 0.8, ceiling}};
  if (colour) append(rows, colour_rows(context.exact_demo.name, exact, question.batch, 0.95, 0.02));
  if (!context.trained) return rows;
  const Tensor map = shown_maps(*context.trained, question, kShownPaths, 0, context);
  rows.push_back({kEvidence, context.trained->name, name + ", share of the exact denoiser's", Direction::at_least,
                  colour ? 0.9 : 0.75, scaled(map_correlation(map, truth), 1 / ceiling.value)});
  if (colour) append(rows, colour_rows(context.trained->name, map, question.batch, 0.9, 0));
  return rows;
}

}  // namespace noisescope::verify
