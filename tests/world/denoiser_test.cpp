#include "noisescope/world/denoiser.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

/// Two shapes, two colours, two backgrounds, two positions: 12 x 4 x 2 = 96 pictures.
World tiny_world() {
  WorldOptions options;
  options.object_size_px = 16;
  options.grid_step_px = 16;
  options.shapes = {"square", "ring"};
  options.colours = {"red", "blue"};
  options.backgrounds = {"dark", "bright"};
  return World(options);
}

/// All pictures of a world, one by one, with the weight that a condition gives each.
struct Enumeration {
  Enumeration(const World& world, const Tensor& condition) {
    const int64_t A = world.attribute_count(), G = world.background_count();
    const int64_t P = world.position_count();
    std::vector<double> weight_list;
    for (int64_t row = 0; row < A * A * G; ++row) {
      if (condition[row].item<double>() == 0) continue;
      for (int64_t places = 0; places < P * P; ++places) {
        scenes.push_back({world.object(row / G / A, places / P), world.object(row / G % A, places % P), row % G});
        weight_list.push_back(condition[row].item<double>() / double(P * P));
      }
    }
    weights = torch::tensor(weight_list, torch::kFloat64);
    weights /= weights.sum();
    pictures = pictures_of(world);
  }

  /// World::render in float64, by another route.
  Tensor pictures_of(const World& world) const {
    const Tensor masks = world.object_masks(scenes).to(torch::kFloat64);
    std::vector<Tensor> list;
    for (size_t i = 0; i < scenes.size(); ++i) {
      const Tensor left = masks[int64_t(i)][0], right = masks[int64_t(i)][1];
      for (size_t c = 0; c < 3; ++c) {
        list.push_back(world.background(scenes[i].background) * (1 - left - right) +
                       world.colour(scenes[i].left.colour)[c] * left + world.colour(scenes[i].right.colour)[c] * right);
      }
    }
    return torch::stack(list).view({-1, 3, kWorldImagePx, kWorldImagePx});
  }

  /// log(weight_i N(x; picture_i, sigma^2)) without the constant of the Gaussian: [pictures].
  Tensor log_joint(const Tensor& x, double sigma) const {
    return weights.log() - (x - pictures).square().sum({1, 2, 3}) / (2 * sigma * sigma);
  }

  std::vector<Scene> scenes;
  Tensor weights, pictures;
};

struct NoisyBatch {
  NoisyBatch(const World& world, int64_t count, double sigma_value) {
    for (int64_t i = 0; i < count; ++i) scenes.push_back(world.draw_scene(Random(2), 0, i));
    clean = world.render(scenes).to(torch::kFloat64);
    sigma = torch::full({count}, sigma_value, torch::kFloat64);
    x = clean +
        sigma_value * Random(2).normal(Purpose::explain, 0, sample_range(0, count), {3, 32, 32}, torch::kFloat64);
  }

  Tensor rows(const Tensor& condition) const { return condition.expand({x.size(0), -1}); }

  std::vector<Scene> scenes;
  Tensor clean, sigma, x;
};

