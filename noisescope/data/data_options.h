// Which data a run works on, and how it is opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/data/emoji.h"
#include "noisescope/data/folder_captions.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/data/tiny_imagenet.h"
#include "noisescope/world/world.h"

namespace noisescope::data {

enum class DataKind { world, folder, tiny_imagenet, emoji };
NOISESCOPE_ENUM(DataKind, world, folder, tiny_imagenet, emoji)

/// Whether half of the pictures are mirrored in training; automatic: where no caption speaks of a side.
enum class Flip { automatic, always, never };
constexpr std::array<std::pair<Flip, const char*>, 3> enum_names(Flip) {
  return {{{Flip::automatic, "auto"}, {Flip::always, "true"}, {Flip::never, "false"}}};
}

struct DataOptions {
  DataKind kind = DataKind::world;
  std::string path;
  ImageLoadOptions load;
  Flip flip = Flip::automatic;
  FolderOptions folder;
  EmojiOptions emoji;
  Synonyms synonyms = Synonyms::first;
  double validation_share = 0.05;
  int64_t seed = 0;
  int64_t world_samples = 100000;
  WorldOptions world;
};

/// The fields of `load`, `folder` and `emoji` stand beside the others: data.image_size_px, data.emoji_flags.
void describe(Describer& d, DataOptions& o);

/// The options of what a command line names: "emoji", or the path of a folder or archive.
DataOptions data_named(const std::string& text);

/// Are pictures mirrored in training, and why.
struct Mirroring {
  bool on = false;
  std::string why;  // "data.flip is auto and no caption says left or right; ..."
};

/// What `flip` means for these data.
Mirroring mirroring(Flip flip, const Dataset& dataset);

/// A data set, which of its samples are for training, and whether these are mirrored.
struct OpenedData {
  std::shared_ptr<const Dataset> dataset;
  Split split;
  Mirroring mirroring;
};

/// Opens what the options name and splits it: by its own parts where it has some, else by
/// validation_share and seed. Fills `report`. Throws ConfigError if a kind that has files has no path; what
/// loading throws otherwise (image_folder.h, tiny_imagenet.h, emoji.h).
OpenedData open_dataset(const DataOptions& options, const Control& control, LoadReport& report);

}  // namespace noisescope::data
