// A file system that fails, a clock that jumps and a log of what reaches the disk, for a program started with this
// library in LD_PRELOAD. Only what lies under TRUST_FOLDER is touched. By the environment:
//   TRUST_ERRORS  "write:EIO:0.01 rename:ENOSPC:0.1": a call fails with this error and probability; calls are open
//                 (for writing), read, write, fsync, rename, remove, truncate, mkdir
//   TRUST_SHORT   probability of a write that takes only a part;  TRUST_EINTR of a read, write or fsync that is
//                 interrupted before it begins
//   TRUST_DISK    bytes that can be written until the disk is full
//   TRUST_KILL    the call of that number (open for writing, write, fsync, ...) kills the process instead
//   TRUST_COUNT   file that holds the number of such calls in the end
//   TRUST_CLOCK   seed: the time of day jumps by up to ten years, forwards and back, several times a second
//   TRUST_LOG     file that gets every change, in order, with its bytes (read by power_loss.py)
//   TRUST_SEED    of everything random here
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

double number_in(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atof(text) : otherwise;
}

int errno_of(const std::string& name) {
  static const std::map<std::string, int> kCodes = {
      {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EROFS", EROFS}, {"EACCES", EACCES}, {"EDQUOT", EDQUOT}};
  const auto found = kCodes.find(name);
  if (found != kCodes.end()) return found->second;
  std::fprintf(stderr, "shim: unknown error %s\n", name.c_str());
  std::abort();
}

struct Rule {
  int error = 0;
  double probability = 0;
};

std::multimap<std::string, Rule> rules_of(const char* text) {
  std::multimap<std::string, Rule> rules;
  std::string all = text ? text : "";
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find(' ', begin), all.size());
    const std::string one = all.substr(begin, end - begin);
    const size_t first = one.find(':'), second = one.find(':', first + 1);
    rules.insert({one.substr(0, first),
                  {errno_of(one.substr(first + 1, second - first - 1)), std::atof(one.c_str() + second + 1)}});
    begin = end + 1;
  }
  return rules;
}

/// What the environment asks for, and what has happened so far. One lock for everything keeps the log in order.
struct Disk {
  std::mutex mutex;
  std::string folder = std::getenv("TRUST_FOLDER") ? std::getenv("TRUST_FOLDER") : "";
  std::multimap<std::string, Rule> rules = rules_of(std::getenv("TRUST_ERRORS"));
  double share_short = number_in("TRUST_SHORT", 0), share_interrupted = number_in("TRUST_EINTR", 0);
  double room = number_in("TRUST_DISK", 1e300);
  double kill_at = number_in("TRUST_KILL", -1);
  int64_t calls = 0;
  std::mt19937_64 random{static_cast<uint64_t>(number_in("TRUST_SEED", 1))};
  int log = -1;

  Disk() {
    const char* path = std::getenv("TRUST_LOG");
    if (path)
      log = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666));
  }
  ~Disk() {
    const char* path = std::getenv("TRUST_COUNT");
    if (!path) return;
    const std::string text = std::to_string(calls);
    const int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 0666));
    [[maybe_unused]] const auto written = syscall(SYS_write, file, text.data(), text.size());
  }

  double uniform() { return std::uniform_real_distribution<double>()(random); }
  bool holds(const std::string& path) const {
    return !folder.empty() && path.compare(0, folder.size(), folder) == 0 &&
           (path.size() == folder.size() || path[folder.size()] == '/');
  }

  /// Counts a call; 0, or the error that it fails with.
  int fate(const char* call) {
    const bool is_change = std::strcmp(call, "read") != 0;
    if (is_change && calls++ == static_cast<int64_t>(kill_at)) kill(getpid(), SIGKILL);
    const auto [first, last] = rules.equal_range(call);
    for (auto rule = first; rule != last; ++rule) {
      if (uniform() < rule->second.probability) return rule->second.error;
    }
    return 0;
  }

  void note(const std::string& line, const void* data = nullptr, size_t size = 0) const {
    if (log < 0) return;
    std::string record = line + "\n";
    record.append(static_cast<const char*>(data), size);
    for (size_t done = 0; done < record.size();) {
      const auto count = syscall(SYS_write, log, record.data() + done, record.size() - done);
      if (count <= 0) std::abort();
      done += static_cast<size_t>(count);
    }
  }
};

