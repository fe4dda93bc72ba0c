#include "noisescope/clip/text/byte_pairs.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <shared_mutex>

#include "noisescope/clip/text/byte_level.h"

namespace noisescope::clip {
namespace {

constexpr size_t kMostRememberedWords = size_t{1} << 15;
constexpr size_t kLongestRememberedWord = 64;  // bytes

uint64_t pair_key(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

std::vector<std::string> with_ends(std::vector<std::string> tokens) {
  for (size_t i = 0; i < 256; ++i) tokens.push_back(tokens[i] + kWordEnd);
  return tokens;
}

}  // namespace

struct BytePairs::Memory {
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::shared_mutex mutex;
  std::unordered_map<std::string, std::vector<Part>, TextHash, std::equal_to<>> words;
};

std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(visible_byte(static_cast<uint8_t>(byte)));
  return with_ends(std::move(tokens));
}

std::vector<std::string> clip_byte_tokens() {
  std::vector<std::string> tokens;
  for (const bool printable : {true, false}) {
    for (int byte = 0; byte < 256; ++byte) {
      if (is_printable_byte(byte) != printable) continue;
      tokens.push_back(visible_byte(static_cast<uint8_t>(byte)));
    }
  }
  return with_ends(std::move(tokens));
}

BytePairs::BytePairs(const std::unordered_map<std::string, int64_t>& ids, const Merges& merges)
    : memory_(std::make_unique<Memory>()) {
  const auto id = [&](const std::string& token) { return static_cast<int32_t>(ids.at(token)); };
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string& visible = visible_byte(static_cast<uint8_t>(byte));
    inner_[byte] = id(visible);
    last_[byte] = id(visible + kWordEnd);
  }
  merges_.reserve(merges.size());
  for (const auto& [left, right] : merges) {
    const Merge merge{static_cast<int32_t>(merges_.size()), id(left + right)};
    merges_.emplace(pair_key(id(left), id(right)), merge);
  }
}

BytePairs::~BytePairs() = default;

std::vector<BytePairs::Part> BytePairs::merge_bytes(std::string_view word) const {
  constexpr Merge kNone{std::numeric_limits<int32_t>::max(), -1};
  std::vector<Part> parts;
  parts.reserve(word.size());
  for (const char byte : word) parts.push_back({inner_[static_cast<uint8_t>(byte)], 1});
  parts.back().id = last_[static_cast<uint8_t>(word.back())];
  const auto merge_at = [&](size_t i) {
    const auto found = merges_.find(pair_key(parts[i].id, parts[i + 1].id));
    return found == merges_.end() ? kNone : found->second;
  };
  std::vector<Merge> merges;  // of parts i and i + 1
  for (size_t i = 0; i + 1 < parts.size(); ++i) merges.push_back(merge_at(i));
  while (!merges.empty()) {
    const auto best =
        std::min_element(merges.begin(), merges.end(), [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
    if (best->rank == kNone.rank) break;
    const auto i = static_cast<size_t>(best - merges.begin());
    parts[i] = {best->product, parts[i].bytes + parts[i + 1].bytes};
    parts.erase(parts.begin() + static_cast<int64_t>(i) + 1);
    merges.erase(best);
    if (i < merges.size()) merges[i] = merge_at(i);
    if (i > 0) merges[i - 1] = merge_at(i - 1);
  }
  return parts;
}

void BytePairs::append(std::string_view word, std::vector<Part>& out) const {
  if (word.size() > kLongestRememberedWord) {
    const std::vector<Part> parts = merge_bytes(word);
    out.insert(out.end(), parts.begin(), parts.end());
    return;
  }
  {
    const std::shared_lock lock(memory_->mutex);
    const auto found = memory_->words.find(word);
    if (found != memory_->words.end()) {
      out.insert(out.end(), found->second.begin(), found->second.end());
      return;
    }
  }
  std::vector<Part> parts = merge_bytes(word);
  out.insert(out.end(), parts.begin(), parts.end());
  const std::unique_lock lock(memory_->mutex);
  if (memory_->words.size() < kMostRememberedWords) memory_->words.emplace(word, std::move(parts));
}

}  // namespace noisescope::clip
