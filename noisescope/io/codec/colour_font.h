// A font whose glyphs are colour bitmaps, such as Noto Color Emoji.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "noisescope/io/image.h"

namespace noisescope::io {

/// HarfBuzz turns a sequence of code points into glyphs (waving hand + dark skin tone is one glyph), FreeType
/// hands over their bitmaps at the font's largest size.
class ColourFont {
 public:
  /// Throws IoError if `path` cannot be read, FormatError if it is no font with colour bitmaps.
  explicit ColourFont(const std::filesystem::path& path);
  ~ColourFont();
  ColourFont(ColourFont&&) noexcept;
  ColourFont& operator=(ColourFont&&) noexcept;

  /// The picture of the sequence, RGB on white, in the bitmap's own size (136 x 128 in Noto Color Emoji); nothing
  /// where the font has no single glyph for all of it. Throws FormatError for a damaged glyph.
  std::optional<Image> draw_on_white(const std::u32string& sequence) const;

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace noisescope::io
