#include "noisescope/data/data_options.h"

#include "noisescope/core/error.h"
#include "noisescope/data/image_folder.h"
#include "noisescope/data/world_dataset.h"

namespace noisescope::data {
namespace {

std::shared_ptr<const Dataset> open_kind(const DataOptions& options, const Control& control, LoadReport& report) {
  if (options.kind == DataKind::world) {
    if (!options.path.empty()) {
      throw ConfigError("[data.open_dataset] expected no data.path for data.kind world, got " + options.path +
                        "; for pictures set data.kind to folder or tiny_imagenet");
    }
    const auto seed = static_cast<uint64_t>(options.seed);
    const World world(options.world);
    report.loaded = options.world_samples;
    return std::make_shared<WorldDataset>(world, options.world_samples, seed);
  }
  if (options.kind == DataKind::emoji) {
    if (!options.path.empty()) {
      throw ConfigError("[data.open_dataset] expected no data.path for data.kind emoji, got " + options.path +
                        "; its files are data.emoji_font and data.emoji_list");
    }
    return std::make_shared<ImageDataset>(
        load_emoji(options.emoji, options.load, static_cast<uint64_t>(options.seed), control, report));
  }
  if (options.path.empty()) {
    throw ConfigError("[data.open_dataset] expected data.path for data.kind " + to_string(options.kind) +
                      ", got none; set it to a folder, .tar or .zip");
  }
  if (options.kind == DataKind::folder) {
    return std::make_shared<ImageDataset>(
        load_image_folder(options.path, options.folder, options.load, control, report));
  }
  return std::make_shared<ImageDataset>(
      load_tiny_imagenet(options.path, {options.folder.templates, options.synonyms}, options.load, control, report));
}

}  // namespace

void describe(Describer& d, DataOptions& o) {
  d("kind", o.kind,
    "world: the two-object world; folder: pictures with captions; tiny_imagenet; emoji: those of a font");
  d("path", o.path, "folder, .tar or .zip of the image kinds");
  describe(d, o.load);
  d("flip", o.flip,
    "mirror half of the pictures in training: auto (where no caption says left or right), true or false; false "
    "for letters, digits, arrows and whatever else has sides");
  d("captions", o.folder.captions,
    "of a folder: tables (metadata.jsonl, metadata.csv, captions.csv), sidecars (a .txt beside each picture) or "
    "classes "
    "(its folder's name); auto: the first of these that is there");
  d("image_column", o.folder.columns.image, "column or member of a table that names the picture; '': the usual names");
  d("caption_column", o.folder.columns.caption, "that which holds its caption; '': the usual names");
  d("templates", o.folder.templates, "captions of a class; {} stands for its name");
  d("emoji_flags", o.emoji.flags, "emoji: take the flags of countries, too");
  d("emoji_held_out", o.emoji.held_out,
    "emoji: share of pictures of families (one word apart) that are never trained on",
    {.min = 0, .max = 1, .below_max = true});
  d("emoji_font", o.emoji.font, "emoji: a font of colour bitmaps (Debian: fonts-noto-color-emoji)");
  d("emoji_list", o.emoji.list, "emoji: emoji-test.txt of Unicode (Debian: unicode-data)");
  d("synonyms", o.synonyms, "names of a Tiny ImageNet class in its captions: the first, or all");
  d("validation_share", o.validation_share,
    "share of samples held out, where the data has no validation part of its own",
    {.min = 0, .max = 1, .below_max = true});
  d("seed", o.seed, "draws the scenes of the world, and the samples held out", {.min = 0});
  d("world_samples", o.world_samples, "scenes of the world in an epoch", {.min = 1});
  d.section("world", o.world, "the two-object world");
}

DataOptions data_named(const std::string& text) {
  DataOptions options;
  options.kind = text == "emoji" ? DataKind::emoji : DataKind::folder;
  if (options.kind == DataKind::folder) options.path = text;
  return options;
}

Mirroring mirroring(Flip flip, const Dataset& dataset) {
  if (flip == Flip::always) return {true, "data.flip is true"};
  if (flip == Flip::never) return {false, "data.flip is false"};
  if (!dataset.flips_keep_captions()) {
    return {false, "data.flip is auto and captions speak of left or right"};
  }
  return {true, "data.flip is auto and no caption says left or right; letters, digits and arrows need data.flip=false"};
}

OpenedData open_dataset(const DataOptions& options, const Control& control, LoadReport& report) {
  OpenedData opened;
  opened.dataset = open_kind(options, control, report);
  opened.split = split_dataset(*opened.dataset, options.validation_share, static_cast<uint64_t>(options.seed));
  opened.mirroring = mirroring(options.flip, *opened.dataset);
  return opened;
}

}  // namespace noisescope::data
