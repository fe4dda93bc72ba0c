#include "noisescope/explain/evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/einsum.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/calibration.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/passes.h"

namespace noisescope::explain {
namespace {

void check_contrast(const Contrast& contrast) {
  const char* where = "explain.EvidenceFilter";
  check_shape(where, "conditions", contrast.conditions, {-1, -1, -1});
  const int64_t versions = contrast.conditions.size(0), pictures = contrast.conditions.size(1);
  check_shape(where, "true_version", contrast.true_version, {pictures});
  if (versions < 2) {
    throw ValueError(
        format_text("[explain.EvidenceFilter] expected at least 2 versions to tell apart, got {}", versions));
  }
  if (((contrast.true_version < 0) | (contrast.true_version >= versions)).any().item<bool>()) {
    throw ValueError(format_text("[explain.EvidenceFilter] expected own versions in [0, {})", versions));
  }
}

/// rows [K, B, ...] -> row own[b] of each picture, [B, ...].
Tensor own_of(const Tensor& rows, const Tensor& own) {
  return rows.index({own.to(rows.device()), torch::arange(rows.size(1), rows.device())});
}

/// Nodes and weights of the integral over [0, 1] in path_weights: Gauss-Legendre with 8 nodes on panels
/// that halve towards 0, since a version that the step all but excludes leaves early.
std::pair<Tensor, Tensor> path_nodes() {
  constexpr int kPanels = 12;
  constexpr std::array<double, 4> kNode = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                           0.9602898564975363};
  constexpr std::array<double, 4> kWeight = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                             0.1012285362903763};
  std::vector<double> nodes, weights;
  for (int panel = 0; panel < kPanels; ++panel) {
    const double high = std::ldexp(1.0, -panel);
    const double half = panel + 1 < kPanels ? high / 4 : high / 2, middle = high - half;
    for (size_t i = 0; i < kNode.size(); ++i) {
      for (const double side : {-1.0, 1.0}) {
        nodes.push_back(middle + side * half * kNode[i]);
        weights.push_back(half * kWeight[i]);
      }
    }
  }
  return {torch::tensor(nodes, torch::kFloat64), torch::tensor(weights, torch::kFloat64)};
}

/// The step's gain ln N_own - ln sum_k p_k N_k is F(1) of F(l) = -ln sum_k p_k exp(-l z_k), with
/// z_k = ln N_own - ln N_k a sum over pixels; F'(l) = sum_k w_k(l) z_k. So pixels receive
/// sum_k W_k z_k with W_k the integral of w_k: the Aumann-Shapley value of each pixel.
/// log_prior, z [B, K] -> [B, K].
Tensor path_weights(const Tensor& log_prior, const Tensor& z) {
  const auto [nodes, weights] = path_nodes();
  const Tensor l = nodes.to(z.device()).view({-1, 1, 1}), w = weights.to(z.device());
  return torch::einsum("n,nbk->bk", {w, (log_prior - l * z).softmax(2)});
}

/// [B, K] bool: the versions to be asked. Below kOut a version is out, and alone in the question none is
/// asked. Under the own version's kernels p_k / p_own is a martingale, so by Ville's inequality (1939) one that leaves
/// at p_k / p_own = kOut / p_own would come back above alpha times its own with probability at most kOut / (alpha
/// p_own).
Tensor open_versions(const Tensor& log_posterior, const Tensor& own) {
  constexpr double kOut = 1e-5;
  const Tensor index = own.to(log_posterior.device()).unsqueeze(1);
  const Tensor open = (log_posterior > std::log(kOut)).scatter(1, index, true);
  return open & (open.sum(1, true) > 1);
}

/// Rows to be asked, filled up to a multiple of 8 by the last one, but to no more than `most`: a network's
/// kernels are built anew for every batch size, and versions drop out one by one.
Tensor in_eights(const Tensor& rows, int64_t most) {
  const int64_t count = rows.size(0), filled = std::min((count + 7) / 8 * 8, most);
  return torch::cat({rows, rows.narrow(0, count - 1, 1).expand({filled - count})});
}

