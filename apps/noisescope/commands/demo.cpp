#include <sys/resource.h>

#include <chrono>
#include <cmath>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/preview.h"
#include "noisescope/report/report_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

using nlohmann::ordered_json;

/// What the default demo takes on two cores, in seconds: --budget scales everything by its share.
constexpr double kFullSeconds = 350;

struct DemoFlags {
  std::string out = "runs/demo";
  std::string budget;
  bool no_animation = false;
  std::vector<std::string> overrides;
};

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void scale_to(RunConfig& config, double seconds) {
  const double share = seconds / kFullSeconds;
  config.clip_train.seconds *= share;
  config.train.budget =
      to_string(Budget{BudgetUnit::seconds, parse_budget(config.train.budget).amount * share});
  const auto fewer = [&](int64_t n, int64_t least) {
    return std::max(least, std::min(n, static_cast<int64_t>(std::llround(double(n) * share))));
  };
  config.evaluation.samples = fewer(config.evaluation.samples, 32);
  config.evaluation.sweep_samples = fewer(config.evaluation.sweep_samples, 16);
}

RunConfig demo_config_of(const Session& session, const DemoFlags& flags) {
  RunConfig config = load_run_config("", flags.overrides);
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  if (!flags.budget.empty()) {
    const Budget budget = parse_budget(flags.budget);
    if (budget.unit != BudgetUnit::seconds) {
      throw ValueError("[demo] expected a budget in time such as 60s or 10m, got '" + flags.budget +
                       "'");
    }
    scale_to(config, budget.amount);
  }
  return config;
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

ordered_json summary_of(const RunConfig& config, const RunFolder& folder,
                        const TrainingSummary& training, const ordered_json& evaluation,
                        double wall_seconds) {
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
          {"peak_rss_mb", peak_rss_mb()},
          {"parameters", training.parameters},
          {"seed", config.seed}};
}

void run_demo(const Session& session, const DemoFlags& flags) {
  const auto begin = std::chrono::steady_clock::now();
  const RunConfig config = demo_config_of(session, flags);
  const RunFolder folder{flags.out};
  TrainRunRequest request;
  request.device = parse_device(session.common.device);
  request.notice = [&](const std::string& text) { session.notice(text); };
  request.preview = [&](const TextToImage& model, const Validation& validation) {
    write_preview(model, config, folder, validation.images);
  };
  const TrainingSummary training = train_run(config, folder, request, session.control);
  const TextToImage model = load_run_model(folder, request.device);
  const ordered_json evaluation = evaluate_run(model, config, folder, session.control);
  report_run(model, config, folder, {{}, flags.no_animation, session.command_line},
             session.control);
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const ordered_json summary = summary_of(config, folder, training, evaluation, wall);
  write_file_atomic(folder.summary(), summary.dump(2));
  const auto& joint = evaluation.at("score").at("joint");
  session.say(format_text("scene accuracy {:.3f} [{:.3f}, {:.3f}] over {} new prompts at guidance {:g}, in {:.0f} s",
                          joint.at("value").get<double>(), joint.at("low").get<double>(),
                          joint.at("high").get<double>(), joint.at("n").get<int64_t>(),
                          evaluation.at("default_guidance").get<double>(), wall));
  session.say("now open " + folder.report().string());
  session.result(summary);
}

}  // namespace

void add_demo(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "demo", "The main job on the embedded world: train, sample, explain, report");
  add_common(*command, session);
  auto flags = std::make_shared<DemoFlags>();
  command->add_option("--out", flags->out, "run folder; an unfinished run there goes on")
      ->capture_default_str();
  command->add_option("--budget", flags->budget, "scale everything to about this time, e.g. 60s");
  command->add_flag("--no-animation", flags->no_animation, "film strips instead of films");
  command->add_option("--set", flags->overrides, "key=value over the demo's configuration")
      ->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope demo                     six minutes on two cores; then open "
      "runs/demo/report.html\n"
      "  noisescope demo --budget 60s --out runs/look\n"
      "  noisescope demo --seed 1 --json > summary.json\n"
      "Writes the run folder of 'noisescope train', report.html and summary.json.");
  command->callback([&session, flags] { run_demo(session, *flags); });
}

}  // namespace noisescope::cli
