#include "noisescope/verify/prompt_share.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/roll.h>

#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/evidence_question.h"

namespace noisescope::verify {
namespace {

constexpr double kLevel = -4;       // log-SNR at which words are half decided
constexpr double kLevelStep = 0.4;  // log-SNR between the noise levels that are told
constexpr int64_t kDraws = 4;       // of noise for each picture
constexpr int64_t kPass = 64;

/// Of each of B pictures, summed over draws: regressors' products [B, 3, 3] and theirs with the target [B, 3]; squared
/// errors told a higher, the true and a lower noise level, [B, 3].
struct PromptShareSums {
  Tensor products, with_target, errors;
};

/// The prompt's share, its mirror image, and its derivative along x in nats of a pixel: [B, 3, N].
Tensor regressors_of(const Tensor& share) {
  const Tensor along = (at::roll(share, {-1}, {3}) - at::roll(share, {1}, {3})) / 2;
  return torch::stack({share.flatten(1), share.flip(3).flatten(1), along.flatten(1)}, 1);
}

PromptShareSums sums_of_draw(const Model& subject, const SceneBatch& batch, const Tensor& noise) {
  const Tensor condition = subject.condition(batch.captions());
  const double level = sigma_of_log_snr(kLevel);
  const auto told = [&](double log_snr) {
    return torch::full({batch.size()}, sigma_of_log_snr(log_snr), torch::kFloat64);
  };
  const Tensor x = batch.pictures + level * noise;
  const Tensor prompted = subject.denoiser(x, told(kLevel), condition);
  const Tensor unprompted = subject.denoiser(x, told(kLevel), subject.null_condition(batch.size()));
  const Tensor regressors = regressors_of((prompted - unprompted).to(torch::kFloat64));
  const Tensor target = (batch.pictures - unprompted).flatten(1).unsqueeze(2);
  std::vector<Tensor> errors;
  for (const double off : {-kLevelStep, 0.0, kLevelStep}) {
    const Tensor estimate = off == 0 ? prompted : subject.denoiser(x, told(kLevel + off), condition);
    errors.push_back((estimate - batch.pictures).square().sum({1, 2, 3}, false, torch::kFloat64));
  }
  return {regressors.bmm(regressors.transpose(1, 2)), regressors.bmm(target).squeeze(2), torch::stack(errors, 1)};
}

PromptShareSums sums_of(const VerifyContext& context, const Model& subject, const SceneBatch& batch) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> products, with_target, errors;
  for (int64_t first = 0; first < batch.size(); first += kPass) {
    const SceneBatch part = batch.rows(sample_range(first, std::min(kPass, batch.size() - first)));
    PromptShareSums sums;
    for (int64_t draw = 0; draw < kDraws; ++draw) {
      context.control.throw_if_stopped("verify.prompt_share");
      const Tensor noise =
          Random(context.options.seed)
              .normal(Purpose::explain, 11 + static_cast<uint64_t>(draw), sample_range(first, part.size()),
                      part.pictures.sizes().slice(1), torch::kFloat64);
      const PromptShareSums one = sums_of_draw(subject, part, noise);
      sums = draw == 0 ? one
                       : PromptShareSums{sums.products + one.products, sums.with_target + one.with_target,
                                         sums.errors + one.errors};
    }
    products.push_back(sums.products);
    with_target.push_back(sums.with_target);
    errors.push_back(sums.errors);
  }
  return {torch::cat(products), torch::cat(with_target), torch::cat(errors)};
}

/// Scale of the share, part of it that belongs mirrored, and shift in px, from the regression's slopes a, b, c: the
/// truth is a S + b mirror(S) + c dS/dx.
std::array<double, 3> slopes_of(const PromptShareSums& sums, const Tensor& rows) {
  const auto sum = [&](const Tensor& each) { return each.index_select(0, rows).sum(0); };
  const Tensor slopes = torch::linalg_solve(sum(sums.products), sum(sums.with_target));
  const double a = slopes[0].item<double>(), b = slopes[1].item<double>(), c = slopes[2].item<double>();
  return {1 / (a + b), -b / (a - b), c / (a - b)};
}

/// The log-SNR to be told for the least error, less the true one: the vertex of the parabola through three.
double best_level(const PromptShareSums& sums, const Tensor& rows) {
  const Tensor mean = sums.errors.index_select(0, rows).mean(0);
  const double low = mean[0].item<double>(), middle = mean[1].item<double>(), high = mean[2].item<double>();
  return kLevelStep / 2 * (low - high) / (low - 2 * middle + high);
}

}  // namespace

VerifyRows prompt_share_rows(const VerifyContext& context, const Model& subject, const PromptShareBars& bars) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(400, 200));
  const PromptShareSums sums = sums_of(context, subject, batch);
  const auto row = [&](const char* figure, std::optional<double> bar, double truth,
                       const std::function<double(const Tensor& rows)>& measure) {
    const Estimate measured = bootstrap(measure, batch.size(), Random(context.options.seed));
    return VerifyRow{kEvidence,
                     subject.name,
                     format_text("estimates at log-SNR {}: {}", kLevel, figure),
                     bar ? Direction::within : Direction::reported,
                     bar.value_or(0),
                     absolute(plus(measured, -truth))};
  };
  const auto slope = [&](size_t k) { return [&, k](const Tensor& rows) { return slopes_of(sums, rows)[k]; }; };
  return {row("scale of what the prompt adds, off 1", bars.scale, 1, slope(0)),
          row("share of what the prompt adds that lies mirrored", bars.leak, 0, slope(1)),
          row("shift of what the prompt adds, px", bars.shift_px, 0, slope(2)),
          row("noise level to be told, log-SNR off", bars.log_snr, 0,
              [&](const Tensor& rows) { return best_level(sums, rows); })};
}

}  // namespace noisescope::verify
