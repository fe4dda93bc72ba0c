#include "noisescope/io/codec/gzip.h"

#include <limits>
#include <new>

#include <zlib.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

struct Inflater {
  z_stream stream{};
  Inflater() {
    constexpr int kGzipWindow = 16 + MAX_WBITS;
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

std::string gunzip(std::string_view bytes, const std::string& name, uint64_t limit_bytes) {
  constexpr size_t kStep = size_t{1} << 16;
  Inflater inflater;
  z_stream& stream = inflater.stream;
  const auto fail = [&](const std::string& what) {
    throw FormatError(name, stream.total_in, "[io.gunzip] expected " + what);
  };
  if (bytes.size() > std::numeric_limits<uInt>::max()) fail("a file of less than 4 GiB");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string content, step(kStep, 0);
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(step.data());
    stream.avail_out = static_cast<uInt>(kStep);
    state = inflate(&stream, Z_NO_FLUSH);
    content.append(step, 0, kStep - stream.avail_out);
    if (content.size() > limit_bytes) {
      fail(format_text("at most {} bytes when unpacked, got more", limit_bytes));
    }
  }
  if (state != Z_STREAM_END) fail("a whole gzip file; it is truncated or damaged");
  if (stream.avail_in != 0) fail("the end of the file behind its gzip stream, got more bytes");
  return content;
}

}  // namespace noisescope::io
