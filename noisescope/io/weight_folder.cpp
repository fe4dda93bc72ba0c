#include "noisescope/io/weight_folder.h"

#include <algorithm>
#include <set>
#include <vector>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/io/file.h"
#include "noisescope/io/weight_index.h"

namespace noisescope::io {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxIndexBytes = uint64_t{32} << 20;
constexpr const char* kIndexSuffix = ".safetensors.index.json";

std::vector<fs::path> files_ending_in(const fs::path& folder, const std::vector<std::string>& ends) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return name.ends_with(end); })) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

[[noreturn]] void refuse_folder(const fs::path& folder, const std::vector<fs::path>& files) {
  std::string got = files.empty() ? "none" : format_text("{} of unknown roles", files.size());
  if (const auto pickles = files_ending_in(folder, {".bin", ".pt", ".pth", ".ckpt"});
      files.empty() && !pickles.empty()) {
    got = "the pickle " + pickles.front().filename().string() +
          ", which can run code when opened and is never opened here; 'noisescope convert' makes a "
          "safetensors folder of it";
  }
  throw IoError(
      format_text("[io.read_weight_folder] expected a .safetensors file in {}, got {}", folder.string(), got));
}

void append(std::string& message, const char* kind, const std::vector<std::string>& names) {
  if (names.empty()) return;
  message += format_text("\n  {} ({}): {}", kind, names.size(), join(names));
}

/// What an index and its shards disagree on.
struct IndexFaults {
  std::vector<std::string> absent, missing, unnamed;

  void throw_if_any(const fs::path& index) const {
    if (absent.empty() && missing.empty() && unnamed.empty()) return;
    std::string message = "[io.read_weight_folder] expected the shards that the index names, got";
    append(message, "absent files", absent);
    append(message, "tensors missing in their file", missing);
    append(message, "tensors that the index does not name there", unnamed);
    throw FormatError(index.string(), 0, message);
  }
};

TensorFile read_shards(const fs::path& index) {
  const auto file_of = parse_weight_index(read_file(index, kMaxIndexBytes), index.string());
  std::set<std::string> names;
  for (const auto& [tensor, file] : file_of) names.insert(file);
  IndexFaults faults;
  for (const std::string& name : names) {
    if (!fs::is_regular_file(index.parent_path() / name)) faults.absent.push_back(name);
  }
  faults.throw_if_any(index);
  TensorFile whole;
  for (const std::string& name : names) {
    TensorFile shard = read_safetensors(index.parent_path() / name);
    if (whole.metadata.empty()) whole.metadata = shard.metadata;
    for (auto& [tensor, values] : shard.tensors) {
      const auto named = file_of.find(tensor);
      if (named == file_of.end() || named->second != name) {
        faults.unnamed.push_back(tensor + " in " + name);
      } else {
        whole.tensors.emplace(tensor, std::move(values));
      }
    }
  }
  for (const auto& [tensor, file] : file_of) {
    if (!whole.tensors.contains(tensor)) faults.missing.push_back(tensor + " in " + file);
  }
  faults.throw_if_any(index);
  return whole;
}

}  // namespace

fs::path find_weights(const fs::path& path) {
  if (fs::is_regular_file(path)) return path;
  for (const char* stem : {"model", "open_clip_model"}) {
    for (const char* suffix : {".safetensors", kIndexSuffix}) {
      const fs::path file = path / (std::string(stem) + suffix);
      if (fs::exists(file)) return file;
    }
  }
  const auto files = files_ending_in(path, {".safetensors"});
  if (files.size() != 1) refuse_folder(path, files);
  return files.front();
}

TensorFile read_weight_folder(const fs::path& path) {
  const fs::path start = find_weights(path);
  return start.string().ends_with(kIndexSuffix) ? read_shards(start) : read_safetensors(start);
}

}  // namespace noisescope::io
