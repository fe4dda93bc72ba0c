#include "noisescope/live/evidence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "noisescope/core/philox.h"

namespace noisescope::live {
namespace {

constexpr size_t kRowsOfAPass = 16;  // what stays in a processor's cache

struct QuadratureNode {
  double at, weight;
};

/// Gauss-Legendre with 8 nodes on panels that halve towards 0, as in explain/evidence.cpp.
std::vector<QuadratureNode> quadrature() {
  constexpr int kPanels = 12;
  constexpr std::array<double, 4> kNode = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                           0.9602898564975363};
  constexpr std::array<double, 4> kWeight = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                             0.1012285362903763};
  std::vector<QuadratureNode> nodes;
  for (int panel = 0; panel < kPanels; ++panel) {
    const double high = std::ldexp(1.0, -panel);
    const double half = panel + 1 < kPanels ? high / 4 : high / 2, middle = high - half;
    for (size_t i = 0; i < kNode.size(); ++i) {
      for (const double side : {-1.0, 1.0}) nodes.push_back({middle + side * half * kNode[i], half * kWeight[i]});
    }
  }
  return nodes;
}

/// Less the logarithm of the sum of exponentials.
void normalise_logs(double* values, int64_t n) {
  const double largest = *std::max_element(values, values + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(values[i] - largest);
  for (int64_t i = 0; i < n; ++i) values[i] -= largest + std::log(sum);
}

/// What each version's gain counts for the pixels: Aumann-Shapley, [K].
std::vector<double> shapley_weights(const double* log_prior, const std::vector<double>& gain) {
  static const std::vector<QuadratureNode> nodes = quadrature();
  const auto count = static_cast<int64_t>(gain.size());
  std::vector<double> weights(gain.size(), 0.0), logs(gain.size());
  for (const auto& [at, weight] : nodes) {
    for (size_t k = 0; k < gain.size(); ++k) logs[k] = log_prior[k] - at * gain[k];
    normalise_logs(logs.data(), count);
    for (size_t k = 0; k < gain.size(); ++k) weights[k] += weight * std::exp(logs[k]);
  }
  return weights;
}

/// Of K log posteriors: the versions that are still asked.
std::vector<bool> open_of(const double* log_posterior, int64_t versions, int64_t own) {
  const double out = std::log(1e-5);
  std::vector<bool> open(static_cast<size_t>(versions));
  for (int64_t k = 0; k < versions; ++k) open[static_cast<size_t>(k)] = k == own || log_posterior[k] > out;
  if (std::count(open.begin(), open.end(), true) == 1) open[static_cast<size_t>(own)] = false;
  return open;
}

}  // namespace

double LiveEvidence::log_own(size_t level, int64_t path) const {
  return log_posteriors[level][static_cast<size_t>(path * versions + own)];
}

std::vector<double> LiveEvidence::decision(int64_t path) const {
  std::vector<double> curve;
  for (size_t level = 0; level < log_snrs.size(); ++level) curve.push_back(std::exp(log_own(level, path)));
  return curve;
}

double LiveEvidence::total(int64_t path) const {
  return log_own(log_snrs.size() - 1, path) + std::log(static_cast<double>(versions));
}

double LiveEvidence::half_point(int64_t path) const {
  const std::vector<double> curve = decision(path);
  const double half = 0.5 * (1 + 1.0 / static_cast<double>(versions));
  size_t first = curve.size();
  while (first > 0 && curve[first - 1] > half) --first;
  if (first == curve.size()) return std::numeric_limits<double>::quiet_NaN();
  if (first == 0) return log_snrs.front();
  const double share = (half - curve[first - 1]) / (curve[first] - curve[first - 1]);
  return std::lerp(log_snrs[first - 1], log_snrs[first], share);
}

std::vector<double> LiveEvidence::map(size_t from, size_t to) const {
  if (from >= to || to >= edges.size()) {
    throw ValueError(
        format_text("[live.LiveEvidence] expected edges from < to < {}, got {} and {}", edges.size(), from, to));
  }
  std::vector<double> out(compensated[to].size());
  for (int64_t path = 0; path < paths; ++path) {
    double expected = 0;
    const auto begin = static_cast<size_t>(path * pixels), end = begin + static_cast<size_t>(pixels);
    for (size_t i = begin; i < end; ++i) expected += out[i] = compensated[to][i] - compensated[from][i];
    const double decided =
        log_own(static_cast<size_t>(edges[to]), path) - log_own(static_cast<size_t>(edges[from]), path);
    const double share = expected > 0 ? decided / expected : 0;
    for (size_t i = begin; i < end; ++i) out[i] *= share;
  }
  return out;
}

