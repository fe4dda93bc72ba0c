#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/model_argument.h"
#include "noisescope/studio/http_server.h"
#include "noisescope/studio/offers.h"
#include "noisescope/studio/run_to_come.h"

namespace noisescope::cli {
namespace {

struct StudioFlags {
  std::string model = "world";
  ServeOptions serve;
  bool no_open = false;
  std::vector<std::string> overrides;
};

/// Shows the address in the browser of a desktop, if this is one.
void open_browser(const std::string& address) {
  if (!std::getenv("DISPLAY") && !std::getenv("WAYLAND_DISPLAY")) return;
  std::string program = "xdg-open", text = address;
  char* arguments[] = {program.data(), text.data(), nullptr};
  pid_t child = 0;
  posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);  // no browser: the address is printed
}

void say_address(const Session& session, const StudioFlags& flags, const HttpServer& server) {
  session.say("the studio of " + flags.model + " is at " + server.address());
  session.say("stop it with Ctrl-C; what was drawn is gone then, unless its address was kept");
  session.result({{"address", server.address()}});
  std::cout.flush();
  if (!flags.no_open) open_browser(server.address());
}

/// Serves until Ctrl-C, or until `is_over`.
void serve(const Session& session, HttpServer& server, const std::function<bool()>& is_over) {
  const std::stop_callback stop(session.control.stop, [&] { server.stop(); });
  const std::jthread watcher([&](const std::stop_token& ended) {
    while (!ended.stop_requested() && !is_over()) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    server.stop();
  });
  server.run();
}

/// Shows the curves of a run that cannot draw yet, until it can; how to go on at the same address.
ServeOptions serve_until_it_draws(const Session& session, const StudioFlags& flags, const RunFolder& folder) {
  const Model model = model_to_come(folder);
  StudioOptions options;
  options.folder = folder;
  options.argument = flags.model;
  options.version = NOISESCOPE_VERSION;
  options.examples = {""};
  options.waiting = kWaitsForCheckpoint;
  Studio studio(model, std::move(options));
  HttpServer server(studio, flags.serve);
  say_address(session, flags, server);
  session.notice(kWaitsForCheckpoint);
  serve(session, server, [&] { return !is_to_come(folder); });
  return server.again();
}

void run_studio(const Session& session, const StudioFlags& flags) {
  ServeOptions options = flags.serve;
  const RunFolder folder{flags.model};
  const bool waits = is_to_come(folder);
  if (waits) options = serve_until_it_draws(session, flags, folder);
  if (session.control.stop_requested()) return;
  const OpenedModel opened = open_model(session, flags.model, flags.overrides);
  StudioOptions of_model = studio_options(opened.model, opened.folder, flags.model);
  of_model.version = NOISESCOPE_VERSION;
  Studio studio(opened.model, std::move(of_model));
  HttpServer server(studio, options);
  if (!waits) say_address(session, flags, server);
  serve(session, server, [] { return false; });
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
