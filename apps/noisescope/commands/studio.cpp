#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/model_argument.h"
#include "noisescope/run/preview.h"
#include "noisescope/studio/http_server.h"

namespace noisescope::cli {
namespace {

struct StudioFlags {
  std::string model = "world";
  ServeOptions serve;
  bool no_open = false;
  std::vector<std::string> overrides;
};

/// Every k-th of many, so that they are spread.
std::vector<std::string> spread(const std::vector<std::string>& all, size_t count) {
  std::vector<std::string> some;
  const size_t every = std::max<size_t>(1, all.size() / count);
  for (size_t i = 0; i < all.size() && some.size() < count; i += every) some.push_back(all[i]);
  return some;
}

std::vector<std::string> captions_of(const GivenPictures& pictures) {
  std::set<std::string> captions;
  for (const auto& of_one : pictures.captions) captions.insert(of_one.begin(), of_one.end());
  return {captions.begin(), captions.end()};
}

/// What a page offers to type, and how the model is called elsewhere.
StudioOptions studio_options(const OpenedModel& opened, const std::string& argument) {
  constexpr size_t kExamples = 8, kCompletions = 2000;
  const Model& model = opened.model;
  StudioOptions options{.folder = opened.folder, .argument = argument, .version = NOISESCOPE_VERSION};
  if (model.world) {
    const std::vector<std::string> captions = model.world->grammar().captions();
    options.completions = {captions.begin(), captions.begin() + std::min(captions.size(), kCompletions)};
    options.examples = spread(model.world->grammar().full_captions(SceneSet::seen), kExamples);
    options.python =
        opened.folder ? "" : "ns.World(\"" + std::string(argument == "world" ? "demo" : argument.substr(6)) + "\")";
  } else if (model.pictures) {
    options.completions = spread(captions_of(model.pictures->pictures()), kCompletions);
    options.examples = spread(options.completions, kExamples);
  } else if (opened.folder) {
    const RunConfig config = load_run_config_of(*opened.folder);
    options.examples = example_prompts(config, *model.network, kExamples);
    options.completions = example_prompts(config, *model.network, kCompletions);
  }
  if (opened.folder) options.python = "ns.load(" + nlohmann::json(argument).dump() + ")";
  return options;
}

/// Shows the address in the browser of a desktop, if this is one.
void open_browser(const std::string& address) {
  if (!std::getenv("DISPLAY") && !std::getenv("WAYLAND_DISPLAY")) return;
  std::string program = "xdg-open", text = address;
  char* arguments[] = {program.data(), text.data(), nullptr};
  pid_t child = 0;
  posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);  // no browser: the address is printed
}

void run_studio(const Session& session, const StudioFlags& flags) {
  const OpenedModel opened = open_model(session, flags.model, flags.overrides);
  Studio studio(opened.model, studio_options(opened, flags.model));
  HttpServer server(studio, flags.serve);
  session.say("the studio of " + opened.model.name + " is at " + server.address());
  session.say("stop it with Ctrl-C; what was drawn is gone then, unless its address was kept");
  session.result({{"address", server.address()}});
  std::cout.flush();
  if (!flags.no_open) open_browser(server.address());
  const std::stop_callback stop(session.control.stop, [&] { server.stop(); });
  server.run();
}

}  // namespace

void add_studio(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("studio", "A live page: draw, scrub the noise, change it, see why");
  add_common(*command, session);
  auto flags = std::make_shared<StudioFlags>();
  command->add_option("model", flags->model, kModelHelp)->capture_default_str();
  command->add_option("--port", flags->serve.port, "0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command
      ->add_option("--host", flags->serve.host,
                   "address to listen on; anything but loopback lets others in who know the token")
      ->capture_default_str();
  command->add_flag("--no-open", flags->no_open, "do not open a browser");
  command->add_option("--page", flags->serve.page, "serve this folder as the page, for those who change it")
      ->check(CLI::ExistingDirectory);
  command->add_option("--set", flags->overrides, "key=value, e.g. sample.grid.steps=50")->allow_extra_args(false);
  command->footer(
      "Examples:\n"
      "  noisescope studio runs/demo\n"
      "  noisescope studio world                     the exact world: nothing to train\n"
      "  noisescope studio runs/demo --port 8431 --no-open\n"
      "Prints one address with a token and listens on loopback. Reads the run; writes nothing.");
  command->callback([&session, flags] { run_studio(session, *flags); });
}

}  // namespace noisescope::cli
