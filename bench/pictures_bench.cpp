// Times the exact denoiser of given pictures on two threads:
//   pictures_bench [PICTURES] [SIDE] [ROUNDS]
// prints one JSON object: evaluations a second by batch size, medians over rounds.
#include <algorithm>
#include <chrono>
#include <iostream>

#include <nlohmann/json.hpp>

#include "noisescope/core/random.h"
#include "noisescope/world/picture_denoiser.h"

namespace noisescope {
namespace {

GivenPictures random_pictures(int64_t count, int64_t side) {
  const Tensor pixels = torch::empty({count, 3, side, side}, torch::kUInt8);
  for (int64_t i = 0; i < count; ++i) {
    pixels[i] = (Random(0).uniform(Purpose::scene, 0, {i}, {3, side, side})[0] * 255).to(torch::kUInt8);
  }
  return {"random", pixels, std::vector<std::vector<std::string>>(static_cast<size_t>(count), {"noise"}), {}};
}

/// Evaluations a second of one call with a batch.
double speed(const PictureDenoiser& denoiser, int64_t batch) {
  const Tensor x = denoiser.pictures().pixels.slice(0, 0, batch).to(torch::kFloat32) / 127.5 - 1;
  const Tensor sigma = torch::ones({batch}), null = denoiser.null_condition().expand({batch, -1});
  const auto start = std::chrono::steady_clock::now();
  denoiser.denoise(x, sigma, null);
  return double(batch) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace
}  // namespace noisescope

int main(int argc, char** argv) {
  using namespace noisescope;
  const auto argument = [&](int place, int64_t otherwise) {
    return argc > place ? std::atoll(argv[place]) : otherwise;
  };
  const int64_t rounds = argument(3, 9);
  const PictureDenoiser denoiser(random_pictures(argument(1, 3658), argument(2, 32)));
  nlohmann::ordered_json json = {{"pictures", denoiser.size()}};
  for (const int64_t batch : {1, 8, 32, 128}) {
    std::vector<double> speeds;
    for (int64_t round = 0; round < rounds; ++round) speeds.push_back(speed(denoiser, batch));
    std::nth_element(speeds.begin(), speeds.begin() + rounds / 2, speeds.end());
    json["evaluations_per_second"][std::to_string(batch)] = speeds[static_cast<size_t>(rounds / 2)];
  }
  std::cout << json.dump(2) << "\n";
}
