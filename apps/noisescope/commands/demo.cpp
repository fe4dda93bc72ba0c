#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/report/demo_run.h"

namespace noisescope::cli {
namespace {

using nlohmann::ordered_json;

struct DemoFlags {
  DemoData data = DemoData::world;
  std::string out;
  std::string budget;
  bool no_animation = false;
  std::vector<std::string> overrides;
};

RunConfig demo_config_of(const Session& session, const DemoFlags& flags) {
  std::vector<std::string> settings = demo_settings(flags.data);
  settings.insert(settings.end(), flags.overrides.begin(), flags.overrides.end());
  RunConfig config = load_run_config("", settings);
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

std::string estimate_text(const ordered_json& estimate) {
  return format_text("{:.3f} [{:.3f}, {:.3f}] of {}", estimate.at("value").get<double>(),
                     estimate.at("low").get<double>(), estimate.at("high").get<double>(),
                     estimate.at("n").get<int64_t>());
}

void say_world(const Session& session, const ordered_json& summary) {
  const std::string scale = format_text("{:g}", summary.at("default_guidance").get<double>());
  session.say("scene accuracy " + estimate_text(summary.at("strict_scene_accuracy")) + " new prompts at guidance " +
              scale);
}

void say_emoji(const Session& session, const ordered_json& summary) {
  for (const char* name : {"r_precision", "r_precision_real", "r_precision_shuffled_captions", "family_accuracy",
                           "held_out_accuracy", "evidence_auc"}) {
    if (summary.contains(name)) session.say(std::string(name) + " " + estimate_text(summary.at(name)));
  }
}

void run_demo(const Session& session, const DemoFlags& flags) {
  const RunConfig config = demo_config_of(session, flags);
  const RunFolder folder{!flags.out.empty() ? flags.out : flags.data == DemoData::emoji ? "runs/emoji" : "runs/demo"};
  DemoRequest request{{}, flags.no_animation, session.command_line};
  request.train.group = session.group;
  request.train.device = parse_device(session.common.device);
  request.train.notice = [&](const std::string& text) { session.notice(text); };
  const ordered_json summary = demo_run(config, folder, request, session.control);
  if (!session.group->leads()) return serve_evaluations(*session.group, request.train.device);
  flags.data == DemoData::emoji ? say_emoji(session, summary) : say_world(session, summary);
  session.say(format_text("in {:.0f} s", summary.at("wall_seconds").get<double>()));
  session.say("now open " + folder.report().string());
  session.result(summary);
}

}  // namespace

void add_demo(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("demo", "The main job on embedded data: train, sample, explain, report");
  add_common(*command, session);
  auto flags = std::make_shared<DemoFlags>();
  command->add_option("--out", flags->out, "run folder; resumes an unfinished run (default: runs/demo, runs/emoji)");
  command
      ->add_option_function<std::string>(
          "--data", [flags](const std::string& text) { flags->data = parse_enum<DemoData>(text); },
          "world: the two-object world; emoji: those of the installed colour font")
      ->check(CLI::IsMember({"world", "emoji"}));
  command->add_option("--budget", flags->budget, "scale everything to about this time, e.g. 60s");
  command->add_flag("--no-animation", flags->no_animation, "film strips instead of films");
  command->add_option("--set", flags->overrides, "key=value over the demo's configuration")->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope demo                     three minutes on two idle cores; then open "
      "runs/demo/report.html\n"
      "  noisescope demo --data emoji        eight minutes: real captioned pictures\n"
      "  noisescope demo --budget 60s --out runs/look\n"
      "  noisescope demo --seed 1 --json > summary.json\n"
      "Writes the run folder of 'noisescope train', report.html and summary.json.");
  command->callback([&session, flags] { run_demo(session, *flags); });
}

}  // namespace noisescope::cli
