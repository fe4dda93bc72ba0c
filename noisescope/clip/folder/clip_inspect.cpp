#include "noisescope/clip/folder/clip_inspect.h"

#include <exception>

#include "noisescope/core/format.h"
#include "noisescope/io/weight_folder.h"

namespace noisescope::clip {
namespace {

namespace fs = std::filesystem;

/// Runs one step of the inspection; what it throws becomes a problem.
template <class Step>
bool attempt(ClipInspection& inspection, const Step& step) {
  try {
    step();
    return true;
  } catch (const std::exception& error) {
    inspection.problems.push_back(error.what());
    return false;
  }
}

std::string dtype_name(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat32:
      return "float32";
    case torch::kFloat16:
      return "float16";
    case torch::kBFloat16:
      return "bfloat16";
    default:
      return c10::toString(type);
  }
}

void count_numbers(const NamedTensors& weights, ClipInspection& inspection) {
  for (const auto& [key, tensor] : weights) {
    inspection.dtypes[dtype_name(tensor.scalar_type())] += tensor.numel();
  }
}

void count_parameters(const std::vector<ClipWeight>& weights, ClipInspection& inspection) {
  for (const ClipWeight& weight : weights) {
    int64_t numbers = 1;
    for (const int64_t size : weight.shape) numbers *= size;
    if (weight.name.starts_with("text.")) inspection.text_parameters += numbers;
    if (weight.name.starts_with("image.")) inspection.image_parameters += numbers;
  }
}

void inspect_tokenizer(const fs::path& folder, ClipInspection& inspection) {
  if (!inspection.config.has_text) return;
  attempt(inspection, [&] {
    const auto tokenizer = find_tokenizer(folder, inspection.config);
    if (tokenizer == nullptr) {
      inspection.problems.push_back("no tokenizer in " + folder.string() +
                                    ": the model loads, but takes token ids alone");
      return;
    }
    inspection.tokenizer =
        format_text("{}, {} tokens, context {}, cleaned as {}", to_string(tokenizer->model().kind),
                    tokenizer->vocabulary_size(), tokenizer->context_length(), to_string(tokenizer->model().profile));
    if (inspection.config.old_end_id) inspection.config.end_id = tokenizer->end_id();
    check_tokenizer_fits(inspection.config, *tokenizer);
  });
}

}  // namespace

ClipInspection inspect_clip(const fs::path& folder, const ClipHints& hints) {
  ClipInspection inspection;
  const ClipFolders folders = find_clip_folders(folder);
  TensorFile file;
  const bool readable = attempt(inspection, [&] {
    inspection.weights = find_weights(folders.model);
    file = read_clip_weights(folders.model);
    inspection.layout = layout_of(weight_shapes(file.tensors), folders.model.string());
  });
  if (!readable) return inspection;
  const NamedTensors weights = plain_weights(file.tensors);
  count_numbers(weights, inspection);
  const bool configured = attempt(
      inspection, [&] { inspection.config = read_clip_config(folders.model, weight_shapes(file.tensors), hints); });
  if (!configured) return inspection;
  if (!folders.note.empty()) inspection.config.notes.push_back(folders.note);
  const auto wanted = clip_weights(inspection.config, inspection.layout);
  count_parameters(wanted, inspection);
  if (const WeightFaults faults = weight_faults(weights, wanted); !faults.empty()) {
    inspection.problems.push_back("the weights do not fit the configuration:" + faults.describe());
  }
  attempt(inspection, [&] { check_finite(weights, folders.model.string()); });
  inspect_tokenizer(folders.tokenizer, inspection);
  return inspection;
}

}  // namespace noisescope::clip
