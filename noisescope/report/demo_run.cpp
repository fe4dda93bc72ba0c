#include "noisescope/report/demo_run.h"

#include <sys/resource.h>

#include <chrono>
#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
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

ordered_json summary_of(const RunConfig& config, const RunFolder& folder, const TrainingSummary& training,
                        const ordered_json& evaluation, double wall_seconds) {
  const auto clip = ordered_json::parse(read_file(folder.clip_report()));
  return {{"wall_seconds", wall_seconds},
          {"clip_seconds", training.clip_seconds},
          {"clip_zero_shot", clip.at("zero_shot").at("value")},
          {"scene_accuracy", accuracy_by_scale(evaluation)},
          {"strict_scene_accuracy", evaluation.at("strict").at("joint")},
          {"default_guidance", evaluation.at("default_guidance")},
          {"train_images", training.images},
          {"train_images_per_second", double(training.images) / std::max(1e-9, training.seconds)},
          {"seconds_per_image", evaluation.at("seconds_per_image")},
          {"machine", machine_json(machine_use())},
          {"peak_rss_mb", peak_rss_mb()},
          {"parameters", training.parameters},
          {"seed", config.seed}};
}

}  // namespace

void scale_demo(RunConfig& config, double seconds) {
  if (!(seconds > 0) || !std::isfinite(seconds)) {
    throw ValueError(format_text("[report.scale_demo] expected seconds > 0, got {}", seconds));
  }
  constexpr double kClip = 40, kTrain = 225;  // of the whole demo's seconds
  const double share = seconds / kDemoSeconds;
  config.clip_train.images = 0;
  config.clip_train.seconds = kClip * share;
  config.train.budget = to_string(Budget{BudgetUnit::seconds, kTrain * share});
  const auto fewer = [&](int64_t n, int64_t least) {
    return std::max(least, std::min(n, static_cast<int64_t>(std::llround(double(n) * share))));
  };
  config.evaluation.samples = fewer(config.evaluation.samples, 32);
  config.evaluation.sweep_samples = fewer(config.evaluation.sweep_samples, 16);
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
  const TextToImage model = load_run_model(folder, train.device);
  const ordered_json evaluation = evaluate_run(model, config, folder, control);
  report_run(model, config, folder, {{}, request.no_animation, request.command_line}, control);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ordered_json summary = summary_of(config, folder, training, evaluation, wall);
  write_file_atomic(folder.summary(), summary.dump(2));
  return summary;
}

}  // namespace noisescope::report
