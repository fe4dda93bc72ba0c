#include "noisescope/explain/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include <ATen/ops/einsum.h>
#include <ATen/ops/kron.h>
#include <ATen/ops/linalg_inv.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/tensordot.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/stats/estimate.h"

namespace noisescope::explain {
namespace {

constexpr int64_t kFolds = 4, kBins = 10, kFewestPictures = 8;
constexpr double kCommonDeviation = 1;  // of the ends for all words, about 1
constexpr double kKindDeviation = 0.5;  // of those of a kind, about the common ones

/// What was claimed of B pictures, as two features of each version: its log-likelihood with weights that fall from 1
/// to 0 over the levels, and with weights that rise from 0 to 1. Log-odds at weights (a, b) are a first + b second.
struct Claims {
  Tensor features;   // [2, L, B, K]
  Tensor own;        // [B] int64
  int64_t kind = 0;  // 0: none; its ends are numbers 2 kind and 2 kind + 1 of all

  Claims of(const Tensor& rows) const { return {features.index_select(2, rows), own.index_select(0, rows), kind}; }
  int64_t pictures() const { return own.size(0); }
  /// Of all ends [E], or by all pictures and ends [B, E], those of this kind.
  Tensor mine(const Tensor& ends) const { return ends.narrow(-1, 2 * kind, 2); }
  /// By all ends [E]: [L, B, K].
  Tensor log_probability(const Tensor& ends) const {
    return torch::tensordot(mine(ends), features, {0}, {0}).log_softmax(2);
  }
  /// A table [..., L, B, K] at the own versions, [..., L, B].
  Tensor at_own(const Tensor& table) const {
    std::vector<int64_t> shape = table.sizes().vec();
    shape.back() = 1;
    return table.gather(-1, own.unsqueeze(1).expand(shape)).squeeze(-1);
  }
};

Claims claims_of(const Evidence& evidence, int64_t kind) {
  const Tensor steps = evidence.claimed.diff(1, 0);
  const auto count = static_cast<size_t>(steps.size(0));
  const double first = evidence.log_snrs.front(), range = evidence.log_snrs.back() - first;
  std::vector<double> share;
  for (size_t n = 0; n < count; ++n) {
    share.push_back(((evidence.log_snrs[n] + evidence.log_snrs[n + 1]) / 2 - first) / range);
  }
  const Tensor rising = torch::tensor(share, torch::kFloat64).view({-1, 1, 1});
  return {torch::stack({((1 - rising) * steps).cumsum(0), (rising * steps).cumsum(0)}), evidence.true_version, kind};
}

/// Claims of V kinds of words and of none; E = 2 (V + 1) ends.
struct KindClaims {
  std::vector<Claims> parts;
  Tensor precision;  // [E, E]: of the prior, whose mean is 1
  double worth = 1;  // of a log score beside the prior: levels of one path vary together

