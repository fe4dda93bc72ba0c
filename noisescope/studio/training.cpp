#include "noisescope/studio/training.h"

#include <algorithm>
#include <optional>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/model/model.h"
#include "noisescope/run/train_run.h"
#include "noisescope/studio/evidence_json.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/stoppable.h"
#include "noisescope/train/checkpoint.h"

namespace noisescope::studio {
namespace {

namespace fs = std::filesystem;

/// The whole lines of metrics.jsonl.
std::vector<Json> metrics_of(const RunFolder& folder) {
  std::vector<Json> lines;
  if (!fs::exists(folder.metrics())) return lines;
  const std::string text = read_file(folder.metrics());
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin)) {
    Json line = Json::parse(text.substr(begin, end - begin), nullptr, /*allow_exceptions=*/false);
    if (line.is_object()) lines.push_back(std::move(line));
  }
  return lines;
}

/// The columns that the page draws, those of noise levels aside.
std::vector<std::string> columns_of(const std::vector<Json>& lines) {
  std::vector<std::string> columns;
  for (const Json& line : lines) {
    for (const auto& [name, value] : line.items()) {
      const bool is_drawn = value.is_number() && name.find('/') == std::string::npos;
      if (is_drawn && std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
    }
  }
  return columns;
}

/// preview-<images>.png -> images; nothing for other names.
std::optional<int64_t> images_of_preview(const std::string& name) {
  constexpr std::string_view kStart = "preview-", kEnd = ".png";
  if (!name.starts_with(kStart) || !name.ends_with(kEnd)) return std::nullopt;
  const std::string digits = name.substr(kStart.size(), name.size() - kStart.size() - kEnd.size());
  const bool is_number = !digits.empty() && digits.size() < 18 &&
                         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::optional<int64_t>(std::stoll(digits)) : std::nullopt;
}

std::vector<std::pair<int64_t, std::string>> previews_of(const RunFolder& folder) {
  std::vector<std::pair<int64_t, std::string>> previews;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.samples(), error)) {
    const std::string name = entry.path().filename().string();
    if (const auto images = images_of_preview(name)) previews.emplace_back(*images, name);
  }
  std::sort(previews.begin(), previews.end());
  return previews;
}

const char* state_of(const RunFolder& folder) {
  if (fs::exists(folder.training())) return "done";
  try {
    const FolderLock lock(folder.root);
    return "stopped";
  } catch (const IoError&) {
    return "running";
  }
}

/// Images that the budget asks for; null where it counts something else.
Json images_total(const RunFolder& folder) {
  const Budget budget = parse_budget(load_run_config_of(folder).train.budget);
  return budget.unit == BudgetUnit::images ? Json(budget.amount) : Json();
}

}  // namespace

Json training_json(const RunFolder& folder) {
  const std::vector<Json> lines = metrics_of(folder);
  const std::vector<std::string> columns = columns_of(lines);
  Json rows = Json::array(), previews = Json::array();
  for (const Json& line : lines) {
    Json row = Json::array();
    for (const std::string& column : columns) row.push_back(line.value(column, Json()));
    rows.push_back(std::move(row));
  }
  for (const auto& [images, file] : previews_of(folder)) previews.push_back({{"images_seen", images}, {"file", file}});
  return {{"state", state_of(folder)},
          {"images_total", images_total(folder)},
          {"columns", columns},
          {"rows", rows},
          {"previews", previews}};
}

TrainingSize training_size(const RunFolder& folder) {
  return {static_cast<int64_t>(metrics_of(folder).size()), static_cast<int64_t>(previews_of(folder).size())};
}

std::string preview_bytes(const RunFolder& folder, const std::string& name) {
  if (!images_of_preview(name) || !fs::exists(folder.samples() / name)) {
    throw NotThere("[studio.training] there is no preview " + in_quotes(name));
  }
  return read_file(folder.samples() / name);
}

Json emergence_json(const RunFolder& folder, const Tensor& picture, const std::string& prompt, const std::string& word,
                    torch::Device device, const Control& control) {
  constexpr int64_t kPaths = 8;
  const EvidenceOptions options{.steps = 50};
  std::vector<fs::path> checkpoints = list_checkpoints(folder.root / "checkpoints");
  if (checkpoints.empty()) throw NotNow("[studio.training] expected a checkpoint, got none yet; wait for the first");
  std::reverse(checkpoints.begin(), checkpoints.end());
  const RunConfig config = load_run_config_of(folder);
  Json points = Json::array(), levels;
  for (size_t k = 0; k < checkpoints.size(); ++k) {
    const CheckpointModel at = load_checkpoint_model(folder, checkpoints[k], device);
    const Model model = stoppable(run_model(at.network, config, folder));
    const PromptContrast contrast = contrasts_of(model, prompt, {word}, {}).front();
    const Contrast asked{model.condition(contrast.prompts).unsqueeze(1).expand({-1, kPaths, -1}),
                         torch::full({kPaths}, contrast.true_version, torch::kInt64)};
    const Tensor copies = picture.to(device).unsqueeze(0).expand({kPaths, -1, -1, -1}).contiguous();
    const Evidence evidence = filter_noising_paths(
        model.denoiser, {copies, {Random(static_cast<uint64_t>(config.seed)), sample_range(0, kPaths)}}, asked, options,
        control.part(k, checkpoints.size(), format_text("{} images", at.images)));
    Json point = {{"images_seen", at.images}};
    point.update(evidence_json(evidence));
    points.push_back(std::move(point));
    levels = evidence.log_snrs;
  }
  return {{"log_snrs", levels}, {"points", points}};
}

}  // namespace noisescope::studio
