#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/io/writable_folder.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/run/evaluate_run.h"
#include "noisescope/run/train_run.h"

namespace noisescope::cli {
namespace {

std::string line_of(const std::string& name, const nlohmann::ordered_json& e) {
  return format_text("  {:<12} {:.3f}  [{:.3f}, {:.3f}]  n {}", name, e.at("value").get<double>(),
                     e.at("low").get<double>(), e.at("high").get<double>(), e.at("n").get<int64_t>());
}

/// A measure of image data: some have no interval.
std::string measure_line(const std::string& name, const nlohmann::ordered_json& e) {
  char text[128];
  if (e.contains("low")) {
    std::snprintf(text, sizeof text, "  %-30s %.4f  [%.4f, %.4f]  n %lld", name.c_str(), e.at("value").get<double>(),
                  e.at("low").get<double>(), e.at("high").get<double>(),
                  static_cast<long long>(e.at("n").get<int64_t>()));
  } else {
    std::snprintf(text, sizeof text, "  %-30s %.4f  n %lld", name.c_str(), e.at("value").get<double>(),
                  static_cast<long long>(e.at("n").get<int64_t>()));
  }
  return text;
}

void print_evaluation(const Session& session, const nlohmann::ordered_json& json) {
  for (const auto& [key, value] : json.items()) {
    if (key == "left_out") {
      session.notice("left out: " + value.get<std::string>());
    } else if (value.is_object() && value.contains("value")) {
      session.say(measure_line(key, value));
    } else if (key == "score" || key == "strict") {
      session.say(key == "strict" ? "at the default guidance, strictly read (value, 95 % interval, n)"
                                  : "the same pictures, grainier ones let through");
      for (const auto& [name, estimate] : value.items()) {
        session.say(line_of(name, estimate));
      }
    } else if (key == "sweep" || key == "held_out") {
      session.say(key == "sweep" ? "over guidance, joint" : "combinations never trained on, joint");
      for (const auto& [scale, accuracy] : value.items()) {
        session.say(line_of("s = " + scale, accuracy.at("joint")));
      }
    }
  }
}

void run_evaluate(const Session& session, const std::string& run, const std::vector<std::string>& overrides) {
  const RunFolder folder{run};
  RunConfig config = load_run_config_of(folder, overrides);
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  check_writable(folder.root);
  const TextToImage model = share_network(load_run_model(folder, parse_device(session.common.device),
                                                         [&](const std::string& text) { session.notice(text); }),
                                          session.group);
  const nlohmann::ordered_json json = evaluate_run(model, config, folder, session.control);
  print_evaluation(session, json);
  session.result(json);
}

}  // namespace

void add_evaluate(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("evaluate", "Score a trained run, with intervals");
  add_common(*command, session);
  auto run = std::make_shared<std::string>();
  auto overrides = std::make_shared<std::vector<std::string>>();
  command->add_option("run", *run, "run folder")->required();
  command->add_option("--set", *overrides, "key=value, e.g. evaluation.samples=1024")->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope evaluate runs/demo\n"
      "  noisescope evaluate runs/demo --set evaluation.scales=[1,2,4] --json\n"
      "World: scene accuracy read by the exact parser. Other data: KID, FD, coverage and R-precision\n"
      "in the space of an encoder trained apart, beside their floors. Written to RUN/evaluation.json.");
  command->callback([&session, run, overrides] { run_evaluate(session, *run, *overrides); });
}

}  // namespace noisescope::cli
