// What a caption says of its picture along a sampling run at scale 1, in nats, against the exact log-likelihood ratio.
#include <cmath>

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {

VerifyRows check_guidance_information_of_pictures(const PictureContext& context) {
  constexpr int64_t kSteps = 50;
  const int64_t count = context.n(256, 48);
  const std::vector<int64_t> samples = context.some(count, stream(Drawn::guided));
  GuidanceOptions guidance;
  guidance.clamp = 0;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  guidance = context.seen(&Seams::guidance, guidance);

  const double sigma_max = sigma_of_log_snr(hidden_log_snr(context)), sigma_min = sigma_of_log_snr(2);
  const std::vector<double> sigmas = sampling_sigmas({GridKind::log_snr, kSteps, sigma_min, sigma_max, 7.0});
  const NoiseSource noise{context.random(), sample_range(0, count)};
  const Tensor conditions = context.exact.condition(context.captions(samples)), null = context.null_condition(count);
  run_sampler(guide(context.exact.denoiser, conditions, null, guidance),
              noise.initial(context.exact.image_shape, torch::kFloat64) * sigmas[0],
              {sigmas, {.solver = Solver::ddim}, noise}, context.seen(&Seams::observer, information.observer()),
              context.control);
  // ln p(x | caption) - ln p(x) of pictures with nearly no noise: of M of N pictures it is ln N / M.
  const Tensor clean = torch::full({count}, 0.01, torch::kFloat64), pictures = context.pictures(samples);
  const Tensor exact =
      context.truth.log_density(pictures, clean, conditions) - context.truth.log_density(pictures, clean, null);
  const double nats = exact.mean().item<double>();
  if (nats < 0.1) return {};
  // What a path says is about normal with twice its mean as variance. Four standard errors of the mean of `count`: the
  // interval alone takes two, so that 96 % of right means pass.
  const double bar = 4 * std::sqrt(2 / (nats * static_cast<double>(count)));
  return {{"guidance_information", context.exact.name,
           "total of the caption: off the exact mutual information, relative", Direction::within, bar,
           relative_off(information.result().total(), exact)}};
}

}  // namespace noisescope::verify
