#include "noisescope/explain/metric/removal.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_unique.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"

namespace noisescope::explain {
namespace {

/// Standard normal noise [M, C, H, W] of the samples of M rows, drawn once for each sample.
class RowNoise {
 public:
  RowNoise(const Random& random, const std::vector<int64_t>& sample_ids, const Tensor& pictures, const Tensor& sample)
      : random_(random), like_(pictures) {
    const auto [samples, row] = at::_unique(sample.to(torch::kCPU), true, true);
    row_ = row.to(pictures.device());
    for (int64_t i = 0; i < samples.size(0); ++i) {
      ids_.push_back(sample_ids.at(size_t(samples[i].item<int64_t>())));
    }
  }

  Tensor operator()(uint64_t step) const {
    return random_.normal(Purpose::explain, step, ids_, like_.sizes().slice(1), like_.scalar_type())
        .to(like_.device())
        .index_select(0, row_);
  }

 private:
  Random random_;
  Tensor like_, row_;
  std::vector<int64_t> ids_;
};

std::vector<double> levels_of(const RefillOptions& options) {
  std::vector<double> sigmas;
  for (int64_t i = 0; i < options.steps; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(options.steps - 1);
    sigmas.push_back(sigma_of_log_snr(std::lerp(options.log_snr_min, options.log_snr_max, share)));
  }
  sigmas.push_back(0);
  return sigmas;
}

void check_options(const RefillOptions& options) {
  if (options.steps < 2 || options.resamples < 1 || options.pass_size < 1 ||
      !(options.log_snr_min < options.log_snr_max)) {
    throw ValueError(
        format_text("[explain.refill] expected steps >= 2, resamples >= 1, pass_size >= 1 and log_snr_min < "
                    "log_snr_max, got {}, {}, {}, {} and {}",
                    options.steps, options.resamples, options.pass_size, options.log_snr_min, options.log_snr_max));
  }
}

/// The refill of the rows of one pass; `denoise` has its condition bound.
Tensor repaint(const std::function<Tensor(const Tensor& x, double sigma)>& denoise, const Tensor& pictures,
               const Tensor& removed, const std::vector<double>& sigmas, int64_t resamples, const RowNoise& noise) {
  uint64_t draw = 0;
  Tensor x = sigmas[0] * noise(draw++);
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const double sigma = sigmas[i], next = sigmas[i + 1];
    const Posterior q = posterior_ve(sigma, next);
    if (next == 0) return torch::where(removed, denoise(x, sigma), pictures);
    for (int64_t pass = 0; pass < resamples; ++pass) {
      const Tensor kept = pictures + next * noise(draw++);
      const Tensor drawn = q.x0_factor * denoise(x, sigma) + q.xt_factor * x + std::sqrt(q.variance) * noise(draw++);
      x = torch::where(removed, drawn, kept);
      if (pass + 1 < resamples) x = x + std::sqrt(sigma * sigma - next * next) * noise(draw++);
    }
  }
  return x;
}

}  // namespace

void describe(Describer& d, RefillOptions& options) {
  d("steps", options.steps, "noise levels of a refill", {.min = 2, .max = 100000});
  d("resamples", options.resamples, "passes over each of its steps", {.min = 1, .max = 1000});
  d("log_snr_min", options.log_snr_min, "its first noise level", {.min = -20, .max = 20});
  d("log_snr_max", options.log_snr_max, "its last noise level", {.min = -20, .max = 20});
  d("pass_size", options.pass_size, "samples per network evaluation", {.min = 1, .max = 65536});
}

Removal replace_by(double value) {
  return [=](const Tensor& pictures, const Tensor& removed, const Tensor&) {
    // Weights 0 and 1 give back either end. torch::where and casts from bool go number by number, these
    // by vectors; a value as large as a picture spares the kernel a stride of 0.
    const Tensor values = torch::full(pictures.sizes().slice(1), value, pictures.options());
    const Tensor weights = removed.view(torch::kUInt8).to(pictures.scalar_type());
    return torch::lerp(pictures, values, weights.unsqueeze(1));
  };
}

Removal replace_by_noise(const Random& random, std::vector<int64_t> sample_ids) {
  return [=](const Tensor& pictures, const Tensor& removed, const Tensor& sample) {
    const Tensor mean = pictures.mean({2, 3}, true);
    const Tensor deviation = (pictures - mean).square().mean({2, 3}, true).sqrt();
    const RowNoise noise(random, sample_ids, pictures, sample);
    return torch::where(removed.unsqueeze(1), mean + deviation * noise(name_hash("matched noise")), pictures);
  };
}

Removal refill(Denoiser denoiser, Tensor condition, const RefillOptions& options, const Random& random,
               std::vector<int64_t> sample_ids) {
  check_options(options);
  check_shape("explain.refill", "condition", condition, {static_cast<int64_t>(sample_ids.size()), -1});
  return [=, sigmas = levels_of(options)](const Tensor& pictures, const Tensor& removed, const Tensor& sample) {
    const torch::NoGradGuard no_grad;
    std::vector<Tensor> parts;
    for (int64_t first = 0; first < pictures.size(0); first += options.pass_size) {
      const int64_t count = std::min(options.pass_size, pictures.size(0) - first);
      const Tensor rows = sample.narrow(0, first, count);
      const Tensor own = condition.index_select(0, rows.to(condition.device()));
      const Tensor some = pictures.narrow(0, first, count);
      const auto denoise = [&](const Tensor& x, double sigma) {
        return denoiser(x, torch::full({count}, sigma, x.options()), own);
      };
      parts.push_back(repaint(denoise, some, removed.narrow(0, first, count).unsqueeze(1), sigmas, options.resamples,
                              RowNoise(random, sample_ids, some, rows)));
    }
    return torch::cat(parts);
  };
}

}  // namespace noisescope::explain
