// The captions of a data set: distinct texts in a stable order, and the texts made of class names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "noisescope/core/namespaces.h"

namespace noisescope::data {

/// The longest caption that encoders read at all.
inline constexpr size_t kMaxCaptionBytes = 16384;

/// Distinct captions in the order of their first use; the row number of a caption is its identity.
class CaptionTable {
 public:
  /// The row of `caption`, added if new. White space at the ends is dropped and runs of it become
  /// one space. Throws DataError for a caption without any other character.
  int64_t add(std::string_view caption);

  /// The rows of `captions` without repetition, in the order given.
  std::vector<int64_t> add_all(const std::vector<std::string>& captions);

  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
  std::unordered_map<std::string, int64_t> row_of_;
};

/// White space at the ends dropped, runs of it made one space.
std::string tidy_caption(std::string_view caption);

/// Every template with every name at its "{}", templates outermost: "a photo of a {}" and "cat"
/// give "a photo of a cat". Throws ValueError for a template without exactly one "{}".
std::vector<std::string> fill_templates(const std::vector<std::string>& templates,
                                        const std::vector<std::string>& names);

/// "goldfish, Carassius auratus" -> {"goldfish", "Carassius auratus"}.
std::vector<std::string> split_synonyms(std::string_view words);

/// "school_bus" -> "school bus": what a folder's name says.
std::string name_from_folder(std::string_view folder);

/// Does any caption speak of a side ("left", "right")? Such captions do not survive a flip.
bool mention_sides(const std::vector<std::string>& captions);

/// The words of a caption in lower case: runs of letters, digits and bytes above ASCII.
std::vector<std::string> caption_words(std::string_view caption);

}  // namespace noisescope::data
