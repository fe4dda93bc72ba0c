// Pictures that the exact model draws as users draw them: each must be one of the given pictures, of those that its
// prompt is said of, and each of these as often as any other.
#include <cmath>

#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/picture_check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kSampling = "sampling";

struct Nearest {
  Tensor distance;  // [B] root mean square over pixels
  Tensor sample;    // [B] of the data
};

/// Of the pictures that are `said` [B, N].
Nearest nearest_of(const PictureContext& context, const Tensor& drawn, const Tensor& said) {
  const Tensor all = context.pictures(context.size() == 0 ? std::vector<int64_t>{} : sample_range(0, context.size()));
  const Tensor rows = all.flatten(1), x = drawn.flatten(1).to(torch::kFloat64);
  const Tensor squares = x.square().sum(1, true) - 2 * x.matmul(rows.t()) + rows.square().sum(1);
  const auto [least, index] = torch::where(said > 0, squares, torch::full({}, INFINITY, torch::kFloat64)).min(1);
  const Tensor exactly = (x - rows.index_select(0, index)).square().mean(1).sqrt();
  return {exactly, index};
}

Tensor drawn_pictures(const PictureContext& context, const std::vector<std::string>& prompts, int64_t first) {
  const PictureRequest request{prompts, "", context.options.seed, first};
  return draw_trajectory(context.exact, request, context.exact.sample).redraw({}, {}, context.control);
}

/// Ranks of the pictures by their mean pixel, in [0, N).
Tensor brightness_ranks(const PictureContext& context) {
  const Tensor mean = context.data->samples().pixels.to(torch::kFloat64).mean({1, 2, 3});
  return std::get<1>(mean.sort(true, 0, false)).argsort();
}

/// Where each picture alike comes out, (rank + u) / N is uniform in [0, 1) for a uniform u, whatever it is ranked by.
/// By brightness, the first thing that noise lets through and so the first that a sampler gets wrong.
VerifyRows share_rows(const PictureContext& context, const Tensor& sample) {
  const int64_t count = sample.size(0);
  const Tensor u = context.random().uniform(Purpose::evaluation, stream(Drawn::sampled_pictures),
                                            sample_range(0, count), {}, torch::kFloat64);
  const Tensor rank = brightness_ranks(context).index_select(0, sample).to(torch::kFloat64);
  const Tensor place = (rank + u) / static_cast<double>(context.size());
  const double uniform = uniformity_p(place);
  return {{kSampling, context.exact.name, "without prompt: share in the brighter half, off 1/2", Direction::within,
           0.125, absolute(plus(wilson((place > 0.5).sum().item<int64_t>(), count), -0.5))},
          {kSampling,
           context.exact.name,
           "without prompt: each picture alike, Kolmogorov p by brightness",
           Direction::at_least,
           0.01,
           {uniform, uniform, uniform, count},
           null_p_reversal(0.01, 1)}};
}

}  // namespace

VerifyRows check_sampling_of_pictures(const PictureContext& context) {
  constexpr double kHalfALevel = 1.0 / 255;  // of 8 bits: nearer than this, and the picture as stored is the given one
  const std::vector<std::string> prompts = context.captions(context.some(context.n(256, 32), stream(Drawn::prompts)));
  const auto count = static_cast<int64_t>(prompts.size());
  const Nearest prompted =
      nearest_of(context, drawn_pictures(context, prompts, 0), context.truth.condition_of(prompts));
  const int64_t free_count = context.n(1024, 256);
  const std::vector<std::string> none(static_cast<size_t>(free_count), "");
  const Nearest unprompted =
      nearest_of(context, drawn_pictures(context, none, count), context.null_condition(free_count));
  const auto worst = [](const Tensor& distance) { return distance.max().item<double>(); };
  const double told = worst(prompted.distance), untold = worst(unprompted.distance);
  VerifyRows rows = {{kSampling,
                      context.exact.name,
                      "of captions: farthest from a picture that has the caption, RMS",
                      Direction::at_most,
                      kHalfALevel,
                      {told, told, told, count}},
                     {kSampling,
                      context.exact.name,
                      "without prompt: farthest from a given picture, RMS",
                      Direction::at_most,
                      kHalfALevel,
                      {untold, untold, untold, free_count}}};
  append(rows, share_rows(context, unprompted.sample));
  return rows;
}

}  // namespace noisescope::verify
