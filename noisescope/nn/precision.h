// In what numbers a network is computed: float32, or convolutions and products in bfloat16 where the processor
// multiplies matrices of it. Weights, statistics of norms, gradients' sums and optimizer are float32 in either case.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "noisescope/core/tensor.h"

namespace noisescope::nn {

enum class Precision { automatic, float32, bfloat16 };

constexpr std::array<std::pair<Precision, std::string_view>, 3> enum_names(Precision) {
  return {{{Precision::automatic, "auto"}, {Precision::float32, "float32"}, {Precision::bfloat16, "bfloat16"}}};
}

/// What `auto` stands for here: bfloat16 on a CPU with matrix units for it (AMX), which run a convolution of the demo's
/// network three to five times as fast; float32 elsewhere. The choice is the machine's alone, so a run that goes on
/// there goes on in the same. Throws ValueError for bfloat16 on a device that is neither a CPU nor CUDA.
Precision chosen_precision(Precision wanted, torch::Device device);

/// While it lives, this thread computes convolutions and products in a precision (torch's autocast); what stood before
/// stands again after it. Not `automatic`.
class PrecisionScope {
 public:
  PrecisionScope(Precision precision, torch::Device device);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  torch::DeviceType device_;
  bool enabled_before_;
  torch::ScalarType dtype_before_;
};

}  // namespace noisescope::nn
