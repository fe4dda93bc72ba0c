// A sampling run on disk: everything that the solver saw, for films and explanations of later.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/diffusion/trajectory.h"

namespace noisescope {

/// S steps of B pictures. What was not recorded is undefined; where a step did not evaluate a branch
/// (guidance off there) its values are NaN.
struct RunRecord {
  std::vector<double> sigmas;  // S + 1 noise levels, the last 0
  Tensor x;                    // [S, B, C, H, W]: the noisy images at sigmas[0 .. S-1]
  Tensor denoised;             // the estimate that the solver used
  Tensor conditional;          // the estimate with prompt
  Tensor unconditional;        // the estimate without prompt
  std::vector<std::string> prompts;  // [B]
  std::string settings;        // JSON: seed and all options that the run can be drawn again from
};

/// The record of a recorder that watched one run, or one run in several batches (each from step 0).
/// Throws ValueError if nothing was recorded or the last batch is incomplete.
RunRecord make_run_record(const TrajectoryRecorder& recorder, std::vector<std::string> prompts,
                          std::string settings);

/// The record as a recorder's steps of one run, to go on from. What was not recorded stays undefined.
std::vector<SamplerStep> steps_of(const RunRecord& record);

/// One safetensors file: the tensors by their names above, "sigmas" in float64; prompts and settings
/// in the metadata.
void save_run_record(const std::filesystem::path& path, const RunRecord& record);

/// Throws IoError, FormatError, ModelError for a file that is no record or whose parts do not fit.
RunRecord load_run_record(const std::filesystem::path& path);

}  // namespace noisescope
