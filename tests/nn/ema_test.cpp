#include "noisescope/nn/ema.h"

#include <gtest/gtest.h>

#include <torch/nn/modules/linear.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// A module with one parameter and one buffer of one number each.
struct Scalar : torch::nn::Module {
  Scalar() {
    weight = register_parameter("weight", torch::zeros({1}, torch::kFloat64));
    count = register_buffer("count", torch::zeros({1}, torch::kFloat64));
  }
  void set(double value) {
    const torch::NoGradGuard no_grad;
    weight.fill_(value);
    count.fill_(value);
  }
  Tensor weight, count;
};

double value_at(int64_t step) { return std::sin(0.7 * static_cast<double>(step)) + 0.1 * step; }

double average(const Ema& ema) { return ema.weights().at("weight").item<double>(); }

// Unrolled, eq. 1 weighs step i by (i^(gamma+1) - (i-1)^(gamma+1)) / t^(gamma+1): the profile
// tau^gamma integrated over step i.
TEST(Ema, Equation1IsTheWeightedAverageOfThePowerProfile) {
  const EmaOptions options{.sigma_rel = 0.1};
  const double exponent = ema_gamma(options.sigma_rel) + 1;
  Scalar module;
  module.set(123);  // forgotten at the first update: beta_1 = 0
  Ema ema(module, options);
  const int64_t steps = 300;
  double expected = 0;
  for (int64_t i = 1; i <= steps; ++i) {
    module.set(value_at(i));
    ema.update(module);
    expected += value_at(i) * (std::pow(i, exponent) - std::pow(i - 1, exponent));
  }
  EXPECT_NEAR(average(ema), expected / std::pow(steps, exponent), 1e-10);
  EXPECT_EQ(ema.updates(), steps);
}

TEST(Ema, ConstantDecayIsTheGeometricAverage) {
  const EmaOptions options{.profile = EmaProfile::constant, .decay = 0.5};
  Scalar module;
  module.set(1);
  Ema ema(module, options);
  double expected = 1;
  for (int64_t i = 1; i <= 50; ++i) {
    module.set(value_at(i));
    ema.update(module);
    const double beta = std::min(0.5, (1.0 + i) / (10.0 + i));
    expected = beta * expected + (1 - beta) * value_at(i);
  }
  EXPECT_NEAR(average(ema), expected, 1e-12);
}

// The share of the first weights after t updates is the product of (1 + t) / (10 + t): 2/11, 3/12, 4/13.
TEST(Ema, ConstantDecayBeginsWithLittleMemory) {
  Scalar module;
  module.set(1);
  Ema ema(module, {.profile = EmaProfile::constant, .decay = 0.999});
  module.set(0);
  double share = 1;
  for (const double beta : {2.0 / 11, 3.0 / 12, 4.0 / 13}) {
    ema.update(module);
    share *= beta;
    EXPECT_NEAR(average(ema), share, 1e-12);
  }
}

TEST(Ema, FixedDecayKeepsItsShareOfTheFirstWeights) {
  const EmaOptions options{.profile = EmaProfile::fixed, .decay = 0.9};
  Scalar module;
  module.set(1);
  Ema ema(module, options);
  module.set(0);
  for (int64_t i = 1; i <= 20; ++i) ema.update(module);
  EXPECT_NEAR(average(ema), std::pow(0.9, 20), 1e-12);
}

TEST(Ema, BuffersAreCopied) {
  Scalar module;
  Ema ema(module, {});
  for (int64_t i = 1; i <= 3; ++i) {
    module.set(static_cast<double>(i));
    ema.update(module);
  }
  EXPECT_EQ(ema.weights().at("count").item<double>(), 3);
}

TEST(Ema, AnAverageDoesNotTouchTheModuleNorItsGradients) {
  Scalar module;
  module.set(1);
  Ema ema(module, {});
  ema.update(module);
  module.set(5);
  ema.update(module);
  EXPECT_EQ(module.weight.item<double>(), 5);
  EXPECT_FALSE(ema.weights().at("weight").requires_grad());
}

// EDM2, figure 5's labels: sigma_rel 0.05 and 0.10 belong to gamma 16.97 and 6.94.
TEST(EmaGamma, KnownPairs) {
  EXPECT_NEAR(ema_gamma(0.05), 16.97, 0.005);
  EXPECT_NEAR(ema_gamma(0.10), 6.94, 0.005);
  EXPECT_NEAR(ema_sigma_rel(0), std::sqrt(1.0 / 12), 1e-15);
}

TEST(EmaGamma, IsTheStandardDeviationOfTheProfile) {
  const double gamma = 4.5;
  double mass = 0, mean = 0, square = 0;
  const int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double tau = (i + 0.5) / n, weight = std::pow(tau, gamma);
    mass += weight;
    mean += weight * tau;
    square += weight * tau * tau;
  }
  mean /= mass;
  EXPECT_NEAR(ema_sigma_rel(gamma), std::sqrt(square / mass - mean * mean), 1e-9);
}

TEST(EmaGamma, InvertsAndRefusesWhatHasNoProfile) {
  for (double sigma_rel : {0.01, 0.05, 0.1, 0.2, 0.28}) {
    EXPECT_NEAR(ema_sigma_rel(ema_gamma(sigma_rel)), sigma_rel, 1e-12);
  }
  EXPECT_THROW(ema_gamma(0.0), ValueError);
  EXPECT_THROW(ema_gamma(0.29), ValueError);
}

TEST(Ema, ARestoredAverageGoesOnBitIdentically) {
  Scalar module;
  Ema whole(module, {}), first(module, {});
  for (int64_t i = 1; i <= 5; ++i) {
    module.set(value_at(i));
    whole.update(module);
    first.update(module);
  }
  NamedTensors saved;
  for (const auto& [name, tensor] : first.state()) saved[name] = tensor.clone();
  Ema second(module, {});
  second.load_state(saved);
  for (int64_t i = 6; i <= 9; ++i) {
    module.set(value_at(i));
    whole.update(module);
    second.update(module);
  }
  EXPECT_EQ(average(whole), average(second));
  EXPECT_EQ(second.updates(), 9);
}

TEST(Ema, AForeignStateIsRefusedWhole) {
  Scalar module;
  module.set(2);
  Ema ema(module, {});
  NamedTensors wrong = {{"updates", torch::tensor(int64_t{7})}, {"weights.weight", torch::ones({1}, torch::kFloat64)}};
  EXPECT_THROW(ema.load_state(wrong), ModelError);
  EXPECT_EQ(average(ema), 2);
  EXPECT_EQ(ema.updates(), 0);
}

}  // namespace
}  // namespace noisescope
