// Which data a run learns from, and how to open it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "noisescope/data/image_loader.h"
#include "noisescope/data/tiny_imagenet.h"
#include "noisescope/data/world.h"

namespace noisescope {

enum class DataKind { world, folder, tiny_imagenet };

constexpr std::array<std::pair<DataKind, const char*>, 3> enum_names(DataKind) {
  return {{{DataKind::world, "world"},
           {DataKind::folder, "folder"},
           {DataKind::tiny_imagenet, "tiny_imagenet"}}};
}

struct DataOptions {
  DataKind kind = DataKind::world;
  std::string path;                      // folder, tiny_imagenet: a folder, tar or zip
  std::vector<std::string> templates = {"a photo of a {}"};
  Synonyms synonyms = Synonyms::first;   // tiny_imagenet
  ImageLoadOptions images;
  WorldOptions world;
  int64_t world_scenes = 65536;          // how many scenes the world data set holds
  double validation_share = 0.02;
};
void describe(Describer& d, DataOptions& options);

/// Throws ConfigError for options that do not fit each other; else as the loaders do.
std::shared_ptr<Dataset> open_dataset(const DataOptions& options, uint64_t seed,
                                      const Control& control, LoadReport& report);

}  // namespace noisescope
