// The files of a folder of pictures, sorted by what they are: pictures, tables of captions, texts beside pictures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "noisescope/data/image_dataset.h"

namespace noisescope::io {
class FileSource;
}

namespace noisescope::data {

struct FolderListing {
  std::string root;                             // "" or "cats/": folders around everything
  bool has_parts = false;                       // are there train/, validation/, test/ below the root?
  std::vector<std::string> images;              // with root, sorted
  std::vector<std::string> metadata;            // tables of captions, with root
  std::map<std::string, std::string> sidecars;  // picture -> the text beside it, with root

  /// The part that a file belongs to; none where there are no parts, or its folder is none.
  Part part_of(const std::string& path) const;
  /// A path without root and without the folder of its part.
  std::string below_part(const std::string& path) const;
};

/// Notes in `report` what is not used, and what is called otherwise than train, validation and test but read as such.
FolderListing list_folder(const FileSource& source, LoadReport& report);

/// The first folder of a path, or "" for a file at the top.
std::string top_folder(const std::string& path);

/// What stands behind the last slash.
std::string file_of(const std::string& path);

}  // namespace noisescope::data
