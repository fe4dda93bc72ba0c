#include "noisescope/data/folder_listing.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/caption_metadata.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/io/codec/archive.h"

namespace noisescope::data {
namespace {

/// The part that a folder of this name holds, by the names that are in use.
Part part_named(std::string folder) {
  for (char& c : folder) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (folder == "train" || folder == "training") return Part::train;
  if (folder == "validation" || folder == "valid" || folder == "val" || folder == "dev" || folder == "eval") {
    return Part::validation;
  }
  if (folder == "test" || folder == "testing") return Part::test;
  return Part::none;
}

std::string suffix_of(const std::string& path) { return std::filesystem::path(path).extension().string(); }

std::string without_suffix(const std::string& path) { return path.substr(0, path.size() - suffix_of(path).size()); }

/// Files that may hold captions in a layout that is not read.
bool looks_like_captions(const std::string& path) {
  static const std::set<std::string> kSuffixes = {".jsonl", ".csv", ".tsv", ".json", ".parquet", ".arrow", ".cls"};
  return kSuffixes.contains(suffix_of(path));
}

/// Archives mostly hold one folder around everything; "cats/" before the real layout. A single class
/// folder is none: its pictures lie directly in it. Names are those behind `root`.
std::string folder_around(const std::vector<std::string>& names, const std::string& root) {
  const std::string top = names.empty() ? "" : top_folder(names.front().substr(root.size()));
  if (top.empty() || part_named(top) != Part::none) return "";
  bool metadata_inside = false, images_inside = false;
  for (const std::string& name : names) {
    if (top_folder(name.substr(root.size())) != top) return "";
    const bool directly = name.find('/', root.size() + top.size() + 1) == std::string::npos;
    metadata_inside = metadata_inside || (directly && is_metadata_name(file_of(name)));
    images_inside = images_inside || (directly && has_image_extension(name));
  }
  return metadata_inside || !images_inside ? top + "/" : "";
}

std::string root_of(const std::vector<std::string>& names) {
  std::string root;
  for (std::string next = folder_around(names, root); !next.empty(); next = folder_around(names, root)) root += next;
  return root;
}

/// Folders are parts where there is a train/ among them, or nothing else.
void find_parts(FolderListing& listing, LoadReport& report) {
  std::set<std::string> tops;
  for (const std::string& image : listing.images) tops.insert(top_folder(image.substr(listing.root.size())));
  const auto is = [](Part part) { return [part](const std::string& top) { return part_named(top) == part; }; };
  listing.has_parts = std::any_of(tops.begin(), tops.end(), is(Part::train)) ||
                      (!tops.empty() && std::none_of(tops.begin(), tops.end(), is(Part::none)));
  if (!listing.has_parts) return;
  for (const std::string& top : tops) {
    const Part part = part_named(top);
    if (part == Part::none || top == to_string(part)) continue;
    report.remarks.push_back(top + "/ is read as the " + to_string(part) + " part");
  }
}

/// Pictures by their path without suffix, and by their whole path ("1.txt" and "1.png.txt" are beside "1.png").
std::map<std::string, std::string> pictures_by_stem(const std::vector<std::string>& images) {
  std::map<std::string, std::string> pictures;
  for (const std::string& image : images) {
    pictures.emplace(without_suffix(image), image);
    pictures.emplace(image, image);
  }
  return pictures;
}

/// The best of the texts beside each picture: .txt before .caption before .json.
void take_sidecars(std::vector<std::string>& others, FolderListing& listing) {
  const std::map<std::string, std::string> pictures = pictures_by_stem(listing.images);
  for (const char* suffix : {".txt", ".caption", ".json"}) {
    std::erase_if(others, [&](const std::string& name) {
      const auto picture = pictures.find(without_suffix(name));
      const bool fits = suffix_of(name) == suffix && picture != pictures.end();
      return fits && listing.sidecars.emplace(picture->second, name).second;
    });
  }
}

/// Tables of captions, of those in one folder metadata.* alone if there is one.
void take_metadata(std::vector<std::string>& others, FolderListing& listing) {
  std::set<std::string> folders;  // with a metadata.*
  const auto folder_of = [](const std::string& name) { return name.substr(0, name.size() - file_of(name).size()); };
  const auto is_first_choice = [](const std::string& name) { return file_of(name).starts_with("metadata."); };
  for (const std::string& name : others) {
    if (is_metadata_name(file_of(name)) && is_first_choice(name)) folders.insert(folder_of(name));
  }
  std::erase_if(others, [&](const std::string& name) {
    const bool chosen =
        is_metadata_name(file_of(name)) && (is_first_choice(name) || !folders.contains(folder_of(name)));
    if (chosen) listing.metadata.push_back(name);
    return chosen;
  });
}

}  // namespace

std::string file_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string top_folder(const std::string& path) {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

Part FolderListing::part_of(const std::string& path) const {
  return has_parts ? part_named(top_folder(path.substr(root.size()))) : Part::none;
}

std::string FolderListing::below_part(const std::string& path) const {
  const std::string below = path.substr(root.size());
  return part_of(path) == Part::none ? below : below.substr(below.find('/') + 1);
}

FolderListing list_folder(const FileSource& source, LoadReport& report) {
  FolderListing listing;
  listing.root = root_of(source.names());
  std::vector<std::string> others;
  for (const std::string& name : source.names()) {
    (has_image_extension(name) ? listing.images : others).push_back(name);
  }
  find_parts(listing, report);
  take_metadata(others, listing);
  take_sidecars(others, listing);
  for (const std::string& name : others) {
    if (looks_like_captions(name)) {
      report.unread_captions.push_back(name.substr(listing.root.size()));
    } else {
      count_ignored(name, report);
    }
  }
  for (const UnusedFile& file : source.unused()) report.skipped.push_back({file.name, file.reason});
  return listing;
}

}  // namespace noisescope::data