Tensor pick_own(const Evidence& evidence) {
  const Tensor index = evidence.true_version.view({1, -1, 1}).expand({evidence.log_posterior.size(0), -1, 1});
  return evidence.log_posterior.gather(2, index).squeeze(2);
}

}  // namespace

Evidence Evidence::as_claimed() const {
  Evidence plain = *this;
  plain.log_posterior = claimed;
  return plain;
}

Tensor Evidence::decision() const { return pick_own(*this).exp(); }

Tensor Evidence::entropy() const { return -(log_posterior.exp() * log_posterior.clamp_min(-1e3)).sum(2); }

Tensor Evidence::entropy_rate() const {
  const Tensor levels = torch::tensor(log_snrs, torch::kFloat64).unsqueeze(1);
  return -entropy().diff(1, 0) / levels.diff(1, 0);
}

Tensor Evidence::realised_total() const {
  return pick_own(*this)[-1] + std::log(static_cast<double>(log_posterior.size(2)));
}

Tensor Evidence::completeness_gap() const { return realised.sum({1, 2}) - realised_total(); }

Tensor Evidence::map() const {
  const Tensor expected = compensated.sum({1, 2}, true);
  const Tensor share = realised_total().view({-1, 1, 1}) / expected;
  return compensated * torch::where(expected > 0, share, torch::zeros_like(share));  // 0: no version differed
}

Tensor Evidence::compensation_gap() const { return compensated.sum({1, 2}) - realised_total(); }

Tensor Evidence::half_points() const {
  const double half = 0.5 * (1 + 1.0 / static_cast<double>(log_posterior.size(2)));
  const Tensor curves = decision().contiguous();
  const auto p = curves.accessor<double, 2>();
  const auto levels = static_cast<int64_t>(log_snrs.size());
  const Tensor out = torch::full({curves.size(1)}, std::numeric_limits<double>::quiet_NaN(), torch::kFloat64);
  for (int64_t b = 0; b < curves.size(1); ++b) {
    int64_t first = levels;  // the first level of the last stretch above half
    while (first > 0 && p[first - 1][b] > half) --first;
    if (first == levels) continue;
    const double from = log_snrs[size_t(std::max<int64_t>(first - 1, 0))];
    const double share = first == 0 ? 0 : (half - p[first - 1][b]) / (p[first][b] - p[first - 1][b]);
    out[b] = std::lerp(from, log_snrs[size_t(first)], share);
  }
  return out;
}

EvidenceFilter::EvidenceFilter(Denoiser denoiser, Contrast contrast, int64_t pass_size)
    : denoiser_(std::move(denoiser)), contrast_(std::move(contrast)), pass_size_(pass_size) {
  check_contrast(contrast_);
  const int64_t versions = contrast_.conditions.size(0), pictures = contrast_.conditions.size(1);
  log_posterior_ = torch::full({pictures, versions}, -std::log(static_cast<double>(versions)),
                               torch::dtype(torch::kFloat64).device(contrast_.conditions.device()));
  claimed_ = log_posterior_;
  log_posteriors_.push_back(log_posterior_);
  claims_.push_back(claimed_);
}

Tensor EvidenceFilter::estimates(const Tensor& x, double sigma) const {
  const int64_t versions = contrast_.conditions.size(0), pictures = x.size(0);
  const Tensor& own = contrast_.true_version;
  const Tensor open = (open_versions(log_posterior_, own) | open_versions(claimed_, own)).t();
  Tensor answers = torch::zeros({versions * pictures, x.size(1), x.size(2), x.size(3)}, x.options());
  if (open.any().item<bool>()) {
    const Tensor asked = in_eights(open.flatten().nonzero().squeeze(1), versions * pictures);
    answers.index_copy_(
        0, asked,
        denoise_in_passes(denoiser_, {x, torch::full({pictures}, sigma, x.options())},
                          contrast_.conditions.flatten(0, 1).index_select(0, asked), asked % pictures, pass_size_));
  }
  answers = answers.view({versions, pictures, x.size(1), x.size(2), x.size(3)});
  return torch::where(open.view({versions, pictures, 1, 1, 1}), answers, own_of(answers, own));
}

