#include "apps/noisescope/run_command.h"

namespace noisescope::cli {

void add_config_flags(CLI::App& command, ConfigFlags& flags) {
  command.add_option("--config", flags.path, "YAML file; without it the demo's configuration")
      ->check(CLI::ExistingFile);
  command.add_option("--set", flags.overrides, "key=value over the file, e.g. train.batch_size=64")
      ->allow_extra_args(false);
}

RunConfig read_config(const Session& session, const ConfigFlags& flags) {
  RunConfig config = load_run_config(flags.path, flags.overrides);
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  return config;
}

RunConfig read_config_unchecked(const Session& session, const ConfigFlags& flags) {
  RunConfig config = read_run_config(flags.path, flags.overrides);
  if (session.common.seed) config.seed = static_cast<int64_t>(*session.common.seed);
  return config;
}

int64_t say_of_cut_prompts(const Session& session, const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  int64_t cut = 0;
  for (const std::string& text : texts) {
    const Encoding encoding = tokenizer.encode(text);
    if (!encoding.truncated()) continue;
    ++cut;
    session.notice("the prompt '" + text.substr(0, 40) + "...' is longer than the " +
                   std::to_string(tokenizer.context_length()) + " tokens that the encoder reads: its last " +
                   std::to_string(encoding.dropped) + " are cut off");
  }
  return cut;
}

}  // namespace noisescope::cli
