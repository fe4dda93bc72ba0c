#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/io/writable_folder.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/report/report_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {

void add_report(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("report", "One self-contained HTML file on a trained run");
  add_common(*command, session);
  auto run = std::make_shared<std::string>();
  auto request = std::make_shared<ReportRequest>();
  auto overrides = std::make_shared<std::vector<std::string>>();
  command->add_option("run", *run, "run folder")->required();
  command->add_option("--prompt", request->prompts, "filmed and explained; default: examples")->allow_extra_args(false);
  command->add_option("--set", *overrides, "key=value, e.g. evaluation.judge_train.seconds=60")
      ->allow_extra_args(false);
  command->add_flag("--no-animation", request->no_animation, "film strips instead of films");
  command->footer(
      "Examples:\n"
      "  noisescope report runs/demo\n"
      "  noisescope report runs/demo --prompt \"a red disc left of a blue cross on grey\"\n"
      "Evaluates first if the run has no evaluation.json yet. Writes RUN/report.html.");
  command->callback([&session, run, request, overrides] {
    const RunFolder folder{*run};
    const RunConfig config = load_run_config_of(folder, *overrides);
    check_writable(folder.root);
    request->command_line = session.command_line;
    const TextToImage model = share_network(load_run_model(folder, parse_device(session.common.device),
                                                           [&](const std::string& text) { session.notice(text); }),
                                            session.group);
    report_run(model, config, folder, *request, session.control);
    session.say("now open " + folder.report().string());
    session.result({{"report", folder.report().string()}});
  });
}

}  // namespace noisescope::cli
