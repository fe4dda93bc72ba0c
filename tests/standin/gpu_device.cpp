#include <ATen/Context.h>

#include "noisescope/core/device.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope::test {

torch::Device tested_device() {
  at::globalContext().setAllowTF32CuDNN(false);  // 10 bits of a product would hide mistakes
  return parse_device("cuda");
}

/// Sums are taken in another order, and trainings and samplings carry that on.
double rounding() { return 100; }

}  // namespace noisescope::test