void EvidenceFilter::advance(const Tensor& x, double sigma, const Tensor& x_next, double sigma_next) {
  const torch::NoGradGuard no_grad;
  check_shape("explain.EvidenceFilter", "x", x, {contrast_.conditions.size(1), -1, -1, -1});
  check_shape("explain.EvidenceFilter", "x_next", x_next, {x.size(0), x.size(1), x.size(2), x.size(3)});
  if (!(sigma_next > 0) || !(sigma_next < sigma) || (!sigmas_.empty() && sigmas_.back() != sigma)) {
    throw ValueError(
        format_text("[explain.EvidenceFilter] expected 0 < sigma_next < sigma and a step from where the last one "
                    "ended, got a step from {} to {}",
                    sigma, sigma_next));
  }
  if (sigmas_.empty()) {
    sigmas_.push_back(sigma);
    compensated_ = torch::zeros({x.size(0), x.size(2), x.size(3)}, torch::dtype(torch::kFloat64).device(x.device()));
    realised_ = torch::zeros_like(compensated_);
  }
  const Posterior kernel = posterior_ve(sigma, sigma_next);
  const double weight = contrast_.weight ? contrast_.weight((log_snr_of(sigma) + log_snr_of(sigma_next)) / 2) : 1;
  const Tensor versions = estimates(x, sigma);
  const Tensor weights = log_posterior_.t().exp().to(x.scalar_type()).view({versions.size(0), x.size(0), 1, 1, 1});
  const Tensor mixture = (weights * versions).sum(0);
  // ln N(x'; m) = -|x' - r^2 x - (1 - r^2) D|^2 / 2v + const, per pixel, summed over channels.
  const Tensor target = x_next - kernel.xt_factor * x;
  const Tensor log_kernels =  // [K, B, H, W]
      (target - kernel.x0_factor * versions).square().sum(2, false, torch::kFloat64) / (-2 * kernel.variance);
  const Tensor gains = weight * (own_of(log_kernels, contrast_.true_version) - log_kernels);
  const Tensor shares = path_weights(log_posterior_, gains.sum({2, 3}).t());
  realised_ += torch::einsum("bk,kbhw->bhw", {shares, gains});
  const double nats = 0.5 * weight * (1 / (sigma_next * sigma_next) - 1 / (sigma * sigma));
  const Tensor step =
      nats * (own_of(versions, contrast_.true_version) - mixture).square().sum(1, false, torch::kFloat64);
  compensated_ += step;
  profile_.push_back(step.sum({1, 2}));
  const Tensor step_evidence = log_kernels.sum({2, 3}).t();
  log_posterior_ = (log_posterior_ + weight * step_evidence).log_softmax(1);
  claimed_ = (claimed_ + step_evidence).log_softmax(1);
  if (!log_posterior_.isfinite().all().item<bool>()) {
    throw NumericError(
        format_text("[explain.EvidenceFilter] expected finite images and estimates, got others at sigma {}", sigma));
  }
  log_posteriors_.push_back(log_posterior_);
  claims_.push_back(claimed_);
  sigmas_.push_back(sigma_next);
}

Evidence EvidenceFilter::result() const {
  if (sigmas_.empty()) {
    throw ValueError("[explain.EvidenceFilter] expected at least one step, got none");
  }
  Evidence evidence;
  for (const double sigma : sigmas_) evidence.log_snrs.push_back(log_snr_of(sigma));
  evidence.log_posterior = torch::stack(log_posteriors_).to(torch::kCPU);
  evidence.profile = torch::stack(profile_).to(torch::kCPU);
  evidence.compensated = compensated_.to(torch::kCPU);
  evidence.realised = realised_.to(torch::kCPU);
  evidence.true_version = contrast_.true_version.to(torch::kCPU);
  evidence.claimed = torch::stack(claims_).to(torch::kCPU);
  return evidence;
}

