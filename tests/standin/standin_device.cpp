#include "noisescope/core/device.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope::test {

torch::Device tested_device() { return parse_device("standin"); }
double rounding() { return 1; }

}  // namespace noisescope::test
