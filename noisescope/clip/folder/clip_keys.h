// The tensors of a CLIP, and what they are called in the files of others. No torch here.
#pragma once

#include <string>
#include <vector>

#include "noisescope/clip/clip_config.h"

namespace noisescope::clip {

/// hugging_face  text_model.*, vision_model.*, text_projection.weight, visual_projection.weight
/// openai        visual.*, transformer.*, ...: OpenAI's CLIP and open_clip's `CLIP`
/// custom_text   the same with text.* for the text half: open_clip's `CustomTextCLIP`
enum class ClipLayout { hugging_face, openai, custom_text };
NOISESCOPE_ENUM(ClipLayout, hugging_face, openai, custom_text)

/// The layout whose names occur. Throws ModelError for image towers that this program does not have
/// (ModifiedResNet, timm) and for files that hold no CLIP.
ClipLayout layout_of(const WeightShapes& shapes, const std::string& path);

/// One parameter of ClipModel::module() with a vit tower, and where a file holds it.
struct ClipWeight {
  std::string name;            // in the module
  std::vector<int64_t> shape;  // in the module
  std::string key;             // in the file
  int64_t part = -1;           // 0, 1, 2: this third of the file's rows (q, k, v); -1: all of it
  bool transposed = false;     // the file holds [in, out]

  /// Shape of the file's tensor.
  std::vector<int64_t> file_shape() const;
};

/// Every weight of the model that `config` describes; a half model has no logit_scale.
std::vector<ClipWeight> clip_weights(const ClipConfig& config, ClipLayout layout);

/// Constants that some programs stored beside the weights: position_ids, attn_mask, and OpenAI's
/// input_resolution, context_length and vocab_size.
bool is_stored_constant(const std::string& key);

/// "module.visual.proj" -> "visual.proj": what data-parallel training leaves in open_clip's files.
std::string without_module_prefix(const std::string& key);

}  // namespace noisescope::clip
