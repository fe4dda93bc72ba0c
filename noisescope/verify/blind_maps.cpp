#include "noisescope/verify/blind_maps.h"

#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/explain/metric/localisation.h"

namespace noisescope::verify {
namespace {

/// AUC of the left object's pixels among those of both objects, [B].
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

}  // namespace

Tensor best_blind_auc(const Tensor& pictures, const Tensor& masks) {
  const Tensor background = pictures.slice(2, 0, 1).slice(3, 0, 1);
  const Tensor objects = (pictures - background).abs().sum(1);
  return torch::maximum(localisation_auc(objects, masks), localisation_auc(edge_maps(pictures), masks));
}

VerifyRows word_map_rows(const WordMaps& maps, const WordMapBars& bars) {
  const Tensor object = maps.batch.left_masks();
  return {{maps.method, maps.subject, maps.name + ": AUC of the named object against the other", Direction::at_least,
           bars.over_other, mean_estimate(named_against_other(maps.map, maps.batch))},
          {maps.method, maps.subject, maps.name + ": AUC against the object, over the best blind map's",
           Direction::at_least, bars.over_blind,
           mean_estimate(localisation_auc(maps.map, object) - best_blind_auc(maps.batch.pictures, object))}};
}

}  // namespace noisescope::verify
