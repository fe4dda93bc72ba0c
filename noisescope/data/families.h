// Families of pictures: the same drawing with one word of its caption changed. The pixels that differ between two
// of them are the true mask of that word, on real pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "noisescope/core/tensor.h"
#include "noisescope/data/image_dataset.h"

namespace noisescope::data {

/// Words that are alternatives of each other where one of `followers` comes after them: "red", "blue" before " heart".
struct WordKind {
  std::string name;                    // "skin tone"
  std::vector<std::string> words;      // "light", "medium-light", ...
  std::vector<std::string> followers;  // " skin tone"; "" is anything
};

/// Skin tones, hair, man / woman / person, colours of hearts, circles and squares, hours, directions of arrows.
const std::vector<WordKind>& emoji_words();

/// A word of a kind inside a caption.
struct FoundWord {
  std::string word;     // as the kind has it
  size_t position = 0;  // where it begins
  std::string frame;    // the caption with {} in its place
};

/// Where words of `kind` stand in `caption`, whole words only ('-' is part of a word), in order.
std::vector<FoundWord> find_words(const WordKind& kind, const std::string& caption);

/// At least two samples whose captions differ in one word of a kind.
struct Family {
  std::string kind;                // name of the WordKind
  std::string frame;               // "waving hand, {} skin tone"
  std::vector<std::string> words;  // [M] distinct
  std::vector<int64_t> samples;    // [M] of the data set
};

/// All families of the samples, in the order of kinds and of first members. A sample may be in several, of two kinds
/// or in two places of its caption.
std::vector<Family> find_families(const ImageSamples& samples, const std::vector<WordKind>& kinds = emoji_words());

/// [S, S] bool: the pixels in which member `own` of the family visibly differs (by more than 8 of 255 in a channel)
/// from any other member.
Tensor family_mask(const ImageSamples& samples, const Family& family, size_t own);

/// Samples to be held out by composition: `share` of all members of families, drawn by `seed`, such that each word
/// is still trained on in another family of its kind, and of each family two members are. Sorted; fewer than the
/// share where the data do not allow it. `share` in [0, 1).
std::vector<int64_t> hold_out_members(const std::vector<Family>& families, double share, uint64_t seed);

}  // namespace noisescope::data
