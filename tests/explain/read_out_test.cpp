#include "noisescope/explain/read_out.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/error.h"
#include "tests/stats/uniformity.h"

namespace noisescope {
namespace {

constexpr int64_t kSteps = 4, kWords = 5;

/// Scores [S, runs, V] of runs that show nothing: correlated over steps, of different spread per word,
/// with a preference of the reader for the last word.
Tensor scores_of(uint64_t seed, int64_t runs) {
  const auto normal = [&](uint64_t step, torch::IntArrayRef shape) {
    return Random(seed).normal(Purpose::explain, step, sample_range(0, runs), shape, torch::kDouble).transpose(0, 1);
  };
  const Tensor spread = torch::tensor({0.1, 1.0, 3.0, 1.0, 1.0}, torch::kDouble);
  const Tensor liking = torch::tensor({0.0, 0.0, 0.0, 0.0, 9.0}, torch::kDouble);
  return liking + spread * (normal(0, {1, kWords}) + normal(1, {kSteps, kWords}));
}

TEST(ReadOut, ShowsFalseWordsAsOftenAsItSays) {
  std::vector<double> smallest;
  int64_t false_runs = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    const ReadOut words =
        read_out(scores_of(2 * i, 3), {{"null", scores_of(2 * i + 1, 12)}}, {.permutations = 199}, Random(i));
    smallest.push_back(words.p.min().item<double>());
    false_runs += words.shown.any().item<bool>();
  }
  EXPECT_GT(uniformity(torch::tensor(smallest, torch::kDouble)), 0.01);
  EXPECT_LT(double(false_runs) / 2000, 0.05 + 2.6 * std::sqrt(0.05 * 0.95 / 2000));
  EXPECT_GT(false_runs, 0);
}

TEST(ReadOut, FindsAPlantedWordFromItsStepOn) {
  Tensor scores = scores_of(1, 8);
  scores.slice(0, 2).select(2, 0) += 0.6;  // word 0 has deviation 0.14
  const ReadOut words = read_out(scores, {{"null", scores_of(2, 100)}}, {}, Random(3));
  EXPECT_EQ(words.first_step()[0].item<int64_t>(), 2);
  EXPECT_TRUE((words.first_step().slice(0, 1) == kSteps).all().item<bool>()) << words.first_step();
  EXPECT_GT(words.z[0][3][0].item<double>(), 4);
  const double low = (words.difference - words.half_width)[0][3][0].item<double>();
  EXPECT_GT(low, 0.4);
  EXPECT_LT(low, 0.6);
}

TEST(ReadOut, AWordMustStandOutOfEveryKindOfNullTrajectories) {
  Tensor scores = scores_of(1, 8), permuted = scores_of(4, 100);
  scores.select(2, 0) += 0.6;
  permuted.select(2, 0) += 0.6;  // as common under other prompts
  const ReadOut words = read_out(scores, {{"no prompt", scores_of(2, 100)}, {"permuted", permuted}}, {}, Random(3));
  EXPECT_GT(words.z[0][3][0].item<double>(), 4);
  EXPECT_FALSE(words.shown.any().item<bool>());
}

// One run among null trajectories: z = (score - mean of all) / population deviation of all.
TEST(ReadOut, NumbersOfASmallCaseByHand) {
  const Tensor scores = torch::full({1, 1, 1}, 4.0, torch::kDouble);
  const Tensor null = torch::zeros({1, 19, 1}, torch::kDouble);
  null[0][0][0] = 1;  // mean of all 20 is 1/4, of their squares 17/20
  const ReadOut words = read_out(scores, {{"null", null}}, {.permutations = 1999}, Random(1));
  EXPECT_NEAR(words.z.item<double>(), 3.75 / std::sqrt(17.0 / 20 - 1.0 / 16), 1e-12);
  EXPECT_NEAR(words.difference.item<double>(), 4 - 1.0 / 19, 1e-12);
  EXPECT_NEAR(words.half_width.item<double>(), 1.959963984540054 * std::sqrt(1.0 / 19 * 20 / 19), 1e-12);
  EXPECT_NEAR(words.p.item<double>(), 1.0 / 20, 0.018);  // one of 20 runs: 3.5 SE of 1999 draws
}

// Variance of the two null trajectories 2; the one run has the same.
TEST(ReadOut, TwoNullTrajectoriesHaveAVariance) {
  const Tensor null = torch::tensor({0.0, 2.0}, torch::kDouble).view({1, 2, 1});
  const ReadOut words =
      read_out(torch::full({1, 1, 1}, 4.0, torch::kDouble), {{"null", null}}, {.level = 0.5}, Random(1));
  EXPECT_NEAR(words.half_width.item<double>(), 1.959963984540054 * std::sqrt(2.0 + 2.0 / 2), 1e-12);
}

TEST(ReadOut, RefusesBadInput) {
  const Tensor scores = scores_of(1, 1);
  const auto ask = [&](const Tensor& null, ReadOutOptions options = {}) {
    return read_out(scores, {{"null", null}}, options, Random(1));
  };
  EXPECT_THROW(ask(scores_of(2, 1)), ValueError);   // one of two runs: p >= 1/2
  EXPECT_THROW(ask(scores_of(2, 18)), ValueError);  // p >= 1/19
  EXPECT_NO_THROW(ask(scores_of(2, 19)));
  EXPECT_THROW(ask(scores_of(2, 40), {.permutations = 10}), ValueError);
  EXPECT_THROW(ask(scores_of(2, 40), {.level = 0}), ValueError);
  EXPECT_THROW(ask(scores_of(2, 40).narrow(0, 0, 2)), ShapeError);
  EXPECT_THROW(ask(scores_of(2, 40) * std::nan("")), NumericError);
  EXPECT_THROW(read_out(scores, {}, {}, Random(1)), ValueError);
}

TEST(WordTrace, ReadsTheEstimateOfEveryStep) {
  const Predictor predict = [](const Tensor& x, const Tensor& sigma) {
    return Prediction{per_sample(sigma) * torch::ones_like(x), {}, {}};
  };
  WordTrace trace([](const Tensor& pictures) {
    const Tensor mean = pictures.mean({1, 2, 3});
    return torch::stack({mean, 2 * mean}, 1);
  });
  EXPECT_THROW(trace.scores(), ValueError);
  run_sampler(predict, torch::zeros({3, 1, 2, 2}), {{4, 2, 0}, {.solver = Solver::euler}, {}}, trace.observer());
  const Tensor expected = torch::tensor({{4.0, 8.0}, {2.0, 4.0}}, torch::kDouble).unsqueeze(1);
  EXPECT_TRUE(torch::equal(trace.scores(), expected.expand({2, 3, 2})));
}

TEST(ClipReader, ScoresAreCosinesOfClip) {
  const std::vector<std::string> texts = {"a red square", "a blue disc"};
  ClipOptions options;
  options.embedding_dim = 8;
  options.text = {.width = 16, .layers = 1, .heads = 2};
  options.image.image_size = 16;
  options.image.channels = {8, 8};
  options.image.hidden = 8;
  const ClipModel clip(options, Tokenizer::train(texts, {.context_length = 16}), 5);
  const Tensor pictures = 2 * Random(1).normal(Purpose::scene, 0, {0, 1, 2}, {3, 16, 16});
  const Tensor scores = clip_reader(clip, texts)(pictures);
  const torch::NoGradGuard no_grad;
  for (int64_t b = 0; b < 3; ++b) {
    for (size_t v = 0; v < texts.size(); ++v) {
      const Tensor cosine =
          (clip.encode_image(pictures.narrow(0, b, 1).clamp(-1, 1)) * clip.encode_text({texts[v]})).sum();
      EXPECT_NEAR(scores[b][int64_t(v)].item<double>(), cosine.item<double>(), 1e-5);
    }
  }
  EXPECT_THROW(clip_reader(clip, {}), ValueError);
}

}  // namespace
}  // namespace noisescope
