// The captions of a folder's pictures: from tables, from texts beside the pictures, or from class folders.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/data/caption_metadata.h"
#include "noisescope/data/folder_listing.h"
#include "noisescope/data/image_loader.h"

namespace noisescope::data {

/// Where captions are taken from; automatic: the first of these that is there.
enum class CaptionSource { automatic, tables, sidecars, classes };
constexpr std::array<std::pair<CaptionSource, const char*>, 4> enum_names(CaptionSource) {
  return {{{CaptionSource::automatic, "auto"},
           {CaptionSource::tables, "tables"},
           {CaptionSource::sidecars, "sidecars"},
           {CaptionSource::classes, "classes"}}};
}

struct FolderOptions {
  std::vector<std::string> templates = {"a photo of a {}"};  // of class folders
  CaptionSource captions = CaptionSource::automatic;
  CaptionColumns columns;  // of tables
};

/// The pictures of a folder with their captions, in the order of their names.
struct CaptionedFiles {
  std::vector<ImageEntry> entries;
  std::vector<std::string> class_names;  // empty: no classes
};

/// Says in `report` which files of captions are not read. Throws DataError where a picture has no caption or a
/// caption no picture (naming examples and what to do), FormatError for texts that cannot be read, ValueError for
/// templates without {}.
CaptionedFiles caption_folder(const FileSource& source, const FolderListing& listing, const FolderOptions& options,
                              LoadReport& report);

}  // namespace noisescope::data
