// The library has kernels of its own for the CPU; elsewhere torch's operators do the same.
#include "noisescope/nn/norm_film_silu.h"
#include "noisescope/nn/orthogonalizers.h"

#include "noisescope/core/random.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

using test::expect_same;
using test::tested_device;

Tensor numbers(uint64_t stream, std::initializer_list<int64_t> sizes) {
  return Random(2).normal(Purpose::explain, stream, {0}, torch::IntArrayRef(sizes))[0];
}

/// norm_film_silu of fixed numbers, and the gradients of x, film, weight and bias.
std::vector<Tensor> norm_and_gradients(torch::Device device) {
  torch::nn::GroupNorm norm(torch::nn::GroupNormOptions(4, 8));
  norm->to(device);
  const auto leaf = [&](const Tensor& values) { return values.to(device).set_requires_grad(true); };
  const Tensor x = leaf(numbers(1, {3, 8, 6, 6})), film = leaf(numbers(2, {3, 16, 3, 3}));
  const Tensor y = nn::norm_film_silu(x, norm, film);
  (y * numbers(3, {3, 8, 6, 6}).to(device)).sum().backward();
  return {y, x.grad(), film.grad(), norm->weight.grad(), norm->bias.grad()};
}

TEST(KernelsOnDevice, NormAndItsGradients) {
  const std::vector<Tensor> found = norm_and_gradients(tested_device()), on_cpu = norm_and_gradients(torch::kCPU);
  for (size_t k = 0; k < found.size(); ++k) expect_same(found[k], on_cpu[k], 1e-6, std::to_string(k));
}

TEST(KernelsOnDevice, OrthogonalParts) {
  std::vector<Tensor> matrices, here;
  matrices.push_back(numbers(4, {5, 12}));
  matrices.push_back(numbers(5, {20, 7}));
  matrices.push_back(numbers(6, {8, 3, 3, 3}).contiguous(kChannelsLast));
  for (const Tensor& matrix : matrices) here.push_back(matrix.to(tested_device()));
  const std::vector<Tensor> found = nn::orthogonal_parts(here, 0.2), on_cpu = nn::orthogonal_parts(matrices, 0.2);
  for (size_t k = 0; k < found.size(); ++k) expect_same(found[k], on_cpu[k], 1e-5, std::to_string(k));
}

}  // namespace
}  // namespace noisescope
