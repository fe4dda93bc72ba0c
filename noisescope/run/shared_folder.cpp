#include "noisescope/run/shared_folder.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <system_error>

#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/io/config.h"

namespace noisescope::run {
namespace {

namespace fs = std::filesystem;

/// What training goes on from, under the run's root.
bool is_shared(const fs::path& relative) {
  static constexpr std::array kNames = {"config.yaml",
                                        "data.json",
                                        "clip",
                                        "clip.json",
                                        "clip.partial.safetensors",
                                        "embeddings.safetensors",
                                        "embeddings.safetensors.partial",
                                        "condition.safetensors"};
  return std::find(kNames.begin(), kNames.end(), relative.begin()->string()) != kNames.end();
}

std::vector<std::string> shared_files(const fs::path& root) {
  std::vector<std::string> files;
  std::error_code missing;
  for (const auto& entry : fs::recursive_directory_iterator(root, missing)) {
    const fs::path relative = fs::relative(entry.path(), root);
    if (entry.is_regular_file() && is_shared(relative)) files.push_back(relative.string());
  }
  return files;
}

constexpr const char* kOwnFolder = "noisescope-";

/// Removes what killed processes left. A folder that is younger than a minute may not be locked yet.
void remove_abandoned_folders() {
  std::error_code ignored;
  const auto old = fs::file_time_type::clock::now() - std::chrono::minutes(1);
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    if (entry.path().filename().string().starts_with(kOwnFolder) && fs::is_directory(entry.symlink_status(ignored)) &&
        entry.last_write_time(ignored) < old) {
      remove_abandoned(entry.path());
    }
  }
}

fs::path own_folder() {
  remove_abandoned_folders();
  std::string path = (fs::temp_directory_path() / (std::string(kOwnFolder) + "XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) {
    throw IoError("[run.SharedFolder] expected to make a folder in " + fs::temp_directory_path().string(), errno);
  }
  return path;
}

void collect_leaves(const nlohmann::ordered_json& json, const std::string& path,
                    std::vector<std::pair<std::string, std::string>>& leaves) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_object()) {
      collect_leaves(value, name, leaves);
    } else {
      leaves.emplace_back(name, value.dump());
    }
  }
}

}  // namespace

void agree_on_settings(Group& group, const RunConfig& config) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& [name, value] : machine_facts()) {
    if (name == "noisescope" || name == "torch" || name == "cpu capability" || name == "threads")
      facts.emplace_back(name, value);
  }
  agree(group, "program and threads", facts);
  facts.clear();
  collect_leaves(to_json(config), "", facts);
  std::erase_if(facts, [](const auto& fact) { return fact.first == "data.path"; });  // the data are compared
  agree(group, "configuration", facts);
}

SharedFolder::SharedFolder(Group& group, const RunFolder& folder) : folder_(folder) {
  if (group.is_alone()) return;
  own_ = !group.leads();
  if (own_) {
    const fs::path place = own_folder();
    lock_.emplace(place);
    folder_ = RunFolder{place / "run"};
    make_folder(folder_.root);
  }
  const nlohmann::json mine = shared_files(folder.root);
  const auto files = nlohmann::json::parse(group.from_first(mine.dump()));
  for (const std::string file : files) {
    const std::string bytes = group.from_first(group.leads() ? read_file(folder.root / file) : "");
    if (own_) write_file_atomic(folder_.root / file, bytes);
  }
}

SharedFolder::~SharedFolder() {
  std::error_code ignored;
  if (own_) fs::remove_all(folder_.root.parent_path(), ignored);
}

}  // namespace noisescope::run