double largest_gap(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

const std::vector<double> kSigmas = {0.002, 0.1, 0.8, 3, 12, 200};

TEST(WorldDenoiser, EqualsBruteForceOverAllPictures) {
  const WorldDenoiser exact(tiny_world());
  for (const Tensor& condition : {exact.null_condition(), exact.condition_of({"a red shape left of a ring on dark"})[0],
                                  exact.condition_of({"a ring and a blue shape"})[0]}) {
    const Enumeration all(exact.world(), condition);
    for (double sigma : kSigmas) {
      const NoisyBatch batch(exact.world(), 3, sigma);
      const Tensor denoised = exact.denoise(batch.x, batch.sigma, batch.rows(condition));
      const Tensor log_density = exact.log_density(batch.x, batch.sigma, batch.rows(condition));
      for (int64_t i = 0; i < 3; ++i) {
        const Tensor joint = all.log_joint(batch.x[i], sigma);
        const Tensor expected = (joint.softmax(0).view({-1, 1, 1, 1}) * all.pictures).sum(0);
        EXPECT_LT(largest_gap(denoised[i], expected), 1e-10) << sigma;
        const double constant = -3072 * std::log(sigma * std::sqrt(2 * M_PI));
        EXPECT_NEAR(log_density[i].item<double>(), joint.logsumexp(0).item<double>() + constant,
                    1e-10 * std::abs(constant) + 1e-11 / sigma / sigma);
      }
    }
  }
}

TEST(WorldDenoiser, PosteriorsEqualBruteForce) {
  const WorldDenoiser exact(tiny_world());
  const World& world = exact.world();
  const Tensor condition = exact.null_condition();
  const Enumeration all(world, condition);
  const std::vector<std::pair<SceneFactor, std::function<int64_t(const Scene&)>>> factors = {
      {SceneFactor::left_shape, [](const Scene& s) { return s.left.shape; }},
      {SceneFactor::left_colour, [](const Scene& s) { return s.left.colour; }},
      {SceneFactor::left_object, [&](const Scene& s) { return world.attribute(s.left); }},
      {SceneFactor::left_position, [](const Scene& s) { return s.left.position; }},
      {SceneFactor::right_shape, [](const Scene& s) { return s.right.shape; }},
      {SceneFactor::right_colour, [](const Scene& s) { return s.right.colour; }},
      {SceneFactor::right_object, [&](const Scene& s) { return world.attribute(s.right); }},
      {SceneFactor::right_position, [](const Scene& s) { return s.right.position; }},
      {SceneFactor::background, [](const Scene& s) { return s.background; }}};
  for (double sigma : {3.0, 12.0, 40.0}) {
    const NoisyBatch batch(world, 4, sigma);
    for (const auto& [factor, value_of] : factors) {
      const Tensor p = exact.posterior(batch.x, batch.sigma, batch.rows(condition), factor);
      for (int64_t i = 0; i < 4; ++i) {
        const Tensor joint = all.log_joint(batch.x[i], sigma).softmax(0);
        Tensor expected = torch::zeros_like(p[i]);
        for (size_t k = 0; k < all.scenes.size(); ++k) {
          expected[value_of(all.scenes[k])] += joint[int64_t(k)];
        }
        EXPECT_LT(largest_gap(p[i], expected), 1e-10) << int(factor) << " at " << sigma;
      }
    }
  }
}

TEST(WorldDenoiser, AgreesWithTheIndependentReference) {
  const TensorFile golden = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/world_fine.safetensors");
  const WorldDenoiser exact(World(world_member("fine")));
  const Tensor x = golden.at("x"), sigma = golden.at("sigma").to(torch::kFloat32);
  EXPECT_LT(largest_gap(exact.world().render({{{0, 0, 30}, {1, 2, 111}, 1}})[0], golden.at("clean")), 1e-7);
  const std::vector<std::pair<std::string, Tensor>> conditions = {
      {"null", exact.null_condition()}, {"caption", exact.condition_of({"a red square and a disc"})[0]}};
  for (const auto& [name, condition] : conditions) {
    const Tensor rows = condition.expand({x.size(0), -1});
    EXPECT_LT(largest_gap(exact.denoise(x, sigma, rows), golden.at(name + ".denoised")), 1e-5);
    const Tensor scenes = exact.posterior(x, sigma, rows).scenes.permute({0, 3, 1, 2});
    EXPECT_LT(largest_gap(scenes, golden.at(name + ".posterior")), 1e-5);
  }
}

TEST(WorldDenoiser, ReturnsThePictureWithoutNoiseAndThePriorMeanUnderAllNoise) {
  for (const char* member : {"demo", "fine"}) {
    const WorldDenoiser exact{World(world_member(member))};
    const NoisyBatch clear(exact.world(), 8, 0.002), lost(exact.world(), 8, 2e4);
    const Tensor null = clear.rows(exact.null_condition());
    EXPECT_LT(largest_gap(exact.denoise(clear.x, clear.sigma, null), clear.clean), 1e-7);
    // The prior mean: the average over backgrounds is 0 and over colours (.5/4, ...), by position.
    Tensor mean = torch::zeros({3, 32, 32}, torch::kFloat64);
    const World& world = exact.world();
    for (int64_t p = 0; p < world.position_count(); ++p) {
      for (int64_t a = 0; a < world.attribute_count(); ++a) {
        for (int64_t g = 0; g < world.background_count(); ++g) {
          mean += world.render({{world.object(a, p), world.object(a, p), g}})[0];
        }
      }
    }
    mean /= double(world.position_count() * world.attribute_count() * world.background_count());
    EXPECT_LT(largest_gap(exact.denoise(lost.x, lost.sigma, null)[0], mean), 5e-3);
  }
}

// Tweedie: D(x) = x + sigma^2 grad log p(x), here by central differences of log p.
TEST(WorldDenoiser, IsTheScoreOfItsDensity) {
  const WorldDenoiser exact{World()};
  for (double sigma : {0.3, 1.5, 6.0}) {
    const NoisyBatch batch(exact.world(), 1, sigma);
    const Tensor condition = batch.rows(exact.condition_of({"a red shape left of a disc"})[0]);
    const Tensor denoised = exact.denoise(batch.x, batch.sigma, condition);
    const double step = 1e-3 * sigma;
    for (int64_t trial = 0; trial < 6; ++trial) {
      const Tensor along = Random(4).normal(Purpose::explain, 1, {trial}, {3, 32, 32}, torch::kFloat64);
      const Tensor up = exact.log_density(batch.x + step * along, batch.sigma, condition);
      const Tensor down = exact.log_density(batch.x - step * along, batch.sigma, condition);
      const double slope = (up - down).item<double>() / (2 * step);
      const double expected = ((denoised - batch.x) * along).sum().item<double>() / (sigma * sigma);
      EXPECT_NEAR(slope, expected, 1e-4 * std::abs(expected) + 1e-4 / sigma);
    }
  }
}

TEST(WorldDenoiser, GradientsGoThroughIt) {
  const WorldDenoiser exact{World()};
  const NoisyBatch batch(exact.world(), 2, 2.0);
  const Tensor x = batch.x.clone().requires_grad_(true);
  const Tensor condition = batch.rows(exact.null_condition());
  exact.log_density(x, batch.sigma, condition).sum().backward();
  const Tensor& score = x.grad();
  const Tensor expected = (exact.denoise(batch.x, batch.sigma, condition) - batch.x) / 4.0;
  EXPECT_LT(largest_gap(score, expected), 1e-9);
}

TEST(WorldDenoiser, AFullCaptionShowsNothingElse) {
  const WorldDenoiser exact{World()};
  const NoisyBatch batch(exact.world(), 6, 4.0);
  const std::string caption = "a green cross left of a yellow disc on bright";
  const Tensor condition = batch.rows(exact.condition_of({caption})[0]);
  const WorldPosterior p = exact.posterior(batch.x, batch.sigma, condition);
  const int64_t green_cross = 2 * 4 + 1, yellow_disc = 1 * 4 + 3;
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(p.scenes[i][green_cross][yellow_disc][2].item<double>(), 1.0, 1e-12);
  }
  // Outside of both halves' reach of objects the picture is the background of the caption.
  const Tensor low = exact.denoise(batch.x, batch.sigma, condition).amin({0, 2, 3});
  EXPECT_GE(low.min().item<double>(), -0.7 - 1e-12);
  const Tensor held = exact.caption_posterior(batch.x, batch.sigma, condition, {exact.grammar().parse(caption)});
  EXPECT_NEAR(held.min().item<double>(), 1.0, 1e-12);
}

