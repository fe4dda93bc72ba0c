#include "noisescope/io/codec/archive.h"

#include <map>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string name;
  std::string content;
  unsigned type = AE_IFREG;
  std::string hard_link = "";
};

enum class Format { tar, tar_gz, zip };

/// The bytes of an archive with exactly these entries; libarchive writes names as they are given.
std::string make_archive(Format format, const std::vector<Entry>& entries) {
  struct archive* archive = archive_write_new();
  format == Format::zip ? archive_write_set_format_zip(archive) : archive_write_set_format_pax_restricted(archive);
  if (format == Format::tar_gz) archive_write_add_filter_gzip(archive);
  std::string bytes(size_t{1} << 22, '\0');
  size_t used = 0;
  archive_write_open_memory(archive, bytes.data(), bytes.size(), &used);
  for (const Entry& item : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, item.name.c_str());
    archive_entry_set_filetype(entry, item.type);
    archive_entry_set_perm(entry, 0644);
    if (item.type == AE_IFLNK) archive_entry_set_symlink(entry, "/etc/passwd");
    if (!item.hard_link.empty()) archive_entry_set_hardlink(entry, item.hard_link.c_str());
    archive_entry_set_size(entry, item.type == AE_IFREG ? static_cast<int64_t>(item.content.size()) : 0);
    EXPECT_GE(archive_write_header(archive, entry), ARCHIVE_WARN) << archive_error_string(archive);
    archive_write_data(archive, item.content.data(), item.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(archive);
  archive_write_free(archive);
  bytes.resize(used);
  return bytes;
}

using Files = std::map<std::string, std::string>;

Files read_all(const std::string& bytes, const ArchiveLimits& limits = {}) {
  Files files;
  read_archive_bytes(
      bytes, "a.tar", [](const std::string&) { return true; },
      [&](const std::string& name, std::string content) { files[name] = std::move(content); }, limits);
  return files;
}

std::string archive_message(const std::string& bytes, const ArchiveLimits& limits = {}) {
  try {
    read_all(bytes, limits);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

constexpr Format kFormats[] = {Format::tar, Format::tar_gz, Format::zip};

TEST(Archive, FolderAndArchivesReadAlike) {
  const std::string big(200'000, 'b');
  const Files files = {{"a.txt", "one"}, {"sub/b.bin", big}, {"sub/deep/c", ""}, {"caf\xc3\xa9.txt", "u"}};
  const fs::path folder = fs::path(::testing::TempDir()) / "noisescope_source";
  fs::remove_all(folder);
  for (const auto& [name, content] : files) write_file_atomic(folder / name, content);
  write_file_atomic(folder / ".hidden" / "x", "x");
  write_file_atomic(folder / "sub" / ".DS_Store", "x");
  std::vector<Entry> entries = {
      {"./", "", AE_IFDIR}, {"sub/", "", AE_IFDIR}, {"__MACOSX/a.txt", "x"}, {"sub/.DS_Store", "x"}};
  for (const auto& [name, content] : files) entries.push_back({"./" + name, content});
  std::vector<fs::path> paths = {folder};
  for (const Format format : kFormats) {
    paths.push_back(fs::path(::testing::TempDir()) / ("noisescope_source_" + std::to_string(static_cast<int>(format))));
    write_file_atomic(paths.back(), make_archive(format, entries));
  }
  for (const fs::path& path : paths) {
    const auto source = open_file_source(path);
    EXPECT_EQ(source->names(), (std::vector<std::string>{"a.txt", "caf\xc3\xa9.txt", "sub/b.bin", "sub/deep/c"}))
        << path;
    EXPECT_EQ(source->read("sub/b.bin"), big);
    EXPECT_TRUE(source->contains("a.txt"));
    EXPECT_FALSE(source->contains("sub"));
    EXPECT_THROW(source->read("absent"), DataError);
    EXPECT_THROW(source->read("../a.txt"), DataError);
    Files seen;
    source->visit([](const std::string& name) { return name != "a.txt"; },
                  [&](const std::string& name, std::string content) { seen[name] = std::move(content); });
    Files expected = files;
    expected.erase("a.txt");
    EXPECT_EQ(seen, expected) << path;
  }
}

TEST(Archive, NamesThatLeadOutAreRefused) {
  for (const Format format : kFormats) {
    for (const char* name : {"../x", "a/../../x", "a/..", "/etc/x", "a/../b"}) {
      const std::string message = archive_message(make_archive(format, {{"ok", "1"}, {name, "x"}}));
      EXPECT_NE(message.find("expected names inside the archive"), std::string::npos) << name << message;
    }
    EXPECT_EQ(read_all(make_archive(format, {{"a/..b", "x"}, {"c..", "y"}})).size(), 1u) << "dots in names are fine";
  }
}

TEST(Archive, LinksAndDevicesAreRefused) {
  for (const Entry& entry : {Entry{"link", "", AE_IFLNK}, Entry{"hard", "", AE_IFREG, "ok"},
                             Entry{"device", "", AE_IFCHR}, Entry{"pipe", "", AE_IFIFO}}) {
    const std::string message = archive_message(make_archive(Format::tar, {{"ok", "1"}, entry}));
    EXPECT_NE(message.find("which is a link or a device"), std::string::npos) << entry.name << message;
  }
  EXPECT_NE(archive_message(make_archive(Format::zip, {{"link", "", AE_IFLNK}})), "");
}

TEST(Archive, BombsAreRefused) {
  const std::string zeros(3'000'000, '\0');
  for (const Format format : {Format::tar_gz, Format::zip}) {
    const std::string bomb = make_archive(format, {{"a", zeros}, {"b", zeros}});
    EXPECT_EQ(archive_message(bomb), "") << "small enough to be let through";
    EXPECT_NE(archive_message(bomb, {.free_bytes = 1 << 20}).find("unpacks to far more"), std::string::npos);
    EXPECT_NE(archive_message(bomb, {.max_total_bytes = 5'000'000}).find("unpacks to far more"), std::string::npos);
    EXPECT_NE(archive_message(bomb, {.max_entry_bytes = 2'000'000}).find("files of at most"), std::string::npos);
    EXPECT_NE(archive_message(bomb, {.max_entries = 1}).find("fewer entries"), std::string::npos);
  }
}

TEST(Archive, AClaimedSizeIsRefusedBeforeItIsRead) {
  std::string bytes = make_archive(Format::tar, {{"a", "123"}});
  bytes.replace(124, 12, "777777777777");  // the size field, octal: 64 GiB
  unsigned sum = 0;
  bytes.replace(148, 8, "        ");
  for (size_t i = 0; i < 512; ++i) sum += static_cast<uint8_t>(bytes[i]);
  std::snprintf(bytes.data() + 148, 8, "%06o", sum);
  EXPECT_NE(archive_message(bytes).find("files of at most"), std::string::npos) << archive_message(bytes);
}

TEST(Archive, TheSameNameTwiceIsRefused) {
  EXPECT_NE(archive_message(make_archive(Format::tar, {{"a", "1"}, {"./a", "2"}})).find("'a' twice"),
            std::string::npos);
}

TEST(Archive, TruncationIsDetected) {
  const std::string noise = [] {
    std::string text;
    for (uint32_t i = 0; i < 5000; ++i) text += static_cast<char>((i * 2654435761u) >> 24);
    return text;
  }();
  for (const Format format : kFormats) {
    const std::string whole = make_archive(format, {{"a", noise}, {"b", noise}});
    ASSERT_EQ(read_all(whole).size(), 2u);
    // A tar's closing blocks of zeros may be missing; everything before them may not.
    const size_t end = format == Format::tar ? whole.find_last_not_of('\0') + 1 : whole.size();
    for (size_t length = 0; length < end; length += 97) {
      if (format == Format::tar && length % 512 == 0) continue;
      EXPECT_NE(archive_message(whole.substr(0, length)), "") << static_cast<int>(format) << ' ' << length;
    }
  }
}

TEST(Archive, OtherFilesAreNamed) {
  EXPECT_NE(archive_message("this is no archive, only some text that goes on"), "");
  EXPECT_NE(archive_message(""), "");
  EXPECT_THROW(open_file_source("/absent"), IoError);
  const std::string path = ::testing::TempDir() + "noisescope_text.tar";
  write_file_atomic(path, std::string(2000, 'x'));
  try {
    open_file_source(path);
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_EQ(std::string(error.what()).rfind(path + ", byte ", 0), 0u) << error.what();
  }
}

TEST(Archive, ReadsThePieceOfTinyImagenet) {
  const fs::path path = fs::path(NOISESCOPE_SOURCE_DIR) / "../shared/data/tiny-imagenet-25.tar";
  if (!fs::exists(path)) GTEST_SKIP() << "absent: " << path;
  const auto source = open_file_source(path);
  EXPECT_GT(source->names().size(), 13'000u);
  EXPECT_EQ(source->read("tiny-imagenet-200/wnids.txt").substr(0, 1), "n");
}

}  // namespace
}  // namespace noisescope
