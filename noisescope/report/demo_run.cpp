#include "noisescope/report/demo_run.h"

#include <sys/resource.h>

#include <chrono>
#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_file.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/report/report_run.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/machine_json.h"
#include "noisescope/run/preview.h"

namespace noisescope::report {
namespace {

using nlohmann::ordered_json;

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

ordered_json accuracy_by_scale(const ordered_json& evaluation) {
  ordered_json json;
  for (const auto& [scale, accuracy] : evaluation.at("sweep").items()) {
    json[scale] = accuracy.at("joint");
  }
  const std::string scale = format_text("{:g}", evaluation.at("default_guidance").get<double>());
  json[scale] = evaluation.at("score").at("joint");  // on its own, larger set of prompts
  return json;
}

ordered_json world_scores(const ordered_json& evaluation) {
  return {{"scene_accuracy", accuracy_by_scale(evaluation)},
          {"strict_scene_accuracy", evaluation.at("strict").at("joint")},
          {"seconds_per_image", evaluation.at("seconds_per_image")}};
}

/// What was measured, with its floors: everything that has a value.
ordered_json image_scores(const ordered_json& evaluation) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, score] : evaluation.items()) {
    if (score.is_object() && score.contains("value")) json[name] = score;
  }
  return json;
}

ordered_json summary_of(const RunConfig& config, const RunFolder& folder, const TrainingSummary& training,
                        const ordered_json& evaluation, double wall_seconds) {
  const auto clip = read_json_file(folder.clip_report());
  ordered_json json = {{"wall_seconds", wall_seconds},
                       {"clip_seconds", training.clip_seconds},
                       {"clip_zero_shot", clip.at("zero_shot").at("value")}};
  json.update(config.data.kind == DataKind::world ? world_scores(evaluation) : image_scores(evaluation));
  json["default_guidance"] = evaluation.at("default_guidance");
  json["train_images"] = training.images;
  json["train_images_per_second"] = double(training.images) / std::max(1e-9, training.seconds);
  json["machine"] = machine_json(machine_use());
  json["peak_rss_mb"] = peak_rss_mb();
  json["parameters"] = training.parameters;
  json["seed"] = config.seed;
  return json;
}

}  // namespace

std::vector<std::string> demo_settings(DemoData data) {
  if (data == DemoData::world) return {};
  return {"data.kind=emoji",
          "data.image_size_px=32",
          "data.validation_share=0",  // what is held out is so by composition
          "clip.embedding_dim=128",
          "clip_train.images=96000",
          "clip_train.image_noise=0.05",
          "network.patch=2",
          "network.channels=[64,96,128]",
          "network.blocks_per_level=1",
          "network.embedding_width=192",
          "noise_levels.mean=0.3",
          "train.budget=46000images",
          "train.null_probability=0.1",
          "sample.grid.sigma_max=60",
          "sample.guidance.sigma_min=0",
          "evaluation.samples=200",
          "evaluation.judge.image.channels=[32,64,96,128]",
          "evaluation.judge_train.images=64000"};
}

void scale_demo(RunConfig& config, double seconds) {
  if (!(seconds > 0) || !std::isfinite(seconds)) {
    throw ValueError(format_text("[report.scale_demo] expected seconds > 0, got {}", seconds));
  }
  const bool emoji = config.data.kind == DataKind::emoji;
  const double clip = emoji ? 60 : 40, train = emoji ? 360 : 225;  // of the whole demo's seconds
  const double share = seconds / demo_seconds(config.data.kind);
  config.clip_train.images = config.evaluation.judge_train.images = 0;
  config.clip_train.seconds = clip * share;
  if (emoji) config.evaluation.judge_train.seconds = clip * share;
  config.train.budget = to_string(Budget{BudgetUnit::seconds, train * share});
  const auto fewer = [&](int64_t n, int64_t least) {
    return std::max(least, std::min(n, static_cast<int64_t>(std::llround(double(n) * share))));
  };
  config.evaluation.samples = fewer(config.evaluation.samples, 32);
  config.evaluation.sweep_samples = fewer(config.evaluation.sweep_samples, 16);
  config.calibration.pictures = fewer(config.calibration.pictures, 8);
}

ordered_json demo_run(const RunConfig& config, const RunFolder& folder, const DemoRequest& request,
                      const Control& control) {
  const auto begin = std::chrono::steady_clock::now();
  TrainRunRequest train = request.train;
  if (!train.preview) {
    train.preview = [&](const TextToImage& model, const Validation& validation) {
      write_preview(model, config, folder, validation.images);
    };
  }
  const TrainingSummary training = train_run(config, folder, train, control);
  if (!train.group->leads()) return {};
  const TextToImage model = share_network(load_run_model(folder, train.device), train.group);
  const ordered_json evaluation = evaluate_run(model, config, folder, control);
  report_run(model, config, folder, {{}, request.no_animation, request.command_line}, control);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ordered_json summary = summary_of(config, folder, training, evaluation, wall);
  write_file_atomic(folder.summary(), summary.dump(2));
  return summary;
}

}  // namespace noisescope::report
