// The argument MODEL of commands: a run folder, or an exact world.
#pragma once

#include "apps/noisescope/cli.h"
#include "noisescope/io/config.h"
#include "noisescope/model/model.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::cli {

/// What the argument may be, for --help.
extern const char* const kModelHelp;

struct OpenedModel {
  Model model;
  std::optional<RunFolder> folder;  // none: an exact world
  ConfigNode settings;              // of methods: {id: {option: value}}
  uint64_t seed = 0;                // --seed, else the run's
};

/// Opens what `text` names; `overrides` are --set: "<method>.<option>=..." for methods, anything else is the
/// configuration's ("sample.grid.steps=50"; of a world `sample` alone, of data `data` and `sample`). Throws
/// ConfigError, DataError for a folder that is no run, and what loading throws.
OpenedModel open_model(const Session& session, const std::string& text, const std::vector<std::string>& overrides);

}  // namespace noisescope::cli
