#include "apps/noisescope/cli.h"
#include "noisescope/core/device.h"
#include "noisescope/core/format.h"
#include "noisescope/data/emoji.h"

namespace noisescope::cli {
namespace {

/// What 'demo --data emoji' draws its pictures from.
std::string emoji_fact() {
  const EmojiOptions emoji;
  const std::string missing = missing_emoji_package(emoji);
  return missing.empty() ? emoji.font : "none: 'demo --data emoji' needs the package " + missing;
}

void run_doctor(const Session& session) {
  auto facts = machine_facts();
  facts.emplace_back("emoji", emoji_fact());
  const auto problems = machine_problems();
  nlohmann::ordered_json json;
  for (const auto& [name, value] : facts) {
    json["facts"][name] = value;
    session.say(format_text("{:<27} {}", name, value));
  }
  json["problems"] = problems;
  for (const std::string& problem : problems) session.say("problem: " + problem);
  if (problems.empty()) session.say("no problems found");
  session.result(json);
}

}  // namespace

void add_doctor(CLI::App& app, Session& session) {
  CLI::App* command = app.add_subcommand("doctor", "What this machine has, and what is wrong");
  add_common(*command, session);
  command->footer("Examples:\n  noisescope doctor\n  noisescope doctor --json");
  command->callback([&session] { run_doctor(session); });
}

}  // namespace noisescope::cli