void describe(Describer& d, EvidenceOptions& options) {
  d("steps", options.steps, "steps of each noising path", {.min = 1, .max = 100000});
  d("log_snr_min", options.log_snr_min, "log-SNR at which paths start, all noise", {.min = -20, .max = 20});
  d("log_snr_max", options.log_snr_max, "log-SNR at which paths end, nearly clean", {.min = -20, .max = 20});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
  d("calibrated", options.calibrated, "evidence weighed by the run's calibration, where it has one that is needed");
}

void walk_noising_paths(const PictureBatch& batch, const EvidenceOptions& options,
                        const std::function<void(const Tensor& x, double sigma)>& visit) {
  const Tensor& pictures = batch.pictures;
  check_shape("explain.walk_noising_paths", "pictures", pictures, {batch.size(), -1, -1, -1});
  if (options.steps < 1 || !(options.log_snr_min < options.log_snr_max)) {
    throw ValueError(format_text(
        "[explain.walk_noising_paths] expected steps >= 1 and log_snr_min < log_snr_max, got {} steps from {} to {}",
        options.steps, options.log_snr_min, options.log_snr_max));
  }
  const auto level = [&](int64_t i) {
    return sigma_of_log_snr(std::lerp(options.log_snr_min, options.log_snr_max,
                                      static_cast<double>(i) / static_cast<double>(options.steps)));
  };
  const auto draw = [&](int64_t i) {
    return batch.noise.random
        .normal(Purpose::explain, static_cast<uint64_t>(i), batch.noise.sample_ids, pictures.sizes().slice(1),
                pictures.scalar_type())
        .to(pictures.device());
  };
  Tensor x = pictures + level(0) * draw(0);
  visit(x, level(0));
  for (int64_t i = 0; i < options.steps; ++i) {
    const Posterior kernel = posterior_ve(level(i), level(i + 1));
    x = kernel.x0_factor * pictures + kernel.xt_factor * x + std::sqrt(kernel.variance) * draw(i + 1);
    visit(x, level(i + 1));
  }
}

void for_each_noising_step(const PictureBatch& batch, const EvidenceOptions& options,
                           const std::function<void(const NoisingStep&)>& visit, const Control& control) {
  NoisingStep step;
  walk_noising_paths(batch, options, [&](const Tensor& x, double sigma) {
    control.throw_if_stopped("explain.evidence");
    step.x = std::exchange(step.x_next, x);
    step.sigma = std::exchange(step.sigma_next, sigma);
    if (!step.x.defined()) return;
    visit(step);
    control.report({.task = "evidence",
                    .done = static_cast<double>(++step.index),
                    .total = static_cast<double>(options.steps),
                    .unit = "levels",
                    .detail = {}});
  });
}

Evidence filter_noising_paths(const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                              const EvidenceOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  EvidenceFilter filter(denoiser, contrast, options.pass_size);
  const auto advance = [&](const NoisingStep& step) {
    filter.advance(step.x, step.sigma, step.x_next, step.sigma_next);
  };
  for_each_noising_step(batch, options, advance, control);
  return filter.result();
}

Evidence concatenate(const std::vector<Evidence>& parts) {
  const auto same = [&](const Evidence& e) {
    return e.log_snrs == parts.front().log_snrs && e.log_posterior.size(2) == parts.front().log_posterior.size(2);
  };
  if (parts.empty() || !std::all_of(parts.begin(), parts.end(), same)) {
    throw ValueError("[explain.concatenate] expected parts with the same levels and versions");
  }
  const auto all = [&](Tensor Evidence::*member, int64_t dim) {
    std::vector<Tensor> tensors;
    for (const Evidence& part : parts) tensors.push_back(part.*member);
    return torch::cat(tensors, dim);
  };
  return {parts.front().log_snrs,         all(&Evidence::log_posterior, 1), all(&Evidence::profile, 1),
          all(&Evidence::compensated, 0), all(&Evidence::realised, 0),      all(&Evidence::true_version, 0),
          all(&Evidence::claimed, 1)};
}

