#include "noisescope/train/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kPrefix = "step-";
constexpr std::array<const char*, 4> kParts = {"model.safetensors", "ema.safetensors",
                                               "optimizer.safetensors", "state.json"};

std::string name_of_step(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "%s%08lld", kPrefix, static_cast<long long>(step));
  return name;
}

ordered_json to_json(const TrainState& s) {
  return {{"step", s.step},         {"images", s.images},
          {"seconds", s.seconds},   {"metrics_bytes", s.metrics_bytes},
          {"loss_sum", s.loss_sum}, {"loss_count", s.loss_count},
          {"validations", s.validations}};
}

TrainState state_from_json(const ordered_json& json) {
  TrainState s;
  json.at("step").get_to(s.step);
  json.at("images").get_to(s.images);
  json.at("seconds").get_to(s.seconds);
  json.at("metrics_bytes").get_to(s.metrics_bytes);
  json.at("loss_sum").get_to(s.loss_sum);
  json.at("loss_count").get_to(s.loss_count);
  json.at("validations").get_to(s.validations);
  return s;
}

void write_parts(const fs::path& folder, const Checkpoint& checkpoint,
                 const std::string& config_json) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"config", config_json}};
  write_safetensors(folder / kParts[0], {checkpoint.model, metadata});
  write_safetensors(folder / kParts[1], {checkpoint.ema, metadata});
  write_safetensors(folder / kParts[2], {checkpoint.optimizer, metadata});
  write_file_atomic(folder / kParts[3], to_json(checkpoint.state).dump(2));
  ordered_json manifest;
  for (const char* part : kParts) {
    manifest[part] = {{"bytes", fs::file_size(folder / part)},
                      {"checksum", checksum_file(folder / part)}};
  }
  write_file_atomic(folder / kManifest, manifest.dump(2));
}

/// Keeps the newest `keep` and exponentially spaced older ones.
void thin(const fs::path& folder, int64_t keep) {
  const std::vector<fs::path> checkpoints = list_checkpoints(folder);
  int64_t next = 1;
  for (size_t i = static_cast<size_t>(keep); i < checkpoints.size(); ++i) {
    const int64_t place = static_cast<int64_t>(i) - keep + 1;
    if (place == next) {
      next *= 2;
      continue;
    }
    fs::remove_all(checkpoints[i]);
  }
}

void collect_differences(const ordered_json& a, const ordered_json& b, const std::string& prefix,
                         std::vector<std::string>& keys) {
  if (a == b) return;
  if (!a.is_object() || !b.is_object()) {
    keys.push_back(prefix);
    return;
  }
  const auto name = [&](const std::string& key) { return prefix.empty() ? key : prefix + "." + key; };
  for (const auto& [key, value] : a.items()) {
    if (b.contains(key)) {
      collect_differences(value, b.at(key), name(key), keys);
    } else {
      keys.push_back(name(key));
    }
  }
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) keys.push_back(name(key));
  }
}

void check_same_run(const fs::path& path, const std::string& theirs, const std::string& ours,
                    const std::vector<std::string>& free_keys) {
  std::vector<std::string> keys = differing_keys(ordered_json::parse(theirs),
                                                 ordered_json::parse(ours));
  std::erase_if(keys, [&](const std::string& key) {
    return std::any_of(free_keys.begin(), free_keys.end(), [&](const std::string& free) {
      return key == free || key.rfind(free + ".", 0) == 0;
    });
  });
  if (keys.empty()) return;
  throw ModelError("[train.load_latest_checkpoint] expected a checkpoint of this configuration in " +
                   path.string() + ", got one that differs in " + join(keys) +
                   "; choose another run folder, or delete this one to start anew");
}

Checkpoint read_parts(const fs::path& folder, const std::string& config_json,
                      const std::vector<std::string>& free_keys) {
  Checkpoint checkpoint;
  TensorFile model = read_safetensors(folder / kParts[0]);
  check_same_run(folder, model.metadata.at("config"), config_json, free_keys);
  checkpoint.model = std::move(model.tensors);
  checkpoint.ema = read_safetensors(folder / kParts[1]).tensors;
  checkpoint.optimizer = read_safetensors(folder / kParts[2]).tensors;
  checkpoint.state = state_from_json(ordered_json::parse(read_file(folder / kParts[3])));
  return checkpoint;
}

}  // namespace

std::vector<std::string> differing_keys(const ordered_json& a, const ordered_json& b) {
  std::vector<std::string> keys;
  collect_differences(a, b, "", keys);
  return keys;
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name.rfind(kPrefix, 0) == 0 &&
        name.find('.') == std::string::npos) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint,
                     const std::string& config_json, int64_t keep) {
  make_folder(folder);
  const fs::path final_path = folder / name_of_step(checkpoint.state.step);
  const fs::path temporary = final_path.string() + ".partial";
  try {
    fs::remove_all(temporary);
    make_folder(temporary);
    write_parts(temporary, checkpoint, config_json);
    fs::remove_all(final_path);
    fs::rename(temporary, final_path);
    thin(folder, keep);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw IoError(std::string("[train.save_checkpoint] expected to write ") + final_path.string() +
                  ", got " + error.what());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

std::string checkpoint_problem(const fs::path& checkpoint) {
  try {
    const ordered_json manifest = ordered_json::parse(read_file(checkpoint / kManifest));
    for (const char* part : kParts) {
      const ordered_json& expected = manifest.at(part);
      const fs::path path = checkpoint / part;
      if (!fs::exists(path)) return std::string(part) + " is missing";
      if (fs::file_size(path) != expected.at("bytes").get<uint64_t>()) {
        return std::string(part) + " has another size than the manifest says";
      }
      if (checksum_file(path) != expected.at("checksum").get<std::string>()) {
        return std::string(part) + " has another checksum than the manifest says";
      }
    }
    return "";
  } catch (const std::exception& error) {
    return std::string("its manifest cannot be used: ") + error.what();
  }
}

std::optional<Checkpoint> load_latest_checkpoint(const fs::path& folder,
                                                 const std::string& config_json,
                                                 const std::vector<std::string>& free_keys,
                                                 const Notice& notice) {
  for (const fs::path& path : list_checkpoints(folder)) {
    const std::string problem = checkpoint_problem(path);
    if (problem.empty()) return read_parts(path, config_json, free_keys);
    if (notice) notice("passed over the damaged checkpoint " + path.string() + ": " + problem);
  }
  return std::nullopt;
}

}  // namespace noisescope
