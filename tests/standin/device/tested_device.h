// The device that this program tries, beside the CPU: the stand-in, or a GPU.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "noisescope/core/tensor.h"

namespace noisescope::test {

/// Throws ValueError where it is not there: a test of a GPU fails on a machine without one.
torch::Device tested_device();

/// How much farther from the CPU's numbers it may be than the stand-in, which computes by the CPU's kernels.
double rounding();

/// How far apart, as a share of the largest number of the CPU's.
inline double distance(const Tensor& found, const Tensor& on_cpu) {
  if (on_cpu.numel() == 0) return 0;
  const Tensor a = found.detach().to(torch::kCPU, torch::kFloat64), b = on_cpu.detach().to(torch::kFloat64);
  return ((a - b).abs().max() / b.abs().max().clamp_min(1e-12)).item<double>();
}

/// The device's answer is the CPU's, up to rounding; `found` must lie on the tested device.
inline void expect_same(const Tensor& found, const Tensor& on_cpu, double tolerance, const std::string& what = "") {
  EXPECT_EQ(found.device().type(), tested_device().type()) << what;
  ASSERT_EQ(found.sizes(), on_cpu.sizes()) << what;
  EXPECT_LE(distance(found, on_cpu), tolerance * rounding()) << what;
}

}  // namespace noisescope::test
