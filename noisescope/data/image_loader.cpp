#include "noisescope/data/image_loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include <ATen/Parallel.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/archive.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/resize.h"

namespace noisescope::data {
namespace {

constexpr const char* kLoaderWhere = "[data.load_images] ";
constexpr size_t kQueueLength = 256;  // files read ahead of the decoders
constexpr int64_t kReportEvery = 64;  // images between two reports

/// Decodes files on several threads into rows of one tensor. Row numbers are given with the files,
/// so the result does not depend on the order in which threads finish.
class DecodePool {
 public:
  DecodePool(const Tensor& pixels, const std::vector<ImageEntry>& entries, ResizeMode resize)
      : data_(pixels.mutable_data_ptr<uint8_t>()),
        side_(pixels.size(2)),
        entries_(entries),
        resize_(resize),
        reasons_(entries.size()),
        sizes_(entries.size()) {
    const int count = std::max(1, at::get_num_threads());
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~DecodePool() { close(/*discard=*/true); }
  DecodePool(const DecodePool&) = delete;
  DecodePool& operator=(const DecodePool&) = delete;

  /// Waits while the queue is full. Returns how many files are done.
  int64_t submit(size_t row, std::string bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return queue_.size() < kQueueLength; });
    queue_.push_back({row, std::move(bytes)});
    work_.notify_one();
    return done_;
  }

  void fail(size_t row, const std::string& reason) {
    const std::lock_guard lock(mutex_);
    reasons_[row] = reason;
    ++failed_;
  }

  bool has_failed() const {
    const std::lock_guard lock(mutex_);
    return failed_ > 0;
  }

  /// Waits for all; rethrows what is no fault of a file (out of memory).
  void finish() {
    close(/*discard=*/false);
    if (error_) std::rethrow_exception(error_);
  }

  const std::string& reason(size_t row) const { return reasons_[row]; }  // "": decoded
  std::pair<int64_t, int64_t> source_size(size_t row) const { return sizes_[row]; }
  int64_t turned() const { return turned_; }      // pictures turned upright, as their EXIF data say
  int64_t animated() const { return animated_; }  // those with more than one frame

 private:
  struct Job {
    size_t row;
    std::string bytes;
  };

  void close(bool discard) {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      if (discard) queue_.clear();
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void work() {
    while (true) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [&] { return closed_ || !queue_.empty(); });
        if (queue_.empty()) return;
        job = std::move(queue_.front());
        queue_.pop_front();
        room_.notify_one();
      }
      decode(job);
      const std::lock_guard lock(mutex_);
      ++done_;
    }
  }

  void decode(const Job& job) {
    try {
      StoredImage stored = decode_stored(job.bytes, entries_[job.row].path);
      if (stored.orientation > 1) ++turned_;
      if (stored.frames > 1) ++animated_;
      const Image image = to_rgb_scaled(turned_upright(std::move(stored)));
      sizes_[job.row] = {image.width, image.height};
      const Image square =
          resize_ == ResizeMode::crop ? resize_and_crop(image, side_) : resize_bicubic(image, side_, side_);
      store(square, data_ + static_cast<int64_t>(job.row) * 3 * side_ * side_);
    } catch (const FormatError& error) {
      fail(job.row, error.what());
    } catch (const ValueError& error) {
      fail(job.row, error.what());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
  }

  /// [S, S, 3] -> [3, S, S]
  static void store(const Image& image, uint8_t* target) {
    const int64_t count = image.width * image.height;
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < count; ++i) {
        target[c * count + i] = image.pixels[static_cast<size_t>(3 * i + c)];
      }
    }
  }

  uint8_t* data_;
  int64_t side_;
  const std::vector<ImageEntry>& entries_;
  ResizeMode resize_;
  std::vector<std::string> reasons_;
  std::vector<std::pair<int64_t, int64_t>> sizes_;

  mutable std::mutex mutex_;
  std::condition_variable work_, room_;
  std::deque<Job> queue_;
  int64_t done_ = 0;
  int64_t failed_ = 0;
  bool closed_ = false;
  std::exception_ptr error_;
  std::atomic<int64_t> turned_ = 0, animated_ = 0;
  std::vector<std::thread> threads_;
};

