// Tests of the exact model's noise predictions against permuted captions, which must be silent where the own caption
// is a stranger's, too.
#include <cmath>
#include <set>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/pictures/picture_levels.h"

namespace noisescope::verify {
namespace {

constexpr size_t kExchanging = 8;  // pictures that exchange their captions

/// One sample of each different caption, in an order of its own for each `number`.
std::vector<int64_t> of_different_captions(const PictureContext& context, uint64_t number) {
  std::set<std::string> said;
  std::vector<int64_t> samples;
  for (const int64_t sample : context.shuffled(number)) {
    if (said.insert(context.captions({sample}).front()).second) samples.push_back(sample);
  }
  return samples;
}

/// `count` of them, in a new order whenever all have been taken.
std::vector<int64_t> drawn_samples(const PictureContext& context, int64_t count, Drawn what) {
  std::vector<int64_t> drawn;
  for (uint64_t time = 0; static_cast<int64_t>(drawn.size()) < count; ++time) {
    const std::vector<int64_t> order = of_different_captions(context, stream(what, 2 * time));
    drawn.insert(drawn.end(), order.begin(),
                 order.begin() + static_cast<std::ptrdiff_t>(order.size() / kExchanging * kExchanging));
  }
  drawn.resize(static_cast<size_t>(count));
  return drawn;
}

/// The smallest corrected p-value of each group of pictures under captions of their own or of drawn strangers.
Tensor smallest_p(const PictureContext& context, const std::vector<int64_t>& shown, const std::vector<int64_t>& said) {
  const double log_snr = half_known_log_snr(context, shown) + 1;
  const std::vector<std::string> captions = context.captions(said);
  std::vector<Tensor> smallest;
  for (size_t first = 0; first < shown.size(); first += kExchanging) {
    const auto from = static_cast<std::ptrdiff_t>(first), to = static_cast<std::ptrdiff_t>(first + kExchanging);
    const NoisyPictures noisy = noisy_pictures(context, {shown.begin() + from, shown.begin() + to}, log_snr,
                                               stream(Drawn::prediction_noise, first));
    const SamplerStep step{0, 1, sigma_of_log_snr(log_snr), 0, noisy.x, {}};
    const Tensor condition = context.exact.condition({captions.begin() + from, captions.begin() + to});
    const PredictionTests tests = test_predictions({context.exact.denoiser, condition}, {step},
                                                   {.group = static_cast<int64_t>(kExchanging), .permutations = 399},
                                                   Random(context.options.seed + first), context.control);
    smallest.push_back(tests.corrected.min());
  }
  return torch::stack(smallest);
}

VerifyRow found_row(const PictureContext& context, const std::string& figure, Direction direction, double bar,
                    const Tensor& p) {
  return {"prediction_tests",
          context.exact.name,
          figure,
          direction,
          bar,
          wilson((p <= 0.05).sum().item<int64_t>(), p.size(0))};
}

}  // namespace

VerifyRows check_prediction_tests_of_pictures(const PictureContext& context) {
  // Of fewer captions permutations have too few different values to reach 5 % after correction.
  if (of_different_captions(context, stream(Drawn::shown)).size() < 2 * kExchanging) return {};
  const auto size = static_cast<int64_t>(kExchanging);
  const int64_t groups = context.n(400, 40), own_groups = context.n(100, 12);
  const std::vector<int64_t> shown = drawn_samples(context, groups * size, Drawn::shown);
  const std::vector<int64_t> strangers = drawn_samples(context, groups * size, Drawn::strangers);
  const std::vector<int64_t> own(shown.begin(), shown.begin() + static_cast<std::ptrdiff_t>(own_groups * size));
  // Of a test that is right 5 % are found, and three standard errors of that share are left to chance.
  const double chance = 0.05 + 3 * std::sqrt(0.05 * 0.95 / static_cast<double>(groups));
  return {found_row(context, "predictions under strangers' captions: found at 5 %", Direction::at_most, chance,
                    smallest_p(context, shown, strangers)),
          found_row(context, "predictions under the own captions: found at 5 %", Direction::at_least, 0.9,
                    smallest_p(context, own, own))};
}

}  // namespace noisescope::verify
