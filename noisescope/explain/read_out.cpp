#include "noisescope/explain/read_out.h"

#include <cmath>

#include <ATen/core/grad_mode.h>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/error.h"
#include "noisescope/stats/multiple_testing.h"
#include "noisescope/stats/relabelling.h"

namespace noisescope {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5 % quantile of the standard normal

/// Runs in rows, cells (step, word) in columns: [runs, S * V].
Tensor cells(const Tensor& scores) { return scores.transpose(0, 1).flatten(1); }

/// ln (n over k).
double log_choices(int64_t n, int64_t k) {
  const auto f = [](int64_t m) { return std::lgamma(static_cast<double>(m) + 1); };
  return f(n) - f(k) - f(n - k);
}

void check_runs(const Tensor& scores, const NullRuns& null, double level) {
  check_shape("explain.read_out", null.name.c_str(), null.scores, {scores.size(0), -1, scores.size(2)});
  const int64_t G = scores.size(1), R = null.scores.size(1);
  if (G < 1 || R < 1 || log_choices(G + R, G) + std::log(level) < -1e-9) {
    throw ValueError("[explain.read_out] expected enough runs for a p-value of " +
                     std::to_string(level) + ", got " + std::to_string(G) + " and " +
                     std::to_string(R) + " null runs (" + null.name + "); draw more null runs");
  }
}

/// Half the 95 % interval of a difference of two means, by each group's own variance where it has one.
Tensor half_width_of(const Tensor& runs, const Tensor& null) {
  const auto rows = [](const Tensor& t) { return static_cast<double>(t.size(0)); };
  const Tensor of_null = null.size(0) > 1 ? null.var(0) : torch::zeros_like(null[0]);
  const Tensor own = runs.size(0) > 1 ? runs.var(0) : of_null;
  return kZ95 * (own / rows(runs) + of_null / rows(null)).sqrt();
}

}  // namespace

WordReader clip_reader(const ClipModel& clip, const std::vector<std::string>& texts) {
  if (texts.empty()) throw ValueError("[explain.clip_reader] expected at least one word, got none");
  const at::NoGradGuard no_grad;
  return [clip, words = clip.encode_text(texts)](const Tensor& pictures) {
    const at::NoGradGuard no_grad_inside;
    const Tensor seen = pictures.clamp(-1, 1).to(clip.device(), torch::kFloat32);
    return clip.encode_image(seen).matmul(words.transpose(0, 1));
  };
}

SamplerObserver WordTrace::observer() {
  return [this](const SamplerStep& step) {
    const Tensor scores = reader_(step.prediction.denoised);
    check_shape("explain.WordTrace", "scores", scores, {step.x.size(0), -1});
    steps_.push_back(scores.to(torch::kCPU, torch::kFloat64));
  };
}

Tensor WordTrace::scores() const {
  if (steps_.empty()) throw ValueError("[explain.WordTrace] expected a run, got no step");
  return torch::stack(steps_);
}

void describe(Describer& d, ReadOutOptions& options) {
  d("level", options.level, "chance of a false word anywhere in a run", {.min = 0, .max = 1});
  d("permutations", options.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("resolution", options.resolution, "scores closer than this are equal", {.min = 0});
}

Tensor ReadOut::first_step() const {
  // Steps that are shown together with all after them: a product from the end.
  const Tensor kept = shown.to(torch::kInt64).flip({0}).cumprod(0).sum(0);
  return shown.size(0) - kept;
}

ReadOut read_out(const Tensor& scores, const std::vector<NullRuns>& nulls,
                 const ReadOutOptions& options, const Random& random) {
  check_shape("explain.read_out", "scores", scores, {-1, -1, -1});
  if (nulls.empty() || !(options.level > 0 && options.level < 1) ||
      options.level * static_cast<double>(options.permutations + 1) < 1) {
    throw ValueError("[explain.read_out] expected null runs, a level in (0, 1) and at least 1 / level "
                     "- 1 permutations, got " + std::to_string(nulls.size()) + " kinds, level " +
                     std::to_string(options.level) + " and " +
                     std::to_string(options.permutations) + " permutations");
  }
  const std::vector<int64_t> grid = {scores.size(0), scores.size(2)};
  const Tensor runs = cells(scores).to(torch::kCPU, torch::kFloat64);
  ReadOut out;
  std::vector<Tensor> z, difference, half_width, p;
  for (const NullRuns& null : nulls) {
    check_runs(scores, null, options.level);
    const Tensor others = cells(null.scores).to(torch::kCPU, torch::kFloat64);
    const Relabelled deal =
        relabel_group(runs, others, {options.permutations, random, z.size()})
            .standardised(options.resolution);
    out.nulls.push_back(null.name);
    z.push_back(deal.observed.view(grid));
    difference.push_back((runs.mean(0) - others.mean(0)).view(grid));
    half_width.push_back(half_width_of(runs, others).view(grid));
    p.push_back(relabelling_max_p(deal.observed, deal.null).view(grid));
  }
  out.z = torch::stack(z);
  out.difference = torch::stack(difference);
  out.half_width = torch::stack(half_width);
  out.p = torch::stack(p).amax(0);
  out.shown = out.p <= options.level;
  return out;
}

}  // namespace noisescope
