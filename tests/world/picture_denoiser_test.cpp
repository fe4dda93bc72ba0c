#include "noisescope/world/picture_denoiser.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"

namespace noisescope {
namespace {

GivenPictures five_pictures() {
  const Tensor uniform = Random(1).uniform(Purpose::scene, 0, sample_range(0, 5), {3, 4, 4});
  return {
      "five",
      (uniform * 255).to(torch::kUInt8),
      {{"red heart"}, {"Blue heart, large", "a second"}, {"fox"}, {"red circle", "a circle, not a fox"}, {"red heart"}},
      {"hearts", "hearts", "animals", "circles", "hearts"}};
}

/// Pictures [B, 3, 4, 4] of the five with noise.
Tensor noised(const PictureDenoiser& denoiser, const Tensor& sigma) {
  const Tensor clean = denoiser.pictures().pixels.slice(0, 0, sigma.size(0)).to(torch::kFloat64) / 127.5 - 1;
  const Tensor noise =
      Random(2).normal(Purpose::explain, 0, sample_range(0, sigma.size(0)), {3, 4, 4}, torch::kFloat64);
  return clean + sigma.view({-1, 1, 1, 1}) * noise;
}

/// p(i | x) of one picture by two plain loops, and with it the mean picture.
std::pair<std::vector<double>, std::vector<double>> brute_force(const GivenPictures& given, const Tensor& x,
                                                                double sigma, const Tensor& weights) {
  const Tensor bytes = given.pixels.flatten(1).contiguous(), flat = x.flatten().contiguous();
  const auto pixel = bytes.accessor<uint8_t, 2>();
  const auto value = flat.accessor<double, 1>();
  const auto weight = weights.accessor<float, 1>();
  const int64_t count = bytes.size(0), dimensions = bytes.size(1);
  std::vector<double> log_p, p, mean(static_cast<size_t>(dimensions), 0.0);
  double largest = -INFINITY, total = 0;
  for (int64_t i = 0; i < count; ++i) {
    double distance = 0;
    for (int64_t d = 0; d < dimensions; ++d) distance += std::pow(value[d] - (pixel[i][d] / 127.5 - 1), 2);
    log_p.push_back(std::log(double(weight[i])) - distance / (2 * sigma * sigma));
    largest = std::max(largest, log_p.back());
  }
  for (const double one : log_p) total += std::exp(one - largest);
  for (const double one : log_p) p.push_back(std::exp(one - largest) / total);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t d = 0; d < dimensions; ++d) mean[size_t(d)] += p[size_t(i)] * (pixel[i][d] / 127.5 - 1);
  }
  return {p, mean};
}

TEST(PictureDenoiser, IsTheSoftmaxOverPicturesOfPlainLoops) {
  const PictureDenoiser denoiser(five_pictures());
  const Tensor sigma = torch::tensor({0.05, 0.7, 3.0, 60.0}, torch::kFloat64);
  const Tensor x = noised(denoiser, sigma);
  const Tensor condition = torch::stack({denoiser.null_condition(), denoiser.condition_of({"heart"})[0],
                                         denoiser.null_condition(), denoiser.condition_of({"red"})[0]});
  const Tensor p = denoiser.posterior(x, sigma, condition), mean = denoiser.denoise(x, sigma, condition);
  for (int64_t b = 0; b < 4; ++b) {
    const auto [truth, mixture] = brute_force(denoiser.pictures(), x[b], sigma[b].item<double>(), condition[b]);
    EXPECT_TRUE(torch::allclose(p[b], torch::tensor(truth, torch::kFloat64), 1e-9, 1e-12)) << b;
    EXPECT_TRUE(torch::allclose(mean[b].flatten(), torch::tensor(mixture, torch::kFloat64), 1e-9, 1e-12)) << b;
  }
  EXPECT_EQ(denoiser.denoise(x.to(torch::kFloat32), sigma, condition).scalar_type(), torch::kFloat32);
}

TEST(PictureDenoiser, TextsAreCaptionsElseClassesElseWords) {
  const PictureDenoiser denoiser(five_pictures());
  const auto chosen = [&](const std::string& text) {
    const Tensor row = denoiser.condition_of({text})[0];
    EXPECT_NEAR(row.sum().item<double>(), 1, 1e-6);
    std::vector<int64_t> found;
    for (int64_t i = 0; i < 5; ++i) {
      if (row[i].item<double>() > 0) found.push_back(i);
    }
    return found;
  };
  using Rows = std::vector<int64_t>;
  EXPECT_EQ(chosen("Red  heart"), (Rows{0, 4}));
  EXPECT_EQ(chosen("a red heart"), (Rows{0, 4}));
  EXPECT_EQ(chosen("blue heart large"), Rows{1});
  EXPECT_EQ(chosen("a second"), Rows{1});
  EXPECT_EQ(chosen("hearts"), (Rows{0, 1, 4}));
  EXPECT_EQ(chosen("heart"), (Rows{0, 1, 4}));
  EXPECT_EQ(chosen("large heart"), Rows{1});
  EXPECT_EQ(chosen("fox"), Rows{2});  // its caption, not a word of another
  EXPECT_EQ(chosen("red"), (Rows{0, 3, 4}));
  EXPECT_EQ(chosen(""), (Rows{0, 1, 2, 3, 4}));
  EXPECT_THROW(denoiser.condition_of({"ear"}), ValueError);  // inside a word
  EXPECT_TRUE(denoiser.has_caption("FOX"));
  EXPECT_FALSE(denoiser.has_caption("heart"));
}