TEST(WorldDenoiser, CaptionPosteriorsOverFullCaptionsSumToOneAndFindTheTruth) {
  const WorldDenoiser exact{World()};
  std::vector<CaptionMeaning> captions;
  for (const std::string& c : exact.grammar().full_captions(SceneSet::all)) {
    captions.push_back(exact.grammar().parse(c));
  }
  for (double sigma : {0.5, 5.0}) {
    const NoisyBatch batch(exact.world(), 10, sigma);
    const Tensor p = exact.caption_posterior(batch.x, batch.sigma, batch.rows(exact.null_condition()), captions);
    EXPECT_LT(largest_gap(p.sum(1), torch::ones({10}, torch::kFloat64)), 1e-12);
    if (sigma > 1) continue;
    for (int64_t i = 0; i < 10; ++i) {
      const CaptionMeaning& best = captions[size_t(p[i].argmax().item<int64_t>())];
      EXPECT_TRUE(is_true(best, batch.scenes[size_t(i)]));
    }
  }
}

// Bayes: log p(x | caption) - log p(x) = log p(caption | x) - log p(caption).
TEST(WorldDenoiser, LikelihoodRatiosAreBayesConsistent) {
  const WorldDenoiser exact(World(world_member("fine")));
  const std::vector<std::string> captions = {"a red square and a disc", "a shape and a blue shape",
                                             "a cross left of a shape on dark"};
  std::vector<CaptionMeaning> meanings;
  for (const std::string& caption : captions) meanings.push_back(exact.grammar().parse(caption));
  const Tensor null = exact.null_condition(), conditions = exact.condition_of(captions);
  const NoisyBatch batch(exact.world(), 8, 4.0);
  const Tensor ratio = exact.log_likelihood_ratio(batch.x, batch.sigma, conditions, null);
  const Tensor posterior = exact.caption_posterior(batch.x, batch.sigma, batch.rows(null), meanings);
  for (int64_t k = 0; k < 3; ++k) {
    const double prior = null.to(torch::kFloat64).masked_select(conditions[k] > 0).sum().item<double>();
    EXPECT_LT(largest_gap(ratio.select(1, k), (posterior.select(1, k) / prior).log()), 1e-5);
    const Tensor direct = exact.log_density(batch.x, batch.sigma, batch.rows(conditions[k])) -
                          exact.log_density(batch.x, batch.sigma, batch.rows(null));
    EXPECT_LT(largest_gap(ratio.select(1, k), direct), 1e-8);
  }
}

