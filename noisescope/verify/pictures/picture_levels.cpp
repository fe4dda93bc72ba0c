#include "noisescope/verify/pictures/picture_levels.h"

#include <cmath>

#include "noisescope/diffusion/process.h"

namespace noisescope::verify {

double hiding_log_snr(double squared_distance) {
  // Two equally likely pictures at distance d tell d^2 / (8 sigma^2) nats where sigma is large.
  constexpr double kNats = 0.001;
  return -std::log(std::max(squared_distance, 1e-6) / 8 / kNats);
}

double hidden_log_snr(const PictureContext& context) {
  const Tensor pixels = context.pictures(context.some(std::min<int64_t>(context.size(), 1024), stream(Drawn::spread)));
  return hiding_log_snr(2 * pixels.var(0, false).sum().item<double>());
}

EvidenceOptions levels_from(const PictureContext& context, double log_snr_min) {
  constexpr double kDecided = 12;  // e^12 / 1000 = 163 nats between pictures as far apart as most
  EvidenceOptions options;
  const double width = (options.log_snr_max - options.log_snr_min) / static_cast<double>(options.steps);
  options.log_snr_max = std::min({options.log_snr_max, context.exact.log_snr_max, log_snr_min + kDecided});
  options.log_snr_min = std::min(log_snr_min, options.log_snr_max - 1);
  options.steps = std::max<int64_t>(1, std::llround((options.log_snr_max - options.log_snr_min) / width));
  return options;
}

NoisyPictures noisy_pictures(const PictureContext& context, const std::vector<int64_t>& samples, double log_snr,
                             uint64_t number) {
  const Tensor clean = context.pictures(samples);
  const auto count = static_cast<int64_t>(samples.size());
  const Tensor eps = context.random().normal(Purpose::explain, number, sample_range(0, count), clean.sizes().slice(1),
                                             torch::kFloat64);
  const Tensor sigma = torch::full({count}, sigma_of_log_snr(log_snr), torch::kFloat64);
  return {add_noise(clean, eps, sigma), sigma};
}

double half_known_log_snr(const PictureContext& context, const std::vector<int64_t>& samples) {
  constexpr double kStep = 0.25;
  const Tensor own = torch::tensor(samples, torch::kInt64).unsqueeze(1);
  const Tensor null = context.null_condition(own.size(0));
  double before = 0;
  const double from = hidden_log_snr(context), to = context.exact.log_snr_max;
  for (int64_t k = 0; from + kStep * static_cast<double>(k) < to; ++k) {
    const double log_snr = from + kStep * static_cast<double>(k);
    const auto [x, sigma] = noisy_pictures(context, samples, log_snr, stream(Drawn::half_known_noise));
    const double known = context.truth.posterior(x, sigma, null).gather(1, own).mean().item<double>();
    if (known >= 0.5 && k > 0) return log_snr - kStep * (known - 0.5) / std::max(known - before, 1e-9);
    before = known;
  }
  return to;
}

}  // namespace noisescope::verify