void check_memory(int64_t count, const ImageLoadOptions& options) {
  const double bytes = 3.0 * double(count) * double(options.image_size_px * options.image_size_px);
  const double megabytes = bytes / (1 << 20);
  if (megabytes <= double(options.memory_limit_mb)) return;
  const auto side =
      static_cast<int64_t>(double(options.image_size_px) * std::sqrt(double(options.memory_limit_mb) / megabytes));
  throw DataError(
      format_text("{}expected at most memory_limit_mb = {} MiB of pixels, "
                  "got {} images of {} px = {} MiB; raise the limit, "
                  "or lower image_size_px ({} px would fit)",
                  kLoaderWhere, options.memory_limit_mb, count, options.image_size_px, std::llround(megabytes), side));
}

/// The rows still to be read, by path.
using Wanted = std::unordered_map<std::string, size_t>;

Wanted rows_by_path(const FileSource& source, const std::vector<ImageEntry>& entries) {
  Wanted wanted;
  std::vector<std::string> missing;
  for (size_t row = 0; row < entries.size(); ++row) {
    if (!wanted.emplace(entries[row].path, row).second) {
      throw DataError(format_text("{}expected each image once, got '{}' twice", kLoaderWhere, entries[row].path));
    }
    if (!source.contains(entries[row].path)) missing.push_back(entries[row].path);
  }
  if (!missing.empty()) {
    throw DataError(
        format_text("{}expected an image for every caption, got {} captioned images that are not in {}: "
                    "{}; add the images or take out their captions",
                    kLoaderWhere, missing.size(), source.path().string(), name_examples(missing)));
  }
  return wanted;
}

/// Feeds the pool. A file that cannot be read is a broken image; a read error of an archive is the end.
void feed(const FileSource& source, const Wanted& wanted, bool strict, DecodePool& pool, const Control& control) {
  const auto is_wanted = [&](const std::string& name) {
    return !(strict && pool.has_failed()) && wanted.contains(name);
  };
  int64_t fed = 0;
  const auto receive = [&](const std::string& name, std::string bytes) {
    control.throw_if_stopped("data.load_images");
    const int64_t done = pool.submit(wanted.at(name), std::move(bytes));
    if (++fed % kReportEvery == 0) {
      control.report({"load", static_cast<double>(done), static_cast<double>(wanted.size()), "images", ""});
    }
  };
  source.visit(is_wanted, receive,
               [&](const std::string& name, const std::string& reason) { pool.fail(wanted.at(name), reason); });
}

/// The box in the square picture, clipped to it.
BoundingBox transformed(const BoundingBox& box, std::pair<int64_t, int64_t> source, int64_t side, ResizeMode resize) {
  const auto [width, height] = source;
  double new_width = double(side), new_height = double(side);
  if (resize == ResizeMode::crop) {  // as resize_and_crop: the longer side is cut to whole pixels
    if (width > height) new_width = std::floor(double(side) * double(width) / double(height));
    if (height > width) new_height = std::floor(double(side) * double(height) / double(width));
  }
  const double left = std::nearbyint((new_width - double(side)) / 2);
  const double top = std::nearbyint((new_height - double(side)) / 2);
  const auto map = [side](double value, double scale, double offset) {
    return std::clamp(value * scale - offset, 0.0, double(side));
  };
  const double x_scale = new_width / double(width), y_scale = new_height / double(height);
  return {map(box.left, x_scale, left), map(box.top, y_scale, top), map(box.right, x_scale, left),
          map(box.bottom, y_scale, top)};
}

