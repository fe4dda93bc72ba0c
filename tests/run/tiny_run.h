// A run that trains in seconds.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "noisescope/run/run_config.h"

namespace noisescope::test {

/// The demo in everything but size: a few steps of both trainings.
inline RunConfig tiny_config() {
  RunConfig config = demo_config();
  config.data.world_samples = 200;
  config.clip_train.images = 0;
  config.clip_train.steps = 2;
  config.clip_batch_size = 8;
  config.train.budget = "3steps";
  config.train.batch_size = 4;
  config.train.validation_samples = 4;
  config.train.validate_every = 0;
  config.sample.grid.steps = 3;
  config.evaluation.samples = 4;
  config.evaluation.sweep_samples = 2;
  config.evaluation.scales = {1.0, 2.0};
  config.calibration.pictures = 0;
  return config;
}

/// What the error that `work` throws says; "" if it throws none.
inline std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

inline RunFolder fresh_folder(const std::string& name) {
  const std::filesystem::path root = std::filesystem::path(::testing::TempDir()) / ("noisescope_run_" + name);
  std::filesystem::remove_all(root);
  return RunFolder{root};
}

}  // namespace noisescope::test
