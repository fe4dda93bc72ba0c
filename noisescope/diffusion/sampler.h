// One driver for all samplers, one observer for everybody who watches.
//
// A solver is a small struct in samplers/ with one function: from x at sigma_i to x at sigma_{i+1}.
// Progress, films, recording, explanation are observers.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "noisescope/core/progress.h"
#include "noisescope/core/random.h"
#include "noisescope/diffusion/guidance.h"

namespace noisescope::diffusion {

enum class Solver { ddpm, ddim, euler, heun, dpmpp_2m, dpmpp_2m_sde };
NOISESCOPE_ENUM(Solver, ddpm, ddim, euler, heun, dpmpp_2m, dpmpp_2m_sde)

/// DDPM eq. 7: beta-tilde_t, or beta_t; previous: beta_{t-1}, what xNoise adds (neither of the two).
enum class Variance { posterior, upper, previous };
NOISESCOPE_ENUM(Variance, posterior, upper, previous)

struct SamplerOptions {
  Solver solver = Solver::dpmpp_2m;
  double eta = 0.0;                         // DDIM: 0 deterministic, 1 = DDPM posterior variance
  Variance variance = Variance::posterior;  // DDPM
  double churn = 0.0;                       // Heun: S_churn of arXiv:2206.00364, algorithm 2
  double churn_sigma_min = 0.05;            // Heun: S_tmin
  double churn_sigma_max = 50.0;            // Heun: S_tmax
  double churn_noise = 1.003;               // Heun: S_noise
};
void describe(Describer& d, SamplerOptions& options);

/// One step as observers see it, before the solver moves on.
struct SamplerStep {
  int64_t index = 0;      // 0 .. count - 1
  int64_t count = 0;      // steps of the whole run
  double sigma = 0;       // noise level of x
  double sigma_next = 0;  // 0 at the last step
  Tensor x;               // [B, C, H, W] at `sigma`
  Prediction prediction;  // at (x, sigma); a Heun corrector's second evaluation is not reported
};

using SamplerObserver = std::function<void(const SamplerStep&)>;

/// Where the noise of a run comes from: sample k of the batch uses (random, sample_ids[k]).
struct NoiseSource {
  Random random{0};
  std::vector<int64_t> sample_ids;  // [B]
  uint64_t first_step = 0;          // the number of the first step, in a run that goes on from its middle
  std::function<Random(uint64_t step)> random_of_step{};  // of a step's noise; empty: `random`
  Tensor given{};  // [S - 1, N, C, H, W]: the noise of step i of sample k is given[i][k], not drawn

  /// Standard normal [B, C, H, W]; purpose initial_noise, or step_noise with the step's number. A step
  /// throws ValueError where `given` has no noise for it.
  Tensor initial(torch::IntArrayRef chw, torch::Dtype dtype = torch::kFloat32) const;
  Tensor step(uint64_t step, torch::IntArrayRef chw, torch::Dtype dtype = torch::kFloat32) const;
};

/// The step before the first of a run that goes on from its middle, for solvers that look back (dpmpp_2m).
struct SamplerHistory {
  Tensor denoised = {};  // [B, C, H, W]: its estimate; undefined: none is known, the solver starts anew
  double sigma = 0;      // where it was taken, above sigmas[0]
};

/// What a run takes beside its start.
struct SamplerRun {
  std::vector<double> sigmas;  // [S + 1], strictly decreasing, ending in 0
  SamplerOptions options;
  NoiseSource noise;
  SamplerHistory before = {};
};

/// Runs `run.options.solver` from `x` = x_0 + sigmas[0] eps down the noise levels and returns the clean images [B, C,
/// H, W] in the dtype of `x`. `x` may be float64 (a preconditioned network still runs in float32). Records no
/// gradients. Deterministic given its arguments; stochastic solvers need noise.sample_ids. Throws ValueError for
/// unusable sigmas or options, Interrupted on request, NumericError if the state leaves the finite numbers (naming the
/// step).
Tensor run_sampler(const Predictor& predict, Tensor x, const SamplerRun& run, const SamplerObserver& observer = {},
                   const Control& control = {});

}  // namespace noisescope::diffusion
