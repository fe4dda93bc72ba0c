#pragma once

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::python {

/// A trained run: its model and its configuration.
struct RunHandle {
  RunFolder folder;
  RunConfig config;
  TextToImage model;
};

}  // namespace noisescope::python
