#include "noisescope/nn/precision.h"

#include <ATen/autocast_mode.h>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"

namespace noisescope::nn {

Precision chosen_precision(Precision wanted, torch::Device device) {
  if (wanted == Precision::automatic) {
    return device.is_cpu() && has_bfloat16_matrix_units() ? Precision::bfloat16 : Precision::float32;
  }
  if (wanted == Precision::bfloat16 && !device.is_cpu() && !device.is_cuda()) {
    throw ValueError("[nn.chosen_precision] expected precision float32 on device " + device.str() +
                     ", got bfloat16, which is for cpu and cuda");
  }
  return wanted;
}

PrecisionScope::PrecisionScope(Precision precision, torch::Device device)
    : device_(device.type()),
      enabled_before_(at::autocast::is_autocast_enabled(device_)),
      dtype_before_(at::autocast::get_autocast_dtype(device_)) {
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(device_, precision == Precision::bfloat16);
  at::autocast::set_autocast_dtype(device_, torch::kBFloat16);
}

PrecisionScope::~PrecisionScope() {
  at::autocast::set_autocast_enabled(device_, enabled_before_);
  at::autocast::set_autocast_dtype(device_, dtype_before_);
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

}  // namespace noisescope::nn
