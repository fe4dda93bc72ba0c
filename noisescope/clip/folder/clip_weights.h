// Weights of a file under the names of ClipModel::module(), checked as a whole before any is used.
#pragma once

#include <string>
#include <vector>

#include "noisescope/clip/folder/clip_keys.h"
#include "noisescope/core/options.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/module_state.h"

namespace noisescope::clip {

/// Everything about a weight file that does not fit a configuration, in the file's own names.
struct WeightFaults {
  std::vector<std::string> missing;  // "key [shape]"
  std::vector<std::string> unknown;  // keys that no part of the model has
  std::vector<std::string> unfit;    // "key (expected [...], got [...] dtype)"

  bool empty() const { return missing.empty() && unknown.empty() && unfit.empty(); }
  std::string describe() const;  // one line a kind, "" if empty
};

WeightShapes weight_shapes(const NamedTensors& file);

/// The weights of a folder. Where transformers 5 left the model's name out of a half (embeddings.*, encoder.*), it is
/// put in. Throws as read_weight_folder.
TensorFile read_clip_weights(const std::filesystem::path& folder);

/// Throws ModelError naming the tensors that hold NaN or infinity; `name` stands for the file.
void check_finite(const NamedTensors& weights, const std::string& name);

/// `file` with "module." taken off its names and stored constants left out.
NamedTensors plain_weights(const NamedTensors& file);

/// Compares names, shapes and dtypes (float32, float16, bfloat16) of plain_weights with `weights`.
WeightFaults weight_faults(const NamedTensors& file, const std::vector<ClipWeight>& weights);

/// Views into `file`, one a weight, in the module's names and shapes and the file's dtype. Throws
/// ModelError listing all faults at once, and as check_finite; `name` stands for the file. A scalar may be stored as a
/// list of one number.
NamedTensors module_weights(const NamedTensors& file, const std::vector<ClipWeight>& weights, const std::string& name);

/// How position embeddings of a square grid of patches pass to another grid. The class token's row
/// stays. `transformers`: bicubic, a = -0.75 (interpolate_pos_encoding); `open_clip`: bicubic with
/// antialias, a = -0.5 (resize_pos_embed).
enum class PositionResize { transformers, open_clip };
NOISESCOPE_ENUM(PositionResize, transformers, open_clip)

/// [1 + G^2, D] -> [1 + grid^2, D] float32. Throws ShapeError for another number of rows.
Tensor resize_position_embedding(const Tensor& embedding, int64_t grid, PositionResize convention);

}  // namespace noisescope::clip
