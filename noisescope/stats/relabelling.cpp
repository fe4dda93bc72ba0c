#include "noisescope/stats/relabelling.h"

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::stats {
namespace {

void check_values(const char* where, const Tensor& values, int64_t relabellings) {
  if (relabellings < 1) {
    throw ValueError(format_text("[{}] expected at least one relabelling, got {}", where, relabellings));
  }
  if (!values.isfinite().all().item<bool>()) {
    throw NumericError(std::string("[") + where + "] expected finite values, got NaN or infinity");
  }
}

/// [P, count] numbers in [0, 1).
Tensor uniform_rows(const RelabellingDraws& draws, int64_t count) {
  return draws.random.uniform(Purpose::explain, draws.step, sample_range(0, draws.count), {count}, torch::kFloat64);
}

/// Rows of 1 / share at the columns of `chosen` [P, share], 0 elsewhere: [P, columns].
Tensor mean_over(const Tensor& chosen, int64_t columns) {
  return torch::zeros({chosen.size(0), columns}, torch::kFloat64)
      .scatter_(1, chosen, 1.0 / static_cast<double>(chosen.size(1)));
}

}  // namespace

Relabelled Relabelled::standardised(double resolution) const {
  const Tensor speaks = spread >= resolution;
  const Tensor unit = torch::where(speaks, spread, torch::ones_like(spread));
  const Tensor mask = speaks.to(torch::kFloat64);
  return {observed / unit * mask, null / unit * mask, mask};
}

Relabelled relabel_blocks(const Tensor& values, const Tensor& own, const RelabellingDraws& draws) {
  check_shape("stats.relabel_blocks", "values", values, {-1, -1, -1});
  check_shape("stats.relabel_blocks", "own", own, {values.size(0)});
  const Tensor v = values.to(torch::kCPU, torch::kFloat64);
  const int64_t N = v.size(0), K = v.size(1), M = v.size(2);
  const Tensor marked = own.to(torch::kCPU, torch::kInt64);
  if (N < 1 || K < 2 || ((marked < 0) | (marked >= K)).any().item<bool>()) {
    throw ValueError(
        "[stats.relabel_blocks] expected at least one block of at least 2 alternatives, "
        "one of them marked, got " +
        describe_tensor(values));
  }
  check_values("stats.relabel_blocks", v, draws.count);
  const Tensor centred = v - v.mean(1, true);
  const Tensor flat = centred.reshape({N * K, M}), start = torch::arange(N) * K;
  const Tensor labels = (uniform_rows(draws, N) * static_cast<double>(K)).to(torch::kInt64);
  return {mean_over((start + marked).unsqueeze(0), N * K).matmul(flat).squeeze(0),
          mean_over(start + labels, N * K).matmul(flat),
          centred.square().mean(1).sum(0).sqrt() / static_cast<double>(N)};
}

Relabelled relabel_partners(const Tensor& values, const RelabellingDraws& draws) {
  check_shape("stats.relabel_partners", "values", values, {-1, -1, values.size(1), -1});
  const Tensor v = values.to(torch::kCPU, torch::kFloat64);
  const int64_t G = v.size(0), K = v.size(1), M = v.size(3), pictures = G * K;
  if (G < 1 || K < 2) {
    throw ValueError("[stats.relabel_partners] expected at least one group of at least 2 pictures, got " +
                     describe_tensor(values));
  }
  check_values("stats.relabel_partners", v, draws.count);
  const Tensor centred = v - v.mean(1, true) - v.mean(2, true) + v.mean({1, 2}, true);
  const Tensor flat = centred.reshape({pictures * K, M}), start = torch::arange(pictures) * K;
  const Tensor own = torch::arange(K).repeat({G});
  const Tensor labels = uniform_rows(draws, pictures).view({draws.count, G, K}).argsort(int64_t{2});
  return {mean_over((start + own).unsqueeze(0), pictures * K).matmul(flat).squeeze(0),
          mean_over(start + labels.flatten(1), pictures * K).matmul(flat),
          (centred.square().sum({0, 1, 2}) / static_cast<double>(K - 1)).sqrt() / static_cast<double>(pictures)};
}

Relabelled relabel_group(const Tensor& group, const Tensor& others, const RelabellingDraws& draws) {
  check_shape("stats.relabel_group", "group", group, {-1, -1});
  check_shape("stats.relabel_group", "others", others, {-1, group.size(1)});
  const int64_t G = group.size(0), N = G + others.size(0);
  if (G < 1 || N <= G) {
    throw ValueError(format_text("[stats.relabel_group] expected a group and others, got {} and {} rows", G, N - G));
  }
  const Tensor v = torch::cat({group, others}).to(torch::kCPU, torch::kFloat64);
  check_values("stats.relabel_group", v, draws.count);
  const Tensor centred = v - v.mean(0, true);
  const Tensor chosen = uniform_rows(draws, N).argsort(int64_t{1}).narrow(1, 0, G);
  // Variance of the mean of G rows drawn without replacement from N.
  const double share = static_cast<double>(N - G) / static_cast<double>(G * (N - 1));
  return {centred.narrow(0, 0, G).mean(0), mean_over(chosen, N).matmul(centred),
          (centred.square().mean(0) * share).sqrt()};
}

}  // namespace noisescope::stats
