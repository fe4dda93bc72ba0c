#include "noisescope/data/image_dataset.h"

#include <algorithm>
#include <filesystem>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/data/image_loader.h"
#include "noisescope/io/file.h"

namespace noisescope::data {
namespace {

std::string_view bytes_of(const Tensor& pixels) {
  return {reinterpret_cast<const char*>(pixels.const_data_ptr<uint8_t>()), static_cast<size_t>(pixels.numel())};
}

std::string fingerprint_of(const ImageSamples& samples) {
  std::string text = format_text("images {} {}\n", samples.pixels.size(2), checksum(bytes_of(samples.pixels)));
  for (const std::string& caption : samples.captions.texts()) text += caption + "\n";
  for (size_t i = 0; i < samples.caption_rows.size(); ++i) {
    text += to_string(samples.parts[i]);
    for (int64_t row : samples.caption_rows[i]) text += format_text(" {}", row);
    text += "\n";
  }
  return checksum(text);
}

void require(bool holds, const std::string& what) {
  if (!holds) throw DataError("[data.ImageDataset] expected " + what);
}

void check_samples(const ImageSamples& samples) {
  const Tensor& pixels = samples.pixels;
  require(pixels.defined() && pixels.dim() == 4 && pixels.scalar_type() == torch::kUInt8 && pixels.size(1) == 3 &&
              pixels.size(2) == pixels.size(3) && pixels.is_contiguous(),
          "contiguous uint8 pixels [N, 3, S, S], got " +
              (pixels.defined() ? describe_tensor(pixels) : std::string("nothing")));
  const auto count = static_cast<size_t>(pixels.size(0));
  require(count > 0, "at least one image, got none");
  require(samples.file_names.size() == count && samples.caption_rows.size() == count && samples.parts.size() == count,
          format_text("a name, captions and a part for each of {} images", count));
  require(samples.labels.empty() || samples.labels.size() == count, "one label an image");
  require(samples.boxes.empty() || samples.boxes.size() == count, "one box entry an image");
  const auto captions = static_cast<int64_t>(samples.captions.texts().size());
  for (size_t i = 0; i < count; ++i) {
    const std::vector<int64_t>& rows = samples.caption_rows[i];
    const auto known = [&](int64_t row) { return row >= 0 && row < captions; };
    require(!rows.empty() && std::all_of(rows.begin(), rows.end(), known),
            "at least one caption of the table for image '" + samples.file_names[i] + "'");
  }
}

/// "a, b, c and 7 more", the first few named.
std::string first_of(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 3;
  const std::vector<std::string> shown(names.begin(),
                                       names.begin() + static_cast<long>(std::min(kNamed, names.size())));
  const size_t more = names.size() - shown.size();
  return join(shown) + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

std::string of_number(int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

/// "8 files left out, as only PNG, JPEG, WebP, GIF, BMP are read: .tif 4, .heic 4"
std::string ignored_note(const LoadReport& report) {
  std::vector<std::string> kinds;
  for (const auto& [suffix, count] : report.ignored_suffixes) {
    kinds.push_back((suffix.empty() ? "without suffix" : suffix) + " " + std::to_string(count));
  }
  return of_number(report.ignored, "file") + " left out, as only " + kImageFormats + " are read: " + join(kinds);
}

std::string unknown_parts_note(const std::map<std::string, int64_t>& parts) {
  std::vector<std::string> names;
  int64_t images = 0;
  for (const auto& [folder, count] : parts) {
    names.push_back(folder + "/");
    images += count;
  }
  return "trained on though they stand beside train/, validation/ or test/: " + first_of(names) + " (" +
         of_number(images, "image") + "); rename a part to validation/ or test/, or move it away";
}

}  // namespace

ImageDataset::ImageDataset(ImageSamples samples) : samples_(std::move(samples)) {
  check_samples(samples_);
  flips_keep_captions_ = !mention_sides(samples_.captions.texts());
  fingerprint_ = fingerprint_of(samples_);
}

Tensor ImageDataset::images(const std::vector<int64_t>& indices) const {
  for (int64_t index : indices) {
    if (index < 0 || index >= size()) {
      throw ValueError(format_text("[data.ImageDataset.images] expected indices in [0, {}), got {}", size(), index));
    }
  }
  const Tensor rows = torch::tensor(indices, torch::kInt64);
  return samples_.pixels.index_select(0, rows).to(torch::kFloat32).div_(127.5).sub_(1.0);
}

std::vector<int64_t> ImageDataset::captions_of(int64_t index) const {
  if (index < 0 || index >= size()) {
    throw ValueError(
        format_text("[data.ImageDataset.captions_of] expected an index in [0, {}), got {}", size(), index));
  }
  return samples_.caption_rows[static_cast<size_t>(index)];
}

Split ImageDataset::split(double validation_share, uint64_t seed) const {
  Split split;
  for (int64_t i = 0; i < size(); ++i) {
    const Part part = samples_.parts[static_cast<size_t>(i)];
    if (part == Part::validation) split.validation.push_back(i);
    if (part == Part::train || part == Part::none) split.train.push_back(i);
  }
  if (!split.validation.empty()) return split;
  const std::vector<int64_t> pool = std::move(split.train);
  const auto pick = [&](std::vector<int64_t>& positions) {
    for (int64_t& position : positions) position = pool[static_cast<size_t>(position)];
  };
  split = split_samples(static_cast<int64_t>(pool.size()), validation_share, seed);
  pick(split.train);
  pick(split.validation);
  return split;
}

void count_ignored(const std::string& path, LoadReport& report) {
  std::string suffix = std::filesystem::path(path).extension().string();
  for (char& c : suffix) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  ++report.ignored;
  ++report.ignored_suffixes[suffix];
}

std::vector<std::string> load_notes(const LoadReport& report) {
  std::vector<std::string> notes = report.remarks;
  if (report.turned > 0) notes.push_back(of_number(report.turned, "picture") + " turned upright, as the EXIF data say");
  if (report.animated > 0) notes.push_back(of_number(report.animated, "animation") + ": the first frame is used");
  if (report.duplicate_captions > 0) {
    notes.push_back(of_number(report.duplicate_captions, "caption") + " given twice for one picture: used once");
  }
  if (report.unlabelled > 0)
    notes.push_back(of_number(report.unlabelled, "picture") + " of test/ without labels left out");
  for (const SkippedFile& file : report.skipped) notes.push_back("left out " + file.name + ": " + file.reason);
  if (report.ignored > 0) notes.push_back(ignored_note(report));
  if (!report.unread_captions.empty()) {
    notes.push_back(
        of_number(static_cast<int64_t>(report.unread_captions.size()), "caption file") +
        " not read: " + first_of(report.unread_captions) +
        "; captions come from metadata.jsonl, metadata.csv (file_name, text) or captions.csv, else from a .txt "
        "beside each picture, else from class folders (data.captions)");
  }
  if (!report.unknown_parts.empty()) notes.push_back(unknown_parts_note(report.unknown_parts));
  return notes;
}

Split split_dataset(const Dataset& dataset, double validation_share, uint64_t seed) {
  const auto* images = dynamic_cast<const ImageDataset*>(&dataset);
  return images != nullptr ? images->split(validation_share, seed)
                           : split_samples(dataset.size(), validation_share, seed);
}

}  // namespace noisescope::data
