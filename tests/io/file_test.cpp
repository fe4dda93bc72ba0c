#include "noisescope/io/file.h"
#include "noisescope/io/writable_folder.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace noisescope {
namespace {

namespace fs = std::filesystem;

/// A fresh folder under the tests' temporary one.
fs::path fresh_folder(const std::string& name) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("noisescope_file_" + name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

/// The message of the E that `call` throws.
template <class E, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "no exception";
}

/// Runs `child` in a process of its own (it may drop rights, or die). Its return value is the exit code.
int in_child(const std::function<int()>& child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(child());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(File, WritesWholeFilesAndTheirFolders) {
  const fs::path folder = fresh_folder("write");
  const fs::path path = folder / "a" / "b" / "text.txt";
  write_file_atomic(path, "old");
  write_file_atomic(path, std::string_view("new\0content", 11));
  EXPECT_EQ(read_file(path), std::string("new\0content", 11));
  EXPECT_EQ(files_in(path.parent_path()), 1u);
}

TEST(File, StreamsSmallAndLargePieces) {
  const fs::path path = fresh_folder("stream") / "data";
  const std::string large(1 << 20, 'x');
  write_file_atomic(path, [&](std::ostream& out) {
    for (int i = 0; i < 20000; ++i) out << i << ',';
    out << large << '!';
  });
  std::string expected;
  for (int i = 0; i < 20000; ++i) expected += std::to_string(i) + ',';
  EXPECT_EQ(read_file(path), expected + large + '!');
}

TEST(File, AWriterThatThrowsLeavesTheOldContent) {
  const fs::path folder = fresh_folder("throw");
  write_file_atomic(folder / "file", "old");
  EXPECT_THROW(write_file_atomic(folder / "file",
                                 [](std::ostream& out) {
                                   out << "half";
                                   throw NumericError("NaN");
                                 }),
               NumericError);
  EXPECT_EQ(read_file(folder / "file"), "old");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(File, AFullDiskLeavesTheOldContentAndSaysSo) {
  const fs::path folder = fresh_folder("full");
  write_file_atomic(folder / "file", "old");
  const int code = in_child([&] {
    // A limit on file sizes stands for the full disk: write() fails half-way.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string big(1'000'000, 'x');
    const std::string whole = message_of<IoError>([&] { write_file_atomic(folder / "file", big); });
    const std::string pieces = message_of<IoError>([&] {
      write_file_atomic(folder / "file", [&](std::ostream& out) {
        for (int i = 0; i < 100'000; ++i) out << "0123456789";
      });
    });
    return whole.find("File too large") != std::string::npos && whole == pieces &&
                   whole.find("free some space") != std::string::npos
               ? 0
               : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(read_file(folder / "file"), "old");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(File, AReadOnlyFolderIsNamed) {
  const fs::path folder = fresh_folder("readonly");
  write_file_atomic(folder / "file", "old");
  ::chmod(folder.c_str(), 0555);
  const int code = in_child([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::seteuid(kNobody) != 0) return 2;  // root may write anywhere
    const std::string message = message_of<IoError>([&] { write_file_atomic(folder / "file", "new"); });
    return message == "[io.write_file_atomic] expected to write " + (folder / "file").string() +
                          ", got 'Permission denied'; choose a place that you have access to"
               ? 0
               : 1;
  });
  ::chmod(folder.c_str(), 0755);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(read_file(folder / "file"), "old");
}

TEST(File, AKilledWriterLeavesTheOldContent) {
  const fs::path folder = fresh_folder("killed");
  write_file_atomic(folder / "file", "old");
  const int code = in_child([&] {
    write_file_atomic(folder / "file", [](std::ostream& out) {
      out << std::string(1 << 20, 'x');
      ::raise(SIGKILL);
    });
    return 0;
  });
  EXPECT_EQ(code, -SIGKILL);
  EXPECT_EQ(read_file(folder / "file"), "old");
}

// What a killed process left is no litter: the next writer of the same file takes it over.
TEST(File, TheHiddenFileOfAKilledWriterIsTakenOver) {
  const fs::path folder = fresh_folder("taken_over");
  std::ofstream(folder / ".a.txt.0.partial") << "half of what was to be writ";
  write_file_atomic(folder / "a.txt", "whole");
  EXPECT_EQ(read_file(folder / "a.txt"), "whole");
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(File, WritersOfOneFileKeepApart) {
  const fs::path folder = fresh_folder("keep_apart");
  const auto write_often = [&](char letter) {
    for (int i = 0; i < 50; ++i) write_file_atomic(folder / "a.txt", std::string(100000, letter));
  };
  std::thread other(write_often, 'b');
  write_often('a');
  other.join();
  const std::string content = read_file(folder / "a.txt");
  EXPECT_EQ(content, std::string(100000, content.front()));
  EXPECT_EQ(files_in(folder), 1u);
}

TEST(File, AbandonedFoldersAreRemovedUnlessTheyAreHeld) {
  const fs::path folder = fresh_folder("abandoned");
  write_file_atomic(folder / "work/shard", "1");
  {
    const FolderLock lock(folder / "work");
    remove_abandoned(folder / "work");
    EXPECT_TRUE(fs::exists(folder / "work/shard"));
  }
  remove_abandoned(folder / "work");
  EXPECT_FALSE(fs::exists(folder / "work"));
  remove_abandoned(folder / "nothing");
  EXPECT_FALSE(fs::exists(folder / "nothing"));
}

TEST(File, RefusesDevicesAndFolders) {
  const fs::path folder = fresh_folder("device");
  EXPECT_THROW(write_file_atomic("/dev/null", "x"), IoError);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_THROW(write_file_atomic(folder, "x"), IoError);
  EXPECT_THROW(write_file_atomic(folder / "", "x"), IoError);
  write_file_atomic(folder / "file", "x");
  EXPECT_NE(message_of<IoError>([&] {
              write_file_atomic(folder / "file" / "below", "x");
            }).find("a part of the path is a file"),
            std::string::npos);
}

TEST(File, WritesThroughLinks) {
  const fs::path folder = fresh_folder("link");
  write_file_atomic(folder / "target", "old");
  fs::create_symlink("target", folder / "link");
  write_file_atomic(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "target"), "new");
}

TEST(File, ReadingNamesWhatIsMissingOrTooLong) {
  const fs::path folder = fresh_folder("read");
  EXPECT_EQ(message_of<IoError>([&] { read_file(folder / "absent"); }),
            "[io.read_file] expected a readable file " + (folder / "absent").string() +
                ", got 'No such file or directory'; check the path");
  EXPECT_THROW(read_file(folder), IoError);
  write_file_atomic(folder / "file", "12345");
  EXPECT_EQ(read_file(folder / "file", 5), "12345");
  EXPECT_THROW(read_file(folder / "file", 4), FormatError);
}

TEST(File, ChecksumIsXxh3) {
  // The value that the specification gives for the empty input with seed 0.
  EXPECT_EQ(checksum(""), "99aa06d3014798d86001c324468d497f");
  const fs::path path = fresh_folder("checksum") / "file";
  std::string content(700'000, 'a');
  content[123'456] = 'b';
  write_file_atomic(path, content);
  EXPECT_EQ(checksum_file(path), checksum(content));
  content[0] = 'c';
  EXPECT_NE(checksum_file(path), checksum(content));
  EXPECT_THROW(checksum_file(path.parent_path() / "absent"), IoError);
}

// As the studio does to see whether a training runs.
TEST(FolderLock, WhoOnlyAsksDoesNotKeepOthersOut) {
  const fs::path folder = fresh_folder("asked");
  auto asked = std::make_unique<FolderLock>(folder);
  std::thread asking([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    asked.reset();
  });
  EXPECT_NO_THROW(FolderLock{folder});
  asking.join();
}

TEST(FolderLock, IsExclusiveBetweenProcessesAndFreedByDeath) {
  const fs::path folder = fresh_folder("lock") / "run";
  {
    const FolderLock lock(folder);
    const std::string holder = "process " + std::to_string(::getpid());
    const int code = in_child([&] {
      const std::string message = message_of<IoError>([&] { FolderLock second(folder); });
      return message.find(holder) != std::string::npos ? 0 : 1;
    });
    EXPECT_EQ(code, 0);
    EXPECT_THROW(FolderLock second(folder), IoError);  // within a process too
  }
  EXPECT_EQ(in_child([&] {
              const FolderLock lock(folder);
              ::raise(SIGKILL);
              return 0;
            }),
            -SIGKILL);
  EXPECT_NO_THROW(FolderLock lock(folder));
}

TEST(ResultFolder, IsTakenAwayAgainWhereNothingCameOfIt) {
  const fs::path folder = fresh_folder("result");
  { const ResultFolder unused(folder / "a" / "b"); }
  EXPECT_FALSE(fs::exists(folder / "a"));
  EXPECT_TRUE(fs::exists(folder));
  {
    const ResultFolder used(folder / "a" / "b");
    write_file_atomic(folder / "a" / "b" / "text.txt", "kept");
  }
  EXPECT_TRUE(fs::exists(folder / "a" / "b" / "text.txt"));
  fs::create_directory(folder / "there");
  { const ResultFolder before(folder / "there"); }
  EXPECT_TRUE(fs::exists(folder / "there"));  // it was not made here
}

}  // namespace
}  // namespace noisescope
