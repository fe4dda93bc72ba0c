// A tar, tar.gz or zip archive, listed and unpacked under small limits.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "noisescope/io/codec/archive.h"

namespace noisescope {
namespace {

/// Gives every block that may be a tar header the checksum of what it holds, so that damage gets past
/// that check. Archives of other formats change beyond recognition, which does no harm.
void repair_checksums(std::string& bytes) {
  constexpr size_t kBlock = 512;
  constexpr size_t kSumAt = 148;
  for (size_t at = 0; at + kBlock <= bytes.size(); at += kBlock) {
    if (bytes.compare(at + 257, 5, "ustar") != 0) continue;
    bytes.replace(at + kSumAt, 8, "        ");
    unsigned sum = 0;
    for (size_t i = 0; i < kBlock; ++i) sum += static_cast<uint8_t>(bytes[at + i]);
    std::snprintf(bytes.data() + at + kSumAt, 8, "%06o", sum);
  }
}

void unpack(const std::string& bytes) {
  const ArchiveLimits limits{.max_entries = 100,
                             .max_entry_bytes = 1 << 16,
                             .max_total_bytes = 1 << 18,
                             .max_expansion = 50,
                             .free_bytes = 1 << 16};
  const auto receive = [](const std::string& name, const std::string& content) {
    const std::string padded = "/" + name + "/";
    if (name.front() == '/' || padded.find("/../") != std::string::npos) std::abort();
    if (content.size() > (1 << 16)) std::abort();
  };
  try {
    read_archive_bytes(
        bytes, "fuzz", [](const std::string&) { return true; }, receive, limits);
  } catch (const FormatError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  noisescope::unpack(bytes);
  noisescope::repair_checksums(bytes);
  noisescope::unpack(bytes);
  return 0;
}
