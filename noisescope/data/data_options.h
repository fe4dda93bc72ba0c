// Which data a run works on, and how it is opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/data/tiny_imagenet.h"
#include "noisescope/world/world.h"

namespace noisescope {

enum class DataKind { world, folder, tiny_imagenet };
NOISESCOPE_ENUM(DataKind, world, folder, tiny_imagenet)

struct DataOptions {
  DataKind kind = DataKind::world;
  std::string path;
  ImageLoadOptions load;
  std::vector<std::string> templates = {"a photo of a {}"};
  Synonyms synonyms = Synonyms::first;
  double validation_share = 0.05;
  int64_t seed = 0;
  int64_t world_samples = 100000;
  WorldOptions world;
};

/// The fields of `load` stand beside the others: data.image_size_px, not data.load.image_size_px.
void describe(Describer& d, DataOptions& o);

/// A data set and which of its samples are for training.
struct OpenedData {
  std::shared_ptr<const Dataset> dataset;
  Split split;
};

/// Opens what the options name and splits it: by its own parts where it has some, else by
/// validation_share and seed. Fills `report`. Throws ConfigError if an image kind has no path; what
/// loading throws otherwise (image_folder.h, tiny_imagenet.h).
OpenedData open_dataset(const DataOptions& options, const Control& control, LoadReport& report);

}  // namespace noisescope
