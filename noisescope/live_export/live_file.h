// Writes a trained model as one file that runs without torch (live/live_model.h).
#pragma once

#include <filesystem>
#include <string>

#include "noisescope/core/options.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/model/model.h"

namespace noisescope::live {

/// How the weights of the network are kept. The text tower, a sixth of all, always stays in float32: conditions are
/// then the program's own.
enum class LiveNumbers { float16, float32 };
NOISESCOPE_ENUM(LiveNumbers, float16, float32)

struct LiveFileOptions {
  LiveNumbers numbers = LiveNumbers::float16;
  std::string page = "{}";  // JSON for whoever shows the model: kept as it is
};

/// Throws ModelError for a model without a network of ours, and for what runs only in the program: byte-pair
/// tokenizers, networks of xNoise.
TensorFile live_file(const Model& model, const LiveFileOptions& options = {});

/// The same as a file, written atomically.
void write_live_file(const std::filesystem::path& path, const Model& model, const LiveFileOptions& options = {});

}  // namespace noisescope::live