double LiveEvidence::decided_at(int64_t pixel) const {
  std::vector<double> sums;
  for (const std::vector<double>& edge : compensated) {
    double sum = 0;
    for (int64_t path = 0; path < paths; ++path) sum += edge[static_cast<size_t>(path * pixels + pixel)];
    sums.push_back(sum);
  }
  const double half = sums.back() / 2;
  for (size_t w = 1; w < sums.size(); ++w) {
    if (sums[w - 1] > half || half >= sums[w]) continue;
    return std::lerp(edge_level(w - 1), edge_level(w), (half - sums[w - 1]) / (sums[w] - sums[w - 1]));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

EvidenceWalk::EvidenceWalk(const LiveModel& model, EvidenceQuestion question)
    : model_(&model), question_(std::move(question)) {
  question_.log_snr_max = std::min(question_.log_snr_max, model.log_snr_max());
  const EvidenceQuestion& q = question_;
  const auto versions = static_cast<int64_t>(q.versions.size());
  if (versions < 2 || q.own < 0 || q.own >= versions || q.paths < 1 || q.steps < 1 || q.windows < 1 ||
      q.log_snr_min >= q.log_snr_max || static_cast<int64_t>(q.picture.size()) != model.picture_size()) {
    throw ValueError(format_text(
        "[live.EvidenceWalk] expected a picture of the model, at least 2 versions, 1 path, 1 step and 1 window, got {} "
        "numbers, {}, {}, {} and {}",
        q.picture.size(), versions, q.paths, q.steps, q.windows));
  }
  const int64_t pixels = model.side() * model.side();
  log_posterior_.assign(static_cast<size_t>(q.paths * versions), -std::log(static_cast<double>(versions)));
  compensated_.assign(static_cast<size_t>(q.paths * pixels), 0.0);
  evidence_ = {q.paths, versions, q.own, pixels, {}, {log_posterior_}, {}, {}, compensated_};
  for (int64_t i = 0; i <= q.steps; ++i) evidence_.log_snrs.push_back(-2 * std::log(level(i)));
  const std::vector<Floats> noise = draw(0);
  for (const Floats& eps : noise) x_.push_back(mix(1, q.picture, level(0), eps));
  keep_edge();
}

double EvidenceWalk::level(int64_t i) const {
  return std::exp(-0.5 * std::lerp(question_.log_snr_min, question_.log_snr_max,
                                   static_cast<double>(i) / static_cast<double>(question_.steps)));
}

/// The noise of level i, a path each.
std::vector<Floats> EvidenceWalk::draw(int64_t i) const {
  std::vector<Floats> out;
  std::vector<double> numbers(question_.picture.size());
  for (int64_t path = 0; path < question_.paths; ++path) {
    fill_normal({question_.seed, Purpose::explain, static_cast<uint64_t>(i), path}, numbers.data(),
                static_cast<int64_t>(numbers.size()));
    out.emplace_back(numbers.begin(), numbers.end());
  }
  return out;
}

void EvidenceWalk::keep_edge() {
  evidence_.edges.push_back(done_);
  evidence_.compensated.push_back(compensated_);
}

/// Estimates of each path and version, [P K]; those that are out have the own version's, or none where none is asked.
std::vector<Floats> EvidenceWalk::estimates() const {
  const auto versions = static_cast<int64_t>(question_.versions.size());
  std::vector<Floats> out(static_cast<size_t>(question_.paths * versions));
  std::vector<int64_t> asked;
  for (int64_t path = 0; path < question_.paths; ++path) {
    const std::vector<bool> open =
        open_of(&log_posterior_[static_cast<size_t>(path * versions)], versions, question_.own);
    for (int64_t k = 0; k < versions; ++k) {
      if (open[static_cast<size_t>(k)]) asked.push_back(path * versions + k);
    }
  }
  for (size_t first = 0; first < asked.size(); first += kRowsOfAPass) {
    const size_t end = std::min(asked.size(), first + kRowsOfAPass);
    Floats x, conditions;
    for (size_t i = first; i < end; ++i) {
      const Floats &noisy = x_[static_cast<size_t>(asked[i] / versions)],
                   &condition = question_.versions[static_cast<size_t>(asked[i] % versions)];
      x.insert(x.end(), noisy.begin(), noisy.end());
      conditions.insert(conditions.end(), condition.begin(), condition.end());
    }
    const Floats answers = model_->denoise(x, level(done_), conditions);
    const int64_t size = model_->picture_size();
    for (size_t i = first; i < end; ++i) {
      const auto begin = answers.begin() + static_cast<int64_t>(i - first) * size;
      out[static_cast<size_t>(asked[i])].assign(begin, begin + size);
    }
  }
  return out;
}

/// Takes one path's step; `versions` [K] of [C, H, W], empty where they are out.
void EvidenceWalk::filter_path(int64_t path, const std::vector<Floats>& versions, const Floats& next, double sigma,
                               double sigma_next) {
  const int64_t pixels = evidence_.pixels, channels = model_->channels();
  const size_t count = versions.size(), own = static_cast<size_t>(question_.own);
  const double kept = (sigma_next / sigma) * (sigma_next / sigma), variance = sigma_next * sigma_next * (1 - kept);
  double* log_p = &log_posterior_[static_cast<size_t>(path) * count];
  const auto estimate = [&](size_t k) -> const Floats& { return versions[k].empty() ? versions[own] : versions[k]; };
  const Floats target = mix(1, next, -kept, x_[static_cast<size_t>(path)]);
  Floats mixture(target.size(), 0.0f);
  std::vector<std::vector<double>> kernels(count, std::vector<double>(static_cast<size_t>(pixels), 0.0));
  std::vector<double> sums(count, 0.0), gains(count);
  for (size_t k = 0; k < count; ++k) {
    const auto weight = static_cast<float>(std::exp(log_p[k])), share = static_cast<float>(1 - kept);
    for (size_t i = 0; i < target.size(); ++i) {
      mixture[i] += weight * estimate(k)[i];
      const float off = target[i] - share * estimate(k)[i];
      const double nats = static_cast<double>(off * off) / (-2 * variance);
      kernels[k][i % static_cast<size_t>(pixels)] += nats;
      sums[k] += nats;
    }
  }
  for (size_t k = 0; k < count; ++k) gains[k] = sums[own] - sums[k];
  const std::vector<double> shares = shapley_weights(log_p, gains);
  const double factor = 0.5 * (1 / (sigma_next * sigma_next) - 1 / (sigma * sigma));
  for (int64_t p = 0; p < pixels; ++p) {
    const auto at = static_cast<size_t>(path * pixels + p), place = static_cast<size_t>(p);
    for (size_t k = 0; k < count; ++k) {
      evidence_.realised[at] += shares[k] * (kernels[own][place] - kernels[k][place]);
    }
    for (int64_t c = 0; c < channels; ++c) {
      const auto i = static_cast<size_t>(c * pixels + p);
      const float off = versions[own][i] - mixture[i];
      compensated_[at] += factor * static_cast<double>(off * off);
    }
  }
  for (size_t k = 0; k < count; ++k) log_p[k] += sums[k];
  normalise_logs(log_p, static_cast<int64_t>(count));
}

void EvidenceWalk::filter(const std::vector<Floats>& versions, const std::vector<Floats>& next, double sigma,
                          double sigma_next) {
  const auto count = static_cast<int64_t>(question_.versions.size());
  for (int64_t path = 0; path < question_.paths; ++path) {
    const auto begin = versions.begin() + path * count;
    const std::vector<Floats> own(begin, begin + count);
    if (own[static_cast<size_t>(question_.own)].empty()) continue;  // decided: nothing is asked any more
    filter_path(path, own, next[static_cast<size_t>(path)], sigma, sigma_next);
  }
  for (const double value : log_posterior_) {
    if (!std::isfinite(value)) {
      throw NumericError(
          format_text("[live.EvidenceWalk] expected finite pictures and estimates, got others at sigma {}", sigma));
    }
  }
}

bool EvidenceWalk::advance() {
  if (done_ == question_.steps) return false;
  const double sigma = level(done_), sigma_next = level(done_ + 1);
  const double kept = (sigma_next / sigma) * (sigma_next / sigma);
  const double deviation = sigma_next * std::sqrt(1 - kept);
  std::vector<Floats> next;
  const std::vector<Floats> noise = draw(done_ + 1);
  for (size_t path = 0; path < x_.size(); ++path) {
    const Floats mean = mix(1 - kept, question_.picture, kept, x_[path]);
    next.push_back(mix(1, mean, deviation, noise[path]));
  }
  filter(estimates(), next, sigma, sigma_next);
  x_ = std::move(next);
  ++done_;
  evidence_.log_posteriors.push_back(log_posterior_);
  const int64_t steps = question_.steps, every = std::max<int64_t>(1, steps / question_.windows);
  if (done_ == steps || (done_ % every == 0 && done_ + every <= steps)) keep_edge();
  return done_ < steps;
}

}  // namespace noisescope::live