TEST(WorldDenoiser, IsFiniteAtEveryNoiseLevelAndForForeignPictures) {
  for (const char* member : {"demo", "fine"}) {
    const WorldDenoiser exact{World(world_member(member))};
    const Tensor condition = exact.condition_of({"a blue cross left of a red disc on dark"});
    for (double sigma : {1e-3, 0.002, 0.05, 1.0, 80.0, 1e3}) {
      const Tensor x = 3 * Random(9).normal(Purpose::explain, 2, {0}, {3, 32, 32});
      const Tensor level = torch::full({1}, sigma);
      EXPECT_TRUE(exact.denoise(x, level, condition).isfinite().all().item<bool>()) << sigma;
      EXPECT_TRUE(exact.log_density(x, level, condition).isfinite().all().item<bool>()) << sigma;
    }
  }
}

TEST(WorldDenoiser, EveryRowHasItsOwnNoiseLevelAndCondition) {
  const WorldDenoiser exact{World()};
  const NoisyBatch batch(exact.world(), 70, 2.0);  // more than one internal chunk
  const Tensor sigma = torch::linspace(0.1, 9.0, 70, torch::kFloat64);
  const std::vector<std::string>& all = exact.grammar().captions();
  const Tensor conditions = exact.condition_of(std::vector<std::string>(all.begin(), all.begin() + 70));
  const Tensor together = exact.denoiser()(batch.x, sigma, conditions);
  for (int64_t i : {0, 63, 64, 69}) {
    const Tensor alone = exact.denoise(batch.x.narrow(0, i, 1), sigma.narrow(0, i, 1), conditions.narrow(0, i, 1));
    EXPECT_LT(largest_gap(together[i], alone[0]), 1e-12);
  }
  EXPECT_EQ(exact.denoise(batch.x.to(torch::kFloat32), sigma, conditions).scalar_type(), torch::kFloat32);
}

