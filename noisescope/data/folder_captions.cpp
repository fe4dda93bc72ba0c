#include "noisescope/data/folder_captions.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/captions.h"
#include "noisescope/io/codec/archive.h"
#include "noisescope/io/text_encoding.h"

namespace noisescope::data {
namespace {

constexpr const char* kCaptionsWhere = "[data.load_image_folder] ";

using Captions = std::map<std::string, std::vector<std::string>>;  // by picture, with root

/// Pictures by their file name alone, and without its suffix, for tables that leave these out; "" where several have
/// it.
std::map<std::string, std::string> pictures_by_name(const FolderListing& listing) {
  std::map<std::string, std::string> pictures;
  for (const std::string& image : listing.images) {
    const std::filesystem::path file = file_of(image);
    for (const std::string& name : {file.string(), file.stem().string()}) {
      const auto [entry, is_new] = pictures.emplace(name, image);
      if (!is_new) entry->second.clear();
    }
  }
  return pictures;
}

/// Adds the rows of one table.
class TableReader {
 public:
  TableReader(const FileSource& source, const FolderListing& listing, LoadReport& report)
      : source_(source), by_name_(pictures_by_name(listing)), report_(report) {}

  void read(const std::string& table, const std::string& bytes, const CaptionColumns& columns) {
    const std::string folder = table.substr(0, table.size() - file_of(table).size());
    CaptionRows metadata = parse_metadata(bytes, table, columns);
    if (!metadata.remark.empty()) report_.remarks.push_back(table + ": " + metadata.remark);
    int64_t elsewhere = 0;
    for (MetadataRow& row : metadata.rows) {
      std::string picture = folder + row.file_name;
      if (!source_.contains(picture)) {
        const auto found = by_name_.find(file_of(row.file_name));
        if (found != by_name_.end() && !found->second.empty()) picture = found->second, ++elsewhere;
      }
      add(captions_[picture], row.captions);
    }
    if (elsewhere == 0) return;
    report_.remarks.push_back(format_text(
        "{}: {} of its rows leave out the folder or suffix of their picture, found by its name", table, elsewhere));
  }

  const Captions& captions() const { return captions_; }

 private:
  void add(std::vector<std::string>& own, std::vector<std::string>& texts) {
    for (std::string& text : texts) {
      const bool known = std::find(own.begin(), own.end(), text) != own.end();
      if (known) ++report_.duplicate_captions;
      if (!known) own.push_back(std::move(text));
    }
  }

