// How well maps find a region, over the objects of the `fine` world: of the truth itself, of maps that know nothing,
// and of maps with a planted effect d, whose AUC is Phi(d / sqrt 2).
#include <cmath>

#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kLocalisation = "localisation";

/// The mean of a figure [B] off its closed form.
VerifyRow mean_row(const std::string& figure, const Tensor& found, const Tensor& closed, double bar) {
  return {kLocalisation, "planted maps", figure, Direction::within, bar, absolute(mean_estimate(found - closed))};
}

}  // namespace

VerifyRows check_localisation(const VerifyContext& context) {
  constexpr double kEffect = 1;
  const SceneBatch batch =
      contrastable_scenes(context.fine.world(), context.options.seed, context.options.full ? 400 : 200);
  const Tensor object = batch.left_masks(), seen = context.seen(&Seams::masks, object);
  const Tensor share = object.to(torch::kFloat64).mean({1, 2});
  const auto noise = [&](uint64_t step) {
    return Random(context.options.seed)
        .normal(Purpose::explain, step, sample_range(0, batch.size()), {kWorldImagePx, kWorldImagePx}, torch::kFloat64);
  };
  const Tensor truth = object.to(torch::kFloat64), nothing = noise(0), planted = kEffect * truth + noise(1);
  const double least = torch::stack({localisation_auc(truth, seen), best_iou(truth, seen), iou(truth, seen, 0.5),
                                     relevance_mass(truth, seen), relevance_rank(truth, seen),
                                     pointing_game(truth + 1e-6 * nothing, seen)})
                           .min()
                           .item<double>();
  const Tensor auc = localisation_auc(planted, seen);
  return {{kLocalisation,
           "planted maps",
           "the truth as a map: least of the six figures",
           Direction::at_least,
           1,
           {least, least, least, batch.size()}},
          mean_row("effect of one deviation: AUC off Phi(1 / sqrt 2)", auc,
                   torch::full_like(auc, 0.5 * std::erfc(-kEffect / 2)), 0.0074),
          mean_row("map of chance: AUC off 1/2", localisation_auc(nothing, seen), torch::full_like(share, 0.5), 0.009),
          mean_row("map of chance: pointing off the object's share", pointing_game(nothing, seen), share, 0.04),
          mean_row("map of chance: rank accuracy off the object's share", relevance_rank(nothing, seen), share, 0.006)};
}

}  // namespace noisescope::verify