void describe(AnswerDescriber& d, const Evidence& a) {
  d("log_snrs", a.log_snrs, "level", "nats", "noise levels, from noise to picture");
  d("decision", [&] { return a.decision(); }, "level picture", "probability",
    "of the true version, given the path so far", {.x = "log_snrs", .higher = "nearer to decided"});
  d("map", [&] { return a.map(); }, "picture y x", "nats per pixel",
    "where the word was decided; sums to realised_total",
    {.null = 0, .higher = "spoke more for the word", .is_signed = true});
  d("expected_total",
    [&] {
      return a.compensated.sum({1, 2});
    },
    "picture", "nats", "sum of the compensated map: what the path was expected to decide", {.null = 0});
  d("compensated", a.compensated, "picture y x", "nats per pixel",
    "what each step was expected to say for the true version", {.null = 0});
  d("realised", a.realised, "picture y x", "nats per pixel", "what each step said; sums to what was decided",
    {.null = 0, .higher = "spoke more for the word", .is_signed = true});
  d("profile", a.profile, "step picture", "nats per step", "compensated, by noise level", {.x = "log_snrs", .null = 0});
  d("entropy", [&] { return a.entropy(); }, "level picture", "nats", "what is still open of the versions",
    {.x = "log_snrs"});
  d("entropy_rate", [&] { return a.entropy_rate(); }, "step picture", "nats per log-SNR", "the decision window",
    {.x = "log_snrs", .null = 0});
  d(
      "half_points", [&] { return a.half_points(); }, "picture", "log-SNR",
      "from which the decision stays above half way; NaN: never");
  d("realised_total", [&] { return a.realised_total(); }, "picture", "nats", "what was decided, at most ln K",
    {.null = 0});
  d("completeness_gap", [&] { return a.completeness_gap(); }, "picture", "nats",
    "sum of the realised map less its total", {.null = 0});
  d("log_posterior", a.log_posterior, "level picture version", "nats", "ln p of each version, given the path so far",
    {.x = "log_snrs"});
  d("true_version", a.true_version, "picture", "", "the version that is true");
  d("claimed_decision", [&] { return a.as_claimed().decision(); }, "level picture", "probability",
    "decision as the model claims it, not calibrated", {.x = "log_snrs", .higher = "nearer to decided"});
  d(
      "claimed_half_points", [&] { return a.as_claimed().half_points(); }, "picture", "log-SNR",
      "half_points of the claimed decision; NaN: never");
}

namespace {

/// The options on this model: no level is asked beyond those it was trained for.
EvidenceOptions within(const Subject& subject, EvidenceOptions options) {
  options.log_snr_max = std::min(options.log_snr_max, subject.model.log_snr_max);
  return options;
}

Named<Evidence> ask_evidence(const Subject& subject, const EvidenceOptions& options, const Control& control) {
  Named<Evidence> out;
  for (size_t k = 0; k < subject.contrasts.size(); ++k) {
    const PromptContrast& contrast = subject.contrasts[k];
    const Tensor conditions = subject.model.condition(contrast.prompts).unsqueeze(1).expand({-1, subject.paths, -1});
    const StepWeight weight = step_weight(subject.model.calibration, options, contrast.kind);
    out.names.push_back(contrast.name);
    out.answers.push_back(
        filter_noising_paths(subject.model.denoiser, subject.batch(subject.paths),
                             {conditions, torch::full({subject.paths}, contrast.true_version, torch::kInt64), weight},
                             within(subject, options), control.part(k, subject.contrasts.size(), contrast.name)));
  }
  return out;
}

int64_t evidence_cost(const Subject& subject, const EvidenceOptions& options) {
  int64_t versions = 0;
  for (const PromptContrast& contrast : subject.contrasts) versions += static_cast<int64_t>(contrast.values.size());
  return options.cost(subject.paths, versions);
}

}  // namespace

Method evidence_method() {
  return method("evidence", "Which pixels, at which noise level, decided each word?",
                {.words = true, .posterior_mean = true}, evidence_cost, ask_evidence);
}

}  // namespace noisescope::explain