/// Moves the decoded rows together, in order.
ImageSamples gather(const Tensor& pixels, const std::vector<ImageEntry>& entries, const DecodePool& pool,
                    const ImageLoadOptions& options, LoadReport& report) {
  ImageSamples samples;
  const bool has_labels =
      std::any_of(entries.begin(), entries.end(), [](const ImageEntry& entry) { return entry.label >= 0; });
  const bool has_boxes =
      std::any_of(entries.begin(), entries.end(), [](const ImageEntry& entry) { return entry.box.has_value(); });
  const int64_t image_bytes = 3 * options.image_size_px * options.image_size_px;
  uint8_t* data = pixels.mutable_data_ptr<uint8_t>();
  int64_t kept = 0;
  for (size_t row = 0; row < entries.size(); ++row) {
    const ImageEntry& entry = entries[row];
    if (!pool.reason(row).empty()) {
      report.skipped.push_back({entry.path, pool.reason(row)});
      continue;
    }
    const uint8_t* image = data + static_cast<int64_t>(row) * image_bytes;
    if (kept < static_cast<int64_t>(row)) std::copy_n(image, image_bytes, data + kept * image_bytes);
    ++kept;
    ++report.source_sizes[pool.source_size(row)];
    samples.file_names.push_back(entry.path);
    samples.caption_rows.push_back(samples.captions.add_all(entry.captions));
    samples.parts.push_back(entry.part);
    if (has_labels) samples.labels.push_back(entry.label);
    if (!has_boxes) continue;
    samples.boxes.emplace_back();
    if (entry.box) {
      samples.boxes.back() = transformed(*entry.box, pool.source_size(row), options.image_size_px, options.resize);
    }
  }
  report.loaded = kept;
  report.turned = pool.turned();
  report.animated = pool.animated();
  samples.pixels = pixels.narrow(0, 0, kept);
  return samples;
}

/// Strict loading: throws for the first broken image, if there is one.
void refuse_broken(const std::vector<ImageEntry>& entries, const DecodePool& pool) {
  for (size_t row = 0; row < entries.size(); ++row) {
    if (pool.reason(row).empty()) continue;
    throw FormatError(
        format_text("{}expected readable images (strict), got '{}': {}; "
                    "repair or remove it, or load without strict",
                    kLoaderWhere, entries[row].path, pool.reason(row)));
  }
}

void refuse_empty(const FileSource& source, const LoadReport& report) {
  if (report.loaded > 0) return;
  const SkippedFile& first = report.skipped.front();
  throw DataError(format_text("{}expected at least one readable image in {}, got {} broken ones; the first: {}: {}",
                              kLoaderWhere, source.path().string(), report.skipped.size(), first.name, first.reason));
}

}  // namespace

bool has_image_extension(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  static const std::set<std::string> kRead = {".png",  ".apng", ".jpg", ".jpeg", ".jpe",
                                              ".jfif", ".webp", ".gif", ".bmp"};
  return kRead.contains(extension);
}

std::string name_examples(const std::vector<std::string>& names, size_t count) {
  const size_t shown = std::min(count, names.size());
  std::string text = join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)});
  if (names.size() > shown) text += format_text(" and {} more", names.size() - shown);
  return text;
}

ImageSamples load_images(const FileSource& source, const std::vector<ImageEntry>& entries,
                         const ImageLoadOptions& options, const Control& control, LoadReport& report) {
  const auto start = std::chrono::steady_clock::now();
  if (entries.empty()) {
    throw DataError(format_text("{}expected images ({}) in {}, got none; check the path", kLoaderWhere, kImageFormats,
                                source.path().string()));
  }
  const auto count = static_cast<int64_t>(entries.size());
  const Wanted wanted = rows_by_path(source, entries);
  check_memory(count, options);
  const Tensor pixels = torch::empty({count, 3, options.image_size_px, options.image_size_px}, torch::kUInt8);
  DecodePool pool(pixels, entries, options.resize);
  feed(source, wanted, options.strict, pool, control);
  pool.finish();
  if (options.strict) refuse_broken(entries, pool);
  ImageSamples samples = gather(pixels, entries, pool, options, report);
  refuse_empty(source, report);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  control.report({"load", double(count), double(count), "images", ""});
  return samples;
}

}  // namespace noisescope::data
