// The stand-in device itself: it refuses what CUDA refuses, cannot be read by the host, computes as the CPU does, and
// counts right.
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/index.h>
#include <gtest/gtest.h>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "tests/standin/counts.h"
#include "tests/standin/memory.h"

namespace noisescope {
namespace {

using standin::Counts;
using standin::counts_of;

torch::Device device() { return parse_device("standin"); }

Tensor row(int64_t count) { return torch::arange(count, torch::kFloat32); }
Tensor here(const Tensor& tensor) { return tensor.to(device()); }

TEST(StandIn, IsADeviceOfTheProgram) {
  EXPECT_EQ(parse_device("standin:0").type(), torch::kPrivateUse1);
  EXPECT_THROW(parse_device("standin:1"), ValueError);
  EXPECT_THROW(parse_device("standin:x"), ValueError);
  EXPECT_EQ(parse_device("auto").type(), torch::kCPU);
}

TEST(StandIn, RefusesTensorsOfTwoDevices) {
  const Tensor a = here(torch::ones({4, 4})), b = torch::ones({4, 4});
  const Tensor rows = torch::tensor({1, 2}), mask = torch::ones({4, 4}, torch::kBool);
  EXPECT_THROW(a + b, c10::Error);
  EXPECT_THROW(b * a, c10::Error);
  EXPECT_THROW(a.matmul(b), c10::Error);
  EXPECT_THROW(torch::cat({a, b}), c10::Error);
  EXPECT_THROW(torch::stack({b, a}), c10::Error);
  EXPECT_THROW(a.index_select(0, rows), c10::Error);
  EXPECT_THROW(a.gather(0, torch::zeros({4, 4}, torch::kInt64)), c10::Error);
  EXPECT_THROW(torch::where(mask, a, a), c10::Error);
  EXPECT_THROW(a.masked_fill(mask, 0), c10::Error);
  EXPECT_THROW(torch::where(here(mask), a, b), c10::Error);
  EXPECT_THROW(torch::layer_norm(a, {4}, b[0]), c10::Error);
  EXPECT_THROW(torch::conv1d(a.unsqueeze(0), torch::ones({4, 4, 1})), c10::Error);
  EXPECT_THROW(at::_foreach_add({a, a}, {a, b}), c10::Error);
  EXPECT_THROW(torch::equal(a, b), c10::Error);
  EXPECT_THROW(torch::searchsorted(row(4), a), c10::Error);
  Tensor out = torch::empty({4, 4});
  EXPECT_THROW(at::add_out(out, a, a), c10::Error);
  out = torch::empty({4, 4});
  EXPECT_THROW(out += a, c10::Error);
}

TEST(StandIn, TakesWhatCudaTakes) {
  const Tensor a = here(row(4));
  const Tensor number = torch::tensor(2.0f), rows = torch::tensor({3, 0});
  EXPECT_TRUE(torch::equal((a * 2 + number).cpu(), row(4) * 2 + 2));
  EXPECT_TRUE(torch::equal((number - a).cpu(), 2 - row(4)));
  EXPECT_TRUE(torch::equal(torch::where(a > 1, a, number).cpu(), torch::tensor({2.0f, 2.0f, 2.0f, 3.0f})));
  EXPECT_TRUE(torch::equal(a.index({rows}).cpu(), torch::tensor({3.0f, 0.0f})));  // the index is copied
  Tensor changed = a.clone();
  changed.index_put_({rows}, torch::tensor(9.0f));
  EXPECT_TRUE(torch::equal(changed.cpu(), torch::tensor({9.0f, 1.0f, 2.0f, 9.0f})));
  // No other numbers where CUDA's kernels want tensors.
  EXPECT_THROW(torch::cat({a, number.view(1)}), c10::Error);
  EXPECT_THROW(a.index_select(0, torch::tensor(1)), c10::Error);
}

TEST(StandIn, HasNoRandomNumbers) {
  EXPECT_THROW(torch::randn({3}, torch::TensorOptions(device())), c10::Error);
  EXPECT_THROW(torch::dropout(here(row(4)), 0.5, true), c10::Error);
  EXPECT_THROW(here(row(4)).bernoulli(0.5), c10::Error);
}

TEST(StandInDeathTest, EndsTheProcessWhenTheHostReadsItsMemory) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const Tensor a = here(row(4)), copy = a.cpu();
  EXPECT_EQ(copy.data_ptr<float>()[3], 3);
  EXPECT_EXIT(static_cast<void>(*static_cast<volatile float*>(a.data_ptr<float>())), ::testing::ExitedWithCode(139),
              "the host read or wrote memory of the stand-in device");
  EXPECT_EXIT(*static_cast<volatile float*>((a + 1).data_ptr<float>()) = 1, ::testing::ExitedWithCode(139),
              "the host read or wrote memory of the stand-in device");
}

TEST(StandIn, ComputesAsTheCpuDoes) {
  const Tensor x = row(24).view({2, 3, 4}) / 7;
  const auto same = [](const Tensor& found, const Tensor& expected) {
    return standin::is_on_device(found) && torch::equal(found.cpu(), expected);
  };
  EXPECT_TRUE(same(here(x).softmax(1), x.softmax(1)));
  EXPECT_TRUE(same(here(x).transpose(0, 2).sum(1), x.transpose(0, 2).sum(1)));
  EXPECT_TRUE(same(std::get<1>(here(x).sort(2, true)), std::get<1>(x.sort(2, true))));
  EXPECT_TRUE(same(here(x).masked_select(here(x) > 1), x.masked_select(x > 1)));
  EXPECT_TRUE(same(torch::fft_rfft(here(x)).abs(), torch::fft_rfft(x).abs()));
  EXPECT_TRUE(same(torch::linspace(-1, 1, 7, device()), torch::linspace(-1, 1, 7)));
  EXPECT_TRUE(same(torch::fft_fftfreq(6, 1.0, device()), torch::fft_fftfreq(6, 1.0)));  // fills an empty part of itself
  EXPECT_TRUE(same(here(x).to(torch::kFloat16).to(torch::kFloat64), x.to(torch::kFloat16).to(torch::kFloat64)));
  EXPECT_TRUE(same(here(x).unfold(2, 2, 1), x.unfold(2, 2, 1)));
}

TEST(StandIn, DerivesAsTheCpuDoes) {
  const auto gradients = [](torch::Device on) {
    const auto leaf = [&](const Tensor& t) { return t.to(on).set_requires_grad(true); };
    const Tensor x = leaf(row(2 * 3 * 6 * 6).view({2, 3, 6, 6}) / 99),
                 w = leaf(row(4 * 3 * 3 * 3).view({4, 3, 3, 3}) / 50);
    const Tensor b = leaf(row(4));
    torch::silu(torch::conv2d(x, w, b, 1, 1)).square().mean().backward();
    return std::vector<Tensor>{x.grad().cpu(), w.grad().cpu(), b.grad().cpu()};
  };
  const std::vector<Tensor> found = gradients(device()), expected = gradients(torch::kCPU);
  for (size_t k = 0; k < found.size(); ++k) EXPECT_TRUE(torch::allclose(found[k], expected[k], 1e-5, 1e-7)) << k;
}

void expect_counts(const Counts& found, const Counts& expected, const char* what) {
  EXPECT_EQ(found.launches, expected.launches) << what;
  EXPECT_EQ(found.to_device, expected.to_device) << what;
  EXPECT_EQ(found.to_host, expected.to_host) << what;
  EXPECT_EQ(found.waits, expected.waits) << what;
}

TEST(StandInCounts, LaunchesAndViews) {
  const Tensor a = here(row(6)), b = a * 2;
  expect_counts(counts_of([&] { static_cast<void>(a + b); }), {.launches = 1}, "a sum");
  expect_counts(counts_of([&] { static_cast<void>((a + b) * a - 3); }), {.launches = 3}, "three operators");
  expect_counts(counts_of([&] { static_cast<void>(a.view({2, 3}).t()[1].slice(0, 0, 1)); }), {}, "views");
  expect_counts(counts_of([&] { static_cast<void>(a.clone()); }), {.launches = 1}, "a copy on the device");
  expect_counts(counts_of([&] { static_cast<void>(torch::zeros({3}, device())); }), {.launches = 1}, "zeros");
}

TEST(StandInCounts, CopiesAndWaits) {
  const Tensor host = row(6), a = here(host);
  expect_counts(counts_of([&] { here(host); }), {.to_device = 1, .waits = 1}, "to the device");
  expect_counts(counts_of([&] { host.to(device(), true); }), {.to_device = 1, .waits = 1}, "not pinned");
  expect_counts(counts_of([&] { host.pin_memory().to(device()); }), {.to_device = 1, .waits = 1},
                "pinned, and waited for");
  expect_counts(counts_of([&] { host.pin_memory().to(device(), true); }), {.to_device = 1}, "pinned");
  expect_counts(counts_of([&] { to_device(host, device()); }), {.to_device = 1}, "to_device");
  expect_counts(counts_of([&] { static_cast<void>(a.cpu()); }), {.to_host = 1, .waits = 1}, "to the host");
  expect_counts(counts_of([&] { a[2].item<float>(); }), {.to_host = 1, .waits = 1}, "an item");
  EXPECT_EQ(counts_of([&] { a.nonzero(); }).waits, 1);
  EXPECT_EQ(counts_of([&] { a.masked_select(a > 2); }).waits, 1);
  EXPECT_EQ(counts_of([&] { a.index({a > 2}); }).waits, 1);
  EXPECT_EQ(counts_of([&] { torch::equal(a, a); }).waits, 1);
  EXPECT_EQ(counts_of([&] { (a >= 0).all().item<bool>(); }).waits, 1);
  const Tensor rows = torch::tensor({1, 0});
  expect_counts(counts_of([&] { at::index(a, {rows}); }), {.launches = 1, .to_device = 1, .waits = 1}, "a host index");
}

}  // namespace
}  // namespace noisescope
