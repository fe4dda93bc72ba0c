#include "noisescope/processes/gradient_sum.h"

#include <mutex>

#include <gtest/gtest.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "tests/processes/joined.h"

namespace noisescope::processes {
namespace {

constexpr int64_t kParts = 6;

/// A network with weights in two memory orders, one that no pass reaches, and more numbers than a bucket holds.
struct Net {
  torch::nn::Conv2d conv{torch::nn::Conv2dOptions(3, 8, 3).padding(1)};
  torch::nn::Linear wide{torch::nn::Linear(8 * 16, 5000)}, last{torch::nn::Linear(5000, 2)};
  Tensor unused = torch::zeros({7}, torch::requires_grad());
  Tensor of_part_one = torch::zeros({2}, torch::requires_grad());  // no other part reaches it

  Net() {
    uint64_t number = 0;
    const torch::NoGradGuard no_grad;
    for (Tensor& parameter : parameters()) {
      parameter.copy_(Random(3).normal(Purpose::train_noise, ++number, {0}, parameter.sizes()).squeeze(0) * 0.1);
    }
    conv->weight.set_data(conv->weight.contiguous(torch::MemoryFormat::ChannelsLast));
  }
  std::vector<Tensor> parameters() {
    return {conv->weight, conv->bias, unused, of_part_one, wide->weight, wide->bias, last->weight, last->bias};
  }
  Tensor loss(int64_t part) {
    const Tensor images = Random(5).normal(Purpose::train_noise, 0, {part}, {3, 4, 4});
    const Tensor scores = last->forward(torch::tanh(wide->forward(conv->forward(images).flatten(1))));
    return (part == 1 ? scores + of_part_one : scores).square().sum();
  }
};

std::vector<Tensor> gradients(const std::shared_ptr<Group>& group) {
  Net net;
  GradientSum sum(group, net.parameters(), kParts);
  for (int update = 0; update < 2; ++update) {  // the second begins afresh
    for (int64_t part = sum.own().first; part < sum.own().end; ++part) {
      sum.begin_part(part);
      net.loss(part).backward();
      sum.end_part();
    }
    sum.finish();
  }
  std::vector<Tensor> found;
  for (const Tensor& parameter : net.parameters()) found.push_back(parameter.grad());
  return found;
}

TEST(GradientSum, HasTheSameBitsForAnyNumberOfProcesses) {
  const std::vector<Tensor> alone = gradients(Group::alone());
  for (const int64_t size : {2, 3, 4}) {
    std::mutex mutex;
    const auto thrown = joined(size, [&](const std::shared_ptr<Group>& group) {
      const std::vector<Tensor> here = gradients(group);
      const std::lock_guard lock(mutex);
      for (size_t k = 0; k < alone.size(); ++k) {
        ASSERT_EQ(here[k].defined(), alone[k].defined()) << "parameter " << k;
        EXPECT_TRUE(!alone[k].defined() || torch::equal(here[k], alone[k]))
            << "parameter " << k << ", " << size << " processes";
      }
    });
    for (const std::string& words : thrown) EXPECT_EQ(words, "");
  }
}

TEST(GradientSum, IsTheGradientOfTheSumOfLosses) {
  const std::vector<Tensor> parts = gradients(Group::alone());
  Net net;
  Tensor total = net.loss(0);
  for (int64_t part = 1; part < kParts; ++part) total = total + net.loss(part);
  total.backward();
  const std::vector<Tensor> parameters = net.parameters();
  for (size_t k = 0; k < parts.size(); ++k) {
    ASSERT_EQ(parts[k].defined(), parameters[k].grad().defined());
    EXPECT_TRUE(!parts[k].defined() || torch::allclose(parts[k], parameters[k].grad(), 1e-4, 1e-4))
        << "parameter " << k;
  }
}

TEST(GradientSum, LeavesPassesOutsideOfAPartAlone) {
  Net net;
  const GradientSum sum(Group::alone(), net.parameters(), 1);
  net.loss(0).backward();
  EXPECT_TRUE(net.last->bias.grad().defined());
}

TEST(GradientSum, RefusesFewerPartsThanProcesses) {
  const auto thrown = joined(2, [](const std::shared_ptr<Group>& group) {
    Net net;
    const GradientSum sum(group, net.parameters(), 1);
  });
  for (const std::string& words : thrown)
    EXPECT_NE(words.find("at least one part for each of 2"), std::string::npos) << words;
}

}  // namespace
}  // namespace noisescope::processes
