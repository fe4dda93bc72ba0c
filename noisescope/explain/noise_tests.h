// Is this noise? Tests of pictures of noise against independent standard normal pixels: the exact null of
// an initial noise x_T / sigma and of the noise that a stochastic solver injects.
//
// Not for predictions: eps-hat = E[eps | x_t] is no standard normal, however good the model; its null
// distribution must come from an exact world or from permuted prompts (prediction_tests.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::explain {

class AnswerDescriber;

/// Two-sided p-values, uniform in [0, 1] under the null; T tests, B pictures.
struct NoiseTests {
  std::vector<std::string> names;  // [T]
  Tensor p;                        // [B, T] float64: each picture alone
  Tensor combined;                 // [T]: all pictures (Fisher 1925: -2 sum ln p is chi-squared, 2 B)
  Tensor corrected;                // [T]: combined, corrected for T tests (Holm 1979)
};

/// noise [B, C, H, W], H and W >= 4.
///   mean         sqrt(n) mean, normal
///   variance     sum of squares, chi-squared with n degrees of freedom
///   skewness     sum of cubes, variance 15 n, normal for large n
///   horizontal, vertical   products of neighbours, variance = their number, normal for large n
///   channels     products of each pair of channels, normal; squares summed over the pairs (C >= 2)
///   low_frequency, high_frequency   energy in the lowest and highest quarter of radial frequency,
///                chi-squared with as many degrees of freedom as coefficients
/// Throws ShapeError, ValueError for pictures that are too small.
NoiseTests test_noise(const Tensor& noise);

/// Energy of the Fourier coefficients whose radial frequency lies in [from, to), 1 being the corner of
/// the spectrum. White noise of variance 1 has energy chi-squared with as many degrees of freedom.
struct BandEnergy {
  Tensor energy;       // [B] float64
  double degrees = 0;  // coefficients, channels counted
};
BandEnergy band_energy(const Tensor& noise, double from, double to);

void describe(AnswerDescriber& d, const NoiseTests& answer);

/// The first noise, what a stochastic solver injected, and the size of the noise that was predicted.
struct NoiseOfTrajectory {
  std::vector<double> log_snrs;  // [S]
  NoiseTests first;
  std::optional<NoiseTests> injected;                // none for a deterministic solver
  Tensor predicted_size, predicted_size_unprompted;  // [S, B]: root mean square
};
void describe(AnswerDescriber& d, const NoiseOfTrajectory& answer);

}  // namespace noisescope::explain
