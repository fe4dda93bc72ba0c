#include "noisescope/train/checkpoint.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/options.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kManifest = "manifest.json";
constexpr const char* kPrefix = "step-";
constexpr const char* kPartial = ".partial";  // of folders being written or removed
constexpr int64_t kFormat = 1;
constexpr std::array<const char*, 4> kParts = {"model.safetensors", "ema.safetensors", "optimizer.safetensors",
                                               "state.json"};

std::string name_of_step(int64_t step) { return format_text("{}{:08}", kPrefix, step); }

/// The step in a folder name, or -1 if it is no checkpoint's name.
int64_t step_of_name(const std::string& name) {
  if (!name.starts_with(kPrefix)) return -1;
  int64_t step = -1;
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + std::string(kPrefix).size(), end, step);
  return error == std::errc() && rest == end ? step : -1;
}

ordered_json to_json(const std::optional<NoiseLevelOptions>& levels) {
  return levels ? ordered_json{{"mean", levels->mean}, {"std", levels->std}} : ordered_json();
}

std::optional<NoiseLevelOptions> levels_from_json(const ordered_json& json) {
  if (json.is_null()) return std::nullopt;
  return NoiseLevelOptions{NoiseDistribution::information, json.at("mean"), json.at("std")};
}

void write_parts(const fs::path& folder, const Checkpoint& checkpoint, const std::string& config_json) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"config", config_json}};
  write_safetensors(folder / kParts[0], {checkpoint.model, metadata});
  write_safetensors(folder / kParts[1], {checkpoint.ema, metadata});
  write_safetensors(folder / kParts[2], {checkpoint.optimizer, metadata});
  write_file_atomic(folder / kParts[3], to_json(checkpoint.state).dump(2));
  ordered_json manifest = {{"format", kFormat}};
  for (const char* part : kParts) {
    manifest[part] = {{"bytes", fs::file_size(folder / part)}, {"checksum", checksum_file(folder / part)}};
  }
  write_file_atomic(folder / kManifest, manifest.dump(2));
}

/// Removes a checkpoint; killed or without power meanwhile, no part of it is left under the final name.
void discard(const fs::path& checkpoint) {
  const fs::path doomed = checkpoint.string() + kPartial;
  fs::remove_all(doomed);
  fs::rename(checkpoint, doomed);
  sync_folder(checkpoint.parent_path());
  fs::remove_all(doomed);
}

/// What a killed process left behind.
void remove_partial(const fs::path& folder) {
  std::vector<fs::path> partial;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    if (entry.path().extension() == kPartial) partial.push_back(entry.path());
  }
  for (const fs::path& path : partial) fs::remove_all(path);
}

void thin(const fs::path& folder, int64_t keep) {
  std::vector<int64_t> steps;
  for (const fs::path& path : list_checkpoints(folder)) {
    steps.push_back(step_of_name(path.filename().string()));
  }
  for (const int64_t step : thinned_steps(steps, keep)) discard(folder / name_of_step(step));
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

void check_same_run(const fs::path& path, const std::string& theirs, const RunIdentity& run) {
  ordered_json completed = ordered_json::parse(run.defaults_json);
  completed.merge_patch(ordered_json::parse(theirs));
  std::vector<std::string> keys = differing_keys(completed, ordered_json::parse(run.config_json));
  std::erase_if(keys, [&](const std::string& key) {
    return std::any_of(run.free_keys.begin(), run.free_keys.end(),
                       [&](const std::string& free) { return key == free || key.starts_with(free + "."); });
  });
  if (keys.empty()) return;
  throw ModelError(
      format_text("[train.load_latest_checkpoint] expected a checkpoint of this configuration in {}, "
                  "got one that differs in {}; choose another run folder, "
                  "or delete this one to start anew",
                  path.string(), join(keys)));
}

/// A verified checkpoint. Throws ModelError if it is one of another configuration, and something else
/// if it cannot be used in spite of its checksums.
Checkpoint read_parts(const fs::path& folder, const RunIdentity& run) {
  Checkpoint checkpoint;
  TensorFile model = read_safetensors(folder / kParts[0]);
  check_same_run(folder, model.metadata.at("config"), run);
  checkpoint.model = std::move(model.tensors);
  checkpoint.ema = read_safetensors(folder / kParts[1]).tensors;
  checkpoint.optimizer = read_safetensors(folder / kParts[2]).tensors;
  checkpoint.state = state_from_json(ordered_json::parse(read_file(folder / kParts[3])));
  return checkpoint;
}

std::string manifest_problem(const fs::path& checkpoint) {
  const ordered_json manifest = ordered_json::parse(read_file(checkpoint / kManifest));
  if (const int64_t format = manifest.at("format").get<int64_t>(); format != kFormat) {
    return format_text("it is of format {}, this program writes {}", format, kFormat);
  }
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
}

}  // namespace

