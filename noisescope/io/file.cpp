#include "noisescope/io/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <streambuf>
#include <thread>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

namespace fs = std::filesystem;

/// What a user can do about a refusal of the operating system.
const char* hint_for(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "choose a place that you have access to";
    case ENOENT:
      return "check the path";
    case ENOTDIR:
    case EEXIST:
      return "a part of the path is a file where a folder should be";
    case EISDIR:
      return "this is a folder, not a file";
    default:
      return "check the path and the disk";
  }
}

[[noreturn]] void fail(const char* where, const char* expected, const fs::path& path, int errno_value) {
  throw IoError(format_text("[io.{}] expected {} {}, got '{}'; {}", where, expected, path.string(),
                            std::strerror(errno_value), hint_for(errno_value)));
}

/// An open file descriptor, closed on destruction.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

/// Writes everything or returns the errno that stopped it.
int write_all(int descriptor, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

/// Buffered output to a descriptor that remembers why it failed; an std::ofstream would not say.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor), buffer_(size_t{1} << 16) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }
  int error() const { return error_; }

 protected:
  int_type overflow(int_type next) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(next, traits_type::eof())) {
      *pptr() = traits_type::to_char_type(next);
      pbump(1);
    }
    return traits_type::not_eof(next);
  }

  std::streamsize xsputn(const char* data, std::streamsize size) override {
    if (size <= epptr() - pptr()) return std::streambuf::xsputn(data, size);
    // Large pieces (tensors) go to the file straight, without a copy.
    if (sync() != 0) return 0;
    error_ = write_all(descriptor_, data, static_cast<size_t>(size));
    return error_ ? 0 : size;
  }

  int sync() override {
    if (error_ == 0) error_ = write_all(descriptor_, pbase(), static_cast<size_t>(pptr() - pbase()));
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return error_ ? -1 : 0;
  }

 private:
  int descriptor_;
  int error_ = 0;
  std::vector<char> buffer_;
};

/// fsync, or the errno that it failed with. Some file systems cannot sync and say EINVAL: nothing is to be waited for.
int synced(int descriptor) {
  while (::fsync(descriptor) != 0) {
    if (errno != EINTR) return errno == EINVAL ? 0 : errno;
  }
  return 0;
}

/// Makes the names in a folder durable; the errno that stopped it, or 0.
int sync_names(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return descriptor.get() < 0 ? 0 : synced(descriptor.get());  // one that may not be read has nothing to sync by
}

/// A file under a hidden name beside its final one, removed unless it was committed. What a killed process leaves
/// behind is taken over by the next writer of the same file; a lock keeps two that live apart.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& final_path) : final_path_(final_path), descriptor_(open_own()) {}
  ~TemporaryFile() {
    if (!committed_) ::unlink(path_.c_str());
  }

  int descriptor() const { return descriptor_.get(); }

  /// Makes the content durable, then visible under the final name, then the name durable.
  void commit() {
    if (const int error = synced(descriptor())) fail(kWhere, "to write", final_path_, error);
    if (::rename(path_.c_str(), final_path_.c_str()) != 0) fail(kWhere, "to write", final_path_, errno);
    committed_ = true;
    if (::close(descriptor_.release()) != 0 && errno != EINTR) fail(kWhere, "to write", final_path_, errno);
    if (const int error = sync_names(final_path_.parent_path())) fail(kWhere, "to write", final_path_, error);
  }

  static constexpr const char* kWhere = "write_file_atomic";

 private:
  int open_own() {
    for (int number = 0;;) {
      path_ = final_path_.parent_path() / format_text(".{}.{}.partial", final_path_.filename().string(), number);
      Descriptor file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0666));
      if (file.get() < 0) fail(kWhere, "to write", final_path_, errno);
      if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail(kWhere, "to write", final_path_, errno);
        ++number;  // somebody writes there
        continue;
      }
      if (!is_named(file.get(), path_)) continue;  // its writer has just given it the final name
      if (::ftruncate(file.get(), 0) != 0) fail(kWhere, "to write", final_path_, errno);
      return file.release();
    }
  }

  static bool is_named(int descriptor, const fs::path& path) {
    struct stat open_one {
    }, named{};
    return ::fstat(descriptor, &open_one) == 0 && ::stat(path.c_str(), &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
  }

  fs::path final_path_;
  fs::path path_;
  Descriptor descriptor_;
  bool committed_ = false;
};

/// Where to write for `path`: links are followed; renaming over a device would replace it.
fs::path checked_target(const fs::path& path) {
  if (!path.has_filename())
    throw IoError("[io.write_file_atomic] expected a file name, got '" + path.string() +
                  "'; name a file in the folder");
  std::error_code error;
  const fs::path target = fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : path;
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw IoError("[io.write_file_atomic] expected a file or a new name, got " + path.string() +
                  ", which is a folder or a device; choose another name");
  }
  if (target.has_parent_path()) make_folder(target.parent_path());
  return target;
}