  KindClaims with(std::vector<Claims> other) const { return {std::move(other), precision, worth}; }
  int64_t ends() const { return precision.size(0); }
};

/// Of ends of V kinds about common ones about 1.
Tensor prior_precision(int64_t kinds) {
  const double common = 1 / (kCommonDeviation * kCommonDeviation), own = 1 / (kKindDeviation * kKindDeviation);
  Tensor precision = own * torch::eye(kinds + 1, torch::kFloat64);
  precision[0][0] = common + own * static_cast<double>(kinds);
  precision[0].slice(0, 1).fill_(-own);
  precision.select(1, 0).slice(0, 1).fill_(-own);
  return torch::kron(precision, torch::eye(2, torch::kFloat64));
}

/// Gradient [B, E] of each picture's mean log score over levels, and the Hessian [E, E] of their sum and the prior.
struct Slopes {
  Tensor gradients, hessian;
};

/// Those of one part, in rows first on.
void add_slopes(const KindClaims& all, const Claims& claims, const Tensor& ends, Slopes& slopes, int64_t first) {
  const Tensor p = claims.log_probability(ends).exp();
  const Tensor mean = (p * claims.features).sum(3);  // [2, L, B]
  const Tensor around = claims.features - mean.unsqueeze(3);
  const auto levels = static_cast<double>(mean.size(1));
  const Tensor mine = claims.mine(slopes.gradients.narrow(0, first, claims.pictures()));
  mine.copy_(all.worth * (claims.at_own(claims.features) - mean).mean(1).t());
  const Tensor block = claims.mine(slopes.hessian).narrow(0, 2 * claims.kind, 2);
  block.sub_(all.worth / levels * torch::einsum("lbk,ilbk,jlbk->ij", {p, around, around}));
}

Slopes slopes_of(const KindClaims& questions, const Tensor& ends) {
  int64_t pictures = 0;
  for (const Claims& c : questions.parts) pictures += c.pictures();
  Slopes slopes{torch::zeros({pictures, questions.ends()}, torch::kFloat64), -questions.precision};
  int64_t first = 0;
  for (const Claims& c : questions.parts) {
    add_slopes(questions, c, ends, slopes, first);
    first += c.pictures();
  }
  return slopes;
}

/// Sum of the pictures' log scores, and the prior.
double objective(const KindClaims& questions, const Tensor& ends) {
  const Tensor off = ends - 1;
  double sum = -off.dot(questions.precision.mv(off)).item<double>() / 2;
  for (const Claims& c : questions.parts) {
    sum += questions.worth * c.at_own(c.log_probability(ends)).mean(0).sum().item<double>();
  }
  return sum;
}

/// The gradients' sum of squares about the mean of each part, [E, E].
Tensor spread_of(const KindClaims& questions, const Slopes& slopes) {
  Tensor spread = torch::zeros_like(questions.precision);
  int64_t first = 0;
  for (const Claims& c : questions.parts) {
    const Tensor own = slopes.gradients.narrow(0, first, c.pictures());
    const Tensor centred = own - own.mean(0);
    spread += centred.t().mm(centred);
    first += c.pictures();
  }
  return spread;
}

/// By how much the Hessian of mean log scores exceeds the spread of their gradients, which equal it for independent
/// observations: by as much a score is worth more beside the prior (the magnitude of a composite likelihood: Ribatet et
/// al. 2012, Statistica Sinica 22, p. 813). 1 where nothing is to be learnt.
double worth_of(const KindClaims& questions) {
  const Slopes slopes = slopes_of(questions, torch::ones({questions.ends()}, torch::kFloat64));
  const double spread = spread_of(questions, slopes).trace().item<double>();
  const double curvature = -(slopes.hessian + questions.precision).trace().item<double>();
  return spread > 0 ? curvature / spread : 1;
}

/// All ends, [E]: Newton's method with halved steps, on those that are not held at 0 (Bertsekas 1982, SIAM J. Control
/// Optim. 20, p. 221).
Tensor fitted_ends(const KindClaims& questions) {
  Tensor ends = torch::ones({questions.ends()}, torch::kFloat64);
  for (int iteration = 0; iteration < 100; ++iteration) {
    const Slopes slopes = slopes_of(questions, ends);
    const Tensor gradient = slopes.gradients.sum(0) - questions.precision.mv(ends - 1);
    const Tensor free = ((ends > 0) | (gradient > 0)).to(torch::kFloat64);
    const Tensor hessian = free.outer(free) * slopes.hessian - torch::diag(1 - free);
    const Tensor step = -torch::linalg_solve(hessian, free * gradient);
    const double before = objective(questions, ends);
    double length = 1;
    const auto moved = [&] { return (ends + length * step).clamp_min(0); };
    while (length > 1e-9 && objective(questions, moved()) < before) length /= 2;
    const double change = (moved() - ends).abs().max().item<double>();
    ends = moved();
    if (change < 1e-9) break;
  }
  return ends;
}

/// [E, E]: sandwich of the Hessian and the spread of the pictures' gradients and of the prior's.
Tensor covariance_of(const KindClaims& questions, const Tensor& ends) {
  const Slopes slopes = slopes_of(questions, ends);
  const Tensor inverse = torch::linalg_inv(slopes.hessian);
  return inverse.mm(spread_of(questions, slopes) + questions.precision).mm(inverse);
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

ScoreGain mean_gain(const std::vector<Tensor>& gains) {
  const Tensor all = torch::cat(gains);
  if (all.size(0) < 2) return {};
  const stats::Estimate mean = stats::mean_estimate(all);
  return {mean.value, mean.low, mean.high};
}

EvidenceWeights& weights_of_kind(Calibration& calibration, const std::vector<std::string>& kinds, int64_t kind) {
  return kind == 0 ? calibration.common : calibration.kinds[kinds[static_cast<size_t>(kind) - 1]];
}

/// Reliability and scores as claimed, and by weights fitted to the other folds.
void judge(const KindClaims& questions, const std::vector<std::string>& kinds, Calibration& calibration) {
  std::vector<Tally> claimed, mended;
  std::map<int64_t, std::vector<Tensor>> gains;  // by kind
  std::vector<Tensor> all;
  const Tensor one = torch::ones({questions.ends()}, torch::kFloat64);
  for (int64_t fold = 0; fold < kFolds; ++fold) {
    const Tensor ends = fitted_ends(questions.with(fold_of(questions.parts, fold, false)));
    for (const Claims& c : fold_of(questions.parts, fold, true)) {
      const Tensor before = c.log_probability(one), after = c.log_probability(ends);
      claimed.push_back(tally(c, before.exp()));
      mended.push_back(tally(c, after.exp()));
      all.push_back(c.at_own(after - before).mean(0));
      gains[c.kind].push_back(all.back());
    }
  }
  calibration.as_claimed = bins_of(claimed);
  calibration.calibrated = bins_of(mended);
  for (const auto& [kind, of_kind] : gains) weights_of_kind(calibration, kinds, kind).gain = mean_gain(of_kind);
  calibration.common.gain = mean_gain(all);
}

/// The kinds of the parts, "" left out, in order.
std::vector<std::string> kinds_of(const std::vector<KindEvidence>& parts) {
  std::set<std::string> kinds;
  for (const KindEvidence& part : parts) kinds.insert(part.kind);
  kinds.erase("");
  return {kinds.begin(), kinds.end()};
}

/// Throws as fit_calibration.
KindClaims kind_claims_of(const std::vector<KindEvidence>& parts, const std::vector<std::string>& kinds) {
  KindClaims questions{{}, prior_precision(static_cast<int64_t>(kinds.size()))};
  int64_t pictures = 0;
  for (const auto& [kind, evidence] : parts) {
    if (evidence.log_snrs != parts.front().evidence.log_snrs) {
      throw ValueError("[explain.fit_calibration] expected parts with the same levels");
    }
    const auto number = kind.empty() ? 0 : std::find(kinds.begin(), kinds.end(), kind) - kinds.begin() + 1;
    questions.parts.push_back(claims_of(evidence, number));
    pictures += questions.parts.back().pictures();
  }
  if (pictures < kFewestPictures) {
    throw ValueError(
        format_text("[explain.fit_calibration] expected at least {} pictures, got {}", kFewestPictures, pictures));
  }
  questions.worth = worth_of(questions);
  return questions;
}

}  // namespace

std::vector<KindEvidence> evidence_by_kind(const Model& model, const CaptionedPictures& asked,
                                           const EvidenceOptions& options, const Random& random,
                                           const Control& control) {
  std::map<std::string, std::vector<WordQuestion>> by_kind;
  for (const WordQuestion& question : asked.questions) by_kind[question.contrast.kind].push_back(question);
  std::vector<KindEvidence> found;
  size_t done = 0;
  for (const auto& [kind, questions] : by_kind) {
    const Random own(random.seed() ^ name_hash(kind));
    for (const Evidence& evidence : evidence_of_questions(model, {asked.pictures, questions}, options, own,
                                                          control.part(done++, by_kind.size(), kind))) {
      found.push_back({kind, evidence});
    }
  }
  return found;
}

Calibration fit_calibration(const std::vector<KindEvidence>& parts) {
  const std::vector<std::string> kinds = kinds_of(parts);
  const KindClaims questions = kind_claims_of(parts, kinds);
  const Tensor ends = fitted_ends(questions), covariance = covariance_of(questions, ends);
  Calibration calibration;
  calibration.log_snr_min = parts.front().evidence.log_snrs.front();
  calibration.log_snr_max = parts.front().evidence.log_snrs.back();
  for (int64_t kind = 0; kind <= static_cast<int64_t>(kinds.size()); ++kind) {
    const auto end = [&](int64_t i) { return ends[2 * kind + i].item<double>(); };
    const auto entry = [&](int64_t i, int64_t j) { return covariance[2 * kind + i][2 * kind + j].item<double>(); };
    weights_of_kind(calibration, kinds, kind) = {end(0), end(1), {entry(0, 0), entry(0, 1), entry(1, 1)}};
  }
  for (const Claims& c : questions.parts) {
    calibration.common.questions += c.pictures();
    if (c.kind > 0) weights_of_kind(calibration, kinds, c.kind).questions += c.pictures();
  }
  judge(questions, kinds, calibration);
  return calibration;
}

StepWeight step_weight(const std::optional<Calibration>& calibration, const EvidenceOptions& options,
                       const std::string& kind) {
  if (!options.calibrated || !calibration) return {};
  return [known = *calibration, kind](double log_snr) { return known.weight_at(log_snr, kind); };
}

}  // namespace noisescope::explain
