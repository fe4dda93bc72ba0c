// Preconditioning: one path from any network to a denoiser,
//   D(x, sigma, c) = c_skip x + c_out F(c_in x, c_noise, c)        (arXiv:2206.00364, eq. 7).
// x is variance exploding (x = x_0 + sigma eps). With a = 1 / sqrt(1 + sigma^2) and b = sigma a,
// networks that were trained on variance-preserving inputs see a x = a x_0 + b eps:
//
//   network   predicts                  c_skip            c_out                 c_in
//   edm       a unit-variance mixture   d^2/(s^2 + d^2)   s d/sqrt(s^2 + d^2)   1/sqrt(s^2 + d^2)
//   eps       eps                       1                 -s                    a
//   v         a eps - b x_0             a^2               -b                    a
//   x0        x_0                       0                 1                     a
//
// where s = sigma and d = sigma_data.
#pragma once

#include "noisescope/diffusion/denoiser.h"
#include "noisescope/diffusion/network.h"
#include "noisescope/diffusion/schedule.h"

namespace noisescope::diffusion {

/// How the network is told the noise level.
enum class NoiseLabel {
  log_sigma,      // ln(sigma) / 4, the c_noise of EDM
  timestep,       // t(sigma) in [1, T] of the discrete schedule, interpolated
  log_snr,        // -2 ln sigma
  timestep_share  // (t(sigma) - 1) / T in [0, 1): t / T of code that counts from 0
};
NOISESCOPE_ENUM(NoiseLabel, log_sigma, timestep, log_snr, timestep_share)

struct PreconditionOptions {
  Parametrization parametrization = Parametrization::edm;
  double sigma_data = 0.5;  // standard deviation of the clean pixels (edm)
  NoiseLabel noise_label = NoiseLabel::log_sigma;
  ScheduleOptions schedule;  // of the timestep label, and of discrete training and sampling
};
void describe(Describer& d, PreconditionOptions& options);

/// The four functions of sigma, each [B] in the dtype of sigma.
struct Coefficients {
  Tensor c_skip;
  Tensor c_out;
  Tensor c_in;
  Tensor c_noise;
};

/// `sigma` [B], > 0. Throws ValueError for options that do not fit each other.
Coefficients coefficients(const PreconditionOptions& options, const Tensor& sigma);

/// What the network should have answered at x = x0 + sigma eps: (x0 - c_skip x) / c_out, computed
/// without that cancellation. x0, eps [B, C, H, W], sigma [B]. For edm this is
/// (s/d x0 - d eps) / sqrt(s^2 + d^2): unit variance at every sigma if x0 has deviation sigma_data.
Tensor network_target(const PreconditionOptions& options, const Tensor& x0, const Tensor& eps, const Tensor& sigma);

/// The denoiser of a network. The network always runs in float32: x, noise label and condition are
/// cast at its boundary, and the sum above is done in the dtype of x, so a sampler may keep its
/// state in float64. Throws ValueError for options that do not fit each other.
Denoiser precondition(Network network, const PreconditionOptions& options);

}  // namespace noisescope::diffusion
