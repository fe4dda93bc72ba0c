// Insertion and deletion where it is known which map is right: the information map of the colour word on the
// `demo` world.
//
// What is scored is p(the left object's colour | picture), by the posterior of the exact world without
// prompt: Bayes' answer to just what the word says, made without any map, and in [0, 1]. Pictures are read
// at a noise level at which a clean object is certain and pixels of matched noise do not drown it.
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/colour_information.h"

namespace noisescope::verify {
namespace {

constexpr double kReadSigma = 0.5;

PictureScore colour_score(const WorldDenoiser& truth, const SceneBatch& batch) {
  return [&truth, own = batch.true_version(Word::colour)](const Tensor& x, const Tensor& sample) {
    const Tensor sigma = torch::full({x.size(0)}, kReadSigma, torch::kFloat64);
    const Tensor null = truth.null_condition().expand({x.size(0), -1});
    return truth.posterior(x, sigma, null, SceneFactor::left_colour)
        .gather(1, own.index_select(0, sample).unsqueeze(1))
        .squeeze(1);
  };
}

/// How far the constant map is below the next: of the smallest of three means, so drawn anew.
Estimate constant_last_by(const Faithfulness& f, const Random& random) {
  const Tensor others = torch::stack({f.map.area_between(), f.random.area_between(), f.edges.area_between()});
  const Tensor above = others - f.constant.area_between();
  return bootstrap([&](const Tensor& rows) { return above.index_select(1, rows).mean(1).min().item<double>(); },
                   above.size(1), random);
}

/// How pixels are taken out, and how far from 0 a random map's figure may lie.
struct NamedRemoval {
  std::string name;
  Removal removal;
  double chance_bar;
};

VerifyRows faithfulness_rows(const NamedRemoval& removal, const std::string& subject, const Faithfulness& f,
                             const Random& random) {
  const std::string method = "faithfulness", figure = removal.name + ": insertion less deletion, ";
  const Tensor map = f.map.area_between(), chance = f.random.area_between();
  return {
      {method, subject, figure + "over a random map", Direction::at_least, 0.15, mean_estimate(map - chance)},
      {method, subject, figure + "over edges", Direction::at_least, 0.05, mean_estimate(map - f.edges.area_between())},
      {method, subject, figure + "constant map last by", Direction::at_least, 0, constant_last_by(f, random)},
      {method, subject, figure + "random map off 0", Direction::within, removal.chance_bar,
       absolute(mean_estimate(chance))}};
}

}  // namespace

/// The exact denoiser's map under both ways of taking pixels out.
VerifyRows check_faithfulness(const VerifyContext& context) {
  const Model& subject = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(100, 64));
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  const Random random(context.options.seed);
  const Tensor map = context.seen(&Seams::map, colour_information(subject, batch, context.n(64, 32), context));
  const Tensor null = subject.condition(std::vector<std::string>(ids.size(), ""));
  const std::vector<NamedRemoval> removals = {
      {"refilled", refill(subject.denoiser, null, {.steps = 12, .resamples = 2}, random, ids), 0.1},
      {"matched noise", replace_by_noise(random, ids), 0.055}};
  VerifyRows rows;
  for (const NamedRemoval& removal : removals) {
    const Faithfulness f = faithfulness({batch.pictures, colour_score(context.demo, batch), removal.removal}, map, {},
                                        {random, ids}, context.control);
    append(rows, faithfulness_rows(removal, subject.name, f, random));
  }
  return rows;
}

}  // namespace noisescope::verify
