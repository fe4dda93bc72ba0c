// Runs a fuzz target over its corpus and over mutations of it, the same on every run:
//   <target> FOLDER MUTATIONS [SEED]
// With clang, -fsanitize=fuzzer takes the place of this file and searches on from the same corpus.
// A finding is a crash: the input that caused it is left in the file that the last line names.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Random = std::mt19937_64;

std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A position in [0, size]; modulo, because distributions differ between standard libraries.
size_t below(Random& random, size_t size) { return static_cast<size_t>(random() % (size + 1)); }

/// One small change: what damages files, and what attackers do to them.
void mutate_once(std::string& input, const std::string& other, Random& random) {
  const size_t at = below(random, input.size());
  const size_t count = std::min(below(random, 16), input.size() - at);
  switch (random() % 7) {
    case 0:
      input.resize(at);
      break;  // truncate
    case 1:
      input.erase(at, count);
      break;  // leave out
    case 2:
      input.insert(at, input.substr(at, count));
      break;  // repeat
    case 3:
      input.insert(at, other.substr(below(random, other.size()), 32));
      break;  // splice
    case 4:   // flip a bit
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << (random() % 8)));
      break;
    case 5:  // any byte
      if (at < input.size()) input[at] = static_cast<char>(random());
      break;
    default: {  // a number that is an edge
      static constexpr char kEdges[] = {0, 1, -1, 127, -128, '0', '9', '-', '[', '{', '"', '\n'};
      const char edge = kEdges[random() % std::size(kEdges)];
      std::fill_n(input.begin() + static_cast<std::ptrdiff_t>(at), count, edge);
    }
  }
}

/// The input is on disk before it is run, so that a crash leaves it behind.
void run(const std::string& input, const std::filesystem::path& last_input) {
  std::ofstream(last_input, std::ios::binary) << input;
  // Without the zero behind a string, so that the sanitizer sees a read of one byte too many.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: %s FOLDER MUTATIONS [SEED]\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) {
    std::fprintf(stderr, "expected a corpus in %s, got an empty folder\n", argv[1]);
    return 2;
  }
  std::vector<std::string> corpus;
  for (const auto& path : paths) corpus.push_back(read_whole(path));
  const std::string last_input = std::string(argv[0]) + ".last_input";
  std::printf("an input that crashes is left in %s\n", last_input.c_str());
  std::fflush(stdout);
  for (const std::string& input : corpus) run(input, last_input);
  Random random(argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 1);
  const long mutations = std::strtol(argv[2], nullptr, 10);
  for (long i = 0; i < mutations; ++i) {
    std::string input = corpus[static_cast<size_t>(random() % corpus.size())];
    const std::string& other = corpus[static_cast<size_t>(random() % corpus.size())];
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) mutate_once(input, other, random);
    run(input, last_input);
  }
  std::filesystem::remove(last_input);
  std::printf("%zu inputs and %ld mutations passed\n", corpus.size(), mutations);
  return 0;
}
