#include "noisescope/explain/decision_windows.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Four pictures "0" .. "3" that are known exactly: the condition is the picture itself.
struct KnownPictures {
  double scale = 1;
  Tensor pictures = scale * Random(1).normal(Purpose::scene, 0, sample_range(0, 4), {1, 4, 4}, torch::kDouble);

  Tensor condition_of(const std::vector<std::string>& prompts) const {
    std::vector<int64_t> rows;
    for (const std::string& prompt : prompts) rows.push_back(std::stoll(prompt));
    return pictures.index_select(0, torch::tensor(rows)).flatten(1);
  }

  /// Of each picture: which of all four is it, and which of these two?
  std::vector<WordQuestion> questions() const {
    std::vector<WordQuestion> all;
    for (int64_t i = 0; i < 4; ++i) {
      const std::string own = std::to_string(i), other = std::to_string(3 - i);
      all.push_back({i, contrast_prompts(own, own, {"0", "1", "2", "3"})});
      all.push_back({i, contrast_prompts(own, own, {other})});
    }
    return all;
  }

  DecisionWindows windows() const {
    const double shift = -2 * std::log(scale);  // the same noise, seen from pictures of this scale
    Model model;
    model.denoiser = [](const Tensor& x, const Tensor&, const Tensor& c) { return c.view_as(x); };
    model.condition = [this](const auto& prompts) { return condition_of(prompts); };
    return measure_decision_windows(model, {pictures, questions()},
                                    {.steps = 60, .log_snr_min = -12 + shift, .log_snr_max = 8 + shift}, Random(5));
  }
};

TEST(DecisionWindows, AllThatIsAskedIsDecidedOnce) {
  const DecisionWindows windows = KnownPictures{}.windows();
  EXPECT_NEAR(windows.total(), std::log(4) + std::log(2), 1e-3);
  ASSERT_EQ(windows.log_snrs.size(), 60u);
  EXPECT_NEAR(windows.log_snrs[1] - windows.log_snrs[0], 20.0 / 60, 1e-9);
}

TEST(DecisionWindows, FittedLevelsMoveWithTheScaleOfThePictures) {
  const NoiseLevelOptions one = fitted_levels({}, KnownPictures{}.windows());
  const NoiseLevelOptions three = fitted_levels({}, KnownPictures{.scale = 3}.windows());
  EXPECT_NEAR(three.mean, one.mean + std::log(3), 1e-6);
  EXPECT_NEAR(three.std, one.std, 1e-6);
}

// Two nats at log-SNR -2 (ln sigma 1), one at 4 (ln sigma -2): mean 0, variance (2 * 1 + 4) / 3.
TEST(DecisionWindows, FittedLevelsByHand) {
  const NoiseLevelOptions levels = fitted_levels({.pictures = 3}, {{-2, 0, 4}, {2, -0.5, 1}});
  EXPECT_DOUBLE_EQ(levels.mean, 0);
  EXPECT_DOUBLE_EQ(levels.std, std::sqrt(2));
  EXPECT_EQ(levels.pictures, 3);
}

TEST(DecisionWindows, CaptionsAreAskedAgainstTheNextOnesInTheAlphabet) {
  using Versions = std::vector<std::string>;
  const auto versions = [](const std::vector<std::string>& captions, size_t others) {
    std::vector<Versions> found;
    for (const WordQuestion& question : captions_against_others(captions, others)) {
      EXPECT_EQ(question.contrast.prompts[static_cast<size_t>(question.contrast.true_version)],
                captions[static_cast<size_t>(question.picture)]);
      found.push_back(question.contrast.prompts);
    }
    return found;
  };
  EXPECT_EQ(versions({"b", "a", "c", "b"}, 1), (std::vector<Versions>{{"b", "c"}, {"a", "b"}, {"c", "a"}, {"b", "c"}}));
  EXPECT_EQ(versions({"b", "a", "c"}, 9)[0], (Versions{"b", "c", "a"}));
  EXPECT_TRUE(versions({"a", "a"}, 1).empty());
}

TEST(DecisionWindows, RefusesNothingToDecide) {
  const KnownPictures known;
  EXPECT_THROW(measure_decision_windows({}, {known.pictures, {}}, {}, Random(0)), ValueError);
  EXPECT_THROW(fitted_levels({}, {{0, 1}, {0, -1}}), ValueError);
}

}  // namespace
}  // namespace noisescope
