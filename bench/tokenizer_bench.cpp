// Times the encoding of texts in one thread, for bench/peers/tokenizer.py:
//   tokenizer_bench MERGES_FILE TEXTS_JSON PROFILE
// Prints "ready" and then, for every line of standard input, the seconds that one pass over all texts
// took and a checksum of the ids.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/io/file.h"

namespace {

/// Adler-like sum over all ids in order.
uint64_t checksum_of(const std::vector<noisescope::Encoding>& encodings) {
  uint64_t a = 1, b = 0;
  for (const auto& encoding : encodings) {
    for (const int64_t id : encoding.ids) {
      a = (a + static_cast<uint64_t>(id)) % 4294967291u;
      b = (b + a) % 4294967291u;
    }
  }
  return b;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace noisescope;
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MERGES_FILE TEXTS_JSON PROFILE\n", argv[0]);
    return 2;
  }
  const Tokenizer tokenizer = load_merges(argv[1], parse_enum<ClipProfile>(argv[3]));
  const auto texts = nlohmann::json::parse(read_file(argv[2])).get<std::vector<std::string>>();
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<Encoding> encodings(texts.size());
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < texts.size(); ++i) encodings[i] = tokenizer.encode(texts[i]);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::cout << seconds.count() << ' ' << checksum_of(encodings) << std::endl;
  }
  return 0;
}