// What is read of a picture once serves every condition that it is asked under; the same picture at another noise level
// is another one. Thirty-seven pictures are more than are read at a time.
TEST(WorldDenoiser, OnePictureUnderManyConditionsIsAnsweredAsEachAlone) {
  const World world = tiny_world();
  const WorldDenoiser truth(world);
  const std::vector<std::string> captions = truth.grammar().captions();
  const Tensor pictures = torch::randn({37, 3, kWorldImagePx, kWorldImagePx}, torch::kFloat64);
  const Tensor rows = torch::cat({torch::arange(37), torch::arange(37).flip(0), torch::zeros(30, torch::kLong)});
  const Tensor x = pictures.index_select(0, rows), sigma = torch::ones({rows.size(0)}, torch::kFloat64);
  sigma.slice(0, 90).fill_(0.5);
  std::vector<std::string> said;
  for (int64_t i = 0; i < rows.size(0); ++i) said.push_back(captions[static_cast<size_t>(7 * i) % captions.size()]);
  const Tensor condition = truth.condition_of(said), together = truth.denoise(x, sigma, condition);
  const Tensor densities = truth.log_density(x, sigma, condition);
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto row = [&](const Tensor& all) { return all.narrow(0, i, 1); };
    const Tensor alone = truth.denoise(row(x), row(sigma), row(condition));
    EXPECT_TRUE(row(together).allclose(alone, 0, 1e-12)) << i;
    EXPECT_TRUE(row(densities).allclose(truth.log_density(row(x), row(sigma), row(condition)), 1e-12, 1e-9)) << i;
  }
}

TEST(WorldDenoiser, ConditionsFollowTheSet) {
  WorldOptions options;
  options.hold_out = 0.2;
  const WorldDenoiser exact{World(options)};
  const Tensor seen = exact.null_condition(SceneSet::seen);
  const Tensor held = exact.null_condition(SceneSet::held_out);
  EXPECT_EQ((seen > 0).sum().item<int64_t>(), 3 * (132 - 26));
  EXPECT_EQ((held > 0).sum().item<int64_t>(), 3 * 26);
  EXPECT_FALSE(((seen > 0) & (held > 0)).any().item<bool>());
  const std::string absent = exact.grammar().full_captions(SceneSet::held_out)[0];
  EXPECT_NO_THROW(exact.condition_of({absent}));
  EXPECT_THROW(exact.condition_of({absent}, SceneSet::seen), ValueError);
}

TEST(WorldDenoiser, UnusableInputIsRefused) {
  const WorldDenoiser exact{World()};
  const Tensor x = torch::zeros({2, 3, 32, 32}), sigma = torch::ones({2});
  EXPECT_THROW(exact.denoise(x, sigma, torch::zeros({2, 432})), ValueError);
  EXPECT_THROW(exact.denoise(x, sigma, torch::full({2, 432}, -1.0)), ValueError);
  EXPECT_THROW(exact.denoise(x, sigma, torch::full({2, 432}, NAN)), ValueError);
  EXPECT_THROW(exact.denoise(x, sigma, torch::ones({2, 128})), ShapeError);
  EXPECT_THROW(exact.denoise(x, torch::ones({1}), torch::ones({2, 432})), ShapeError);
  EXPECT_THROW(exact.denoise(x.narrow(3, 0, 16), sigma, torch::ones({2, 432})), ShapeError);
}

}  // namespace
}  // namespace noisescope
