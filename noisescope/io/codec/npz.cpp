#include "noisescope/io/codec/npz.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "noisescope/core/error.h"
#include "noisescope/io/array_file.h"
#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

/// A zip archive in memory.
class ZipWriter {
 public:
  ZipWriter() : archive_(archive_write_new(), archive_write_free) {
    check(archive_write_set_format_zip(archive_.get()));
    check(archive_write_zip_set_compression_store(archive_.get()));
    check(archive_write_open(archive_.get(), this, nullptr, append, nullptr));
  }

  void add(const std::string& name, const std::string& content) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_mtime(entry.get(), 315532800, 0);  // 1980: the first time that a zip can hold
    check(archive_write_header(archive_.get(), entry.get()));
    if (archive_write_data(archive_.get(), content.data(), content.size()) != static_cast<la_ssize_t>(content.size())) {
      fail();
    }
  }

  std::string finish() {
    check(archive_write_close(archive_.get()));
    return std::move(bytes_);
  }

 private:
  static la_ssize_t append(archive*, void* self, const void* data, size_t size) {
    static_cast<ZipWriter*>(self)->bytes_.append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
  }
  [[noreturn]] void fail() const {
    throw IoError("[io.write_npz] expected to write a zip archive, got: " +
                  std::string(archive_error_string(archive_.get())));
  }
  void check(int state) const {
    if (state != ARCHIVE_OK) fail();
  }

  std::string bytes_;  // outlives the archive, which writes into it when freed
  std::unique_ptr<archive, decltype(&archive_write_free)> archive_;
};

}  // namespace

void write_npz(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors) {
  ZipWriter zip;
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name.find('/') != std::string::npos) {
      throw ValueError("[io.write_npz] expected names without '/', got '" + name + "'");
    }
    zip.add(name + ".npy", encode_npy(tensor));
  }
  write_file_atomic(path, zip.finish());
}

}  // namespace noisescope::io
