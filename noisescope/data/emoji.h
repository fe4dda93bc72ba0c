// The emoji of a colour font as captioned pictures: the second embedded data set. Nothing is shipped; font and
// list are those of the Debian packages fonts-noto-color-emoji (SIL Open Font License) and unicode-data.
#pragma once

#include <string>

#include "noisescope/core/options.h"
#include "noisescope/data/image_loader.h"

namespace noisescope::data {

struct EmojiOptions {
  bool flags = false;
  double held_out = 0.1;
  std::string font = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
  std::string list = "/usr/share/unicode/emoji/emoji-test.txt";
};

/// One line of the list: a fully qualified emoji.
struct EmojiEntry {
  std::u32string sequence;  // code points
  std::string caption;      // "waving hand, dark skin tone"
  std::string group;        // "People & Body"
  std::string subgroup;     // "hand-fingers-open"
};

/// The entries of emoji-test.txt (Unicode Technical Standard #51). `name`: the file, for messages. Throws FormatError
/// naming the line that cannot be read, DataError if there is no entry.
std::vector<EmojiEntry> parse_emoji_list(std::string_view text, const std::string& name);

/// The caption of a Unicode name: "waving hand: dark skin tone" is "waving hand, dark skin tone", with plain
/// apostrophes and quotation marks.
std::string emoji_caption(std::string_view name);

/// The Debian package that holds the first of both files that is not there; "" where both are.
std::string missing_emoji_package(const EmojiOptions& options);

/// All emoji of the list that the font draws, in its order, on white, as squares of load.image_size_px; classes are
/// the subgroups, file names the code points ("1f44b-1f3ff"). `held_out` of the members of families
/// (data/families.h), drawn by `seed`, are Part::test and so never trained on; the others are Part::train. What is
/// left out (flags, sequences that the font has no picture of) stands in `report`. Throws DataError naming the
/// package that is missing, and what ColourFont and parse_emoji_list throw.
ImageDataset load_emoji(const EmojiOptions& options, const ImageLoadOptions& load, uint64_t seed,
                        const Control& control, LoadReport& report);

}  // namespace noisescope::data
