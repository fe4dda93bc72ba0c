#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/report/demo_run.h"

namespace noisescope::cli {
namespace {

using nlohmann::ordered_json;

struct DemoFlags {
  std::string out = "runs/demo";
  std::string budget;
  bool no_animation = false;
  std::vector<std::string> overrides;
};

RunConfig demo_config_of(const Session& session, const DemoFlags& flags) {
  RunConfig config = load_run_config("", flags.overrides);
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  if (!flags.budget.empty()) {
    const Budget budget = parse_budget(flags.budget);
    if (budget.unit != BudgetUnit::seconds) {
      throw ValueError("[demo] expected a budget in time such as 60s or 10m, got '" + flags.budget + "'");
    }
    scale_demo(config, budget.amount);
  }
  return config;
}

void run_demo(const Session& session, const DemoFlags& flags) {
  const RunConfig config = demo_config_of(session, flags);
  const RunFolder folder{flags.out};
  DemoRequest request{{}, flags.no_animation, session.command_line};
  request.train.device = parse_device(session.common.device);
  request.train.notice = [&](const std::string& text) { session.notice(text); };
  const ordered_json summary = demo_run(config, folder, request, session.control);
  const std::string scale = format_text("{:g}", summary.at("default_guidance").get<double>());
  const ordered_json& joint = summary.at("scene_accuracy").at(scale);
  session.say(format_text("scene accuracy {:.3f} [{:.3f}, {:.3f}] over {} new prompts at guidance {}, in {:.0f} s",
                          joint.at("value").get<double>(), joint.at("low").get<double>(),
                          joint.at("high").get<double>(), joint.at("n").get<int64_t>(), scale,
                          summary.at("wall_seconds").get<double>()));
  session.say("now open " + folder.report().string());
  session.result(summary);
}

}  // namespace

void add_demo(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("demo", "The main job on the embedded world: train, sample, explain, report");
  add_common(*command, session);
  auto flags = std::make_shared<DemoFlags>();
  command->add_option("--out", flags->out, "run folder; resumes an unfinished run")->capture_default_str();
  command->add_option("--budget", flags->budget, "scale everything to about this time, e.g. 60s");
  command->add_flag("--no-animation", flags->no_animation, "film strips instead of films");
  command->add_option("--set", flags->overrides, "key=value over the demo's configuration")->allow_extra_args(false);
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
