#include "noisescope/run/evaluate_departure.h"

#include "noisescope/core/random.h"
#include "noisescope/model/model.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

constexpr double kDepartureSigmas[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20};
constexpr int64_t kDeparturePictures = 64;

double rms(const Tensor& difference) { return difference.to(torch::kFloat64).square().mean().sqrt().item<double>(); }

/// Up to 64 of the samples, drawn by the seed.
std::vector<int64_t> some_of(const std::vector<int64_t>& samples, uint64_t seed) {
  const Tensor order = Random(seed).permutation(Purpose::evaluation, 13, static_cast<int64_t>(samples.size()));
  std::vector<int64_t> chosen;
  for (int64_t k = 0; k < std::min(kDeparturePictures, order.size(0)); ++k) {
    chosen.push_back(samples[static_cast<size_t>(order[k].item<int64_t>())]);
  }
  return chosen;
}

/// {"network": [L], "exact": [L], "apart": [L]} of clean pictures [B, 3, S, S].
ordered_json departure_of(const TextToImage& network, const PictureDenoiser& truth, const Tensor& clean,
                          uint64_t seed) {
  ordered_json json = {
      {"network", ordered_json::array()}, {"exact", ordered_json::array()}, {"apart", ordered_json::array()}};
  const int64_t count = clean.size(0);
  const Tensor noise = Random(seed).normal(Purpose::evaluation, 13, sample_range(0, count), {clean.sizes().slice(1)});
  const Denoiser learned = network.denoiser();
  const Tensor exact_null = truth.null_condition().expand({count, -1}), learned_null = network.null_condition(count);
  for (const double level : kDepartureSigmas) {
    const Tensor x = clean + level * noise, sigma = torch::full({count}, level);
    const Tensor exact = truth.denoise(x, sigma, exact_null);
    const Tensor said = learned(x.to(network.device()), sigma.to(network.device()), learned_null).to(torch::kCPU);
    json["network"].push_back(rms(said - clean));
    json["exact"].push_back(rms(exact - clean));
    json["apart"].push_back(rms(said - exact));
  }
  return json;
}

}  // namespace

ordered_json evaluate_departure(const TextToImage& network, const ImageDataset& data,
                                const std::vector<int64_t>& trained, const std::vector<int64_t>& others,
                                uint64_t seed) {
  const PictureDenoiser truth(given_pictures(data, trained));
  ordered_json json = {{"sigma", kDepartureSigmas}};
  json["trained"] = departure_of(network, truth, data.images(some_of(trained, seed)), seed);
  if (!others.empty()) json["others"] = departure_of(network, truth, data.images(some_of(others, seed)), seed);
  return json;
}

}  // namespace noisescope::run