std::string refusal(const PictureDenoiser& denoiser, const std::string& prompt) {
  try {
    denoiser.condition_of({prompt});
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

TEST(PictureDenoiser, UnknownPromptsAreToldThreeDifferentCaptionsAndTheWordThatIsMeant) {
  const PictureDenoiser denoiser(five_pictures());
  const std::string shared = refusal(denoiser, "green heart"), misspelt = refusal(denoiser, "red hart");
  EXPECT_TRUE(shared.ends_with("such as 'red heart', 'Blue heart, large', 'fox'")) << shared;  // 'red heart' is two
  EXPECT_TRUE(misspelt.ends_with("; did you mean 'heart'?")) << misspelt;
}

// 4,096 pictures are one block of the product: the last one here has a block of its own.
TEST(PictureDenoiser, PicturesBeyondOneBlockCount) {
  const int64_t count = 4097;
  const Tensor pixels = torch::zeros({count, 1, 1, 1}, torch::kUInt8);
  pixels[count - 1] = 255;
  const PictureDenoiser denoiser({"many", pixels, std::vector<std::vector<std::string>>(count, {"dark"}), {}});
  const Tensor x = torch::ones({1, 1, 1, 1}, torch::kFloat64), sigma = torch::full({1}, 0.1, torch::kFloat64);
  const Tensor p = denoiser.posterior(x, sigma, denoiser.null_condition().unsqueeze(0));
  EXPECT_NEAR(p[0][count - 1].item<double>(), 1, 1e-9);
}

TEST(PictureDenoiser, DensityIsAMixtureOfGaussiansWithTheScoreOfTheDenoiser) {
  const PictureDenoiser denoiser(five_pictures());
  const Tensor sigma = torch::tensor({0.5, 2.0}, torch::kFloat64);
  const Tensor x = noised(denoiser, sigma).requires_grad_(true);
  const Tensor null = denoiser.null_condition().expand({2, -1});
  denoiser.log_density(x, sigma, null).sum().backward();
  const Tensor score = (denoiser.denoise(x, sigma, null) - x) / sigma.square().view({-1, 1, 1, 1});  // Tweedie
  EXPECT_TRUE(torch::allclose(x.grad(), score.detach(), 1e-8, 1e-10));
  const Tensor one = torch::eye(5)[2].expand({2, -1});
  const Tensor off = (x - (denoiser.pictures().pixels[2].to(torch::kFloat64) / 127.5 - 1)).flatten(1).square().sum(1);
  const Tensor gaussian = -off / (2 * sigma.square()) - 48 * (sigma.log() + 0.5 * std::log(2 * M_PI));
  EXPECT_TRUE(torch::allclose(denoiser.log_density(x, sigma, one), gaussian, 1e-10, 1e-10));
}

TEST(PictureDenoiser, RatiosAreDifferencesOfDensities) {
  const PictureDenoiser denoiser(five_pictures());
  const Tensor sigma = torch::full({3}, 1.5, torch::kFloat64);
  const Tensor x = noised(denoiser, sigma);
  const Tensor conditions = denoiser.condition_of({"fox", "red heart"});
  const Tensor ratio = denoiser.log_likelihood_ratio(x, sigma, conditions, denoiser.null_condition());
  for (int64_t k = 0; k < 2; ++k) {
    const Tensor difference = denoiser.log_density(x, sigma, conditions[k].expand({3, -1})) -
                              denoiser.log_density(x, sigma, denoiser.null_condition().expand({3, -1}));
    EXPECT_TRUE(torch::allclose(ratio.select(1, k), difference, 1e-9, 1e-10));
  }
}

TEST(PictureDenoiser, BadPicturesAreRefused) {
  GivenPictures none = five_pictures(), uncaptioned = five_pictures(), real = five_pictures();
  none.pixels = Tensor();
  uncaptioned.captions[2].clear();
  real.pixels = real.pixels.to(torch::kFloat32);
  EXPECT_THROW(PictureDenoiser{none}, ShapeError);
  EXPECT_THROW(PictureDenoiser{uncaptioned}, ValueError);
  EXPECT_THROW(PictureDenoiser{real}, ShapeError);
  const PictureDenoiser denoiser(five_pictures());
  const Tensor sigma = torch::ones({1}, torch::kFloat64), x = torch::zeros({1, 3, 4, 4});
  EXPECT_THROW(denoiser.denoise(x, sigma, torch::zeros({1, 5})), ValueError);
  EXPECT_THROW(denoiser.denoise(x, sigma, torch::ones({1, 4})), ShapeError);
  EXPECT_THROW(denoiser.denoise(torch::zeros({1, 3, 5, 5}), sigma, torch::ones({1, 5})), ShapeError);
}

}  // namespace
}  // namespace noisescope
