#include "noisescope/verify/planted_error.h"

#include <cmath>

#include <ATen/ops/roll.h>

namespace noisescope::verify {
namespace {

/// The own version's log-odds, this many nats higher at every level.
Tensor biased(const Evidence& evidence, double nats) {
  const Tensor own = torch::arange(evidence.log_posterior.size(2)).eq(evidence.true_version.unsqueeze(1));
  return evidence.log_posterior + nats * own;
}

std::vector<PlantedError> all_errors() {
  const std::vector<double> shares = {0.05, 0.1, 0.2, 0.4, 0.8}, log_snrs = {0.1, 0.2, 0.4, 0.8, 1.6};
  const auto scaled = [](double factor) {
    return of_log_posterior([factor](const Evidence& e) { return factor * e.log_posterior; });
  };
  return {
      {"evidence overstated, share", 0.2, shares, "evidence", [=](double size) { return scaled(1 + size); }},
      {"evidence understated, share", 0.2, shares, "evidence", [=](double size) { return scaled(1 - size); }},
      {"log-odds of the true version too high, nats", 0.2, shares, "evidence",
       [](double size) { return of_log_posterior([size](const Evidence& e) { return biased(e, size); }); }},
      {"log-odds of the true version too low, nats", 0.2, shares, "evidence",
       [](double size) { return of_log_posterior([size](const Evidence& e) { return biased(e, -size); }); }},
      {"prompt overstated, share", 0.2, shares, "", [](double size) { return amplify_prompt(1 + size); }},
      {"prompt understated, share", 0.2, shares, "", [](double size) { return amplify_prompt(1 - size); }},
      {"prompt shifted, px",
       1,
       {1, 2, 4, 8},
       "",
       [](double size) { return shift_prompt(static_cast<int64_t>(std::llround(size))); }},
      {"prompt leaking to the other half, share", 0.2, shares, "", [](double size) { return leak_prompt(size); }},
      {"noise level taken for a higher one, log-SNR", 0.2, log_snrs, "",
       [](double size) { return misread_noise_level(std::exp(size / 2)); }},
      {"noise level taken for a lower one, log-SNR", 0.2, log_snrs, "",
       [](double size) { return misread_noise_level(std::exp(-size / 2)); }},
  };
}

}  // namespace

Seams of_denoiser(const std::function<Denoiser(const Model&)>& broken) {
  Seams seams;
  seams.model = [broken](Model model) {
    model.denoiser = broken(model);
    return model;
  };
  return seams;
}

Seams of_prompt_share(const std::function<Tensor(const Tensor&)>& change) {
  return of_denoiser([change](const Model& model) -> Denoiser {
    return [denoiser = model.denoiser, null = model.condition({""}), change](const Tensor& x, const Tensor& sigma,
                                                                             const Tensor& condition) {
      const Tensor unprompted = denoiser(x, sigma, null.expand_as(condition));
      return unprompted + change(denoiser(x, sigma, condition) - unprompted);
    };
  });
}

Seams shift_prompt(int64_t pixels) {
  return of_prompt_share([pixels](const Tensor& share) { return at::roll(share, {pixels}, {3}); });
}

Seams amplify_prompt(double factor) {
  return of_prompt_share([factor](const Tensor& share) { return factor * share; });
}

Seams misread_noise_level(double factor) {
  return of_denoiser([factor](const Model& model) -> Denoiser {
    return [denoiser = model.denoiser, factor](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
      return denoiser(x, factor * sigma, condition);
    };
  });
}

Seams leak_prompt(double share) {
  return of_prompt_share([share](const Tensor& prompt) { return (1 - share) * prompt + share * prompt.flip(3); });
}

Seams of_log_posterior(const std::function<Tensor(const Evidence&)>& change) {
  Seams seams;
  seams.filter = [change](const PathFilter& filter) -> PathFilter {
    return [filter, change](const Denoiser& denoiser, const PictureBatch& batch, const Contrast& contrast,
                            const EvidenceOptions& options, const Control& control) {
      Evidence evidence = filter(denoiser, batch, contrast, options, control);
      evidence.log_posterior = change(evidence).log_softmax(2);
      return evidence;
    };
  };
  return seams;
}

const std::vector<PlantedError>& planted_errors() {
  static const std::vector<PlantedError> all = all_errors();
  return all;
}

}  // namespace noisescope::verify