ordered_json to_json(const TrainState& s) {
  return {{"step", s.step},
          {"images", s.images},
          {"seconds", s.seconds},
          {"metrics_bytes", s.metrics_bytes},
          {"loss_sum", s.loss_sum},
          {"gradient_norm_sum", s.gradient_norm_sum},
          {"loss_count", s.loss_count},
          {"learning_rate", s.learning_rate},
          {"validations", s.validations},
          {"noise_levels", to_json(s.levels)},
          {"precision", to_string(s.precision)},
          {"finished", s.finished}};
}

TrainState state_from_json(const ordered_json& json) {
  TrainState s;
  json.at("step").get_to(s.step);
  json.at("images").get_to(s.images);
  json.at("seconds").get_to(s.seconds);
  json.at("metrics_bytes").get_to(s.metrics_bytes);
  json.at("loss_sum").get_to(s.loss_sum);
  json.at("gradient_norm_sum").get_to(s.gradient_norm_sum);
  json.at("loss_count").get_to(s.loss_count);
  json.at("learning_rate").get_to(s.learning_rate);
  json.at("validations").get_to(s.validations);
  s.levels = levels_from_json(json.value("noise_levels", ordered_json()));  // older versions have none
  s.precision = parse_enum<Precision>(json.value("precision", "float32"));  // older versions knew no other
  json.at("finished").get_to(s.finished);
  return s;
}

std::vector<std::string> differing_keys(const ordered_json& a, const ordered_json& b) {
  std::vector<std::string> keys;
  collect_differences(a, b, "", keys);
  return keys;
}

std::vector<int64_t> thinned_steps(const std::vector<int64_t>& steps, int64_t keep) {
  std::vector<int64_t> removed;
  std::set<int> octaves;
  // From the oldest on. A checkpoint that stays grows into the next octave while that one's own
  // leaves it, so the spacing renews itself.
  for (auto i = static_cast<int64_t>(steps.size()) - 1; i >= keep; --i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    const int octave = std::bit_width(static_cast<uint64_t>(steps.front() - step));
    if (!octaves.insert(octave).second) removed.push_back(step);
  }
  return removed;
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const int64_t step = step_of_name(entry.path().filename().string());
    if (step >= 0 && entry.is_directory()) found.emplace_back(step, entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

void save_checkpoint(const fs::path& folder, const Checkpoint& checkpoint, const std::string& config_json,
                     int64_t keep) {
  const fs::path final_path = folder / name_of_step(checkpoint.state.step);
  const fs::path temporary = final_path.string() + kPartial;
  try {
    make_folder(folder);
    remove_partial(folder);
    make_folder(temporary);
    write_parts(temporary, checkpoint, config_json);
    // Only a damaged one, passed over before, can stand there.
    if (fs::exists(final_path)) fs::remove_all(final_path);
    fs::rename(temporary, final_path);
    sync_folder(folder);
    thin(folder, keep);
  } catch (const fs::filesystem_error& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw IoError(
        format_text("[train.save_checkpoint] expected to write {}, got '{}'; "
                    "check the disk and the rights of the folder",
                    final_path.string(), error.code().message()));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

std::string checkpoint_problem(const fs::path& checkpoint) {
  try {
    return manifest_problem(checkpoint);
  } catch (const std::exception& error) {
    return std::string("its manifest cannot be used: ") + error.what();
  }
}

std::optional<Checkpoint> load_latest_checkpoint(const fs::path& folder, const RunIdentity& run, const Notice& notice) {
  remove_partial(folder);
  for (const fs::path& path : list_checkpoints(folder)) {
    std::string problem = checkpoint_problem(path);
    try {
      if (problem.empty()) return read_parts(path, run);
    } catch (const ModelError&) {
      throw;  // whole, but of another run
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (notice) notice(format_text("passed over the damaged checkpoint {}: {}", path.string(), problem));
  }
  return std::nullopt;
}

}  // namespace noisescope::train
