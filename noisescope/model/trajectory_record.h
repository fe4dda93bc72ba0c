// A sampling run on disk: everything that the solver saw, for films and explanations of later.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/model/model.h"

namespace noisescope::model {

/// What a run was drawn with. B pictures.
struct TrajectoryFacts {
  std::vector<std::string> prompts;  // [B]; a picture as prompt: kPicturePrompt and its file's name
  std::vector<int64_t> sample_ids;   // [B]: whose noise, of the seed in `settings`
  std::string weights;               // weights_hash of the model that drew
  std::string settings;              // JSON: seed and all options that the run can be drawn again from
};

inline constexpr const char* kPicturePrompt = "picture:";

/// S steps of B pictures. What was not recorded is undefined; where a step did not evaluate a branch
/// (guidance off there) its values are NaN.
struct TrajectoryRecord {
  std::vector<double> sigmas;  // S + 1 noise levels, the last 0
  Tensor x;                    // [S, B, C, H, W]: the noisy images at sigmas[0 .. S-1]
  Tensor denoised;             // the estimate that the solver used
  Tensor conditional;          // the estimate with prompt
  Tensor unconditional;        // the estimate without prompt
  TrajectoryFacts facts;
};

/// Hash of all that turns a prompt into an estimate: network and CLIP. Equal weights, equal hash.
std::string weights_hash(const TextToImage& model);

/// The record of a recorder that watched one run, or one run in several batches (each from step 0).
/// Throws ValueError if nothing was recorded or the last batch is incomplete.
TrajectoryRecord make_record(const TrajectoryRecorder& recorder, TrajectoryFacts facts);

/// Pictures of a record, and what they were drawn with.
struct RecordedTrajectory {
  std::string prompt;
  SamplingOptions sample;
  Trajectory trajectory;  // the picture asked for first, then the others of its prompt
  int64_t added = 0;      // of them: drawn beside a single one
};

/// Picture `picture` of a record and the others of its prompt, the one asked for first; where it is the only
/// one, `count` - 1 further ones are drawn as it was. Throws ValueError for a picture out of range or one drawn
/// from a picture; ShapeError for pictures of another size than the model's; ModelError for a record of other
/// weights, without x or denoised, or with settings that cannot be read; NumericError for one that is not finite.
RecordedTrajectory read_trajectory(const Model& model, const TrajectoryRecord& record, int64_t picture,
                                   int64_t count = 1, const Control& control = {});

/// The record as a recorder's steps of one run, to go on from. What was not recorded stays undefined.
std::vector<SamplerStep> steps_of(const TrajectoryRecord& record);

/// One safetensors file: the tensors by their names above, "sigmas" in float64; the facts in the
/// metadata.
void save_record(const std::filesystem::path& path, const TrajectoryRecord& record);

/// Throws IoError, FormatError, ModelError for a file that is no record or whose parts do not fit.
TrajectoryRecord load_record(const std::filesystem::path& path);

}  // namespace noisescope::model
