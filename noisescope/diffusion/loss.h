// Denoising losses and the noise levels they are taken at.
#pragma once

#include <cstdint>

#include "noisescope/core/random.h"
#include "noisescope/diffusion/precondition.h"

namespace noisescope::diffusion {

enum class NoiseDistribution { lognormal, timestep, information };
NOISESCOPE_ENUM(NoiseDistribution, lognormal, timestep, information)

struct NoiseLevelOptions {
  NoiseDistribution distribution = NoiseDistribution::lognormal;
  double mean = -1.2;  // of ln sigma (P_mean of arXiv:2206.00364, table 1)
  double std = 1.2;    // of ln sigma (P_std)
  // information: mean and std are those of the start; what replaces them is measured once.
  double early_share = 0.06;  // of the budget, trained before the measurement
  int64_t pictures = 8;       // that it looks at
};
void describe(Describer& d, NoiseLevelOptions& options);

/// One noise level for each uniform number in [0, 1), by the inverse distribution function, so the
/// same numbers give the same levels. Same shape and dtype as `uniforms`.
///   lognormal  ln sigma ~ N(mean, std^2)
///   timestep   sigma(t), t uniform over 1..T of `schedule`
///   information  as lognormal; training puts in what it measured (explain/decision_windows.h)
Tensor noise_levels(const NoiseLevelOptions& options, const ScheduleOptions& schedule, const Tensor& uniforms);

/// B stratified uniform numbers, float64: u_i = (p_i + U) / B with one U and a random permutation
/// p. Each stratum of the distribution is met once a batch, which lowers the variance of the
/// gradient at no cost (the low-discrepancy sampler of VDM, arXiv:2107.00630, appendix I.1).
Tensor stratified_uniforms(const Random& random, uint64_t step, int64_t batch, Purpose purpose = Purpose::train_sigma);

enum class Weighting { uniform, edm, min_snr, soft_min_snr };
NOISESCOPE_ENUM(Weighting, uniform, edm, min_snr, soft_min_snr)

struct LossOptions {
  Weighting weighting = Weighting::edm;
  double gamma = 5.0;  // min_snr, soft_min_snr: the SNR at which the weight levels off
};
void describe(Describer& d, LossOptions& options);

/// Weight w(sigma) [B] of the squared error in the network's own target space: since
/// D - x_0 = c_out (F - F*), a weight lambda on |D - x_0|^2 is w = lambda c_out^2 on |F - F*|^2.
///   uniform       w = 1: what the network predicts, unweighted (L_simple, DDPM eq. 14, for eps)
///   edm           lambda = (s^2 + d^2) / (s d)^2 = 1 / c_out^2 of edm (arXiv:2206.00364, table 1)
///   min_snr       lambda = min(SNR, gamma), SNR = 1 / s^2 (arXiv:2303.09556, sec. 3.4)
///   soft_min_snr  lambda = SNR gamma / (SNR + gamma) (arXiv:2401.11605, there gamma = 4)
Tensor loss_weight(const PreconditionOptions& precondition, const LossOptions& loss, const Tensor& sigma);

/// Pictures, their noise levels, their noise and their conditions.
struct LossInputs {
  Tensor x0;         // [B, C, H, W] float32
  Tensor sigma;      // [B] > 0
  Tensor eps;        // [B, C, H, W] float32
  Tensor condition;  // [B, D]
};

/// Per-sample loss [B] = w(sigma) mean over C, H, W of (F - F*)^2 at x = x0 + sigma eps. With edm
/// weighting on an edm network w = 1, so a network that answers 0 scores about 1 at every sigma.
/// Throws ShapeError where they do not fit.
Tensor diffusion_loss(const Network& network, const PreconditionOptions& precondition, const LossOptions& loss,
                      const LossInputs& inputs);

}  // namespace noisescope::diffusion
