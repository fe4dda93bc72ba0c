#include "noisescope/explain/prediction_tests.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/multiple_testing.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/passes.h"
#include "noisescope/explain/relabelling.h"

namespace noisescope {
namespace {

constexpr uint64_t kPartnerStep = 1;  // of the draw of permuted prompts; relabelling is step 0

/// Correlation of two sets of pixels about the picture's mean 0, [B].
Tensor correlation(const Tensor& a, const Tensor& b) {
  return (a * b).sum({1, 2, 3}) / (a.square().sum({1, 2, 3}) * b.square().sum({1, 2, 3})).sqrt();
}

Tensor channel_correlation(const Tensor& x) {
  const int64_t channels = x.size(1);
  Tensor sum = torch::zeros({x.size(0)}, torch::kFloat64);
  for (int64_t a = 0; a < channels; ++a) {
    for (int64_t b = a + 1; b < channels; ++b) {
      sum += correlation(x.narrow(1, a, 1), x.narrow(1, b, 1)).square();
    }
  }
  return sum / static_cast<double>(channels * (channels - 1) / 2);
}

/// Rows of other pictures for each of B: [B, count], none its own, none twice.
Tensor partners(int64_t B, int64_t count, const Random& random) {
  const Tensor order = random.permutation(Purpose::explain, kPartnerStep, B);
  const Tensor place = order.argsort();
  const Tensor shift = torch::arange(1, count + 1);
  return order.index_select(0, ((place.unsqueeze(1) + shift) % B).flatten()).view({B, count});
}

/// Statistics of eps-hat of one step, [B, K, T], under the rows of `condition` that `rows` [B, K] names.
NoiseStatistics statistics_of(const Denoiser& denoiser, const SamplerStep& step,
                              const Tensor& condition, const Tensor& rows, int64_t pass_size) {
  const int64_t B = rows.size(0), K = rows.size(1);
  const Tensor x = step.x.to(condition.device());
  const Tensor sample = torch::arange(B, x.device()).repeat_interleave(K);
  const Tensor sigma = torch::full({B}, step.sigma, x.options());
  const Tensor versions = condition.index_select(0, rows.flatten().to(condition.device()));
  const Tensor denoised = denoise_in_passes(denoiser, x, sigma, versions, sample, pass_size);
  NoiseStatistics statistics = noise_statistics(
      noise_of(x.index_select(0, sample), denoised, sigma.index_select(0, sample)));
  statistics.values = statistics.values.view({B, K, -1});
  return statistics;
}

}  // namespace

NoiseStatistics noise_statistics(const Tensor& noise) {
  check_shape("explain.noise_statistics", "noise", noise, {-1, -1, -1, -1});
  const int64_t H = noise.size(2), W = noise.size(3);
  if (noise.size(0) < 1 || H < 4 || W < 4) {
    throw ValueError("[explain.noise_statistics] expected pictures of at least 4x4 pixels, got " +
                     describe_tensor(noise));
  }
  const Tensor raw = noise.to(torch::kCPU, torch::kFloat64);
  const Tensor mean = raw.mean({1, 2, 3});
  const Tensor x = raw - per_sample(mean);
  const Tensor variance = x.square().mean({1, 2, 3});
  if (!(variance > 0).all().item<bool>()) {  // also where it is NaN
    throw NumericError("[explain.noise_statistics] expected finite pictures that are not constant, got "
                       "others");
  }
  const auto n = static_cast<double>(x[0].numel());
  NoiseStatistics out;
  std::vector<Tensor> columns;
  const auto add = [&](const char* name, const Tensor& values) {
    out.names.emplace_back(name);
    columns.push_back(values);
  };
  add("mean", mean);
  add("log_variance", variance.log());
  add("skewness", x.pow(3).mean({1, 2, 3}) / variance.pow(1.5));
  add("kurtosis", x.pow(4).mean({1, 2, 3}) / variance.square());
  add("horizontal", correlation(x.slice(3, 0, W - 1), x.slice(3, 1)));
  add("vertical", correlation(x.slice(2, 0, H - 1), x.slice(2, 1)));
  if (x.size(1) >= 2) add("channels", channel_correlation(x));
  add("low_frequency", band_energy(x, 0, 0.25).energy / (variance * n));
  add("high_frequency", band_energy(x, 0.75, 1.1).energy / (variance * n));
  out.values = torch::stack(columns, 1);
  return out;
}

void describe(Describer& d, PredictionTestOptions& options) {
  d("prompts", options.prompts, "permuted prompts a picture", {.min = 1, .max = 65536});
  d("permutations", options.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

PredictionTests compare_statistics(const Tensor& statistics, std::vector<std::string> names,
                                   int64_t permutations, const Random& random) {
  const auto T = static_cast<int64_t>(names.size());
  check_shape("explain.compare_statistics", "statistics", statistics, {-1, -1, -1, T});
  const int64_t S = statistics.size(0), B = statistics.size(1);
  const Tensor values = statistics.permute({1, 2, 0, 3}).flatten(2);  // [B, K, S T]
  constexpr double kResolution = 1e-12;  // statistics are of the order of 1
  const Relabelled z = relabel_blocks(values, torch::zeros({B}, torch::kInt64),
                                      {permutations, random}).standardised(kResolution);
  const Tensor size = z.observed.abs(), null = z.null.abs();
  return {std::move(names), z.observed.view({S, T}), relabelling_p(size, null).view({S, T}),
          relabelling_max_p(size, null).view({S, T})};
}

PredictionTests test_predictions(const Denoiser& denoiser, const std::vector<SamplerStep>& steps,
                                 const Tensor& condition, const PredictionTestOptions& options,
                                 const Random& random) {
  const at::NoGradGuard no_grad;
  check_shape("explain.test_predictions", "condition", condition, {-1, -1});
  const int64_t B = condition.size(0);
  if (steps.empty() || options.prompts < 1 || options.prompts >= B) {
    throw ValueError("[explain.test_predictions] expected recorded steps and permuted prompts fewer than "
                     "pictures, got " + std::to_string(steps.size()) + " steps, " +
                     std::to_string(options.prompts) + " prompts and " + std::to_string(B) +
                     " pictures");
  }
  const Tensor rows = torch::cat({torch::arange(B).unsqueeze(1), partners(B, options.prompts, random)}, 1);
  NoiseStatistics statistics;
  std::vector<Tensor> of_steps;
  for (const SamplerStep& step : steps) {
    if (!step.x.defined()) {
      throw ValueError("[explain.test_predictions] expected recorded noisy images, got none; record x");
    }
    check_shape("explain.test_predictions", "x", step.x, {B, -1, -1, -1});
    statistics = statistics_of(denoiser, step, condition, rows, options.pass_size);
    of_steps.push_back(statistics.values);
  }
  return compare_statistics(torch::stack(of_steps), statistics.names, options.permutations, random);
}

}  // namespace noisescope
