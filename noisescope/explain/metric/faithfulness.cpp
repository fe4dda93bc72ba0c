#include "noisescope/explain/metric/faithfulness.h"

#include <algorithm>
#include <cmath>

#include <ATen/ExpandUtils.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/le.h>
#include <ATen/ops/searchsorted.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/answer.h"
#include "noisescope/explain/metric/baseline_maps.h"

namespace noisescope::explain {
namespace {

void check_maps(const char* where, const Tensor& pictures, const Tensor& maps) {
  check_shape(where, "pictures", pictures, {-1, -1, -1, -1});
  check_shape(where, "maps", maps, {pictures.size(0), pictures.size(2), pictures.size(3)});
  if (!maps.isfinite().all().item<bool>()) {
    throw NumericError(std::string("[") + where + "] expected finite maps, got NaN or infinity");
  }
}

/// When each pixel goes: how many pixels have at least its value. [B, H, W] int32 in [1, H W].
Tensor order_of(const Tensor& maps) {
  const Tensor rows = maps.flatten(1).contiguous();
  const Tensor below = at::searchsorted(std::get<0>(rows.sort(1)), rows, /*out_int32=*/true);
  return (rows.size(1) - below).view(maps.sizes());
}

/// order <= gone. A comparison into a bool goes number by number, one into its own type by vectors.
Tensor has_gone(const Tensor& order, const Tensor& gone) {
  Tensor out = torch::empty(at::infer_size(order.sizes(), gone.sizes()), order.options());
  return at::le_out(out, order, gone).to(torch::kBool);
}

/// Scores of M rows without the pixels of their masks, [M] float64.
Tensor score_without(const Perturbation& perturbation, const Tensor& pictures, const Tensor& masks,
                     const Tensor& sample) {
  const Tensor without = perturbation.removal(pictures, masks, sample);
  return perturbation.score(without, sample).to(torch::kCPU, torch::kFloat64);
}

/// Scores of G pictures from number `first` on under their masks [G, R, H, W]: [G, R]. A mask equal to the one
/// before it is not evaluated again.
Tensor score_masks(const Perturbation& perturbation, const Tensor& masks, int64_t first) {
  const Tensor flat = masks.flatten(2);
  const Tensor fresh =
      torch::cat(
          {torch::ones_like(flat.select(1, 0).narrow(1, 0, 1)), (flat.slice(1, 1) != flat.slice(1, 0, -1)).any(2)}, 1)
          .flatten();
  const Tensor rows = fresh.nonzero().squeeze(1);
  const Tensor sample = torch::div(rows, masks.size(1), "floor") + first;
  const Tensor scores = score_without(perturbation, perturbation.pictures.index_select(0, sample),
                                      masks.flatten(0, 1).index_select(0, rows), sample);
  return scores.index_select(0, (fresh.cumsum(0) - 1).cpu()).view({masks.size(0), masks.size(1)});
}

void check_options(const PerturbationOptions& options) {
  const std::vector<double>& s = options.shares;
  bool usable = s.size() >= 2 && s.front() == 0 && s.back() == 1 && options.pass_size >= 1;
  for (size_t i = 0; usable && i < s.size(); ++i) {
    usable = (i == 0 || s[i] > s[i - 1]) && std::abs(s[i] + s[s.size() - 1 - i] - 1) < 1e-9;
  }
  if (!usable) {
    throw ValueError(format_text(
        "[explain.perturbation_curves] expected pass_size >= 1 and shares that rise from 0 to 1 symmetrically (s and 1 "
        "- s), got {} shares; the null value of the area between the curves rests on it",
        s.size()));
  }
}

/// [S] int32: how many pixels each share moves. Rounded for the lower half and mirrored, so that they are
/// as symmetric as the shares.
Tensor counts_of(const std::vector<double>& shares, int64_t pixels, torch::Device device) {
  const size_t last = shares.size() - 1;
  std::vector<int> counts(shares.size());
  for (size_t i = 0; i <= last / 2; ++i) {
    counts[i] = static_cast<int>(std::lround(shares[i] * static_cast<double>(pixels)));
    if (i != last - i) counts[last - i] = static_cast<int>(pixels) - counts[i];
  }
  return torch::tensor(counts, torch::kInt32).to(device);
}

/// Edge maps whose ties are broken at random, by less than any difference that they show.
Tensor ordered_edges(const Tensor& pictures, const Tensor& chance) {
  const Tensor edges = edge_maps(pictures);
  return (edges / edges.amax({1, 2}, true).clamp_min(1e-12)) + 1e-9 * chance;
}

}  // namespace

void describe(Describer& d, FlippingOptions& options) {
  d("pixels_per_step", options.pixels_per_step, "pixels taken out at a time", {.min = 1, .max = 1 << 20});
  d("pass_size", options.pass_size, "pictures scored at once", {.min = 1, .max = 65536});
}

void describe(Describer& d, PerturbationOptions& options) {
  d("shares", options.shares, "shares of the pixels that are moved, symmetric from 0 to 1", {.min = 0, .max = 1});
  d("pass_size", options.pass_size, "pictures scored at once", {.min = 1, .max = 65536});
}

Tensor pixel_flipping(const Perturbation& perturbation, const Tensor& maps, const FlippingOptions& options,
                      const Control& control) {
  const torch::NoGradGuard no_grad;
  const Tensor& pictures = perturbation.pictures;
  check_maps("explain.pixel_flipping", pictures, maps);
  if (options.pixels_per_step < 1 || options.pass_size < 1) {
    throw ValueError(format_text("[explain.pixel_flipping] expected pixels_per_step and pass_size >= 1, got {} and {}",
                                 options.pixels_per_step, options.pass_size));
  }
  const Tensor order = order_of(maps.to(pictures.device()));
  const int64_t steps = options.steps(maps[0].numel());
  const Tensor gone = torch::arange(1, steps + 1, order.options()) * options.pixels_per_step;
  const Tensor curves = torch::empty({maps.size(0), steps}, torch::kFloat64);
  for (int64_t b = 0; b < maps.size(0); ++b) {
    control.throw_if_stopped("explain.pixel_flipping");
    for (int64_t first = 0; first < steps; first += options.pass_size) {
      const int64_t count = std::min(options.pass_size, steps - first);
      const Tensor masks = has_gone(order[b], gone.narrow(0, first, count).view({-1, 1, 1}));
      const Tensor sample = torch::full({count}, b, gone.options().dtype(torch::kInt64));
      curves[b].narrow(0, first, count) =
          score_without(perturbation, pictures[b].expand({count, -1, -1, -1}), masks, sample);
    }
  }
  return curves;
}

Tensor curve_area(const Tensor& curves, const std::vector<double>& points) {
  check_shape("explain.curve_area", "curves", curves, {-1, static_cast<int64_t>(points.size())});
  const Tensor widths = torch::tensor(points, torch::kFloat64).diff();
  const Tensor c = curves.to(torch::kFloat64);
  return ((c.slice(1, 1) + c.slice(1, 0, -1)) / 2 * widths).sum(1);
}

PerturbationCurves perturbation_curves(const Perturbation& perturbation, const Tensor& maps,
                                       const PerturbationOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  const Tensor& pictures = perturbation.pictures;
  check_maps("explain.perturbation_curves", pictures, maps);
  check_options(options);
  const auto shares = static_cast<int64_t>(options.shares.size());
  const Tensor counts = counts_of(options.shares, maps[0].numel(), pictures.device());
  const Tensor order = order_of(maps.to(pictures.device())).unsqueeze(1);
  const int64_t group = std::max<int64_t>(1, options.pass_size / (2 * shares));
  std::vector<Tensor> rows;
  for (int64_t first = 0; first < pictures.size(0); first += group) {
    control.throw_if_stopped("explain.perturbation_curves");
    const int64_t count = std::min(group, pictures.size(0) - first);
    const Tensor top = has_gone(order.narrow(0, first, count), counts.view({1, -1, 1, 1}));
    rows.push_back(score_masks(perturbation, torch::cat({~top, top}, 1), first));
  }
  const Tensor both = torch::cat(rows);
  return {options.shares, both.narrow(1, 0, shares), both.narrow(1, shares, shares)};
}

Faithfulness faithfulness(const Perturbation& perturbation, const Tensor& maps, const PerturbationOptions& options,
                          const PathNoise& noise, const Control& control) {
  check_maps("explain.faithfulness", perturbation.pictures, maps);
  const Tensor chance = random_maps(maps.size(1), maps.size(2), noise.random, noise.sample_ids);
  const auto curves = [&](const Tensor& some) { return perturbation_curves(perturbation, some, options, control); };
  return {curves(maps), curves(chance), curves(ordered_edges(perturbation.pictures, chance)),
          curves(torch::zeros_like(maps))};
}

void describe(AnswerDescriber& d, const PerturbationCurves& a) {
  d("shares", a.shares, "share", "share", "of the pixels");
  d("insertion", a.insertion, "picture share", "score", "only the top share of pixels is kept", {.x = "shares"});
  d("deletion", a.deletion, "picture share", "score", "the top share of pixels is removed", {.x = "shares"});
  d("insertion_area", [&] { return a.insertion_area(); }, "picture", "score", "under the insertion curve",
    {.higher = "better"});
  d(
      "deletion_area", [&] { return a.deletion_area(); }, "picture", "score",
      "under the deletion curve; lower is better");
  d("area_between", [&] { return a.area_between(); }, "picture", "score", "insertion less deletion area",
    {.null = 0, .higher = "better", .is_signed = true});
}

}  // namespace noisescope::explain
