#include "noisescope/clip/clip_checkpoint.h"

#include <charconv>

#include "noisescope/clip/clip_config.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/config.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope::clip {
namespace {

constexpr const char* kWeights = "model.";
constexpr const char* kOptimizer = "optimizer.";

NamedTensors with_prefix(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) out[prefix + name] = tensor.detach();
  return out;
}

NamedTensors without_prefix(const NamedTensors& tensors, const std::string& prefix) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) {
    if (name.rfind(prefix, 0) == 0) out[name.substr(prefix.size())] = tensor;
  }
  return out;
}

/// A checksum over names and bytes, so that a flipped bit is not trained on.
std::string content_checksum(const TensorFile& file) {
  std::string digest;
  for (const auto& [name, tensor] : file.tensors) {
    const Tensor values = tensor.cpu().contiguous();
    digest += name + ' ' + checksum({static_cast<const char*>(values.data_ptr()), values.nbytes()}) + '\n';
  }
  for (const auto& [name, value] : file.metadata) {
    if (name != "checksum") digest += name + '=' + value + '\n';
  }
  return checksum(digest);
}

template <class T>
T number_of(const TensorFile& file, const char* key) {
  const auto found = file.metadata.find(key);
  T value{};
  const std::string text = found == file.metadata.end() ? "" : found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < T{}) {
    throw FormatError(format_text("[clip.load_clip_checkpoint] expected a number as '{}', got '{}'", key, text));
  }
  return value;
}

}  // namespace

std::string checkpoint_key(const ClipModel& model, const std::vector<std::string>& captions,
                           const ClipTrainOptions& options, uint64_t seed) {
  ClipTrainOptions numbers = options;
  numbers.seconds = 0;
  numbers.checkpoint = "";
  numbers.checkpoint_seconds = 0;
  numbers.log_every = 1;
  numbers.blocks = 0;
  std::string text = format_text("{}{}{}", clip_config_json(model.config()).dump(), to_json(numbers).dump(), seed);
  for (const std::string& token : model.tokenizer().model().tokens) text += '\0' + token;
  for (const std::string& caption : captions) text += '\0' + caption;
  return checksum(text);
}

void save_clip_checkpoint(const std::filesystem::path& path, const std::string& key, const ClipModel& model,
                          const Optimizer& optimizer, const ClipCounters& counters) {
  TensorFile file;
  file.tensors = with_prefix(module_state(model.module()), kWeights);
  file.tensors.merge(with_prefix(optimizer.state(), kOptimizer));
  file.metadata = {{"key", key},
                   {"step", format_text("{}", counters.step)},
                   {"images", format_text("{}", counters.images)},
                   {"seconds", format_text("{}", counters.seconds)}};
  file.metadata["checksum"] = content_checksum(file);
  write_safetensors(path, file);
}

ClipResume load_clip_checkpoint(const std::filesystem::path& path, const std::string& key, const ClipModel& model,
                                Optimizer& optimizer) {
  if (!std::filesystem::exists(path)) return {};
  ClipResume resume;
  TensorFile file;
  try {
    file = read_safetensors(path);
    if (file.metadata["checksum"] != content_checksum(file)) {
      throw FormatError("[clip.load_clip_checkpoint] expected content that fits its checksum in " + path.string() +
                        ", got another; the file is damaged");
    }
    resume.counters = {number_of<int64_t>(file, "step"), number_of<int64_t>(file, "images"),
                       number_of<double>(file, "seconds")};
  } catch (const FormatError& error) {
    return {.counters = {}, .note = error.what()};
  }
  if (file.metadata["key"] != key) {
    throw ModelError("[clip.load_clip_checkpoint] expected a checkpoint of this run in " + path.string() +
                     ", got one of other settings, captions or seed; delete it or "
                     "name another file");
  }
  load_module_state(model.module(), without_prefix(file.tensors, kWeights), path.string());
  optimizer.load_state(without_prefix(file.tensors, kOptimizer), path.string());
  return resume;
}

}  // namespace noisescope::clip
