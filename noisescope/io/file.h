// Files written whole or not at all, and checksums of them. No torch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "noisescope/core/error.h"

namespace noisescope::io {

/// Writes through a hidden file in the same folder, fsync and rename: `path` holds either the old content or the whole
/// new one, also after a power cut. Creates missing parent folders. Throws IoError naming path and reason (full disk,
/// read-only folder); the hidden file is removed, or, of a killed process, taken over by the next writer of `path`.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

/// The same for content produced piece by piece.
void write_file_atomic(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);

/// The whole file. Throws IoError if it cannot be read, FormatError if longer than `limit_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t limit_bytes = uint64_t{1} << 32);

/// XXH3 128-bit checksum as 32 hexadecimal digits (xxhash; not cryptographic: it finds truncation,
/// bit rot and accidental edits).
std::string checksum(std::string_view content);
std::string checksum_file(const std::filesystem::path& path);

/// Creates the folder and its parents, to stay after a power cut; throws IoError with the reason.
void make_folder(const std::filesystem::path& path);

/// Makes what was made, renamed or removed in a folder stay after a power cut. Throws IoError with the reason.
void sync_folder(const std::filesystem::path& folder);

/// Removes a folder of unfinished work that nobody holds (FolderLock); leaves one that is in use, or may not be
/// removed: it costs disk, nothing else.
void remove_abandoned(const std::filesystem::path& folder);

/// An exclusive lock on a folder (flock on `<folder>/.lock`), held until destruction and released by
/// the system if the process dies. Throws IoError naming the holder's process id when taken.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace noisescope::io
