// The exact model of the pictures against plain loops over pictures and pixels in float64, which share nothing with
// it: no product of matrices, no table of norms, no texts made into conditions.
#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/verify/pictures/asked_pictures.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

/// -|x - a_i|^2 / (2 sigma^2) of every picture, by loops. x [C S S] of one picture.
std::vector<double> log_likelihoods(const Tensor& pixels, const Tensor& x, double sigma) {
  const Tensor bytes = pixels.flatten(1).contiguous(), flat = x.flatten().contiguous();
  const uint8_t* row = bytes.const_data_ptr<uint8_t>();
  const double* value = flat.const_data_ptr<double>();
  std::vector<double> log_p;
  for (int64_t i = 0; i < bytes.size(0); ++i, row += bytes.size(1)) {
    double squares = 0;
    for (int64_t d = 0; d < bytes.size(1); ++d) {
      const double off = value[d] - (row[d] / 127.5 - 1);
      squares += off * off;
    }
    log_p.push_back(-squares / (2 * sigma * sigma));
  }
  return log_p;
}

/// Probabilities of the pictures that are `said`, all alike before; 0 of the others.
std::vector<double> normalised(const std::vector<double>& log_p, const std::vector<char>& said) {
  double largest = -INFINITY, total = 0;
  for (size_t i = 0; i < log_p.size(); ++i) {
    if (said[i]) largest = std::max(largest, log_p[i]);
  }
  std::vector<double> p(log_p.size(), 0.0);
  for (size_t i = 0; i < p.size(); ++i) {
    if (said[i]) total += p[i] = std::exp(log_p[i] - largest);
  }
  for (double& one : p) one /= total;
  return p;
}

Tensor mean_picture(const Tensor& pixels, const std::vector<double>& p) {
  const Tensor bytes = pixels.flatten(1).contiguous();
  const uint8_t* row = bytes.const_data_ptr<uint8_t>();
  std::vector<double> mean(static_cast<size_t>(bytes.size(1)), 0.0);
  for (size_t i = 0; i < p.size(); ++i, row += bytes.size(1)) {
    if (p[i] == 0) continue;
    for (size_t d = 0; d < mean.size(); ++d) mean[d] += p[i] * (row[d] / 127.5 - 1);
  }
  return torch::tensor(mean, torch::kFloat64);
}

/// p(version k) of captions that are all alike before, from ln p(x | picture): the mean likelihood of its pictures.
std::vector<double> decided(const std::vector<double>& log_p, const std::vector<std::vector<char>>& versions) {
  double largest = -INFINITY, total = 0;
  for (const double one : log_p) largest = std::max(largest, one);
  std::vector<double> p;
  for (const auto& said : versions) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < log_p.size(); ++i) {
      sum += said[i] ? std::exp(log_p[i] - largest) : 0;
      count += said[i] ? 1 : 0;
    }
    total += p.emplace_back(sum / count);
  }
  for (double& one : p) one /= total;
  return p;
}

/// The pictures that have this caption, letter by letter.
std::vector<char> pictures_with(const PictureContext& context, const std::string& caption) {
  std::vector<char> said(static_cast<size_t>(context.size()), 0);
  for (int64_t i = 0; i < context.size(); ++i) {
    for (const int64_t row : context.data->captions_of(i)) {
      if (context.data->captions()[static_cast<size_t>(row)] == caption) said[static_cast<size_t>(i)] = 1;
    }
  }
  return said;
}

double worst(const Tensor& values, const std::vector<double>& truth) {
  return (values.flatten() - torch::tensor(truth, torch::kFloat64)).abs().max().item<double>();
}

struct WorstErrors {
  double posterior = 0, estimate = 0, decision = 0;
  int64_t count = 0;

  void add(const PictureContext& context, const AskedPicture& asked, double log_snr);
};

void WorstErrors::add(const PictureContext& context, const AskedPicture& asked, double log_snr) {
  const auto [x, sigma] =
      noisy_pictures(context, {asked.sample}, log_snr, stream(Drawn::denoiser_noise, static_cast<uint64_t>(count)));
  const Tensor& pixels = context.data->samples().pixels;
  const std::vector<double> log_p = log_likelihoods(pixels, x, sigma.item<double>());
  std::vector<std::vector<char>> versions;
  for (const std::string& prompt : asked.contrast.prompts) versions.push_back(pictures_with(context, prompt));
  const Tensor conditions = context.exact.condition(asked.contrast.prompts), null = context.truth.null_condition();

  const std::vector<double> p = normalised(log_p, std::vector<char>(log_p.size(), 1));
  posterior = std::max(posterior, worst(context.truth.posterior(x, sigma, null.unsqueeze(0)), p));
  const auto own = static_cast<size_t>(asked.contrast.true_version);
  const Tensor told = context.exact.denoiser(x, sigma, conditions.narrow(0, asked.contrast.true_version, 1));
  const Tensor untold = context.exact.denoiser(x, sigma, null.unsqueeze(0));
  const auto off = [](const Tensor& a, const Tensor& b) { return (a.flatten() - b).abs().max().item<double>(); };
  estimate = std::max({estimate, off(untold, mean_picture(pixels, p)),
                       off(told, mean_picture(pixels, normalised(log_p, versions[own])))});
  decision = std::max(decision, worst(context.truth.log_likelihood_ratio(x, sigma, conditions, null).softmax(1),
                                      decided(log_p, versions)));
  ++count;
}

}  // namespace

VerifyRows check_picture_denoiser(const PictureContext& context) {
  constexpr double kLogSnrs[] = {-6, -4, -3, -2, -1, 0, 2, 4};
  constexpr double kRounding = 1e-6;  // float64 leaves 1e-9 of distances of 10^4; what is printed has four digits
  const std::vector<AskedPicture> asked = asked_pictures(context, context.n(32, 4));
  WorstErrors errors;
  for (const AskedPicture& one : asked) {
    for (const double log_snr : kLogSnrs) {
      context.control.throw_if_stopped("verify.picture_denoiser");
      if (log_snr <= context.exact.log_snr_max) errors.add(context, one, log_snr);
    }
  }
  const auto row = [&](const char* figure, double value) {
    return VerifyRow{"picture_denoiser", context.exact.name, figure,
                     Direction::at_most, kRounding,          {value, value, value, errors.count}};
  };
  return {row("p of each picture: worst difference from plain loops", errors.posterior),
          row("estimate, with prompt and without: worst pixel off plain loops", errors.estimate),
          row("decision curve of captions: worst difference from plain loops", errors.decision)};
}

}  // namespace noisescope::verify
