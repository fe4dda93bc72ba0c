#include "noisescope/data/families.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/random.h"

namespace noisescope::data {
namespace {

constexpr int kVisibleLevels = 8;  // of 255

bool continues_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '\'' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Is caption[begin, end) bounded by what continues no word?
bool stands_alone(const std::string& caption, size_t begin, size_t end) {
  return (begin == 0 || !continues_word(caption[begin - 1])) &&
         (end == caption.size() || !continues_word(caption[end]));
}

/// How often each word of each kind is still trained on, in how many families.
class TrainedWords {
 public:
  explicit TrainedWords(const std::vector<Family>& families) : families_(families), left_(families.size()) {
    for (size_t f = 0; f < families.size(); ++f) {
      left_[f] = families[f].samples.size();
      for (size_t m = 0; m < families[f].samples.size(); ++m) {
        places_[families[f].samples[m]].push_back({f, m});
        ++uses_[{families[f].kind, families[f].words[m]}];
      }
    }
  }

  std::vector<int64_t> members() const {
    std::vector<int64_t> all;
    for (const auto& [sample, places] : places_) all.push_back(sample);
    return all;
  }

  /// Takes a sample out of training if all that it shows stays known.
  bool take(int64_t sample) {
    const auto& places = places_.at(sample);
    const bool spare = std::all_of(places.begin(), places.end(), [&](const auto& place) {
      return left_[place.first] > 2 && uses_.at(key(place)) > 1;
    });
    if (!spare) return false;
    for (const auto& place : places) {
      --left_[place.first];
      --uses_.at(key(place));
    }
    return true;
  }

 private:
  using Place = std::pair<size_t, size_t>;  // family, member
  std::pair<std::string, std::string> key(const Place& place) const {
    return {families_[place.first].kind, families_[place.first].words[place.second]};
  }

  const std::vector<Family>& families_;
  std::vector<size_t> left_;  // members of each family still trained on
  std::map<int64_t, std::vector<Place>> places_;
  std::map<std::pair<std::string, std::string>, int64_t> uses_;
};

}  // namespace

const std::vector<WordKind>& emoji_words() {
  static const std::vector<WordKind> kKinds = {
      {"skin tone", {"light", "medium-light", "medium", "medium-dark", "dark"}, {" skin tone"}},
      {"person", {"man", "woman", "person"}, {""}},
      {"hair", {"red hair", "curly hair", "white hair", "blond hair", "bald", "beard"}, {""}},
      {"colour",
       {"red", "orange", "yellow", "green", "blue", "light blue", "purple", "brown", "black", "white", "pink", "grey"},
       {" heart", " circle", " square"}},
      {"hour",
       {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"},
       {" o'clock", "-thirty"}},
      {"direction", {"up", "up-right", "right", "down-right", "down", "down-left", "left", "up-left"}, {" arrow"}}};
  return kKinds;
}

std::vector<FoundWord> find_words(const WordKind& kind, const std::string& caption) {
  std::vector<FoundWord> found;
  for (const std::string& word : kind.words) {
    for (const std::string& follower : kind.followers) {
      const std::string whole = word + follower;
      for (size_t at = caption.find(whole); at != std::string::npos; at = caption.find(whole, at + 1)) {
        if (!stands_alone(caption, at, at + whole.size())) continue;
        found.push_back({word, at, caption.substr(0, at) + "{}" + caption.substr(at + word.size())});
      }
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.position < b.position; });
  return found;
}

std::vector<Family> find_families(const ImageSamples& samples, const std::vector<WordKind>& kinds) {
  std::vector<Family> families;
  for (const WordKind& kind : kinds) {
    std::map<std::string, size_t> place;
    const size_t first = families.size();
    for (size_t i = 0; i < samples.caption_rows.size(); ++i) {
      for (const int64_t row : samples.caption_rows[i]) {
        for (const FoundWord& found : find_words(kind, samples.captions.texts()[static_cast<size_t>(row)])) {
          const auto [entry, is_new] = place.try_emplace(found.frame, families.size());
          if (is_new) families.push_back({kind.name, found.frame, {}, {}});
          Family& family = families[entry->second];
          if (std::find(family.words.begin(), family.words.end(), found.word) != family.words.end()) continue;
          family.words.push_back(found.word);
          family.samples.push_back(static_cast<int64_t>(i));
        }
      }
    }
    const auto lone = [](const Family& family) { return family.words.size() < 2; };
    families.erase(std::remove_if(families.begin() + static_cast<std::ptrdiff_t>(first), families.end(), lone),
                   families.end());
  }
  return families;
}

Tensor family_mask(const ImageSamples& samples, const Family& family, size_t own) {
  if (own >= family.samples.size()) {
    throw ValueError(
        format_text("[data.family_mask] expected a member in [0, {}), got {}", family.samples.size(), own));
  }
  const Tensor pixels = samples.pixels.index_select(0, torch::tensor(family.samples, torch::kInt64)).to(torch::kInt32);
  const Tensor apart = (pixels - pixels[static_cast<int64_t>(own)]).abs();  // [M, 3, S, S]
  return (apart.amax(at::IntArrayRef{0, 1}) > kVisibleLevels);
}

std::vector<int64_t> hold_out_members(const std::vector<Family>& families, double share, uint64_t seed) {
  if (!(share >= 0 && share < 1)) {
    throw ValueError(format_text("[data.hold_out_members] expected a share in [0, 1), got {}", share));
  }
  TrainedWords words(families);
  const std::vector<int64_t> members = words.members();
  const auto wanted = static_cast<size_t>(std::llround(share * static_cast<double>(members.size())));
  const Tensor order =
      Random(seed).permutation(Purpose::data_order, ~uint64_t{1}, static_cast<int64_t>(members.size()));
  std::vector<int64_t> held;
  for (int64_t k = 0; k < order.size(0) && held.size() < wanted; ++k) {
    const int64_t sample = members[static_cast<size_t>(order[k].item<int64_t>())];
    if (words.take(sample)) held.push_back(sample);
  }
  std::sort(held.begin(), held.end());
  return held;
}

}  // namespace noisescope::data
