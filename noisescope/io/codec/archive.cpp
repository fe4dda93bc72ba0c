#include "noisescope/io/codec/archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <set>
#include <utility>

#include <archive.h>
#include <archive_entry.h>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

namespace fs = std::filesystem;

bool is_hidden(std::string_view part) { return part.front() == '.' || part == "__MACOSX"; }

/// One file of an archive that cannot be read.
struct EntryDamaged : FormatError {
  using FormatError::FormatError;
};

/// An archive being read, entry by entry.
class ArchiveReader {
 public:
  ArchiveReader(std::string name, uint64_t archive_bytes, const ArchiveLimits& limits)
      : name_(std::move(name)), limits_(limits), archive_(archive_read_new()) {
    if (!archive_) throw std::bad_alloc();
    allowance_ = std::min(limits.max_total_bytes, limits.free_bytes + limits.max_expansion * archive_bytes);
    archive_read_support_filter_gzip(archive_);
    archive_read_support_filter_bzip2(archive_);
    archive_read_support_filter_xz(archive_);
    archive_read_support_filter_zstd(archive_);
    archive_read_support_format_tar(archive_);
    // Not the streaming reader: without its directory at the end, a zip file is truncated.
    archive_read_support_format_zip_seekable(archive_);
  }
  ~ArchiveReader() { archive_read_free(archive_); }
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  void open_path(const fs::path& path) {
    constexpr size_t kBlockBytes = size_t{1} << 16;
    if (archive_read_open_filename(archive_, path.c_str(), kBlockBytes) != ARCHIVE_OK) fail_damaged();
  }
  void open_bytes(std::string_view bytes) {
    if (archive_read_open_memory(archive_, bytes.data(), bytes.size()) != ARCHIVE_OK) fail_damaged();
  }

  /// Goes to the next file that is to be seen; false at the end of the archive.
  bool next() {
    while (true) {
      const int status = archive_read_next_header(archive_, &entry_);
      if (status == ARCHIVE_EOF) return false;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_damaged();
      if (++entry_count_ > limits_.max_entries) fail("fewer entries", "more than the limit");
      if (static_cast<uint64_t>(archive_filter_bytes(archive_, 0)) > allowance_) fail_bomb();
      const bool visible = take_name();
      const auto type = archive_entry_filetype(entry_);
      if (type == AE_IFDIR) continue;
      if (type != AE_IFREG || archive_entry_hardlink(entry_)) {
        fail("plain files",
             in_quotes(entry_name_) + ", which is a link or a device; tar --dereference stores what links lead to");
      }
      take_size();
      if (!visible) continue;
      if (!seen_.insert(entry_name_).second) fail("each name once", in_quotes(entry_name_) + " twice");
      return true;
    }
  }

  const std::string& entry_name() const { return entry_name_; }

  /// Throws EntryDamaged for an entry behind which the archive can still be read (a zip has a directory).
  std::string content() {
    std::array<char, size_t{1} << 16> buffer;
    std::string content;
    while (true) {
      const la_ssize_t count = archive_read_data(archive_, buffer.data(), buffer.size());
      if (count < 0) fail_entry(static_cast<int>(count));
      if (count == 0) break;
      unpacked_ += static_cast<uint64_t>(count);
      if (unpacked_ > allowance_) fail_bomb();
      content.append(buffer.data(), static_cast<size_t>(count));
      if (content.size() > limits_.max_entry_bytes) fail_large(content.size());
    }
    if (archive_entry_size_is_set(entry_) && content.size() != claimed_bytes()) {
      fail(format_text("{} bytes in {}", claimed_bytes(), in_quotes(entry_name_)), format_text("{}", content.size()));
    }
    return content;
  }

 private:
  uint64_t claimed_bytes() const { return static_cast<uint64_t>(archive_entry_size(entry_)); }

  /// Sets entry_name_ to the clean name. False for a hidden file.
  bool take_name() {
    const char* raw = archive_entry_pathname_utf8(entry_);
    if (!raw) raw = archive_entry_pathname(entry_);  // bytes in no known encoding
    const std::string_view name = raw ? raw : "";
    entry_name_.clear();
    if (name.empty() || name.front() == '/') {
      fail("names inside the archive", "the absolute or empty name " + in_quotes(name));
    }
    bool visible = true;
    for (size_t start = 0; start < name.size();) {
      const size_t end = std::min(name.find('/', start), name.size());
      const std::string_view part = name.substr(start, end - start);
      start = end + 1;
      if (part.empty() || part == ".") continue;
      if (part == "..") fail("names inside the archive", in_quotes(name) + ", which leads out of it");
      visible = visible && !is_hidden(part);
      entry_name_.append(entry_name_.empty() ? "" : "/").append(part);
    }
    return visible;
  }

