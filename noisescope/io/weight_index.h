// model.safetensors.index.json: which shard of a large model holds which tensor. No torch here.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "noisescope/core/namespaces.h"

namespace noisescope::io {

/// Tensor name -> file name, of the index's "weight_map". File names must be plain names ending in
/// .safetensors: none leaves the folder. Throws FormatError with path, and byte offset where known.
std::map<std::string, std::string> parse_weight_index(std::string_view json, const std::string& path);

}  // namespace noisescope::io
