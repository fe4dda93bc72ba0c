// A run of the demo world, trained for three steps on the CPU, opened on any device.
#pragma once

#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope::test {

inline RunConfig small_config() {
  RunConfig config = tiny_config();
  config.network.channels = {16, 32};
  config.network.attention_resolutions = {8};
  config.train.batch_size = 4;
  config.train.precision = Precision::float32;
  return config;
}

/// Trained once for all tests of the program.
inline const RunFolder& small_run() {
  static const RunFolder folder = [] {
    RunFolder fresh = fresh_folder("device_small");
    train_run(small_config(), fresh, {}, {});
    return fresh;
  }();
  return folder;
}

inline Model small_model(torch::Device device) {
  return run_model(load_run_model(small_run(), device), load_run_config_of(small_run()), small_run());
}

}  // namespace noisescope::test
