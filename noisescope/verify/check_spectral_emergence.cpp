// In which order bands of frequency come out of the noise: on the exact `fine` world and on
// Gaussian pictures, whose spectrum is what we make it.
#include <ATen/ops/fft_fft2.h>
#include <ATen/ops/fft_fftfreq.h>
#include <ATen/ops/fft_ifft2.h>

#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/spectral_emergence.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/stats/ranks.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr int64_t kBands = 8;
constexpr int64_t kSide = 16;  // of the Gaussian pictures

/// Stationary Gaussian pictures with the variance (1 + f / 2)^-power at frequency f.
GaussianData stationary(double power) {
  const Tensor f = at::fft_fftfreq(kSide, 1.0 / kSide, torch::dtype(torch::kFloat64));
  const Tensor radius = (f.unsqueeze(1).square() + f.unsqueeze(0).square()).sqrt();
  const Tensor impulses = torch::eye(kSide * kSide, torch::kFloat64).view({-1, kSide, kSide});
  const Tensor covariance = torch::real(at::fft_ifft2(at::fft_fft2(impulses) * (1 + radius / 2).pow(-power)));
  return {torch::zeros({kSide * kSide}, torch::kFloat64), covariance.flatten(1)};
}

/// Measured emergence of the bands along noising paths, [R].
Tensor emergence(const Denoiser& denoiser, const Tensor& condition, const Tensor& pictures,
                 const EvidenceOptions& levels, uint64_t seed, const VerifyContext& context) {
  GuidanceOptions guidance;
  guidance.clamp = 0;
  TrajectoryRecorder recorder{
      {.x = false, .conditional = false, .unconditional = false, .max_bytes = int64_t{1} << 30}};
  observe_noising_path(guide(denoiser, condition, condition, guidance),
                       {pictures, {Random(seed), sample_range(0, pictures.size(0))}}, levels, recorder.observer(),
                       context.control);
  return spectral_emergence(recorder.steps(), context.seen(&Seams::pictures, pictures), kBands).measured;
}

/// Measured emergence in independent groups of Gaussian pictures, [groups, R].
Tensor gaussian_emergence(const VerifyContext& context, double power, const EvidenceOptions& levels, int64_t groups) {
  constexpr int64_t kPictures = 64;
  const GaussianData data = stationary(power);
  std::vector<Tensor> each;
  for (int64_t g = 0; g < groups; ++g) {
    const auto seed = context.options.seed * 1000 + static_cast<uint64_t>(g);
    const Tensor pictures =
        data.sample(Random(seed), Purpose::scene, sample_range(0, kPictures)).view({kPictures, 1, kSide, kSide});
    each.push_back(emergence(data.denoiser(), torch::zeros({kPictures, 1}), pictures, levels, seed, context));
  }
  return torch::stack(each);
}

/// The order of the bands of the exact world, against the spectrum of other scenes.
Estimate world_order(const VerifyContext& context, int64_t groups) {
  constexpr int64_t kPictures = 50, kReference = 1000;
  const Model& subject = context.exact_fine;
  const World& world = context.fine.world();
  const Tensor predicted = predicted_emergence(
      band_spectrum(contrastable_scenes(world, context.options.seed * 1000 + 999, kReference).pictures, kBands));
  const Tensor null = subject.condition({""}).expand({kPictures, -1});
  std::vector<Tensor> each;
  for (int64_t g = 0; g < groups; ++g) {
    const auto seed = context.options.seed * 1000 + static_cast<uint64_t>(g);
    const Tensor pictures = contrastable_scenes(world, seed, kPictures).pictures;
    each.push_back(
        emergence(subject.denoiser, null, pictures, {.steps = 44, .log_snr_min = -8, .log_snr_max = 3}, seed, context));
  }
  return pooled_spearman(predicted.expand({groups, -1}), torch::stack(each));
}

/// |mean over groups of their Spearman| with the order of frequencies.
Estimate absolute_order(const Tensor& measured) {
  const Tensor rising = torch::arange(kBands).expand({measured.size(0), -1});
  return absolute(mean_estimate(rank_correlation(rising, measured)));
}

}  // namespace

VerifyRows check_spectral_emergence(const VerifyContext& context) {
  const std::string method = "spectral_emergence", gaussian = "exact Gaussian";
  const Tensor coarse_to_fine = torch::arange(kBands, torch::kFloat64);
  const Tensor falling =
      gaussian_emergence(context, 4, {.steps = 56, .log_snr_min = -4, .log_snr_max = 10}, context.n(20, 6));
  const Tensor flat =
      gaussian_emergence(context, 0, {.steps = 32, .log_snr_min = -4, .log_snr_max = 4}, context.n(100, 60));
  return {{method, context.exact_fine.name, "order of the bands, predicted and measured: Spearman", Direction::at_least,
           0.95, world_order(context, context.n(20, 4))},
          {method, gaussian, "falling spectrum, order of the bands: Spearman", Direction::at_least, 0.95,
           pooled_spearman(coarse_to_fine.expand_as(falling), falling)},
          {method, gaussian, "flat spectrum, order of the bands: mean Spearman, absolute", Direction::at_most, 0.2,
           absolute_order(flat)}};
}

}  // namespace noisescope::verify
