#include "noisescope/clip/folder/clip_weights.h"

#include <cmath>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/weight_folder.h"

namespace noisescope::clip {
namespace {

bool is_weight_dtype(const Tensor& tensor) {
  const auto type = tensor.scalar_type();
  return type == torch::kFloat32 || type == torch::kFloat16 || type == torch::kBFloat16;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += format_text("{}{}", i ? ", " : "", shape[i]);
  return text + "]";
}

void append(std::string& message, const char* kind, const std::vector<std::string>& names) {
  if (names.empty()) return;
  message += format_text("\n  {} ({}): {}", kind, names.size(), join(names));
}

/// The part of `tensor` that `weight` is, seen in the module's shape.
Tensor view_of(const Tensor& tensor, const ClipWeight& weight) {
  if (weight.shape.empty()) return tensor.reshape({});
  Tensor view = tensor;
  if (weight.part >= 0) view = view.narrow(0, weight.part * weight.shape[0], weight.shape[0]);
  return weight.transposed ? view.t() : view;
}

/// A scalar may be stored as a list of one number.
bool has_shape(const Tensor& tensor, const std::vector<int64_t>& shape) {
  return tensor.sizes() == torch::IntArrayRef(shape) || (shape.empty() && tensor.numel() == 1 && tensor.dim() == 1);
}

}  // namespace

std::string WeightFaults::describe() const {
  std::string text;
  append(text, "missing", missing);
  append(text, "unknown", unknown);
  append(text, "of another shape or dtype", unfit);
  return text;
}

WeightShapes weight_shapes(const NamedTensors& file) {
  WeightShapes shapes;
  for (const auto& [key, tensor] : file) shapes[without_module_prefix(key)] = tensor.sizes().vec();
  return shapes;
}

TensorFile read_clip_weights(const std::filesystem::path& folder) {
  TensorFile file = read_weight_folder(folder);
  const char* model = file.tensors.contains("embeddings.token_embedding.weight") ? "text_model."
                      : file.tensors.contains("embeddings.class_embedding")      ? "vision_model."
                                                                                 : nullptr;
  if (model == nullptr) return file;
  NamedTensors named;
  for (const auto& [key, tensor] : file.tensors) {
    const bool outside = key.ends_with("_projection.weight") || key == "logit_scale";
    named[outside ? key : model + key] = tensor;
  }
  file.tensors = std::move(named);
  return file;
}

void check_finite(const NamedTensors& weights, const std::string& name) {
  std::vector<std::string> bad;
  for (const auto& [key, tensor] : weights) {
    const int64_t count = tensor.numel() - at::isfinite(tensor).sum().item<int64_t>();
    if (count > 0) bad.push_back(format_text("{} ({} of {} numbers)", key, count, tensor.numel()));
  }
  if (bad.empty()) return;
  throw ModelError(format_text(
      "[clip.ClipModel.load] expected finite weights in {}, got NaN or infinity in {}; the file is damaged, or "
      "its training had diverged",
      name, join(bad)));
}

NamedTensors plain_weights(const NamedTensors& file) {
  NamedTensors plain;
  for (const auto& [key, tensor] : file) {
    const std::string name = without_module_prefix(key);
    if (!is_stored_constant(name)) plain[name] = tensor;
  }
  return plain;
}

WeightFaults weight_faults(const NamedTensors& file, const std::vector<ClipWeight>& weights) {
  WeightFaults faults;
  std::set<std::string> wanted;
  for (const ClipWeight& weight : weights) {
    if (!wanted.insert(weight.key).second) continue;  // q, k and v are one tensor
    const std::vector<int64_t> shape = weight.file_shape();
    const auto found = file.find(weight.key);
    if (found == file.end()) {
      faults.missing.push_back(weight.key + " " + shape_text(shape));
    } else if (!has_shape(found->second, shape) || !is_weight_dtype(found->second)) {
      faults.unfit.push_back(format_text("{} (expected {} in float32, float16 or bfloat16, got {})", weight.key,
                                         shape_text(shape), describe_tensor(found->second)));
    }
  }
  for (const auto& [key, tensor] : file) {
    if (!wanted.contains(key)) faults.unknown.push_back(key);
  }
  return faults;
}

NamedTensors module_weights(const NamedTensors& file, const std::vector<ClipWeight>& weights, const std::string& name) {
  const WeightFaults faults = weight_faults(file, weights);
  if (!faults.empty()) {
    throw ModelError(
        format_text("[clip.ClipModel.load] expected the weights that the configuration describes in "
                    "{}, got others; configuration and weights belong to different models{}",
                    name, faults.describe()));
  }
  NamedTensors out;
  for (const ClipWeight& weight : weights) out[weight.name] = view_of(file.at(weight.key), weight);
  check_finite(out, name);
  return out;
}

Tensor resize_position_embedding(const Tensor& embedding, int64_t grid, PositionResize convention) {
  check_shape("clip.resize_position_embedding", "embedding", embedding, {-1, -1});
  const int64_t patches = embedding.size(0) - 1, width = embedding.size(1);
  const auto old = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (old < 1 || old * old != patches || grid < 1) {
    throw ShapeError("[clip.resize_position_embedding] expected a class token and a square grid, got " +
                     describe_tensor(embedding));
  }
  const Tensor values = embedding.detach().to(torch::kFloat32);
  if (grid == old) return values;
  const Tensor map = values.narrow(0, 1, patches).t().reshape({1, width, old, old});
  const Tensor resized = convention == PositionResize::open_clip
                             ? at::_upsample_bicubic2d_aa(map, {grid, grid}, /*align_corners=*/false, {}, {})
                             : at::upsample_bicubic2d(map, {grid, grid}, /*align_corners=*/false, {}, {});
  return at::cat({values.narrow(0, 0, 1), resized.reshape({width, grid * grid}).t()});
}

}  // namespace noisescope::clip
