// A line of vocab.json, a line of tokenizer_config.json, and merges; the merges also alone, as the
// published file, and gzipped. What loads must encode under every profile, with spans that hold whole characters.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/core/error.h"
#include "noisescope/io/codec/gzip.h"

namespace noisescope {
namespace {

constexpr const char* kText =
    "A photo of caf\u00e9 cafe\u0301 &amp;lt; &notit; &#x1F600; <|endoftext|> <end_of_text> "
    "\u201cdon\u2019t\u201d \ufb01 \uff76\uff9e \u0130\u03a3 '\u017f \u0345 \u1112\u1161\u11ab\r\n\u2028\x1b[31m\x07";

/// The bytes up to the next line end, taken off `rest`.
std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void check_encoding(const Tokenizer& tokenizer, const std::string& text) {
  const Encoding encoding = tokenizer.encode(text);
  const size_t n = encoding.ids.size();
  if (n < 2 || encoding.spans.size() != n) std::abort();
  if (static_cast<int64_t>(n) > tokenizer.context_length()) std::abort();
  if (encoding.ids.front() != tokenizer.start_id() || encoding.ids.back() != tokenizer.end_id()) {
    std::abort();
  }
  for (size_t i = 1; i + 1 < n; ++i) {
    const TextSpan span = encoding.spans[i];
    if (encoding.ids[i] < 0 || encoding.ids[i] >= tokenizer.start_id()) std::abort();
    if (span.begin < 0 || span.begin >= span.end) std::abort();
    if (span.end > static_cast<int64_t>(text.size())) std::abort();
    decode_utf8(
        std::string_view(text).substr(static_cast<size_t>(span.begin), static_cast<size_t>(span.end - span.begin)));
  }
  const auto padded = static_cast<int64_t>(tokenizer.padded_ids(encoding).size());
  if (padded != tokenizer.context_length()) std::abort();
}

template <class Load>
void check(const Load& load, std::string_view more) {
  try {
    const Tokenizer tokenizer = load();
    check_encoding(tokenizer, kText);
    try {
      check_encoding(tokenizer, std::string(more.substr(0, 4096)));
    } catch (const ValueError&) {  // no UTF-8
    }
  } catch (const FormatError&) {
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  std::string_view merges(reinterpret_cast<const char*>(data), size);
  if (is_gzip(merges)) {
    constexpr uint64_t kLimit = 1 << 16;
    check([&] { return parse_merges(gunzip(merges, "fuzz", kLimit), "fuzz", ClipProfile::openai); }, "");
  }
  const std::string_view vocabulary = take_line(merges);
  const std::string_view config = take_line(merges);
  for (const auto profile : {ClipProfile::hf, ClipProfile::openai, ClipProfile::open_clip}) {
    check([&] { return parse_vocabulary(vocabulary, merges, config, "fuzz", profile); }, merges);
    check([&] { return parse_merges(merges, "fuzz", profile); }, merges);
  }
  check([&] { return parse_vocabulary(vocabulary, merges, config, "fuzz"); }, merges);
  return 0;
}
