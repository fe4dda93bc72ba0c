#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/io/codec/gzip.h"
#include "noisescope/io/file.h"

namespace noisescope::clip {

Tokenizer load_merges(const std::filesystem::path& path, ClipProfile profile) {
  constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;
  const std::string bytes = read_file(path, kMaxFileBytes);
  return parse_merges(is_gzip(bytes) ? gunzip(bytes, path.string(), kMaxFileBytes) : bytes, path.string(), profile);
}

}  // namespace noisescope::clip
