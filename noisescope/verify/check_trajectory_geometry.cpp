// What a deterministic run on the `fine` world looks like, and which pixels are decided first: the commitment of
// estimates along noising paths against what U-turns leave as it was, both without prompt. Pixels are sorted by
// their distance to the outline of the nearest object; one pixel of one picture is too noisy for either method.
#include <ATen/ops/max_pool2d.h>

#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/trajectory_geometry.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/world_trajectory.h"

namespace noisescope::verify {
namespace {

constexpr const char* kTrajectoryGeometry = "trajectory_geometry";
constexpr int64_t kInside = 3, kOutside = 5;  // rings on either side of the outline

/// Rings of pixels from the core of the objects to the far background: [kInside + kOutside][B, H,
/// W].
std::vector<Tensor> rings(const SceneBatch& batch) {
  const Tensor objects = batch.world.object_masks(batch.scenes).any(1).to(torch::kFloat64);
  const auto grown = [](const Tensor& masks, int64_t px) {
    return at::max_pool2d(masks.unsqueeze(1), {2 * px + 1}, {1}, {px}).squeeze(1);
  };
  std::vector<Tensor> nested;  // each holds the ones before it
  for (int64_t px = kInside - 1; px >= 1; --px) nested.push_back(1 - grown(1 - objects, px));
  nested.push_back(objects);
  for (int64_t px = 1; px < kOutside; ++px) nested.push_back(grown(objects, px));
  nested.push_back(torch::ones_like(objects));
  std::vector<Tensor> out = {nested.front() > 0};
  for (size_t i = 1; i < nested.size(); ++i) out.push_back(nested[i] - nested[i - 1] > 0);
  return out;
}

/// Mean of maps [..., B, H, W] over the pixels of each ring: [R, ...].
Tensor mean_in_rings(const Tensor& maps, const std::vector<Tensor>& rings) {
  std::vector<Tensor> means;
  for (const Tensor& ring : rings) {
    means.push_back((maps * ring).sum({-3, -2, -1}) / ring.sum());
  }
  return torch::stack(means);
}

/// log-SNR at which `change` [L] has fallen to half of what full noise leaves, its first value.
double half_change(const Tensor& change, const std::vector<double>& log_snrs) {
  const auto at = [&](size_t i) { return (change[int64_t(i)] / change[0]).item<double>(); };
  size_t i = 1;
  while (i + 1 < log_snrs.size() && at(i) > 0.5) ++i;
  return std::lerp(log_snrs[i - 1], log_snrs[i], (at(i - 1) - 0.5) / (at(i - 1) - at(i)));
}

Tensor commitment_of(const VerifyContext& context, const SceneBatch& batch, const Tensor& null) {
  GuidanceOptions guidance;
  guidance.clamp = 0;
  TrajectoryRecorder recorder{{.conditional = false, .unconditional = false, .max_bytes = int64_t{2} << 30}};
  observe_noising_path(guide(context.exact_fine.denoiser, null, null, guidance), batch.with_noise(context.options.seed),
                       {.steps = 48, .log_snr_min = -8, .log_snr_max = 4}, recorder.observer(), context.control);
  return trajectory_geometry(recorder.steps(), context.seen(&Seams::pictures, batch.pictures)).commitment;
}

Tensor half_changes_of(const VerifyContext& context, const SceneBatch& batch, const Tensor& null,
                       const std::vector<Tensor>& rings) {
  const KeepsFactors no_factors = [](const Tensor& x) { return torch::zeros({x.size(0), 1}); };
  UTurnOptions options;
  options.log_snrs = {-8, -6, -5, -4, -3, -2, -1, 0, 1};
  options.steps = 15;
  const UTurns turns = u_turns({context.exact_fine.denoiser, null}, batch.with_noise(context.options.seed), no_factors,
                               options, context.control);
  const Tensor curves = mean_in_rings(turns.susceptibility, rings);  // [R, L]
  std::vector<double> out;
  for (int64_t r = 0; r < curves.size(0); ++r) {
    out.push_back(half_change(curves[r], options.log_snrs));
  }
  return torch::tensor(out, torch::kFloat64);
}

/// Deterministic runs stay near the plane that first noise and picture span.
VerifyRow plane_row(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed, context.n(100, 24));
  const std::vector<std::string> null(static_cast<size_t>(batch.size()), "");
  const DeterministicRun run =
      draw_run(context, null, null, 64, {Random(context.options.seed), sample_range(0, batch.size())});
  const TrajectoryGeometry geometry = trajectory_geometry(run.steps, context.seen(&Seams::pictures, run.pictures));
  return {kTrajectoryGeometry,
          context.exact_fine.name,
          "energy in the plane of first noise and picture",
          Direction::at_least,
          0.999,
          mean_estimate(geometry.plane_energy)};
}

VerifyRow commitment_row(const VerifyContext& context) {
  std::vector<Tensor> committed, kept;
  for (int64_t g = 0; g < context.n(12, 4); ++g) {
    const SceneBatch batch =
        contrastable_scenes(context.fine.world(), context.options.seed * 1000 + static_cast<uint64_t>(g), 24);
    const Tensor null = context.exact_fine.condition({""}).expand({batch.size(), -1});
    const auto zones = rings(batch);
    committed.push_back(mean_in_rings(commitment_of(context, batch, null), zones));
    kept.push_back(half_changes_of(context, batch, null, zones));
  }
  return {kTrajectoryGeometry,
          context.exact_fine.name,
          "commitment of pixels against U-turns, by distance to the outline: Spearman",
          Direction::at_least,
          0.9,
          pooled_spearman(torch::stack(committed), torch::stack(kept))};
}

}  // namespace

VerifyRows check_trajectory_geometry(const VerifyContext& context) {
  return {plane_row(context), commitment_row(context)};
}

}  // namespace noisescope::verify