Disk& disk() {
  static auto* only = new Disk;  // outlives whatever still writes at exit
  static const bool counted = [] { return std::atexit([] { only->~Disk(); }) == 0; }();
  (void)counted;
  return *only;
}

std::string path_of(int descriptor) {
  char link[64], target[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const auto length = syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof target);
  return length > 0 ? std::string(target, static_cast<size_t>(length)) : "";
}

/// Absolute, as the log has it; links are not followed.
std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  char here[4096] = "";
  const std::string base = folder != AT_FDCWD ? path_of(folder) : getcwd(here, sizeof here) ? here : "";
  return std::string(path) == "." ? base : base + "/" + path;
}

std::string inode_of(int descriptor) {
  struct stat facts {};
  fstat(descriptor, &facts);
  return std::to_string(facts.st_ino);
}

bool refused(const char* call) {
  const int error = disk().fate(call);
  if (error) errno = error;
  return error != 0;
}

int open_at(int folder, const char* path, int flags, mode_t mode) {
  const bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
  const std::string whole = absolute(folder, path);
  if (!changes || !disk().holds(whole)) return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  const std::lock_guard lock(disk().mutex);
  struct stat before {};
  const bool existed = ::fstatat(folder, path, &before, 0) == 0;
  if (refused("open")) return -1;
  const int file = static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
  if (file < 0) return file;
  if (!existed) disk().note("create\t" + inode_of(file) + "\t" + whole);
  if (existed && (flags & O_TRUNC)) disk().note("truncate\t" + inode_of(file) + "\t0");
  return file;
}

/// Of `size` bytes, how many a write may take now; -1 with errno.
ssize_t taken(size_t size) {
  Disk& d = disk();
  if (d.uniform() < d.share_interrupted) return errno = EINTR, -1;
  if (refused("write")) return -1;
  if (size > 1 && d.uniform() < d.share_short) size = 1 + static_cast<size_t>(d.uniform() * double(size - 1));
  if (d.room < 1) return errno = ENOSPC, -1;
  size = std::min(size, static_cast<size_t>(std::min(d.room, 1e18)));
  d.room -= double(size);
  return static_cast<ssize_t>(size);
}

ssize_t write_some(int file, const void* data, size_t size) {
  if (!disk().holds(path_of(file))) return syscall(SYS_write, file, data, size);
  const std::lock_guard lock(disk().mutex);
  const ssize_t count = size == 0 ? 0 : taken(size);
  if (count <= 0) return count;
  struct stat facts {};
  fstat(file, &facts);
  const bool appends = (fcntl(file, F_GETFL) & O_APPEND) != 0;
  const off_t at = appends ? facts.st_size : lseek(file, 0, SEEK_CUR);
  const auto written = syscall(SYS_write, file, data, static_cast<size_t>(count));
  if (written > 0) {
    disk().note("write\t" + std::to_string(facts.st_ino) + "\t" + std::to_string(at) + "\t" + std::to_string(written),
                data, static_cast<size_t>(written));
  }
  return written;
}

/// A change of names: fails, is killed or is noted.
template <class Work>
int change(const char* call, const std::string& path, const std::string& note, const Work& work) {
  if (!disk().holds(path)) return work();
  const std::lock_guard lock(disk().mutex);
  if (refused(call)) return -1;
  const int result = work();
  if (result == 0) disk().note(note);
  return result;
}

