#include "noisescope/explain/evidence_windows.h"

#include <algorithm>
#include <limits>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::explain {
namespace {

/// ln p of the true version at each level, less its value at the first, [N, B].
Tensor nats_decided(const Evidence& evidence) {
  const Tensor own = evidence.true_version.view({1, -1, 1}).expand({evidence.log_posterior.size(0), -1, 1});
  const Tensor log_posterior = evidence.log_posterior.gather(2, own).squeeze(2);
  return log_posterior - log_posterior[0];
}

}  // namespace

Tensor EvidenceWindows::map(size_t from, size_t to) const {
  if (from >= to || to >= edges.size()) {
    throw ValueError(format_text("[explain.EvidenceWindows] expected edges from < to <= {}, got {} and {}",
                                 edges.size() - 1, from, to));
  }
  const auto a = static_cast<int64_t>(from), b = static_cast<int64_t>(to);
  const Tensor expected = compensated[b] - compensated[a];
  const Tensor total = expected.sum({1, 2}), known = decided[b] - decided[a];
  return expected * torch::where(total > 0, known / total, torch::zeros_like(total)).view({-1, 1, 1});
}

Tensor EvidenceWindows::decided_at() const {
  const Tensor sums = compensated.mean(1);  // [W + 1, H, W]
  const Tensor half = sums[-1] / 2;
  Tensor at = torch::full_like(half, std::numeric_limits<double>::quiet_NaN());
  for (size_t w = edges.size() - 1; w > 0; --w) {
    const Tensor below = sums[static_cast<int64_t>(w) - 1], above = sums[static_cast<int64_t>(w)];
    const Tensor share = (half - below) / (above - below);
    at = torch::where((below <= half) & (half < above), edges[w - 1] + share * (edges[w] - edges[w - 1]), at);
  }
  return at;
}

EvidenceWindows evidence_windows(const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                                 const EvidenceWindowOptions& options, const Control& control) {
  if (options.windows < 1) {
    throw ValueError(format_text("[explain.evidence_windows] expected windows >= 1, got {}", options.windows));
  }
  const torch::NoGradGuard no_grad;
  const int64_t steps = options.evidence.steps, every = std::max<int64_t>(1, steps / options.windows);
  EvidenceFilter filter(denoiser, contrast, options.evidence.pass_size);
  std::vector<Tensor> sums;
  std::vector<int64_t> levels = {0};
  const auto advance = [&](const NoisingStep& step) {
    filter.advance(step.x, step.sigma, step.x_next, step.sigma_next);
    const int64_t done = step.index + 1;
    const bool is_edge = done == steps || (done % every == 0 && done + every <= steps);
    if (!is_edge) return;
    levels.push_back(done);
    sums.push_back(filter.compensated().to(torch::kCPU, torch::kFloat64, /*non_blocking=*/false, /*copy=*/true));
  };
  for_each_noising_step(batch, options.evidence, advance, control);
  sums.insert(sums.begin(), torch::zeros_like(sums.front()));
  EvidenceWindows out;
  out.whole = filter.result();
  out.compensated = torch::stack(sums);
  for (const int64_t level : levels) out.edges.push_back(out.whole.log_snrs[static_cast<size_t>(level)]);
  out.decided = nats_decided(out.whole).index_select(0, torch::tensor(levels));
  return out;
}

}  // namespace noisescope::explain
