// Folders and archives (tar, also .gz, .bz2, .xz, .zst; zip; libarchive) read alike. Archives from outside are hostile:
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
/// Told of a file that cannot be read, where the others still can.
using DamageReceiver = std::function<void(const std::string& name, const std::string& reason)>;

/// One pass over an archive in its own order. Names have '/' between folders, without "./" and double
/// slashes; folders and hidden files (".DS_Store", "__MACOSX/...") are passed over.
/// Throws FormatError with path and byte offset for `../`, absolute names, links and devices, the same
/// name twice, anything above the limits, truncated, damaged or encrypted; IoError if unreadable.
void read_archive(const std::filesystem::path& path, const NameFilter& wanted, const FileReceiver& receive,
                  const ArchiveLimits& limits = {});

/// The same of bytes in memory; `name` is for messages.
void read_archive_bytes(std::string_view bytes, const std::string& name, const NameFilter& wanted,
                        const FileReceiver& receive, const ArchiveLimits& limits = {});

/// A name and why nothing is read of it.
struct UnusedFile {
  std::string name;
  std::string reason;
};

/// The files below a folder, or those in an archive. Calls do not change it; several threads may read.
class FileSource {
 public:
  virtual ~FileSource() = default;

  /// The folder or archive, for messages.
  const std::filesystem::path& path() const { return path_; }

  /// All files, sorted by name. Hidden ones are left out.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(const std::string& name) const;

  /// What lies there and is not among names(): links that lead nowhere or back to a folder above, devices.
  const std::vector<UnusedFile>& unused() const { return unused_; }

  /// Calls `receive` once for each wanted file, in the order that reads fastest. To read many files
  /// of an archive use this: a single read() walks the archive from its start. A damaged file of a zip, or one of a
  /// folder that cannot be read, goes to `damaged`; without that it throws.
  virtual void visit(const NameFilter& wanted, const FileReceiver& receive,
                     const DamageReceiver& damaged = {}) const = 0;

  /// The content of one file. Throws DataError if there is none of this name.
  std::string read(const std::string& name) const;

 protected:
  explicit FileSource(std::filesystem::path path) : path_(std::move(path)) {}
  void set_names(std::vector<std::string> names);
  void set_unused(std::vector<UnusedFile> files) { unused_ = std::move(files); }

 private:
  std::filesystem::path path_;
  std::vector<std::string> names_;
  std::vector<UnusedFile> unused_;
};

/// Opens a folder or archive by what it is, not by its name. Links in a folder are followed. Throws IoError if there is
/// nothing or it cannot be read, FormatError as read_archive.
std::unique_ptr<FileSource> open_file_source(const std::filesystem::path& path, const ArchiveLimits& limits = {});

/// The archives among these names, by their suffix: .tar, .tar.gz and the like, .tgz, .zip.
std::vector<std::string> archive_names(const std::vector<std::string>& names);

/// The files of several archives of a folder (shards) as one source. Where two hold the same name, all files are
/// called <archive>_<file> in their folders. Throws as open_file_source.
std::unique_ptr<FileSource> open_shards(const std::filesystem::path& folder, const std::vector<std::string>& archives,
                                        const ArchiveLimits& limits = {});

}  // namespace noisescope::io
