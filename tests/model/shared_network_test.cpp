#include "noisescope/model/shared_network.h"

#include <atomic>

#include <gtest/gtest.h>

#include "noisescope/clip/clip_model.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/tap.h"
#include "tests/processes/joined.h"

namespace noisescope::model {
namespace {

ModelOptions small_options(const ClipModel& clip) {
  ModelOptions options;
  options.network.image_size = 8;
  options.network.patch = 1;
  options.network.channels = {8, 16};
  options.network.blocks_per_level = 1;
  options.network.condition_width = clip.embedding_dim();
  return options;
}

TextToImage small_model(uint64_t seed) {
  ClipOptions options;
  options.embedding_dim = 16;
  options.text = {.width = 32, .layers = 1, .heads = 2};
  options.image.image_size = 16;
  options.image.channels = {16, 24};
  options.image.hidden = 32;
  const auto clip =
      std::make_shared<ClipModel>(options, Tokenizer::train({"a red disc", "a blue square"}, {.context_length = 8}), 1);
  const ModelOptions of_network = small_options(*clip);
  return TextToImage(clip, {Whitener::identity(16), nullptr}, make_network(of_network.network, Random(seed)),
                     of_network);
}

struct Asked {
  Tensor x, sigma, condition;
};

Asked question_of(int64_t rows) {
  const Random random(4);
  const auto samples = sample_range(0, rows);
  return {random.normal(Purpose::train_noise, 0, samples, {3, 8, 8}),
          random.uniform(Purpose::train_noise, 1, samples, {1}).flatten() + 0.1,
          random.normal(Purpose::train_noise, 2, samples, {16})};
}

TEST(SharedNetwork, AnswersAsTheNetworkDoes) {
  const TextToImage first = small_model(1), second = small_model(2);
  const torch::NoGradGuard no_grad;
  for (const int64_t size : {1, 2, 3}) {
    const auto thrown = processes::joined(size, [&](const std::shared_ptr<Group>& group) {
      if (!group->leads()) return serve_evaluations(*group, torch::kCPU);
      const TextToImage shared = share_network(first, group), other = share_network(second, group);
      for (const int64_t rows : {1, 5, 8, 13, 32}) {
        const auto [x, sigma, condition] = question_of(rows);
        EXPECT_TRUE(torch::equal(other.denoiser()(x, sigma, condition), second.denoiser()(x, sigma, condition)));
        EXPECT_TRUE(torch::equal(shared.denoiser()(x, sigma, condition), first.denoiser()(x, sigma, condition)));
      }
      end_evaluations(*group);
    });
    for (const std::string& words : thrown) EXPECT_EQ(words, "");
  }
}

TEST(SharedNetwork, TapsAndGradientsStayWithWhoAsks) {
  const TextToImage model = small_model(1);
  const auto thrown = processes::joined(2, [&](const std::shared_ptr<Group>& group) {
    if (!group->leads()) return serve_evaluations(*group, torch::kCPU);
    const TextToImage shared = share_network(model, group);
    std::atomic<int> heard = 0;
    {
      const nn::TapScope scope([&](std::string_view, const Tensor& value) {
        if (value.size(0) == 16) ++heard;
        return value;
      });
      const auto [x, sigma, condition] = question_of(16);
      shared.denoiser()(x, sigma, condition);
    }
    EXPECT_GT(heard, 0);
    end_evaluations(*group);
  });
  for (const std::string& words : thrown) EXPECT_EQ(words, "");
}

}  // namespace
}  // namespace noisescope::model
