// Byte-level pair encoding of single words (Sennrich et al. 2016, arXiv:1508.07909, algorithm 1, as
// CLIP applies it: bytes as visible characters, the last one with </w>). No torch here.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::clip {

constexpr const char* kWordEnd = "</w>";

/// The 512 tokens of single bytes, those at the end of a word behind the others, in the order of the
/// bytes or in that of CLIP's vocabulary ("!" is 0).
std::vector<std::string> byte_tokens();
std::vector<std::string> clip_byte_tokens();

class BytePairs {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;

  /// A token of a word and how many of its bytes it stands for.
  struct Part {
    int32_t id = 0;
    int32_t bytes = 0;
  };

  /// `ids` holds every byte token and all parts and products of `merges` (best first).
  BytePairs(const std::unordered_map<std::string, int64_t>& ids, const Merges& merges);
  ~BytePairs();

  /// Appends the parts of a word (UTF-8, cleaned). Words seen before come from memory; calls from
  /// several threads are safe and give the same parts in any order.
  void append(std::string_view word, std::vector<Part>& out) const;

 private:
  struct Merge {
    int32_t rank;
    int32_t product;
  };
  struct Memory;

  std::vector<Part> merge_bytes(std::string_view word) const;

  std::array<int32_t, 256> inner_{}, last_{};   // ids of bytes inside and at the end of a word
  std::unordered_map<uint64_t, Merge> merges_;  // by the ids of left and right
  std::unique_ptr<Memory> memory_;
};

}  // namespace noisescope::clip
