// Evidence of words (or of captions) of the pictures: the filter against the exact posterior of the same paths, the map
// against what the exact likelihood ratio says was decided, and against the pixels that truly differ.
#include <algorithm>

#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/blind_maps.h"
#include "noisescope/verify/pictures/asked_pictures.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

constexpr const char* kEvidence = "evidence";
constexpr int64_t kShownPaths = 8;  // as `noisescope explain` shows

/// Curve and total along whole paths. Bars are those of the same figures on the exact `demo` world
/// (check_evidence.cpp).
VerifyRows whole_path_rows(const PictureContext& context, const FilteredPaths& paths) {
  const Tensor off = (paths.own - paths.exact_own).square().mean(0);  // of each path, mean over levels
  const Tensor total = paths.own[-1].clamp_min(1e-300).log() + paths.whole;
  return {{kEvidence, context.exact.name, "decision curve: RMSE against the exact posterior", Direction::at_most, 0.03,
           root_mean(off)},
          {kEvidence, context.exact.name, "p at the end of the path: mean distance from the exact one",
           Direction::within, 0.01, mean_estimate((paths.own[-1] - paths.exact_own[-1]).abs())},
          {kEvidence, context.exact.name, "realised total: off the exact one, relative", Direction::within, 0.02,
           relative_off(total, paths.decided())}};
}

/// Along the same paths to the level where half is decided, so that some have decided for the version and some against
/// it: there the map's signed total is held against the exact ln p + ln K.
VerifyRows half_way_rows(const PictureContext& context, const std::vector<AskedPicture>& asked,
                         const FilteredPaths& whole, PathsOfPictures paths) {
  const Tensor half = 0.5 + 0.5 * (-whole.whole).exp();
  const int64_t middle = (whole.exact_own - half).mean(1).abs().argmin().item<int64_t>();
  if (middle == 0) return {};
  paths.levels.steps = middle;
  paths.levels.log_snr_max = whole.log_snrs[static_cast<size_t>(middle)];
  const FilteredPaths part = filtered_paths(context, asked, paths);
  const Tensor off = part.map.sum({1, 2}) - part.decided();
  return {{kEvidence, context.exact.name, "map half way: total off the exact log-likelihood ratio, nats",
           Direction::within, 0.1, absolute(mean_estimate(off))},
          {kEvidence, context.exact.name, "map half way: total off it, RMS in shares of that of the exact one",
           Direction::at_most, 0.1,
           scaled(root_mean(off.square()), 1 / part.decided().square().mean().sqrt().item<double>())}};
}

/// Another version is said of each picture: it must be found out as far as the exact posterior does (two pictures may
/// be the same). Bars as on the `demo` world.
VerifyRows contradicted_rows(const PictureContext& context, const std::vector<AskedPicture>& asked,
                             const EvidenceOptions& levels) {
  const FilteredPaths paths = filtered_paths(context, asked, {levels, 1, 0, true, 1});
  const Tensor total = paths.map.sum({1, 2}), exact = paths.decided();
  const Tensor clear = exact.abs() > 0.1;
  const int64_t agree = (clear & (total.sign() == exact.sign())).sum().item<int64_t>();
  const int64_t count = clear.sum().item<int64_t>();
  if (count == 0) return {};
  return {{kEvidence, context.exact.name, "contradicted word: p at the end over the exact one", Direction::at_most,
           0.05, mean_estimate(paths.own[-1] - paths.exact_own[-1])},
          {kEvidence, context.exact.name, "contradicted word: share of maps with the sign of the exact ratio",
           Direction::at_least, 0.95, wilson(agree, count)}};
}

/// [P, S, S]: the mean over paths.
Tensor mean_maps(const Tensor& map, int64_t paths) {
  return map.view({map.size(0) / paths, paths, map.size(1), map.size(2)}).mean(1);
}

