// The metrics of explanations themselves, where it is known which map is right: insertion and deletion of
// the information map of the colour word on the `demo` world, and shuffled weights of a trained network.
//
// What is scored is p(the left object's colour | picture), by the posterior of the exact world without
// prompt: Bayes' answer to just what the word says, made without any map, and in [0, 1]. Pictures are read
// at a noise level at which a clean object is certain and pixels of matched noise do not drown it.
#include <algorithm>

#include "noisescope/evaluate/resampling.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/metric/agreement.h"
#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/estimates.h"

namespace noisescope {
namespace {

constexpr const char* kFaithfulness = "faithfulness";
constexpr double kReadSigma = 0.5;

PictureScore colour_score(const WorldDenoiser& truth, const SceneBatch& batch) {
  return [&truth, own = batch.own_version(Word::colour)](const Tensor& x, const Tensor& sample) {
    const Tensor sigma = torch::full({x.size(0)}, kReadSigma, torch::kFloat64);
    const Tensor null = truth.null_condition().expand({x.size(0), -1});
    return truth.posterior(x, sigma, null, SceneFactor::left_colour)
        .gather(1, own.index_select(0, sample).unsqueeze(1)).squeeze(1);
  };
}

/// [B, H, W]: what a word says of each pixel, in nats.
Tensor information_of(Word word, const Denoiser& denoiser, const Subject& subject,
                      const SceneBatch& batch, const VerifyContext& context) {
  const bool colour = word == Word::colour;
  const Tensor against = subject.condition(batch.captions_without(colour, !colour)).unsqueeze(0);
  InformationOptions options;
  options.log_snr_max = std::min(options.log_snr_max, subject.log_snr_max);
  return information_maps(denoiser, batch.pictures, subject.condition(batch.captions()), against,
                          options, Random(context.options.seed), sample_range(0, batch.size()),
                          context.control).map[0];
}

std::vector<VerifyRow> faithfulness_rows(const std::string& removal, const std::string& subject,
                                         const Faithfulness& f) {
  const Tensor map = f.map.area_between(), edges = f.edges.area_between(),
               random = f.random.area_between(), constant = f.constant.area_between();
  Estimate last{2, 2, 2, 0};
  for (const Tensor& other : {map, edges, random}) {
    const Estimate above = mean_estimate(other - constant);
    if (above.value < last.value) last = above;
  }
  const double p = sign_flip_p(map - edges, Random(1));
  const std::string figure = removal + ", insertion less deletion: ";
  return {{kFaithfulness, subject, figure + "over a random map", Direction::at_least, 0.15,
           mean_estimate(map - random)},
          {kFaithfulness, subject, figure + "over edges", Direction::at_least, 0.05,
           mean_estimate(map - edges)},
          {kFaithfulness, subject, figure + "over edges, p", Direction::at_most, 0.01,
           {p, p, p, map.size(0)}},
          {kFaithfulness, subject, figure + "constant map last, by", Direction::at_least, 0, last}};
}

}  // namespace

std::vector<VerifyRow> check_faithfulness(const VerifyContext& context) {
  const Subject& subject = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed,
                                               context.n(100, 16));
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  const Random random(context.options.seed);
  Tensor map = information_of(Word::colour, subject.denoiser, subject, batch, context);
  if (context.broken("least-first")) map = -map;
  const Tensor null = subject.condition(std::vector<std::string>(size_t(batch.size()), ""));
  const std::vector<std::pair<std::string, Removal>> removals = {
      {"refilled", refill(subject.denoiser, null, {}, random, ids)},
      {"matched noise", replace_by_noise(random, ids)}};
  std::vector<VerifyRow> rows;
  for (const auto& [name, removal] : removals) {
    const Faithfulness f = faithfulness(colour_score(context.demo, batch), removal, batch.pictures,
                                        map, {}, random, ids, context.control);
    const auto more = faithfulness_rows(name, subject.name, f);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace noisescope
