// noisescope: trains CLIP-conditioned diffusion models and explains what their noise says.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <set>
#include <string>

#include "apps/noisescope/cli.h"
#include "apps/noisescope/terminal.h"
#include "apps/noisescope/usage.h"
#include "noisescope/core/device.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/threads.h"
#include "noisescope/model/shared_network.h"
#include "noisescope/processes/group.h"

namespace noisescope::cli {

void Session::say(const std::string& text) const {
  if (common.json || common.quiet) return;
  finish_progress_line();
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void Session::notice(const std::string& text) const {
  if (common.quiet) return;
  finish_progress_line();
  std::fprintf(stderr, "note: %s\n", text.c_str());
}

void Session::result(const nlohmann::ordered_json& json) const {
  if (!common.json) return;
  finish_progress_line();
  // Names of files may be in any encoding; JSON is UTF-8.
  const std::string text = json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

std::string seed_problem(const std::string& text) {
  int64_t seed = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc() && rest == text.data() + text.size() && seed >= 0) return "";
  return "expected a whole number from 0 to 9223372036854775807 (2^63 - 1), got '" + text + "'";
}

void add_common(CLI::App& command, Session& session) {
  Common& c = session.common;
  command.add_option("--seed", c.seed, "seed of every random number (overrides the config)")->check(seed_problem);
  command
      .add_option("--threads", c.threads,
                  "CPU threads; 0: as many as there are cores that nothing else uses, followed all the time")
      ->check(CLI::Range(0, 1024));
  command.add_option("--device", c.device, "cpu, cuda, cuda:N or auto")->capture_default_str();
  command.add_flag("--json", c.json, "print the result as JSON on stdout");
  command.add_flag("--quiet", c.quiet, "no progress, no remarks");
}

namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  noisescope demo --out runs/demo              train, sample, explain and report in minutes\n"
    "  noisescope train --config config/shapes.yaml --out runs/mine\n"
    "  noisescope sample runs/mine --prompt \"a red square left of a blue disc on dark\"\n"
    "  noisescope doctor                            what this machine has, and what is wrong\n"
    "More on a command: noisescope COMMAND --help\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unusable data or files, 4 model mismatch,\n"
    "130 stopped on request (progress is saved; rerun the same command to resume).";

int exit_code_of(const std::exception& error) {
  if (dynamic_cast<const ValueError*>(&error)) return 2;
  if (dynamic_cast<const FormatError*>(&error) || dynamic_cast<const IoError*>(&error) ||
      dynamic_cast<const DataError*>(&error) || dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    return 3;
  }
  if (dynamic_cast<const ModelError*>(&error)) return 4;
  return 1;
}

std::string typed_line(int argc, char** argv) {
  std::string line = "noisescope";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool plain = word.find_first_of(" \"'$&|;<>()*?") == std::string::npos && !word.empty();
    line += plain ? " " + word : " '" + word + "'";
  }
  return line;
}

/// Of commands that took long enough for it to matter.
void say_if_busy(const Session& session) {
  const MachineUse use = machine_use();
  if (use.seconds > 5 && use.was_busy()) session.notice(busy_note(use));
}

/// "train", "clip embed": the command that was given.
std::string command_of(const CLI::App& app) {
  std::string name;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    name += (name.empty() ? "" : " ") + at->get_name();
  }
  return name;
}

/// Commands that all processes run.
bool is_run_by_all(const std::string& command) {
  return command == "train" || command == "demo" || command == "clip train" || command == "clip embed";
}

/// Commands that process 0 runs and whose network all evaluate.
bool is_evaluating(const std::string& command) {
  static const std::set<std::string> commands = {"sample",   "explain", "rewind",    "verify",
                                                 "evaluate", "report",  "calibrate", "demo"};
  return commands.contains(command);
}

/// The work of this process is done by others.
struct NothingToDo {};

/// Joins the processes that were started together, if there are several. All but one are silent.
void join_others(Session& session, const std::string& command) {
  const std::optional<Place> place = place_from_environment();
  if (!place) return;
  fix_threads(session.common.threads > 0 ? session.common.threads
                                         : std::max<int64_t>(1, usable_cores() / place->local_size));
  session.group = Group::join(*place);
  if (!session.group->leads()) {
    session.common.quiet = true;
    session.common.json = false;
    if (is_run_by_all(command)) return;
    if (is_evaluating(command)) serve_evaluations(*session.group, parse_device(session.common.device));
    throw NothingToDo{};
  }
  if (!is_run_by_all(command) && !is_evaluating(command)) {
    session.notice(
        format_text("'{}' is done by one of the {} processes: its work is not shared", command, place->size));
  }
}

int run(int argc, char** argv) {
  Session session;
  std::string command;
  session.command_line = typed_line(argc, argv);
  CLI::App app{
      "Trains CLIP-conditioned diffusion models on small images, and shows, in measured\n"
      "numbers, what their noise says.",
      "noisescope"};
  app.require_subcommand(1);
  app.footer(kFooter);
  app.failure_message([](const CLI::App* all, const CLI::Error& error) { return usage_text(*all, error); });
  app.set_version_flag("--version", "noisescope " NOISESCOPE_VERSION);
  for (auto* add :
       {add_demo, add_data, add_clip, add_train, add_sample, add_explain, add_rewind, add_verify, add_calibrate,
        add_evaluate, add_report, add_replay, add_studio, add_export, add_convert, add_config, add_doctor}) {
    add(app, session);
  }
  // Commands run from CLI11 callbacks, after this one has prepared the process.
  session.control.stop = stop_on_signals();
  app.parse_complete_callback([&] {
    configure_process(session.common.threads);
    command = command_of(app);
    join_others(session, command);
    if (!session.common.quiet) session.control.progress = terminal_progress();
  });
  try {
    app.parse(argc, argv);
    say_if_busy(session);
    if (is_evaluating(command) && session.group->leads()) end_evaluations(*session.group);
    session.group->leave();
  } catch (const NothingToDo&) {
    session.group->leave();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const Interrupted&) {
    session.group->fail("stopped on request");
    say_if_busy(session);
    finish_progress_line();
    if (!session.group->leads()) return 130;
    std::fprintf(stderr, "stopped; what is done is saved. Again (training and embedding go on from it): %s\n",
                 session.command_line.c_str());
    return 130;
  } catch (const std::exception& error) {
    session.group->fail(error.what());
    throw;
  }
  return session.exit_code;
}

}  // namespace
}  // namespace noisescope::cli

int main(int argc, char** argv) {
  try {
    return noisescope::cli::run(argc, argv);
  } catch (const std::exception& error) {
    noisescope::cli::finish_progress_line();
    std::fprintf(stderr, "error: %s\n", error.what());
    return noisescope::cli::exit_code_of(error);
  }
}
