// What xNoise leaves on disk, as this program's own: checkpoints as runs, its CSV of embeddings.
#pragma once

#include <filesystem>

#include "noisescope/io/safetensors.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Makes a run of a seed network, ready to sample and to be explained. `checkpoint` holds the network's tensors
/// under xNoise's names and, as metadata "config", xNoise's own configuration in JSON: model.img_channels,
/// img_size, down_channels, t_embed_dim, c_embed_dim; diffusion.timesteps, beta_start, beta_end. Conditions are the
/// raw text embeddings of the CLIP in `clip_folder`; pictures are drawn by xNoise's process at w = 1.
/// Returns the configuration of the run. Throws FormatError for a configuration without these keys, ModelError if
/// tensors do not fit it or CLIP's width is not c_embed_dim.
RunConfig import_xnoise_checkpoint(const TensorFile& checkpoint, const std::filesystem::path& clip_folder,
                                   const RunFolder& run);

/// The CSV of xNoise's embeddings: a line a picture, its name and D numbers, no header. Returns tensor `image`
/// [N, D] float32 and the names as metadata image_names, as clip_embed writes them (run/clip_embed.h); the rows are
/// as they stand there, not of unit norm. Throws FormatError naming file and line.
TensorFile read_xnoise_embeddings(const std::filesystem::path& csv);

}  // namespace noisescope::run
