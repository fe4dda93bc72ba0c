// A sampling run on disk: everything that the solver saw, for films and explanations of later.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/model/text_to_image.h"

namespace noisescope {

/// What a run was drawn with. B pictures.
struct RunFacts {
  std::vector<std::string> prompts;  // [B]; a picture as prompt: kPicturePrompt and its file's name
  std::vector<int64_t> sample_ids;   // [B]: whose noise, of the seed in `settings`
  std::string weights;               // weights_hash of the model that drew
  std::string settings;              // JSON: seed and all options that the run can be drawn again from
};

inline constexpr const char* kPicturePrompt = "picture:";

/// S steps of B pictures. What was not recorded is undefined; where a step did not evaluate a branch
/// (guidance off there) its values are NaN.
struct RunRecord {
  std::vector<double> sigmas;  // S + 1 noise levels, the last 0
  Tensor x;                    // [S, B, C, H, W]: the noisy images at sigmas[0 .. S-1]
  Tensor denoised;             // the estimate that the solver used
  Tensor conditional;          // the estimate with prompt
  Tensor unconditional;        // the estimate without prompt
  RunFacts facts;
};

/// Hash of all that turns a prompt into an estimate: network and CLIP. Equal weights, equal hash.
std::string weights_hash(const TextToImage& model);

/// The record of a recorder that watched one run, or one run in several batches (each from step 0).
/// Throws ValueError if nothing was recorded or the last batch is incomplete.
RunRecord make_run_record(const TrajectoryRecorder& recorder, RunFacts facts);

/// The record as a recorder's steps of one run, to go on from. What was not recorded stays undefined.
std::vector<SamplerStep> steps_of(const RunRecord& record);

/// One safetensors file: the tensors by their names above, "sigmas" in float64; the facts in the
/// metadata.
void save_run_record(const std::filesystem::path& path, const RunRecord& record);

/// Throws IoError, FormatError, ModelError for a file that is no record or whose parts do not fit.
RunRecord load_run_record(const std::filesystem::path& path);

}  // namespace noisescope
