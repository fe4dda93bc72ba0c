#include "noisescope/explain/u_turn.h"

#include <cmath>
#include <limits>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/methods.h"
#include "noisescope/explain/passes.h"

namespace noisescope::explain {
namespace {

/// Noise levels of the way back from a turning point, ending in 0.
std::vector<double> way_back(double log_snr, const UTurnOptions& options) {
  std::vector<double> sigmas;
  for (int64_t i = 0; i < options.steps; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(options.steps - 1);
    sigmas.push_back(sigma_of_log_snr(std::lerp(log_snr, options.log_snr_end, share)));
  }
  sigmas.push_back(0);
  return sigmas;
}

/// The non-decreasing curve nearest in mean square: pools neighbours that fall (Ayer et al. 1955, "An
/// empirical distribution function for sampling with incomplete information", p. 643).
std::vector<double> monotone_fit(const Tensor& curve) {
  struct Pool {
    double sum;
    int64_t count;
    double mean() const { return sum / static_cast<double>(count); }
  };
  std::vector<Pool> pools;
  for (int64_t i = 0; i < curve.size(0); ++i) {
    pools.push_back({curve[i].item<double>(), 1});
    while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back() = {pools.back().sum + last.sum, pools.back().count + last.count};
    }
  }
  std::vector<double> fit;
  for (const Pool& pool : pools) fit.insert(fit.end(), static_cast<size_t>(pool.count), pool.mean());
  return fit;
}

/// Fresh noise at every turning point: a seed of its own.
Random random_of_level(const Random& random, size_t level) { return Random(random.seed() * 1000003 + level); }

void check_options(const UTurnOptions& options) {
  bool possible = options.steps >= 2 && !options.log_snrs.empty();
  for (const double log_snr : options.log_snrs) possible &= log_snr < options.log_snr_end;
  if (!possible) {
    throw ValueError(
        format_text("[explain.u_turns] expected at least 2 steps and turning points, all below log_snr_end = {}",
                    options.log_snr_end));
  }
}

}  // namespace

void describe(Describer& d, UTurnOptions& options) {
  d("log_snrs", options.log_snrs, "turning points", {.min = -20, .max = 20});
  d("steps", options.steps, "steps of the way back", {.min = 2, .max = 100000});
  d("log_snr_end", options.log_snr_end, "log-SNR of the last step of the way back", {.min = -20, .max = 20});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

double UTurns::half_point(int64_t f, double chance) const {
  check_shape("explain.UTurns.half_point", "kept", kept, {static_cast<int64_t>(log_snrs.size()), -1, -1});
  if (f < 0 || f >= kept.size(2) || !(chance >= 0 && chance < 1)) {
    throw ValueError(
        format_text("[explain.UTurns.half_point] expected a factor below {} and a chance in [0, 1), got {} and {}",
                    kept.size(2), f, chance));
  }
  const double half = (1 + chance) / 2;
  const std::vector<double> share = monotone_fit(retention().select(1, f));
  for (size_t i = 1; i < log_snrs.size(); ++i) {
    if (share[i - 1] < half && share[i] >= half) {
      return std::lerp(log_snrs[i - 1], log_snrs[i], (half - share[i - 1]) / (share[i] - share[i - 1]));
    }
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Tensor turning_point(const PictureBatch& batch, const std::vector<double>& log_snrs, size_t level) {
  const auto& [pictures, noise] = batch;
  const Tensor eps =
      random_of_level(noise.random, level)
          .normal(Purpose::explain, 0, noise.sample_ids, pictures.sizes().slice(1), pictures.scalar_type())
          .to(pictures.device());
  return pictures + sigma_of_log_snr(log_snrs.at(level)) * eps;
}

UTurns u_turns(const PromptedDenoiser& denoiser, const PictureBatch& batch, const KeepsFactors& keeps,
               const UTurnOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  const auto& [pictures, noise] = batch;
  const Tensor& condition = denoiser.condition;
  const int64_t count = batch.size();
  check_options(options);
  check_shape("explain.u_turns", "pictures", pictures, {count, -1, -1, -1});
  check_shape("explain.u_turns", "condition", condition, {count, -1});
  const Denoiser in_passes = [&](const Tensor& x, const Tensor& sigma, const Tensor& rows) {
    return denoise_in_passes(denoiser.denoiser, {x, sigma}, rows, torch::arange(x.size(0), x.device()),
                             options.pass_size);
  };
  GuidanceOptions unguided;
  unguided.clamp = 0;
  const Predictor predict = guide(in_passes, condition, condition, unguided);
  UTurns out;
  std::vector<Tensor> kept, changed;
  for (size_t level = 0; level < options.log_snrs.size(); ++level) {
    const std::vector<double> sigmas = way_back(options.log_snrs[level], options);
    const Tensor turned = turning_point(batch, options.log_snrs, level);
    const Tensor regenerated = run_sampler(
        predict, turned, {sigmas, {.solver = Solver::ddpm}, {random_of_level(noise.random, level), noise.sample_ids}},
        {}, control);
    out.log_snrs.push_back(options.log_snrs[level]);
    kept.push_back(keeps(regenerated).to(torch::kCPU, torch::kFloat64));
    changed.push_back((regenerated - pictures).square().mean(1).to(torch::kCPU, torch::kFloat64));
    control.report({.task = "u-turn",
                    .done = static_cast<double>(level + 1),
                    .total = static_cast<double>(options.log_snrs.size()),
                    .unit = "levels",
                    .detail = {}});
  }
  out.kept = torch::stack(kept);
  out.susceptibility = torch::stack(changed);
  return out;
}

void describe(AnswerDescriber& d, const UTurns& a) {
  d("log_snrs", a.log_snrs, "level", "nats", "turning points");
  d("kept", a.kept, "level picture factor", "share", "what each regenerated picture kept of its original",
    {.x = "log_snrs", .higher = "decided earlier"});
  d("retention", [&] { return a.retention(); }, "level factor", "share", "kept, mean over the pictures",
    {.x = "log_snrs"});
  d("susceptibility", a.susceptibility, "level picture y x", "pixel units squared",
    "squared change of each pixel, mean over channels", {.x = "log_snrs", .null = 0});
}

void describe(Describer& d, UTurnQuestion& question) {
  d("turns", question.turns, "regenerations at each level", {.min = 2, .max = 100000});
  describe(d, question.options);
}

namespace {

UTurns ask_u_turns(const Subject& subject, const UTurnQuestion& question, const Control& control) {
  UTurnOptions options = question.options;
  if (!options.log_snrs.empty()) {  // the way back ends where the model was trained, after the last turning point
    options.log_snr_end =
        std::max(std::min(options.log_snr_end, subject.model.log_snr_max), options.log_snrs.back() + 1);
  }
  const Tensor own = subject.factors.read(subject.picture.unsqueeze(0));
  return u_turns(
      {subject.model.denoiser, subject.model.null_condition(question.turns)}, subject.batch(question.turns),
      [&](const Tensor& again) { return subject.factors.read(again) == own; }, options, control);
}

int64_t u_turn_cost(const Subject&, const UTurnQuestion& question) { return question.options.cost(question.turns); }

}  // namespace

Method u_turn_method() {
  return method("u_turn", "Which noise level decided what?", {.factors = true, .posterior_mean = true}, u_turn_cost,
                ask_u_turns);
}

}  // namespace noisescope::explain