  void take_size() {
    if (!archive_entry_size_is_set(entry_)) return;
    const int64_t size = archive_entry_size(entry_);
    if (size < 0 || static_cast<uint64_t>(size) > limits_.max_entry_bytes) {
      fail_large(static_cast<uint64_t>(size));
    }
    claimed_ += static_cast<uint64_t>(size);
    if (claimed_ > allowance_) fail_bomb();
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    const int64_t position = archive_read_header_position(archive_);
    throw FormatError(name_, static_cast<uint64_t>(std::max<int64_t>(position, 0)),
                      format_text("[io.read_archive] expected {}, got {}", expected, got));
  }
  [[noreturn]] void fail_entry(int status) const {
    if (status == ARCHIVE_FATAL || (archive_format(archive_) & ARCHIVE_FORMAT_BASE_MASK) != ARCHIVE_FORMAT_ZIP) {
      fail_damaged();
    }
    const char* reason = archive_error_string(archive_);
    throw EntryDamaged(in_quotes(entry_name_) + " in " + name_ +
                       " is damaged: " + (reason ? reason : "no reason given"));
  }
  [[noreturn]] void fail_damaged() const {
    const char* reason = archive_error_string(archive_);
    const std::string where = entry_name_.empty() ? "" : " at or behind " + in_quotes(entry_name_);
    fail("a whole tar (also .gz, .bz2, .xz, .zst) or zip archive",
         "'" + std::string(reason ? reason : "no reason given") + "'" + where +
             "; the file is truncated, damaged or no archive");
  }
  [[noreturn]] void fail_large(uint64_t bytes) const {
    fail(format_text("files of at most {} bytes", limits_.max_entry_bytes),
         format_text("{} with {}", in_quotes(entry_name_), bytes));
  }
  [[noreturn]] void fail_bomb() const {
    fail(format_text("at most {} bytes from an archive of this size", allowance_),
         "more; this is an archive that unpacks to far more than it should");
  }

  std::string name_;
  const ArchiveLimits& limits_;
  struct archive* archive_;
  archive_entry* entry_ = nullptr;  // owned by archive_
  std::string entry_name_;
  std::set<std::string> seen_;
  uint64_t entry_count_ = 0;
  uint64_t allowance_ = 0;
  uint64_t claimed_ = 0;
  uint64_t unpacked_ = 0;
};

void read_all(ArchiveReader& reader, const NameFilter& wanted, const FileReceiver& receive,
              const DamageReceiver& damaged = {}) {
  while (reader.next()) {
    if (!wanted(reader.entry_name())) continue;
    std::string content;
    try {
      content = reader.content();
    } catch (const EntryDamaged& error) {
      if (!damaged) throw;
      damaged(reader.entry_name(), error.what());
      continue;
    }
    receive(reader.entry_name(), std::move(content));
  }
}

void read_archive_file(const fs::path& path, const NameFilter& wanted, const FileReceiver& receive,
                       const DamageReceiver& damaged, const ArchiveLimits& limits) {
  std::error_code error;
  const uint64_t bytes = fs::file_size(path, error);
  if (error) {
    throw IoError("[io.read_archive] expected a readable archive, got " + path.string(), error.value());
  }
  ArchiveReader reader(path.string(), bytes, limits);
  reader.open_path(path);
  read_all(reader, wanted, receive, damaged);
}

class ArchiveSource : public FileSource {
 public:
  ArchiveSource(const fs::path& path, const ArchiveLimits& limits) : FileSource(path), limits_(limits) {
    std::vector<std::string> names;
    const auto note_name = [&](const std::string& name) {
      names.push_back(name);
      return false;
    };
    read_archive(path, note_name, {}, limits_);
    set_names(std::move(names));
  }

  void visit(const NameFilter& wanted, const FileReceiver& receive, const DamageReceiver& damaged) const override {
    read_archive_file(path(), wanted, receive, damaged, limits_);
  }

 private:
  ArchiveLimits limits_;
};

class FolderSource : public FileSource {
 public:
  FolderSource(const fs::path& path, const ArchiveLimits& limits)
      : FileSource(path), limit_bytes_(limits.max_entry_bytes) {
    try {
      walk(path, {fs::canonical(path)});
    } catch (const fs::filesystem_error& error) {
      throw IoError(
          "[io.open_file_source] expected a readable folder, got " + error.path1().string() + "; check its permissions",
          error.code().value());
    }
    set_names(std::move(found_));
    set_unused(std::move(passed_over_));
  }

  void visit(const NameFilter& wanted, const FileReceiver& receive, const DamageReceiver& damaged) const override {
    for (const std::string& name : names()) {
      if (!wanted(name)) continue;
      std::string content;
      try {
        content = read_file(path() / name, limit_bytes_);
      } catch (const std::runtime_error& error) {
        if (!damaged) throw;
        damaged(name, error.what());
        continue;
      }
      receive(name, std::move(content));
    }
  }