Descriptor open_to_read(const char* where, const fs::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(where, "a readable file", path, errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) fail(where, "a readable file", path, errno);
  if (S_ISDIR(facts.st_mode)) fail(where, "a readable file", path, EISDIR);
  return Descriptor(file.release());
}

/// Calls `receive` with each piece of the file until its end.
template <class Receive>
void read_pieces(const char* where, const fs::path& path, const Receive& receive) {
  const Descriptor file = open_to_read(where, path);
  std::vector<char> buffer(size_t{1} << 18);
  while (true) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(where, "a readable file", path, errno);
    if (count == 0) return;
    receive(std::string_view(buffer.data(), static_cast<size_t>(count)));
  }
}

std::string hexadecimal(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

/// False, with errno, where it is held for longer than somebody takes who only asks whether it is.
bool take_lock(int descriptor) {
  for (int look = 0; look < 10; ++look) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  errno = EWOULDBLOCK;
  return false;
}

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  const std::string_view seen(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  const std::string digits(seen.substr(0, seen.find_first_not_of("0123456789")));
  return digits.empty() ? "another process" : "process " + digits;
}

}  // namespace

void write_file_atomic(const fs::path& path, std::string_view content) {
  TemporaryFile file(checked_target(path));
  const int error = write_all(file.descriptor(), content.data(), content.size());
  if (error) fail(TemporaryFile::kWhere, "to write", path, error);
  file.commit();
}

void write_file_atomic(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  TemporaryFile file(checked_target(path));
  DescriptorBuffer buffer(file.descriptor());
  std::ostream stream(&buffer);
  write(stream);
  stream.flush();
  if (buffer.error() || !stream) {
    fail(TemporaryFile::kWhere, "to write", path, buffer.error() ? buffer.error() : EIO);
  }
  file.commit();
}

std::string read_file(const fs::path& path, uint64_t limit_bytes) {
  std::string content;
  read_pieces("read_file", path, [&](std::string_view piece) {
    if (piece.size() > limit_bytes - content.size()) {
      throw FormatError(path.string(), limit_bytes,
                        format_text("[io.read_file] expected at most {} bytes, got more; "
                                    "this is not the file that was meant",
                                    limit_bytes));
    }
    content += piece;
  });
  return content;
}

std::string checksum(std::string_view content) { return hexadecimal(XXH3_128bits(content.data(), content.size())); }

std::string checksum_file(const fs::path& path) {
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  XXH3_128bits_reset(&state);
  read_pieces("checksum_file", path,
              [&](std::string_view piece) { XXH3_128bits_update(&state, piece.data(), piece.size()); });
  return hexadecimal(XXH3_128bits_digest(&state));
}

void make_folder(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path part = path; !part.empty() && !fs::exists(part, error); part = part.parent_path())
    missing.push_back(part);
  fs::create_directories(path, error);
  if (error) fail("make_folder", "to make folder", path, error.value());
  if (!fs::is_directory(path, error)) fail("make_folder", "to make folder", path, ENOTDIR);
  for (const fs::path& made : missing) {
    if (const int reason = sync_names(made.parent_path())) fail("make_folder", "to make folder", path, reason);
  }
}

void sync_folder(const fs::path& folder) {
  if (const int error = sync_names(folder)) fail("sync_folder", "to sync folder", folder, error);
}

FolderLock::FolderLock(const fs::path& folder) {
  make_folder(folder);
  const fs::path path = folder / ".lock";
  Descriptor file(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("FolderLock", "to lock", path, errno);
  if (!take_lock(file.get())) {
    if (errno != EWOULDBLOCK) fail("FolderLock", "to lock", path, errno);
    throw IoError(
        format_text("[io.FolderLock] expected a free folder, got {}, which is in use by {}; "
                    "wait for it, stop it, or choose another folder",
                    folder.string(), holder_of(file.get())));
  }
  // The number is only for the message above; the lock itself is the system's.
  const std::string owner = format_text("{}\n", ::getpid());
  if (::ftruncate(file.get(), 0) != 0 || write_all(file.get(), owner.data(), owner.size()) != 0) {
    fail("FolderLock", "to lock", path, errno);
  }
  descriptor_ = file.release();
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);  // the file stays: unlinking it would race
}

void remove_abandoned(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return;
  try {
    const FolderLock lock(folder);
    fs::remove_all(folder, ignored);
  } catch (const IoError&) {
  }
}

}  // namespace noisescope::io
