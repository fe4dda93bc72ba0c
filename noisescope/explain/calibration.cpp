#include "noisescope/explain/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <ATen/ops/einsum.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/tensordot.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::explain {
namespace {

constexpr int64_t kFolds = 4, kBins = 10, kFewestPictures = 8;
constexpr double kPriorVariance = 16;

/// What was claimed of B pictures, as two features of each version: its log-likelihood with weights that fall from 1
/// to 0 over the levels, and with weights that rise from 0 to 1. Log-odds at weights (a, b) are a first + b second.
struct Claims {
  Tensor features;  // [2, L, B, K]
  Tensor own;       // [B] int64

  Claims of(const Tensor& rows) const { return {features.index_select(2, rows), own.index_select(0, rows)}; }
  int64_t pictures() const { return own.size(0); }
  /// [L, B, K]
  Tensor log_probability(const Tensor& weights) const {
    return torch::tensordot(weights, features, {0}, {0}).log_softmax(2);
  }
  /// A table [..., L, B, K] at the own versions, [..., L, B].
  Tensor at_own(const Tensor& table) const {
    std::vector<int64_t> shape = table.sizes().vec();
    shape.back() = 1;
    return table.gather(-1, own.unsqueeze(1).expand(shape)).squeeze(-1);
  }
};

Claims claims_of(const Evidence& evidence) {
  const Tensor steps = evidence.claimed.diff(1, 0);
  const auto count = static_cast<size_t>(steps.size(0));
  const double first = evidence.log_snrs.front(), range = evidence.log_snrs.back() - first;
  std::vector<double> share;
  for (size_t n = 0; n < count; ++n) {
    share.push_back(((evidence.log_snrs[n] + evidence.log_snrs[n + 1]) / 2 - first) / range);
  }
  const Tensor rising = torch::tensor(share, torch::kFloat64).view({-1, 1, 1});
  return {torch::stack({((1 - rising) * steps).cumsum(0), (rising * steps).cumsum(0)}), evidence.true_version};
}

/// Gradient [B, 2] of each picture's mean log score over levels, and the Hessian [2, 2] of their sum.
struct Slopes {
  Tensor gradients, hessian;
};

Slopes slopes_of(const Claims& claims, const Tensor& weights) {
  const Tensor p = claims.log_probability(weights).exp();
  const Tensor mean = (p * claims.features).sum(3);  // [2, L, B]
  const Tensor around = claims.features - mean.unsqueeze(3);
  const auto levels = static_cast<double>(mean.size(1));
  return {(claims.at_own(claims.features) - mean).mean(1).t(),
          -torch::einsum("lbk,ilbk,jlbk->ij", {p, around, around}) / levels};
}

/// Sum of the pictures' log scores, and the prior.
double objective(const std::vector<Claims>& parts, const Tensor& weights) {
  double sum = -(weights - 1).square().sum().item<double>() / (2 * kPriorVariance);
  for (const Claims& c : parts) sum += c.at_own(c.log_probability(weights)).mean(0).sum().item<double>();
  return sum;
}

Slopes slopes_of(const std::vector<Claims>& parts, const Tensor& weights) {
  std::vector<Tensor> gradients;
  Tensor hessian = -torch::eye(2, torch::kFloat64) / kPriorVariance;
  for (const Claims& c : parts) {
    const Slopes one = slopes_of(c, weights);
    gradients.push_back(one.gradients);
    hessian += one.hessian;
  }
  return {torch::cat(gradients), hessian};
}

/// The two ends, [2]: Newton's method with halved steps, on the ends that are not held at 0 (Bertsekas 1982, SIAM J.
/// Control Optim. 20, p. 221).
Tensor fitted_ends(const std::vector<Claims>& parts) {
  Tensor ends = torch::ones({2}, torch::kFloat64);
  for (int iteration = 0; iteration < 100; ++iteration) {
    const Slopes slopes = slopes_of(parts, ends);
    const Tensor gradient = slopes.gradients.sum(0) - (ends - 1) / kPriorVariance;
    const Tensor free = ((ends > 0) | (gradient > 0)).to(torch::kFloat64);
    const Tensor hessian = free.outer(free) * slopes.hessian - torch::diag(1 - free);
    const Tensor step = -torch::linalg_solve(hessian, free * gradient);
    const double before = objective(parts, ends);
    double length = 1;
    const auto moved = [&] { return (ends + length * step).clamp_min(0); };
    while (length > 1e-9 && objective(parts, moved()) < before) length /= 2;
    const double change = (moved() - ends).abs().max().item<double>();
    ends = moved();
    if (change < 1e-9) break;
  }
  return ends;
}

/// Sandwich of the Hessian and the spread of the pictures' gradients.
std::array<double, 3> covariance_of(const std::vector<Claims>& parts, const Tensor& ends) {
  const Slopes slopes = slopes_of(parts, ends);
  const Tensor inverse = torch::linalg_inv(slopes.hessian);
  const Tensor centred = slopes.gradients - slopes.gradients.mean(0);
  const Tensor covariance = inverse.mm(centred.t().mm(centred)).mm(inverse);
  return {covariance[0][0].item<double>(), covariance[0][1].item<double>(), covariance[1][1].item<double>()};
}

/// Pictures number f, f + 4, ... of each part, or all others.
std::vector<Claims> fold_of(const std::vector<Claims>& parts, int64_t fold, bool inside) {
  std::vector<Claims> some;
  int64_t first = 0;
  for (const Claims& c : parts) {
    const Tensor in = (torch::arange(first, first + c.pictures()) % kFolds) == fold;
    some.push_back(c.of((inside ? in : in.logical_not()).nonzero().squeeze(1)));
    first += c.pictures();
  }
  return some;
}

/// What probabilities [L, B, K] are worth: hits and claims of each picture in each bin, [B, bins] each.
struct Tally {
  Tensor sum, hits, claims;
};

Tally tally(const Claims& c, const Tensor& p) {
  const Tensor bin = (p * kBins).floor().clamp(0, kBins - 1).to(torch::kInt64).permute({1, 0, 2}).flatten(1);
  const Tensor is_true = torch::arange(p.size(2)).eq(c.own.unsqueeze(1)).unsqueeze(0).expand_as(p);
  const auto into = [&](const Tensor& values) {
    return torch::zeros({c.pictures(), kBins}, torch::kFloat64)
        .scatter_add(1, bin, values.permute({1, 0, 2}).flatten(1).to(torch::kFloat64));
  };
  return {into(p), into(is_true), into(torch::ones_like(p))};
}

/// One bin from the sums, hits and claims [B] of each picture; the interval is that of a ratio of sums over pictures.
ReliabilityBin bin_of(const Tensor& sum, const Tensor& hits, const Tensor& claims) {
  const double all = claims.sum().item<double>(), share = hits.sum().item<double>() / all;
  const auto n = static_cast<double>(claims.size(0));
  const double error = std::sqrt((hits - share * claims).square().sum().item<double>() * n / (n - 1)) / all;
  return {sum.sum().item<double>() / all, share, std::max(0.0, share - 1.96 * error),
          std::min(1.0, share + 1.96 * error), static_cast<int64_t>(all)};
}

std::vector<ReliabilityBin> bins_of(const std::vector<Tally>& tallies) {
  std::vector<Tensor> sum, hits, claims;
  for (const Tally& t : tallies) {
    sum.push_back(t.sum);
    hits.push_back(t.hits);
    claims.push_back(t.claims);
  }
  const Tensor sums = torch::cat(sum), all_hits = torch::cat(hits), all = torch::cat(claims);
  std::vector<ReliabilityBin> bins;
  for (int64_t k = 0; k < kBins; ++k) {
    if (all.select(1, k).sum().item<double>() == 0) continue;
    bins.push_back(bin_of(sums.select(1, k), all_hits.select(1, k), all.select(1, k)));
  }
  return bins;
}

/// Reliability and score as claimed, and by weights fitted to the other folds.
void judge(const std::vector<Claims>& parts, Calibration& calibration) {
  std::vector<Tally> claimed, mended;
  std::vector<Tensor> gains;
  const Tensor one = torch::ones({2}, torch::kFloat64);
  for (int64_t fold = 0; fold < kFolds; ++fold) {
    const Tensor ends = fitted_ends(fold_of(parts, fold, false));
    for (const Claims& c : fold_of(parts, fold, true)) {
      const Tensor before = c.log_probability(one), after = c.log_probability(ends);
      claimed.push_back(tally(c, before.exp()));
      mended.push_back(tally(c, after.exp()));
      gains.push_back(c.at_own(after - before).mean(0));
    }
  }
  calibration.as_claimed = bins_of(claimed);
  calibration.calibrated = bins_of(mended);
  const stats::Estimate gain = stats::mean_estimate(torch::cat(gains));
  calibration.gain = {gain.value, gain.low, gain.high};
}

}  // namespace

Calibration fit_calibration(const std::vector<Evidence>& parts) {
  std::vector<Claims> claims;
  Calibration calibration;
  for (const Evidence& part : parts) {
    if (part.log_snrs != parts.front().log_snrs) {
      throw ValueError("[explain.fit_calibration] expected parts with the same levels");
    }
    claims.push_back(claims_of(part));
    calibration.questions += claims.back().pictures();
  }
  if (calibration.questions < kFewestPictures) {
    throw ValueError(format_text("[explain.fit_calibration] expected at least {} pictures, got {}", kFewestPictures,
                                 calibration.questions));
  }
  calibration.log_snr_min = parts.front().log_snrs.front();
  calibration.log_snr_max = parts.front().log_snrs.back();
  const Tensor ends = fitted_ends(claims);
  calibration.noisy = ends[0].item<double>();
  calibration.clean = ends[1].item<double>();
  calibration.covariance = covariance_of(claims, ends);
  judge(claims, calibration);
  return calibration;
}

StepWeight step_weight(const std::optional<Calibration>& calibration, const EvidenceOptions& options) {
  if (!options.calibrated || !calibration) return {};
  return [known = *calibration](double log_snr) { return known.weight_at(log_snr); };
}

}  // namespace noisescope::explain
