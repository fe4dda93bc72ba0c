// The weights of a model folder, in one safetensors file or in shards with an index.
#pragma once

#include <filesystem>

#include "noisescope/io/safetensors.h"

namespace noisescope::io {

/// Reads, in this order: `path` itself if it is a file; model.safetensors; the shards of
/// model.safetensors.index.json; open_clip_model.safetensors or its shards; the only *.safetensors of
/// the folder. Metadata is that of the (first) file.
/// Throws IoError for a folder without weights (naming pickles, which are never opened here),
/// FormatError for damaged files and for an index that does not fit its shards: absent files, tensors
/// missing in their shard, tensors that the index does not name, all listed at once.
TensorFile read_weight_folder(const std::filesystem::path& path);

/// The file or index that read_weight_folder would start from.
std::filesystem::path find_weights(const std::filesystem::path& path);

}  // namespace noisescope::io
