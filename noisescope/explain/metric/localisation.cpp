#include "noisescope/explain/metric/localisation.h"

#include <ATen/ops/searchsorted.h>

#include "noisescope/core/error.h"

namespace noisescope::explain {
namespace {

/// Both as rows of pixels, checked: map [B, P] float64, mask [B, P] bool.
struct Rows {
  Rows(const Tensor& map_in, const Tensor& mask_in) {
    check_shape("explain.metric", "map", map_in, {-1, -1, -1});
    check_shape("explain.metric", "mask", mask_in, {map_in.size(0), map_in.size(1), map_in.size(2)});
    map = map_in.flatten(1).to(torch::kFloat64);
    mask = mask_in.flatten(1).to(torch::kBool);
    if (!at::isfinite(map).all().item<bool>()) {
      throw ValueError("[explain.metric] expected maps of finite numbers, got NaN or infinity");
    }
    if ((mask.all(1) | ~mask.any(1)).any().item<bool>()) {
      throw ValueError(
          "[explain.metric] expected masks with pixels inside and outside, got one that "
          "is empty or full");
    }
  }
  Tensor map, mask;
};

/// Mask values in order of falling map values, [B, P] float64.
Tensor ranked_mask(const Rows& rows) {
  return rows.mask.to(torch::kFloat64).gather(1, rows.map.argsort(1, /*descending=*/true));
}

}  // namespace

Tensor pointing_game(const Tensor& map, const Tensor& mask) {
  const Rows rows(map, mask);
  const Tensor largest = rows.map == std::get<0>(rows.map.max(1, true));
  return ((largest.sum(1) == 1) & (largest & rows.mask).any(1)).to(torch::kFloat64);
}

Tensor localisation_auc(const Tensor& map, const Tensor& mask) {
  const Rows rows(map, mask);
  const Tensor out = torch::empty({map.size(0)}, torch::kFloat64);
  for (int64_t b = 0; b < map.size(0); ++b) {
    const Tensor inside = rows.map[b].masked_select(rows.mask[b]);
    const Tensor outside = std::get<0>(rows.map[b].masked_select(~rows.mask[b]).sort());
    const Tensor below = at::searchsorted(outside, inside, false, false);
    const Tensor not_above = at::searchsorted(outside, inside, false, true);
    out[b] = (below + not_above).to(torch::kFloat64).mean() / (2.0 * double(outside.size(0)));
  }
  return out;
}

Tensor iou(const Tensor& map, const Tensor& mask, double threshold) {
  const Rows rows(map, mask);
  const Tensor low = std::get<0>(rows.map.min(1, true)), high = std::get<0>(rows.map.max(1, true));
  const Tensor marked = rows.map > low + threshold * (high - low);
  return (marked & rows.mask).sum(1).to(torch::kFloat64) / (marked | rows.mask).sum(1);
}

Tensor best_iou(const Tensor& map, const Tensor& mask) {
  const Rows rows(map, mask);
  const Tensor sorted = std::get<0>(rows.map.sort(1, /*descending=*/true));
  const Tensor hits = ranked_mask(rows).cumsum(1);
  const Tensor marked = torch::arange(1, sorted.size(1) + 1, torch::kFloat64);
  const Tensor area = rows.mask.sum(1, true).to(torch::kFloat64);
  const Tensor scores = hits / (marked + area - hits);
  // A threshold can stand only behind the last of equal values.
  const Tensor last =
      torch::cat({sorted.slice(1, 0, -1) > sorted.slice(1, 1), torch::ones({sorted.size(0), 1}, torch::kBool)}, 1);
  return std::get<0>(torch::where(last, scores, torch::zeros_like(scores)).max(1));
}

Tensor relevance_mass(const Tensor& map, const Tensor& mask) {
  const Rows rows(map, mask);
  if ((rows.map < 0).any().item<bool>()) {
    throw ValueError(
        "[explain.relevance_mass] expected maps without negative values, whose sum is a mass, got a signed one; take "
        "its "
        "positive part or its absolute values first");
  }
  const Tensor total = rows.map.sum(1);
  const Tensor inside = (rows.map * rows.mask).sum(1);
  return torch::where(total == 0, torch::zeros_like(total), inside / total);
}

Tensor relevance_rank(const Tensor& map, const Tensor& mask) {
  const Rows rows(map, mask);
  const Tensor area = rows.mask.sum(1, true);
  return ranked_mask(rows).cumsum(1).gather(1, area - 1).squeeze(1) / area.squeeze(1);
}

}  // namespace noisescope::explain
