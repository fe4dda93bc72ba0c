#include "apps/noisescope/usage.h"

#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/core/options.h"

namespace noisescope::cli {
namespace {

using Words = std::vector<std::string>;

/// The command that was given, as far as it was understood, and its name: "noisescope clip embed".
struct Given {
  const CLI::App* command;
  std::string name;
};

Given given(const CLI::App& app) {
  Given found{&app, app.get_name()};
  while (!found.command->get_subcommands().empty()) {
    found.command = found.command->get_subcommands().front();
    found.name += " " + found.command->get_name();
  }
  return found;
}

std::string meant(const std::string& text, const Words& candidates) {
  const std::string nearest = nearest_name(text, candidates);
  return nearest.empty() ? "" : format_text("; did you mean '{}'?", nearest);
}

Words commands_of(const CLI::App& app) {
  Words names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

Words options_of(const CLI::App& command) {
  Words names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string of_missing_command(const Given& given, const Words& rest) {
  const Words names = commands_of(*given.command);
  const std::string there_are = "; there are " + join(names);
  const auto word = std::find_if(rest.begin(), rest.end(), [](const std::string& text) { return text[0] != '-'; });
  if (word == rest.end()) return format_text("expected a command of '{}', got none{}", given.name, there_are);
  const std::string near = meant(*word, names);
  return format_text("expected a command of '{}', got '{}'{}", given.name, *word, near.empty() ? there_are : near);
}

/// What to write instead of a word that has no place.
std::string remedy(const Given& given, const std::string& word) {
  const Words options = options_of(*given.command);
  const auto has = [&](const char* option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  if (word.starts_with("-")) {
    const std::string near = meant(word, options);
    return near.empty() && has("--set") ? "; keys of the configuration are given by --set KEY=VALUE" : near;
  }
  if (word.find('=') != std::string::npos && has("--set")) return "; write --set " + word;
  if (has("--prompt")) return "; a prompt of several words stands in quotes: --prompt \"a red disc\"";
  return "";
}

}  // namespace

std::string usage_text(const CLI::App& app, const CLI::Error& error) {
  const Given found = given(app);
  const Words rest = app.remaining(true);
  std::string text = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) && found.command->get_require_subcommand_min() > 0) {
    text = of_missing_command(found, rest);
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error) && !rest.empty()) {
    text = format_text("expected no '{}'{}", join(rest, " "), remedy(found, rest.front()));
  }
  return format_text("error: {}\n'{} --help' shows examples.\n", text, found.name);
}

}  // namespace noisescope::cli
