#include "noisescope/data/data_options.h"

#include "noisescope/core/error.h"
#include "noisescope/data/image_folder.h"
#include "noisescope/data/world_dataset.h"

namespace noisescope {

void describe(Describer& d, DataOptions& o) {
  d("kind", o.kind,
    "world: the two-object world; folder: pictures with metadata or class folders; tiny_imagenet: "
    "its original layout");
  d("path", o.path, "folder, tar or zip of pictures (not for the world)");
  d("templates", o.templates, "captions made of class names, each with one {}");
  d("synonyms", o.synonyms, "tiny_imagenet: which names of a class its captions use");
  d.section("images", o.images, "how pictures are read");
  d.section("world", o.world, "the two-object world");
  d("world_scenes", o.world_scenes, "scenes of the world that training can meet", {.min = 2});
  d("validation_share", o.validation_share, "share held out where the data has no such part",
    {.min = 0, .max = 0.9});
}

std::shared_ptr<Dataset> open_dataset(const DataOptions& options, uint64_t seed,
                                      const Control& control, LoadReport& report) {
  if (options.kind == DataKind::world) {
    auto world = std::make_shared<WorldDataset>(World(options.world), options.world_scenes, seed);
    report.loaded = world->size();
    return world;
  }
  if (options.path.empty()) {
    throw ConfigError("[data.open_dataset] expected data.path for data.kind " +
                      to_string(options.kind) + ", got none; pass --set data.path=...");
  }
  throw ConfigError("[data.open_dataset] temporarily world only");
}

}  // namespace noisescope
