#include "noisescope/io/config.h"
#include "apps/noisescope/cli.h"
#include "apps/noisescope/run_command.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/cost.h"

namespace noisescope::cli {
namespace {

void show_cost(const Session& session, const RunConfig& config, double flops_per_second) {
  const UNetCost cost = network_cost(config.network);
  const int64_t batch = config.train.batch_size;
  const double rate = flops_per_second / cost.train_flops;
  session.say(format_text("parameters         {:.2f} M", 1e-6 * double(cost.parameters)));
  session.say(format_text("forward            {:.3f} GFLOP an image", 1e-9 * cost.forward_flops));
  session.say(format_text("training           {:.3f} GFLOP an image", 1e-9 * cost.train_flops));
  session.say(format_text("training memory    {:.2f} GiB at batch {}", training_bytes(cost, batch) / (1 << 30), batch));
  session.say(format_text("estimated rate     {:.0f} images/s at {:.3g} FLOP/s", rate, flops_per_second));
  session.say("budget             " + config.train.budget);
  session.result({{"parameters", cost.parameters},
                  {"forward_flops", cost.forward_flops},
                  {"train_flops", cost.train_flops},
                  {"training_bytes", training_bytes(cost, batch)},
                  {"images_per_second", rate},
                  {"flops_per_second", flops_per_second}});
}

}  // namespace

void add_config(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("config", "Show, check and estimate the cost of configurations");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  noisescope config show config/shapes.yaml --set network.channels=[64,128,192]\n"
      "  noisescope config cost config/model_default.yaml --flops 6e13");
  auto flags = std::make_shared<ConfigFlags>();
  auto flops = std::make_shared<double>(1e11);

  CLI::App* show =
      command->add_subcommand("show", "The resolved configuration: every key, its value and what it means");
  add_common(*show, session);
  add_config_flags(*show, *flags);
  show->add_option("file", flags->path, "the same as --config");
  show->callback([&session, flags] {
    const RunConfig config = read_config(session, *flags);
    session.say(to_yaml(config));
    session.result(to_json(config));
  });

  CLI::App* cost = command->add_subcommand("cost", "Parameters, FLOPs, memory and speed of a network");
  add_common(*cost, session);
  add_config_flags(*cost, *flags);
  cost->add_option("file", flags->path, "the same as --config");
  cost->add_option("--flops", *flops, "sustained FLOP/s of the machine (1e11: two CPU cores)")->capture_default_str();
  cost->callback([&session, flags, flops] { show_cost(session, read_config(session, *flags), *flops); });
}

}  // namespace noisescope::cli
