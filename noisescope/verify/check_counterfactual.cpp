// What changes in a deterministic run on the `fine` world with one word of its prompt.
// Captions say the sides ("left of"), so that the first object stays left.
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/world_trajectory.h"

namespace noisescope::verify {
namespace {

/// The next value of the word that the left object could have.
ObjectMeaning flipped(const World& world, const WorldObject& o, Word word) {
  if (word == Word::colour) return {o.shape, (o.colour + 1) % world.colour_count()};
  return {(o.shape + 1) % world.shape_count(), o.colour};
}

/// Where the background is open, the word turns it, too, in a few runs of a hundred. That is leakage, and
/// counted so; changed pixels are then hardly the word's, so AUC is asked of prompts that name it.
VerifyRows flip_rows(const VerifyContext& context, const SceneBatch& batch, Word word, bool name_background) {
  const bool colour = word == Word::colour;
  const auto captions = [&](const std::function<ObjectMeaning(const WorldObject&)>& left) {
    return batch.sided_captions_with(left, name_background);
  };
  const NoiseSource noise{Random(context.options.seed), sample_range(0, batch.size())};
  const DeterministicRun run = draw_run(context, captions({}), captions([&](const WorldObject& o) {
                                          return colour ? ObjectMeaning{o.shape, kAny} : ObjectMeaning{kAny, o.colour};
                                        }),
                                        50, noise);
  const auto other = captions([&](const WorldObject& o) { return flipped(batch.world, o, word); });
  const Counterfactual flip =
      compare_pictures(run.pictures, draw_run(context, other, other, 50, context.seen(&Seams::noise, noise)).pictures);
  const Tensor some = flip.changed.flatten(1).any(1);
  const Tensor partly = some & ~flip.changed.flatten(1).all(1);  // those that an AUC has
  Tensor other_half = torch::zeros({kWorldImagePx, kWorldImagePx}, torch::kBool);
  other_half.slice(1, kWorldHalfPx).fill_(true);
  const std::string method = "counterfactual",
                    what = to_string(word) + " flip, background " + (name_background ? "named: " : "open: ");
  VerifyRows rows = {{method, context.exact_fine.name, what + "change in the other object's half", Direction::at_most,
                      0.06, mean_estimate(flip.share_in(other_half).index({some}))}};
  if (name_background) {
    rows.push_back(
        {method, context.exact_fine.name, what + "AUC of the free map for changed pixels", Direction::at_least,
         colour ? 0.94 : 0.97,
         mean_estimate(localisation_auc(run.information.map.index({partly}), flip.changed.index({partly})))});
  }
  return rows;
}

}  // namespace

VerifyRows check_counterfactual(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed, context.n(100, 48));
  VerifyRows rows;
  for (const Word word : {Word::colour, Word::shape}) {
    for (const bool named : {true, false}) {
      append(rows, flip_rows(context, batch, word, named));
    }
  }
  return rows;
}

}  // namespace noisescope::verify
