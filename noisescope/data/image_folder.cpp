#include "noisescope/data/image_folder.h"

#include <algorithm>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/archive.h"

namespace noisescope::data {
namespace {

constexpr const char* kFolderWhere = "[data.load_image_folder] ";

/// A picture, table or Parquet file in place of a folder is named as such.
void refuse_single_files(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) return;
  const std::string suffix = path.extension().string();
  const bool is_table = suffix == ".csv" || suffix == ".tsv" || suffix == ".jsonl" || suffix == ".json";
  if (suffix == ".parquet") {
    throw DataError(std::string(kFolderWhere) + "expected a folder or archive, got " + path.string() +
                    "; 'noisescope data import' makes a folder of it");
  }
  if (!is_table && !has_image_extension(path.string())) return;
  throw DataError(std::string(kFolderWhere) + "expected a folder or archive, got the " +
                  (is_table ? "table " : "picture ") + path.string() + "; give the folder that it lies in");
}

/// The files at `path`; of a folder that holds archives and no pictures those in the archives.
std::unique_ptr<FileSource> open_pictures(const std::filesystem::path& path, LoadReport& report) {
  refuse_single_files(path);
  std::unique_ptr<FileSource> source = open_file_source(path);
  const std::vector<std::string> archives = archive_names(source->names());
  const std::vector<std::string>& names = source->names();
  const bool is_folder = std::filesystem::is_directory(path);
  if (!is_folder || archives.empty() || std::any_of(names.begin(), names.end(), has_image_extension)) return source;
  for (const std::string& name : names) {
    if (std::find(archives.begin(), archives.end(), name) == archives.end()) count_ignored(name, report);
  }
  report.remarks.push_back(format_text("read from {} archives: {}", archives.size(), name_examples(archives)));
  return open_shards(path, archives);
}

void refuse_no_images(const std::filesystem::path& path, const FolderListing& listing, const LoadReport& report) {
  if (!listing.images.empty()) return;
  const int64_t others = report.ignored + static_cast<int64_t>(report.unread_captions.size());
  std::string got = listing.metadata.empty() ? "none" : "only captions in " + listing.metadata.front();
  const auto parquet = std::find_if(report.unread_captions.begin(), report.unread_captions.end(),
                                    [](const std::string& name) { return name.ends_with(".parquet"); });
  if (parquet != report.unread_captions.end()) {
    got += "; " + *parquet + " may hold some: 'noisescope data import' makes a folder of it";
  }
  throw DataError(format_text(
      "{}expected images ({}) in {}, got {}; {} other files are there{}", kFolderWhere, kImageFormats, path.string(),
      got, others,
      report.skipped.empty() ? "" : ", and " + report.skipped.front().name + ", " + report.skipped.front().reason));
}

}  // namespace

ImageDataset load_image_folder(const std::filesystem::path& path, const FolderOptions& folder,
                               const ImageLoadOptions& options, const Control& control, LoadReport& report) {
  const std::unique_ptr<FileSource> source = open_pictures(path, report);
  const FolderListing listing = list_folder(*source, report);
  refuse_no_images(path, listing, report);
  CaptionedFiles files = caption_folder(*source, listing, folder, report);
  ImageSamples samples = load_images(*source, files.entries, options, control, report);
  samples.name = "folder " + path.string();
  samples.class_names = std::move(files.class_names);
  return ImageDataset(std::move(samples));
}

}  // namespace noisescope::data