 private:
  /// `above`: the real paths of the folder and of those around it; a link to one of them would go in circles.
  void walk(const fs::path& folder, const std::vector<fs::path>& above) {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (is_hidden(entry.path().filename().string())) continue;
      const std::string name = entry.path().lexically_relative(path()).generic_string();
      std::error_code error;
      const fs::file_status status = entry.status(error);  // of what a link leads to
      if (fs::is_directory(status)) {
        const fs::path real = fs::canonical(entry.path());
        if (std::find(above.begin(), above.end(), real) != above.end()) {
          passed_over_.push_back({name, "a link that leads back to a folder above it"});
          continue;
        }
        std::vector<fs::path> with_this = above;
        with_this.push_back(real);
        walk(entry.path(), with_this);
      } else if (fs::is_regular_file(status)) {
        found_.push_back(name);
      } else {
        passed_over_.push_back({name, fs::exists(status) ? "no plain file" : "a link that leads nowhere"});
      }
    }
  }

  uint64_t limit_bytes_;
  std::vector<std::string> found_;
  std::vector<UnusedFile> passed_over_;
};

/// Several archives as one.
class ShardSource : public FileSource {
 public:
  ShardSource(const fs::path& folder, const std::vector<std::string>& archives, const ArchiveLimits& limits)
      : FileSource(folder) {
    std::vector<std::string> names;
    for (const std::string& archive : archives) {
      shards_.push_back({archive.substr(0, archive.find('.')) + "_", ArchiveSource(folder / archive, limits)});
      const std::vector<std::string>& own = shards_.back().source.names();
      names.insert(names.end(), own.begin(), own.end());
    }
    std::sort(names.begin(), names.end());
    marked_ = std::adjacent_find(names.begin(), names.end()) != names.end();
    if (marked_) {
      names.clear();
      for (const Shard& shard : shards_) {
        for (const std::string& name : shard.source.names()) names.push_back(name_here(shard, name));
      }
    }
    set_names(std::move(names));
  }

  void visit(const NameFilter& wanted, const FileReceiver& receive, const DamageReceiver& damaged) const override {
    for (const Shard& shard : shards_) {
      const auto here = [&](const std::string& name) { return name_here(shard, name); };
      const DamageReceiver pass_on = [&](const std::string& name, const std::string& why) { damaged(here(name), why); };
      shard.source.visit([&](const std::string& name) { return wanted(here(name)); },
                         [&](const std::string& name, std::string content) { receive(here(name), std::move(content)); },
                         damaged ? pass_on : DamageReceiver{});
    }
  }

 private:
  struct Shard {
    std::string mark;
    ArchiveSource source;
  };

  std::string name_here(const Shard& shard, const std::string& name) const {
    if (!marked_) return name;
    const size_t file = name.rfind('/') + 1;  // npos + 1 is 0
    return name.substr(0, file) + shard.mark + name.substr(file);
  }

  std::vector<Shard> shards_;
  bool marked_ = false;
};

}  // namespace

void read_archive(const fs::path& path, const NameFilter& wanted, const FileReceiver& receive,
                  const ArchiveLimits& limits) {
  read_archive_file(path, wanted, receive, {}, limits);
}

void read_archive_bytes(std::string_view bytes, const std::string& name, const NameFilter& wanted,
                        const FileReceiver& receive, const ArchiveLimits& limits) {
  ArchiveReader reader(name, bytes.size(), limits);
  reader.open_bytes(bytes);
  read_all(reader, wanted, receive);
}

void FileSource::set_names(std::vector<std::string> names) {
  names_ = std::move(names);
  std::sort(names_.begin(), names_.end());
}

bool FileSource::contains(const std::string& name) const {
  return std::binary_search(names_.begin(), names_.end(), name);
}

std::string FileSource::read(const std::string& name) const {
  std::string content;
  if (!contains(name)) {
    throw DataError(
        format_text("[io.FileSource] expected file '{}' in {}, got none of this name", name, path_.string()));
  }
  visit([&](const std::string& other) { return other == name; },
        [&](const std::string&, std::string bytes) { content = std::move(bytes); });
  return content;
}

std::unique_ptr<FileSource> open_file_source(const fs::path& path, const ArchiveLimits& limits) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw IoError("[io.open_file_source] expected a folder or archive, got " + path.string() + "; check the path",
                  error ? error.value() : ENOENT);
  }
  if (fs::is_directory(status)) return std::make_unique<FolderSource>(path, limits);
  return std::make_unique<ArchiveSource>(path, limits);
}

std::vector<std::string> archive_names(const std::vector<std::string>& names) {
  std::vector<std::string> archives;
  std::copy_if(names.begin(), names.end(), std::back_inserter(archives), [](const std::string& name) {
    const size_t dot = name.rfind(".tar");
    const bool is_tar = dot != std::string::npos && (dot + 4 == name.size() || name[dot + 4] == '.');
    return is_tar || name.ends_with(".tgz") || name.ends_with(".zip");
  });
  return archives;
}

std::unique_ptr<FileSource> open_shards(const fs::path& folder, const std::vector<std::string>& archives,
                                        const ArchiveLimits& limits) {
  return std::make_unique<ShardSource>(folder, archives, limits);
}

}  // namespace noisescope::io
