#include <cstdio>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/run/explain_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

struct ExplainFlags {
  std::string run;
  ExplainRequest request;
  std::vector<std::string> overrides;
};

void print_explanation(const Session& session, const nlohmann::ordered_json& json) {
  for (const auto& prompt : json.at("prompts")) {
    const auto& total = prompt.at("total");
    char text[256];
    std::snprintf(text, sizeof text, "  %.2f %s [%.2f, %.2f], half of it above log-SNR %.2f (n %lld)",
                  total.at("value").get<double>(), json.at("unit").get<std::string>().c_str(),
                  total.at("low").get<double>(), total.at("high").get<double>(),
                  prompt.at("half_point_log_snr").get<double>(),
                  static_cast<long long>(total.at("n").get<int64_t>()));
    session.say("\"" + prompt.at("prompt").get<std::string>() + "\"\n" + text);
    if (prompt.contains("warning")) session.notice(prompt.at("warning").get<std::string>());
  }
}

void run_explain(const Session& session, ExplainFlags flags) {
  const RunFolder folder{flags.run};
  const RunConfig config = load_run_config_of(folder, flags.overrides);
  flags.request.seed = session.common.seed.value_or(static_cast<uint64_t>(config.seed));
  const TextToImage model =
      load_run_model(folder, parse_device(session.common.device),
                     [&](const std::string& text) { session.notice(text); });
  const nlohmann::ordered_json json =
      explain_run(model, config, folder, flags.request, session.control);
  print_explanation(session, json);
  session.say("maps and profile are in " + folder.explain().string());
  session.result(json);
}

}  // namespace

void add_explain(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand(
      "explain", "Where and at which noise level the prompt spoke: guidance information");
  add_common(*command, session);
  auto flags = std::make_shared<ExplainFlags>();
  command->add_option("run", flags->run, "run folder")->required();
  command->add_option("--prompt", flags->request.prompts, "may be given several times")
      ->required()
      ->allow_extra_args(false);
  command->add_option("--count", flags->request.count, "pictures of each prompt")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  command->add_option("--scale", flags->request.scale,
                      "guidance scale; 1 measures in nats, others as guidance energy")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--set", flags->overrides, "key=value, e.g. draw.grid.steps=50")
      ->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope explain runs/demo --prompt \"a red square left of a blue disc on dark\"\n"
      "  noisescope explain runs/demo --prompt \"a red disc\" --count 64 --set draw.grid.steps=50\n"
      "Writes RUN/explain: explanation.json, explanation.safetensors, maps.png, profile.svg.");
  command->callback([&session, flags] { run_explain(session, *flags); });
}

}  // namespace noisescope::cli
