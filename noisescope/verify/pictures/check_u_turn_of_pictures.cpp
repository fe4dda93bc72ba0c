// U-turns without prompt: what they keep against the posterior that they sample.
#include <cmath>

#include "noisescope/explain/u_turn.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

constexpr const char* kUTurn = "u_turn";

/// What is kept of a picture: itself, and whether it is one of the brighter half. [B, 2] from p of each picture [B, N].
Tensor kept_of(const Tensor& p, const Tensor& own, const Tensor& bright) {
  const Tensor same_half = (bright == bright.index_select(0, own).unsqueeze(1)).to(torch::kFloat64);  // [B, N]
  return torch::stack({p.gather(1, own.unsqueeze(1)).squeeze(1), (p * same_half).sum(1)}, 1);
}

/// A picture keeps itself with chance p or does not, so each level's mean is off by chance alone with variance
/// sum p (1 - p) / n^2, levels independently: the mean square of 4 in these units exceeds 1.82^2 once in a hundred
/// (chi-squared with 4 degrees of freedom). The mean over levels is an equivalence test: a tenth.
VerifyRows rows_of_retention(const PictureContext& context, const Tensor& p, const Tensor& off) {
  const Tensor chance = (p * (1 - p)).sum(1).clamp_min(1e-9) / static_cast<double>(p.size(1) * p.size(1));  // [L]
  const double rms = (off.select(2, 0).mean(1).square() / chance).mean().sqrt().item<double>();
  const auto row = [&](const char* figure, int64_t factor) {
    return VerifyRow{kUTurn, context.exact.name,
                     figure, Direction::within,
                     0.1,    absolute(mean_estimate(off.mean(0).select(1, factor)))};
  };
  return {{kUTurn,
           context.exact.name,
           "retention of the picture: off the exact posterior, RMS in units of chance",
           Direction::at_most,
           1.82,
           {rms, rms, rms, p.size(1)},
           0.01},
          row("retention of the picture: off the exact posterior, mean over levels", 0),
          row("retention of the brighter half: off it, mean over levels", 1)};
}

}  // namespace

VerifyRows check_u_turn_of_pictures(const PictureContext& context) {
  constexpr double kReadSigma = 0.05;
  const int64_t count = context.n(400, 128);
  const std::vector<int64_t> samples = context.some(count, stream(Drawn::turned));
  const Tensor own = torch::tensor(samples, torch::kInt64), null = context.null_condition(count);
  const Tensor mean = context.data->samples().pixels.to(torch::kFloat64).mean({1, 2, 3});
  const Tensor bright = mean > mean.median();
  const auto kept_at = [&](const Tensor& x, double sigma) {
    const Tensor sigmas = torch::full({count}, sigma, torch::kFloat64);
    return kept_of(context.truth.posterior(x, sigmas, null), own, bright);
  };
  const double half = half_known_log_snr(context, samples);
  UTurnOptions options;
  options.log_snrs.clear();
  for (const double off : {-2.0, -1.0, 0.0, 1.0}) options.log_snrs.push_back(half + off);
  options.log_snr_end = std::max(std::min(options.log_snr_end, context.exact.log_snr_max), half + 2);
  const PictureBatch batch{context.pictures(samples), {context.random(), sample_range(0, count)}};
  const UTurns turns = u_turns(
      {context.exact.denoiser, null}, batch, [&](const Tensor& again) { return kept_at(again, kReadSigma); }, options,
      context.control);
  std::vector<Tensor> exact;
  for (size_t level = 0; level < options.log_snrs.size(); ++level) {
    exact.push_back(kept_at(turning_point(batch, options.log_snrs, level), std::exp(-options.log_snrs[level] / 2)));
  }
  const Tensor p = torch::stack(exact), off = turns.kept - p;  // [L, B, 2]
  return rows_of_retention(context, p.select(2, 0), off);
}

}  // namespace noisescope::verify
