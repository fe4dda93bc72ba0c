// Where in pictures of the `demo` world denoising depends on a word.
#include <memory>

#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/blind_maps.h"

namespace noisescope::verify {
namespace {

constexpr const char* kConditioningLocality = "conditioning_locality";

/// A word that means nothing to a denoiser: D is noise of its own for every version.
Denoiser without_meaning(uint64_t seed) {
  const auto evaluations = std::make_shared<int64_t>(0);
  return [=](const Tensor& x, const Tensor&, const Tensor&) {
    const int64_t first = *evaluations;
    *evaluations += x.size(0);
    return Random(seed).normal(Purpose::explain, 0, sample_range(first, x.size(0)), x.sizes().slice(1),
                               torch::kFloat64);
  };
}

ConditioningLocality locality_of(const VerifyContext& context, const Model& subject, const SceneBatch& batch,
                                 const LocalityOptions& options) {
  std::vector<Tensor> rows;
  for (const auto& version : batch.versions(Word::colour)) rows.push_back(subject.condition(version));
  return conditioning_locality(subject.denoiser, batch.with_noise(context.options.seed),
                               {torch::stack(rows), batch.true_version(Word::colour)}, options, context.control);
}

VerifyRows locality_rows(const VerifyContext& context, const Model& subject, const SceneBatch& batch) {
  LocalityOptions options;
  options.permutations = 1999;
  options.log_snrs = {-4, -2, -3};
  const ConditioningLocality map = locality_of(context, subject, batch, options);
  const Tensor dependent = map.dependent.to(torch::kFloat64);
  // Of the dependent pixels of each picture, at all levels, those in the other object's half.
  const Tensor outside = dependent.slice(3, kWorldHalfPx).sum({0, 2, 3}) / dependent.sum({0, 2, 3}).clamp_min(1);
  const Tensor object = batch.left_masks();
  const Tensor found =
      (map.dependent[-1] & object).sum({1, 2}).to(torch::kFloat64) / object.sum({1, 2}).to(torch::kFloat64);
  context.show({kConditioningLocality, "colour word at log-SNR -3, and the object", batch.pictures[0],
                map.change[-1][0], object[0]});
  VerifyRows rows = {{kConditioningLocality, subject.name, "object's pixels found dependent at log-SNR -3",
                      Direction::at_least, 0.9, mean_estimate(found)},
                     {kConditioningLocality, subject.name, "colour word at log-SNR -3: AUC against the object",
                      Direction::at_least, 0.95, mean_estimate(localisation_auc(map.change[-1], object))}};
  const WordMapBars bars = subject.is_exact() ? WordMapBars{0.95, 0.02} : WordMapBars{0.9, 0};
  append(rows, word_map_rows({kConditioningLocality, subject.name, "colour word at log-SNR -3", batch, map.change[-1]},
                             bars));
  // A network's word does reach into the other half, a little: there is no truth to hold it against.
  if (subject.is_exact()) {
    rows.push_back({kConditioningLocality, subject.name, "dependent pixels outside the object's half",
                    Direction::at_most, 0.05, mean_estimate(outside)});
  }
  return rows;
}

VerifyRows null_word_rows(const VerifyContext& context, const SceneBatch& batch) {
  Model subject = context.exact_demo;
  subject.denoiser = without_meaning(context.options.seed + 5);
  LocalityOptions options{.log_snrs = {-4, 0}, .permutations = 399, .smallest_change = 0};
  const ConditioningLocality map = locality_of(context, subject, batch, options);
  const auto share = [](const Tensor& flags) {
    return mean_estimate(flags.to(torch::kFloat64).mean({2, 3}).flatten());
  };
  const std::string name = "planted null word";
  return {
      {kConditioningLocality, name, "null word: pixels with p <= 5 %", Direction::at_most, 0.06, share(map.p <= 0.05)},
      {kConditioningLocality, name, "null word: pixels called dependent", Direction::at_most, 0.05,
       share(map.dependent)}};
}

}  // namespace

VerifyRows check_conditioning_locality(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(24, 6));
  VerifyRows rows = locality_rows(context, context.exact_demo, batch);
  append(rows, null_word_rows(context, batch));
  if (context.trained) append(rows, locality_rows(context, *context.trained, batch));
  return rows;
}

}  // namespace noisescope::verify
