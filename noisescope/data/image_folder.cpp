#include "noisescope/data/image_folder.h"

#include <algorithm>
#include <map>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/caption_metadata.h"
#include "noisescope/io/codec/archive.h"

namespace noisescope::data {
namespace {

constexpr const char* kFolderWhere = "[data.load_image_folder] ";

std::string file_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_metadata(const std::string& path) {
  const std::string file = file_of(path);
  return file == "metadata.jsonl" || file == "metadata.csv";
}

/// Files that hold captions in other layouts: tables beside or below the pictures.
bool looks_like_captions(const std::string& path) {
  static const std::set<std::string> kSuffixes = {".jsonl", ".csv", ".tsv", ".json", ".parquet"};
  return kSuffixes.contains(std::filesystem::path(path).extension().string());
}

/// A text of the picture beside it: "cat/1.txt" of "cat/1.png".
bool is_sidecar(const FileSource& source, const std::string& path) {
  const std::filesystem::path file(path);
  if (file.extension() != ".txt" && file.extension() != ".caption") return false;
  for (const char* suffix : {".png", ".jpg", ".jpeg"}) {
    if (source.contains(std::filesystem::path(file).replace_extension(suffix).string())) return true;
  }
  return false;
}

/// The first folder of a path, or "" for a file at the top.
std::string top_folder(const std::string& path) {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

Part part_of(const std::string& folder) {
  if (folder == "train") return Part::train;
  if (folder == "validation" || folder == "val") return Part::validation;
  if (folder == "test") return Part::test;
  return Part::none;
}

/// Archives mostly hold one folder around everything; "cats/" before the real layout. A single class
/// folder is none: its pictures lie directly in it.
std::string common_root(const std::vector<std::string>& names) {
  const std::string top = names.empty() ? "" : top_folder(names.front());
  if (top.empty() || part_of(top) != Part::none) return "";
  bool metadata_inside = false, images_inside = false;
  for (const std::string& name : names) {
    if (top_folder(name) != top) return "";
    const bool directly = name.find('/', top.size() + 1) == std::string::npos;
    metadata_inside = metadata_inside || (directly && is_metadata(name));
    images_inside = images_inside || (directly && has_image_extension(name));
  }
  return metadata_inside || !images_inside ? top + "/" : "";
}

/// The files of a source, sorted by what they are.
struct Listing {
  std::string root;                   // "" or "cats/"
  std::vector<std::string> images;    // with root, sorted
  std::vector<std::string> metadata;  // with root
};

Listing list_files(const FileSource& source, LoadReport& report) {
  Listing listing;
  listing.root = common_root(source.names());
  for (const std::string& name : source.names()) {
    const std::string below = name.substr(listing.root.size());
    const std::string top = top_folder(below);
    const std::string file = top.empty() ? below : below.substr(top.size() + 1);
    const bool in_place = top.empty() || (part_of(top) != Part::none && file == file_of(file));
    if (is_metadata(name) && in_place) {
      listing.metadata.push_back(name);
    } else if (has_image_extension(name)) {
      listing.images.push_back(name);
    } else if (looks_like_captions(name) || is_sidecar(source, name)) {
      report.unread_captions.push_back(below);
    } else {
      count_ignored(name, report);
    }
  }
  return listing;
}

std::vector<ImageEntry> entries_from_metadata(const FileSource& source, const Listing& listing, LoadReport& report) {
  std::map<std::string, std::vector<std::string>> captions;  // by image path
  for (const std::string& path : listing.metadata) {
    const std::string folder = path.substr(0, path.size() - file_of(path).size());
    const std::string text = source.read(path);
    const bool is_csv = path.ends_with(".csv");
    for (MetadataRow& row : is_csv ? parse_metadata_csv(text, path) : parse_metadata_jsonl(text, path)) {
      std::vector<std::string>& own = captions[folder + row.file_name];
      for (std::string& caption : row.captions) {
        const bool known = std::find(own.begin(), own.end(), caption) != own.end();
        if (known) ++report.duplicate_captions;
        if (!known) own.push_back(std::move(caption));
      }
    }
  }
  std::vector<std::string> uncaptioned;
  for (const std::string& image : listing.images) {
    if (captions.count(image) == 0) uncaptioned.push_back(image);
  }
  if (!uncaptioned.empty() && !captions.empty()) {
    throw DataError(format_text(
        "{}expected a caption of every image, got {} images without one: {}; add them to {} or "
        "remove them{}",
        kFolderWhere, uncaptioned.size(), name_examples(uncaptioned), listing.metadata.front(),
        report.unread_captions.empty() ? "" : " (not read: " + name_examples(report.unread_captions) + ")"));
  }
  std::vector<ImageEntry> entries;  // captions of absent images are refused by load_images
  for (auto& [path, texts] : captions) {
    const Part part = part_of(top_folder(path.substr(listing.root.size())));
    entries.push_back({path, std::move(texts), part, -1, std::nullopt});
  }
  return entries;
}

/// Where some folders are parts, the others beside them may be meant as such.
void note_unknown_parts(const Listing& listing, LoadReport& report) {
  std::map<std::string, int64_t> others;
  bool has_parts = false;
  for (const std::string& path : listing.images) {
    const std::string folder = top_folder(path.substr(listing.root.size()));
    has_parts = has_parts || part_of(folder) != Part::none;
    if (part_of(folder) == Part::none) ++others[folder];
  }
  if (has_parts) report.unknown_parts = std::move(others);
}

/// Class folders below the root, or below train/, validation/ and test/.
std::vector<ImageEntry> entries_from_classes(const Listing& listing, const std::vector<std::string>& templates,
                                             std::vector<std::string>& class_names) {
  std::vector<ImageEntry> entries;
  std::vector<std::string> loose;
  std::set<std::string> folders;
  std::vector<std::string> folder_of;
  for (const std::string& path : listing.images) {
    std::string below = path.substr(listing.root.size());
    const Part part = part_of(top_folder(below));
    if (part != Part::none) below = below.substr(below.find('/') + 1);
    const std::string folder = top_folder(below);
    if (folder.empty()) loose.push_back(path);
    folders.insert(folder);
    folder_of.push_back(folder);
    entries.push_back({path, {}, part, -1, std::nullopt});
  }
  if (!loose.empty()) {
    throw DataError(
        format_text("{}expected captions, got {} images without: {}; "
                    "write a metadata.jsonl with file_name and text, "
                    "or put the images into one folder a class",
                    kFolderWhere, loose.size(), name_examples(loose)));
  }
  const std::vector<std::string> order(folders.begin(), folders.end());
  for (const std::string& folder : order) class_names.push_back(name_from_folder(folder));
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto label = std::lower_bound(order.begin(), order.end(), folder_of[i]) - order.begin();
    entries[i].label = label;
    entries[i].captions = fill_templates(templates, {class_names[static_cast<size_t>(label)]});
  }
  return entries;
}

}  // namespace

ImageDataset load_image_folder(const std::filesystem::path& path, const std::vector<std::string>& templates,
                               const ImageLoadOptions& options, const Control& control, LoadReport& report) {
  const std::unique_ptr<FileSource> source = open_file_source(path);
  const Listing listing = list_files(*source, report);
  if (listing.images.empty()) {
    throw DataError(format_text("{}expected images (.png, .jpg, .jpeg) in {}, got {}; {} other files are there",
                                kFolderWhere, path.string(),
                                listing.metadata.empty() ? "none" : "only captions in " + listing.metadata[0],
                                report.ignored + static_cast<int64_t>(report.unread_captions.size())));
  }
  if (listing.metadata.empty()) note_unknown_parts(listing, report);
  std::vector<std::string> class_names;
  const std::vector<ImageEntry> entries = listing.metadata.empty()
                                              ? entries_from_classes(listing, templates, class_names)
                                              : entries_from_metadata(*source, listing, report);
  ImageSamples samples = load_images(*source, entries, options, control, report);
  samples.name = "folder " + path.string();
  samples.class_names = std::move(class_names);
  return ImageDataset(std::move(samples));
}

}  // namespace noisescope::data
