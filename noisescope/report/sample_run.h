// Pictures on disk: grids, single images, arrays, and the film of the noise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::report {

struct SampleRequest {
  std::vector<std::string> prompts;
  std::vector<std::filesystem::path> image_prompts;  // pictures to draw alike, after the prompts
  int64_t count = 1;                                 // pictures of each prompt
  std::string negative_prompt;
  uint64_t seed = 0;
  int64_t first = 0;          // number of the first picture of each prompt
  std::filesystem::path out;  // "": samples/ of the run
  std::string film = "gif";   // gif, apng or webp
  bool no_animation = false;
  bool single = false;  // also one PNG a picture
  std::string array;    // "", "safetensors" or "npy"
  std::string record;   // "", "run" (what the run evaluates) or "full" (both branches)
};

struct SampleResult {
  Tensor pictures;                           // [prompts * count, 3, S, S]
  std::vector<std::filesystem::path> files;  // written
  double seconds = 0;                        // of drawing
  std::vector<std::string> earlier;          // names of pictures that an earlier call left in the folder
};

/// Draws and writes grid.png (a prompt a row) with the settings embedded, film.<format> of the first picture unless
/// switched off, and what else is asked for. Picture k of a prompt has noise (seed, first + k), and single pictures say
/// that number ("sample_number"). The folder is made before anything is drawn. A record (record.safetensors,
/// model/trajectory_record.h) holds all pictures; ValueError if it would exceed the cap of RecorderOptions.
SampleResult sample_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                        const SampleRequest& request, const Control& control);

}  // namespace noisescope::report