/// Maps as `noisescope explain` shows them against those of many paths of other noise, beside what a map of other
/// pictures scores. The bar is that of the colour word of the `demo` world.
VerifyRows many_path_rows(const PictureContext& context, const std::vector<AskedPicture>& asked,
                          const EvidenceOptions& levels, const Tensor& shown) {
  const int64_t many = context.n(128, 12);
  const auto count = static_cast<int64_t>(asked.size());
  const FilteredPaths paths = filtered_paths(context, asked, {levels, many, count * kShownPaths, false});
  const Tensor truth = mean_maps(paths.map, many);
  return {{kEvidence, context.exact.name, "map of 8 paths: correlation with that of many paths of other noise",
           Direction::at_least, 0.9, map_correlation(shown.slice(0, 0, count), truth)},
          {kEvidence, context.exact.name, "map of 8 paths: correlation with that of another picture",
           Direction::reported, 0, map_correlation(shown.slice(0, 0, count).roll({1}, {0}), truth)}};
}

/// Maps of words against the pixels that change with them. Bars are those of the colour word of the `demo` world.
VerifyRows mask_rows(const PictureContext& context, const std::vector<AskedPicture>& asked, const Tensor& shown) {
  std::vector<int64_t> samples;
  std::vector<Tensor> rows;
  for (const AskedPicture& one : asked) {
    samples.push_back(one.sample);
    rows.push_back(one.mask);
  }
  const Tensor pictures = context.pictures(samples), truth = torch::stack(rows);
  const Tensor masks = context.seen(&Seams::masks, truth);
  for (size_t k = 0; k < std::min<size_t>(3, asked.size()); ++k) {
    const auto row = static_cast<int64_t>(k);
    context.show({kEvidence, "'" + asked[k].contrast.word + "' of '" + asked[k].contrast.prompts.front() + "'",
                  pictures[row], shown[row], masks[row]});
  }
  const Tensor auc = localisation_auc(shown, masks);
  return {{kEvidence, context.exact.name, "map of 8 paths: AUC against the pixels that change with the word",
           Direction::at_least, 0.95, mean_estimate(auc)},
          {kEvidence, context.exact.name, "map of 8 paths: AUC over the best blind map's", Direction::at_least, 0.02,
           mean_estimate(auc - best_blind_auc(pictures, masks))}};
}

}  // namespace

VerifyRows check_evidence_of_pictures(const PictureContext& context) {
  const std::vector<AskedPicture> asked = asked_pictures(context, context.n(192, 16));
  const PathsOfPictures once{levels_from(context, hidden_versions_log_snr(context, asked))};
  const FilteredPaths paths = filtered_paths(context, asked, once);
  VerifyRows rows = whole_path_rows(context, paths);
  append(rows, half_way_rows(context, asked, paths, once));
  std::vector<AskedPicture> fewer = asked;
  fewer.resize(std::max<size_t>(2, asked.size() / 2));
  append(rows, contradicted_rows(context, fewer, once.levels));

  std::vector<AskedPicture> seen;  // those with masks first, so that maps can be held against them
  std::copy_if(asked.begin(), asked.end(), std::back_inserter(seen),
               [](const auto& one) { return one.mask.defined(); });
  const bool has_masks = seen.size() > 1;
  if (!has_masks) seen = asked;
  seen.resize(std::min(seen.size(), static_cast<size_t>(context.n(24, 6))));
  EvidenceOptions coarse = once.levels;
  coarse.steps = std::max<int64_t>(1, coarse.steps / 2);
  const Tensor shown = mean_maps(filtered_paths(context, seen, {coarse, kShownPaths, 0, false}).map, kShownPaths);
  if (has_masks) append(rows, mask_rows(context, seen, shown));
  seen.resize(std::min<size_t>(seen.size(), 3));
  if (seen.size() > 1) append(rows, many_path_rows(context, seen, coarse, shown));
  return rows;
}

}  // namespace noisescope::verify