  const FileSource& source_;
  std::map<std::string, std::string> by_name_;
  LoadReport& report_;
  Captions captions_;
};

Captions captions_from_tables(const FileSource& source, const FolderListing& listing, const CaptionColumns& columns,
                              LoadReport& report) {
  std::map<std::string, std::string> tables;  // read in one pass
  const auto is_table = [&](const std::string& name) {
    return std::find(listing.metadata.begin(), listing.metadata.end(), name) != listing.metadata.end();
  };
  source.visit(is_table, [&](const std::string& name, std::string bytes) { tables[name] = std::move(bytes); });
  TableReader reader(source, listing, report);
  for (const auto& [name, bytes] : tables) reader.read(name, bytes, columns);
  return reader.captions();
}

/// The captions in a text beside a picture: one a line; of JSON the caption member.
std::vector<std::string> sidecar_texts(const std::string& name, const std::string& bytes,
                                       const CaptionColumns& columns) {
  const std::string text = decode_text(bytes, name).text;
  std::vector<std::string> texts;
  if (name.ends_with(".json")) {
    const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
    if (!json.is_object()) throw FormatError("[data.metadata] " + name + ": expected a JSON object with a caption");
    nlohmann::ordered_json whole = json;
    whole[columns.image.empty() ? "file_name" : columns.image] = "picture";
    texts = parse_metadata_json(nlohmann::ordered_json::array({whole}).dump(), name, columns).rows.front().captions;
  }
  for (size_t begin = 0; !name.ends_with(".json") && begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = tidy_caption(std::string_view(text).substr(begin, end - begin));
    if (line.size() > kMaxCaptionBytes) {
      throw FormatError(format_text("[data.metadata] {}: expected lines of at most {} bytes, got one of {}", name,
                                    kMaxCaptionBytes, line.size()));
    }
    if (!line.empty()) texts.push_back(std::move(line));
    begin = end + 1;
  }
  if (texts.empty()) {
    throw FormatError("[data.metadata] " + name + ":1: expected a caption of the picture beside it, got an empty file");
  }
  return texts;
}

Captions captions_from_sidecars(const FileSource& source, const FolderListing& listing, const CaptionColumns& columns,
                                LoadReport& report) {
  std::map<std::string, std::string> picture_of;  // text -> picture
  for (const auto& [picture, text] : listing.sidecars) picture_of[text] = picture;
  Captions captions;
  source.visit([&](const std::string& name) { return picture_of.contains(name); },
               [&](const std::string& name, const std::string& bytes) {
                 captions[picture_of.at(name)] = sidecar_texts(name, bytes, columns);
               });
  report.remarks.push_back(
      format_text("captions are read from {} texts beside the pictures, one a line", captions.size()));
  return captions;
}

/// "; 2 captions are of images that are not there: a.png, b.png", "" where all are.
std::string absent_text(const FileSource& source, const Captions& captions) {
  std::vector<std::string> absent;
  for (const auto& [picture, texts] : captions) {
    if (!source.contains(picture)) absent.push_back(picture);
  }
  if (absent.empty()) return "";
  return format_text("; {} of the captions are of images that are not there, or whose name several have: {}",
                     absent.size(), name_examples(absent));
}

/// The caption files that are not read, for messages.
std::string unread_text(const LoadReport& report) {
  return report.unread_captions.empty() ? "" : " (not read: " + name_examples(report.unread_captions) + ")";
}

/// Every picture needs a caption; captions of absent pictures are refused by load_images.
CaptionedFiles entries_of(const FileSource& source, Captions captions, const FolderListing& listing,
                          const std::string& from, const LoadReport& report) {
  std::vector<std::string> without;
  for (const std::string& image : listing.images) {
    if (!captions.contains(image)) without.push_back(image);
  }
  if (!without.empty()) {
    throw DataError(format_text(
        "{}expected a caption of every image, got {} images without one: {}{}; add them to {}, remove them, or name "
        "pictures by their folders with data.captions=classes{}",
        kCaptionsWhere, without.size(), name_examples(without), absent_text(source, captions), from,
        unread_text(report)));
  }
  CaptionedFiles files;
  for (auto& [path, texts] : captions) {
    files.entries.push_back({path, std::move(texts), listing.part_of(path), -1, std::nullopt});
  }
  return files;
}

/// Where some folders are parts, others beside them may be meant as such.
std::map<std::string, int64_t> folders_beside_parts(const FolderListing& listing) {
  std::map<std::string, int64_t> others;
  for (const std::string& path : listing.images) {
    const std::string folder = top_folder(path.substr(listing.root.size()));
    if (listing.has_parts && listing.part_of(path) == Part::none && !folder.empty()) ++others[folder];
  }
  return others;
}

void refuse_folders_beside_parts(const FolderListing& listing) {
  const std::map<std::string, int64_t> others = folders_beside_parts(listing);
  if (others.empty()) return;
  std::vector<std::string> names;
  for (const auto& [folder, count] : others) names.push_back(folder + "/ (" + std::to_string(count) + ")");
  throw DataError(format_text(
      "{}expected nothing but train/, validation/ (or valid, val, dev) and test/ beside each other, got other folders "
      "with images: {}; rename a part, or move the rest away",
      kCaptionsWhere, name_examples(names)));
}

/// A class folder's name becomes text.
void check_folder_name(const FileSource& source, const std::string& folder) {
  const size_t valid = utf8_prefix(folder);
  if (valid == folder.size()) return;
  throw DataError(format_text(
      "{}expected names of class folders in UTF-8 in {}, got the byte 0x{:02x} behind {}; rename it (convmv -f latin1 "
      "-t utf8 --notest -r FOLDER), or pack the archive anew",
      kCaptionsWhere, source.path().string(), static_cast<unsigned char>(folder[valid]),
      in_quotes(folder.substr(0, valid))));
}

/// Says which classes only the held-out parts have.
void note_new_classes(const CaptionedFiles& files, LoadReport& report) {
  std::set<int64_t> trained, held;
  for (const ImageEntry& entry : files.entries) {
    (entry.part == Part::train || entry.part == Part::none ? trained : held).insert(entry.label);
  }
  std::vector<std::string> only_held;
  for (const int64_t label : held) {
    if (!trained.contains(label)) only_held.push_back(files.class_names[static_cast<size_t>(label)]);
  }
  if (only_held.empty()) return;
  report.remarks.push_back(
      format_text("{} classes are in no training picture: {}", only_held.size(), name_examples(only_held)));
}

/// Class folders below the root, or below train/, validation/ and test/. Loose pictures of test/ have no labels and are
/// left out.
CaptionedFiles entries_from_classes(const FileSource& source, const FolderListing& listing,
                                    const std::vector<std::string>& templates, LoadReport& report) {
  refuse_folders_beside_parts(listing);
  if (source.contains(listing.root + "wnids.txt") && source.contains(listing.root + "words.txt")) {
    throw DataError(kCaptionsWhere +
                    std::string("expected class folders, got Tiny ImageNet (wnids.txt, words.txt); set "
                                "data.kind=tiny_imagenet"));
  }
  CaptionedFiles files;
  std::vector<std::string> loose, folder_of;
  std::set<std::string> folders;
  for (const std::string& path : listing.images) {
    const std::string folder = top_folder(listing.below_part(path));
    if (folder.empty() && listing.part_of(path) == Part::test) {
      ++report.unlabelled;
      continue;
    }
    if (folder.empty()) loose.push_back(path);
    folders.insert(folder);
    folder_of.push_back(folder);
    files.entries.push_back({path, {}, listing.part_of(path), -1, std::nullopt});
  }
  if (!loose.empty()) {
    throw DataError(
        format_text("{}expected captions, got {} images without: {}; "
                    "write a metadata.jsonl with file_name and text, or a .txt beside each image, "
                    "or put the images into one folder a class{}",
                    kCaptionsWhere, loose.size(), name_examples(loose), unread_text(report)));
  }
  const std::vector<std::string> order(folders.begin(), folders.end());
  for (const std::string& folder : order) {
    check_folder_name(source, folder);
    files.class_names.push_back(name_from_folder(folder));
  }
  for (size_t i = 0; i < files.entries.size(); ++i) {
    const auto label = std::lower_bound(order.begin(), order.end(), folder_of[i]) - order.begin();
    files.entries[i].label = label;
    files.entries[i].captions = fill_templates(templates, {files.class_names[static_cast<size_t>(label)]});
  }
  note_new_classes(files, report);
  return files;
}

/// What `automatic` means here. Throws DataError if what was asked for is not there.
CaptionSource chosen_source(const FolderListing& listing, CaptionSource asked) {
  if (asked == CaptionSource::automatic) {
    if (!listing.metadata.empty()) return CaptionSource::tables;
    return listing.sidecars.empty() ? CaptionSource::classes : CaptionSource::sidecars;
  }
  if (asked == CaptionSource::tables && listing.metadata.empty()) {
    throw DataError(kCaptionsWhere + std::string("expected a table of captions (metadata.jsonl, metadata.csv, "
                                                 "captions.csv) as data.captions asks for, got none"));
  }
  if (asked == CaptionSource::sidecars && listing.sidecars.empty()) {
    throw DataError(kCaptionsWhere +
                    std::string("expected a .txt beside each image as data.captions asks for, got none"));
  }
  return asked;
}

}  // namespace

CaptionedFiles caption_folder(const FileSource& source, const FolderListing& listing, const FolderOptions& options,
                              LoadReport& report) {
  const CaptionSource from = chosen_source(listing, options.captions);
  if (from != CaptionSource::sidecars) {
    for (const auto& [picture, text] : listing.sidecars) {
      report.unread_captions.push_back(text.substr(listing.root.size()));
    }
  }
  if (from != CaptionSource::tables) {
    for (const std::string& table : listing.metadata)
      report.unread_captions.push_back(table.substr(listing.root.size()));
  }
  std::sort(report.unread_captions.begin(), report.unread_captions.end());
  if (from == CaptionSource::classes) return entries_from_classes(source, listing, options.templates, report);
  report.unknown_parts = folders_beside_parts(listing);
  if (from == CaptionSource::sidecars) {
    return entries_of(source, captions_from_sidecars(source, listing, options.columns, report), listing,
                      "a .txt beside each picture", report);
  }
  return entries_of(source, captions_from_tables(source, listing, options.columns, report), listing,
                    listing.metadata.front(), report);
}

}  // namespace noisescope::data
