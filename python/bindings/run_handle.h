#pragma once

#include "noisescope/model/model.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::python {

/// A trained run: its network and its configuration.
struct RunHandle {
  RunFolder folder;
  RunConfig config;
  TextToImage network;
  Model model;  // of it
};

}  // namespace noisescope::python