int sync_file(int file, const char* name) {
  const std::string path = path_of(file);
  if (!disk().holds(path)) return real<int(int)>(name)(file);
  const std::lock_guard lock(disk().mutex);
  if (disk().uniform() < disk().share_interrupted) return errno = EINTR, -1;
  if (refused("fsync")) return -1;
  struct stat facts {};
  fstat(file, &facts);
  // Not done, since nobody pulls the plug of the machine: it would only take time.
  disk().note(S_ISDIR(facts.st_mode) ? "syncdir\t" + path : "sync\t" + inode_of(file));
  return 0;
}

/// Seconds by which the time of day is wrong now.
int64_t clock_error() {
  static const char* const text = std::getenv("TRUST_CLOCK");
  if (!text) return 0;
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  std::minstd_rand random(static_cast<unsigned>(std::atoi(text) + now.tv_sec * 7 + now.tv_nsec / 150000000));
  random.discard(3);
  static constexpr int64_t kJumps[] = {0, 1, -1, 3600, -3600, 86400, -86400, 315360000, -315360000};
  return kJumps[random() % std::size(kJumps)];
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(folder, path, flags, mode);
}

ssize_t write(int file, const void* data, size_t size) { return write_some(file, data, size); }
ssize_t writev(int file, const iovec* parts, int count) {
  if (!disk().holds(path_of(file))) return syscall(SYS_writev, file, parts, count);
  std::string all;
  for (int i = 0; i < count; ++i) all.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return write_some(file, all.data(), all.size());
}
ssize_t read(int file, void* data, size_t size) {
  if (disk().holds(path_of(file))) {
    const std::lock_guard lock(disk().mutex);
    if (disk().uniform() < disk().share_interrupted) return errno = EINTR, -1;
    if (refused("read")) return -1;
  }
  return syscall(SYS_read, file, data, size);
}
int fsync(int file) { return sync_file(file, "fsync"); }
int fdatasync(int file) { return sync_file(file, "fdatasync"); }

int rename(const char* from, const char* to) noexcept {
  const std::string old_path = absolute(AT_FDCWD, from), new_path = absolute(AT_FDCWD, to);
  return change("rename", new_path, "rename\t" + old_path + "\t" + new_path,
                [&] { return static_cast<int>(syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to)); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  const std::string whole = absolute(folder, path);
  return change("remove", whole, "remove\t" + whole,
                [&] { return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags)); });
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  struct stat facts {};
  const bool is_folder = ::lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
  return unlinkat(AT_FDCWD, path, is_folder ? AT_REMOVEDIR : 0);
}
int mkdir(const char* path, mode_t mode) noexcept {
  const std::string whole = absolute(AT_FDCWD, path);
  return change("mkdir", whole, "mkdir\t" + whole,
                [&] { return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}
int ftruncate(int file, off_t length) noexcept {
  return change("truncate", path_of(file), "truncate\t" + inode_of(file) + "\t" + std::to_string(length),
                [&] { return static_cast<int>(syscall(SYS_ftruncate, file, length)); });
}
int truncate(const char* path, off_t length) noexcept {
  struct stat facts {};
  if (::stat(path, &facts) != 0) return -1;
  return change("truncate", absolute(AT_FDCWD, path),
                "truncate\t" + std::to_string(facts.st_ino) + "\t" + std::to_string(length),
                [&] { return static_cast<int>(syscall(SYS_truncate, path, length)); });
}

int openat64(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(folder, path, flags, mode);
}
int ftruncate64(int file, off64_t length) noexcept { return ftruncate(file, length); }
int truncate64(const char* path, off64_t length) noexcept { return truncate(path, length); }

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const original = real<int(clockid_t, timespec*)>("clock_gettime");
  const int result = original(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += clock_error();
  return result;
}
int gettimeofday(timeval* __restrict time, void* __restrict zone) noexcept {
  static auto* const original = real<int(timeval*, void*)>("gettimeofday");
  const int result = original(time, zone);
  if (result == 0) time->tv_sec += clock_error();
  return result;
}
time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
