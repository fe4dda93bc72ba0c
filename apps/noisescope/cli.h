// What every command shares: global flags, progress on the terminal, the stop signal, output.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "noisescope/core/progress.h"
#include "noisescope/processes/group.h"

namespace noisescope::cli {

/// Flags that every command takes.
struct Common {
  std::optional<uint64_t> seed;
  int64_t threads = 0;
  std::string device = "cpu";
  bool json = false;
  bool quiet = false;
};

/// One invocation of the program.
struct Session {
  Common common;
  std::string command_line;                       // as typed, for reports and "how to go on"
  Control control;                                // progress drawing and Ctrl-C
  std::shared_ptr<Group> group = Group::alone();  // the processes that torchrun started together
  int exit_code = 0;                              // of a command that ran, but whose result is a failure

  /// Human text on stdout, silent under --json and --quiet.
  void say(const std::string& text) const;
  /// A remark on stderr, silent under --quiet: skipped files, resumed runs, refused checkpoints.
  void notice(const std::string& text) const;
  /// The result for machines: one JSON document on stdout, only under --json.
  void result(const nlohmann::ordered_json& json) const;
};

/// What is wrong with the text of a seed, or "". The numbers that a configuration can hold are let through.
std::string seed_problem(const std::string& text);

/// Adds the common flags to a command.
void add_common(CLI::App& command, Session& session);

// One function a command, each in commands/<name>.cpp: declares its flags and what it does.
void add_demo(CLI::App& app, Session& session);
void add_data(CLI::App& app, Session& session);
void add_clip(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_sample(CLI::App& app, Session& session);
void add_explain(CLI::App& app, Session& session);
void add_rewind(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_calibrate(CLI::App& app, Session& session);
void add_evaluate(CLI::App& app, Session& session);
void add_report(CLI::App& app, Session& session);
void add_replay(CLI::App& app, Session& session);
void add_studio(CLI::App& app, Session& session);
void add_convert(CLI::App& app, Session& session);
void add_export(CLI::App& app, Session& session);
void add_config(CLI::App& app, Session& session);
void add_doctor(CLI::App& app, Session& session);

}  // namespace noisescope::cli
