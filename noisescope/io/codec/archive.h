// Folders and archives (tar, tar.gz, zip; libarchive) read alike. Archives from outside are hostile:
// names that leave the archive, links, devices and bombs are refused. No torch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "noisescope/core/error.h"

namespace noisescope::io {

/// Limits on what an archive may claim or turn out to be.
struct ArchiveLimits {
  uint64_t max_entries = 4'000'000;
  uint64_t max_entry_bytes = uint64_t{1} << 28;
  uint64_t max_total_bytes = uint64_t{1} << 37;
  uint64_t max_expansion = 200;             // unpacked bytes over the archive's own ...
  uint64_t free_bytes = uint64_t{1} << 26;  // ... beyond this many
};

/// Is this file of the archive wanted? Its content is unpacked only then.
using NameFilter = std::function<bool(const std::string& name)>;
using FileReceiver = std::function<void(const std::string& name, std::string content)>;

/// One pass over an archive in its own order. Names have '/' between folders, without "./" and double
/// slashes; folders and hidden files (".DS_Store", "__MACOSX/...") are passed over.
/// Throws FormatError with path and byte offset for `../`, absolute names, links and devices, the same
/// name twice, anything above the limits, truncated, damaged or encrypted; IoError if unreadable.
void read_archive(const std::filesystem::path& path, const NameFilter& wanted, const FileReceiver& receive,
                  const ArchiveLimits& limits = {});

/// The same of bytes in memory; `name` is for messages.
void read_archive_bytes(std::string_view bytes, const std::string& name, const NameFilter& wanted,
                        const FileReceiver& receive, const ArchiveLimits& limits = {});

/// The files below a folder, or those in an archive. Calls do not change it; several threads may read.
class FileSource {
 public:
  virtual ~FileSource() = default;

  /// The folder or archive, for messages.
  const std::filesystem::path& path() const { return path_; }

  /// All files, sorted by name. Hidden ones are left out.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const;

  /// Calls `receive` once for each wanted file, in the order that reads fastest. To read many files
  /// of an archive use this: a single read() walks the archive from its start.
  virtual void visit(const NameFilter& wanted, const FileReceiver& receive) const = 0;

  /// The content of one file. Throws DataError if there is none of this name.
  std::string read(const std::string& name) const;

 protected:
  explicit FileSource(std::filesystem::path path) : path_(std::move(path)) {}
  void set_names(std::vector<std::string> names);

 private:
  std::filesystem::path path_;
  std::vector<std::string> names_;
};

/// Opens a folder or archive by what it is, not by its name. Throws IoError if there is nothing or
/// it cannot be read, FormatError as read_archive.
std::unique_ptr<FileSource> open_file_source(const std::filesystem::path& path, const ArchiveLimits& limits = {});

}  // namespace noisescope::io
