// What commands that read a configuration or a run folder share.
#pragma once

#include "apps/noisescope/cli.h"
#include "noisescope/run/run_config.h"

namespace noisescope::cli {

struct ConfigFlags {
  std::string path;                    // "": the demo's configuration
  std::vector<std::string> overrides;  // a.b=c
};

/// --config and --set.
void add_config_flags(CLI::App& command, ConfigFlags& flags);

/// The configuration of the flags, --seed applied. The second for commands that do not train: the parts need not
/// fit each other.
RunConfig read_config(const Session& session, const ConfigFlags& flags);
RunConfig read_config_unchecked(const Session& session, const ConfigFlags& flags);

/// Names the prompts whose ends the encoder does not read. Returns how many they are.
int64_t say_of_cut_prompts(const Session& session, const Tokenizer& tokenizer, const std::vector<std::string>& texts);

}  // namespace noisescope::cli
