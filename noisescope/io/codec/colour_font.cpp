#include "noisescope/io/codec/colour_font.h"

#include <harfbuzz/hb-ft.h>
#include <harfbuzz/hb.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"

namespace noisescope::io {

struct ColourFont::Face {
  std::string path;
  std::string bytes;  // FreeType reads from here
  FT_Library library = nullptr;
  FT_Face face = nullptr;
  hb_font_t* font = nullptr;
  hb_buffer_t* buffer = nullptr;

  ~Face() {
    hb_buffer_destroy(buffer);
    hb_font_destroy(font);
    FT_Done_Face(face);
    FT_Done_FreeType(library);
  }
};

namespace {

constexpr unsigned kMaxGlyphPx = 1024;

[[noreturn]] void fail_font(const std::string& path, const std::string& got) {
  throw FormatError("[io.ColourFont] expected a font with colour bitmaps in " + path + ", got " + got +
                    "; NotoColorEmoji.ttf of the Debian package fonts-noto-color-emoji is one");
}

/// The bitmap size with the most pixels: its number, or -1.
int largest_size(FT_Face face) {
  int best = -1;
  for (int i = 0; i < face->num_fixed_sizes; ++i) {
    if (best < 0 || face->available_sizes[i].height > face->available_sizes[best].height) best = i;
  }
  return best;
}

/// BGRA with premultiplied alpha, laid on white.
Image on_white(const FT_Bitmap& bitmap) {
  Image image{bitmap.width, bitmap.rows, 3, {}};
  image.pixels.resize(static_cast<size_t>(image.width * image.height * 3));
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = bitmap.buffer + y * bitmap.pitch;
    for (int64_t x = 0; x < image.width; ++x) {
      const int paper = 255 - row[4 * x + 3];
      for (int64_t c = 0; c < 3; ++c) {
        image.at(y, x)[c] = static_cast<uint8_t>(std::min(255, row[4 * x + 2 - c] + paper));
      }
    }
  }
  return image;
}

}  // namespace

ColourFont::ColourFont(const std::filesystem::path& path) : face_(std::make_unique<Face>()) {
  Face& f = *face_;
  f.path = path.string();
  f.bytes = read_file(path);
  if (FT_Init_FreeType(&f.library) != 0) throw IoError("[io.ColourFont] expected FreeType to start, got an error");
  const auto* data = reinterpret_cast<const FT_Byte*>(f.bytes.data());
  if (FT_New_Memory_Face(f.library, data, static_cast<FT_Long>(f.bytes.size()), 0, &f.face) != 0) {
    fail_font(f.path, "something that FreeType does not read");
  }
  const int size = largest_size(f.face);
  if (!FT_HAS_COLOR(f.face) || size < 0) fail_font(f.path, "a font without them");
  if (FT_Select_Size(f.face, size) != 0) fail_font(f.path, "a damaged table of sizes");
  f.font = hb_ft_font_create_referenced(f.face);
  f.buffer = hb_buffer_create();
}

ColourFont::~ColourFont() = default;
ColourFont::ColourFont(ColourFont&&) noexcept = default;
ColourFont& ColourFont::operator=(ColourFont&&) noexcept = default;

std::optional<Image> ColourFont::draw_on_white(const std::u32string& sequence) const {
  hb_buffer_reset(face_->buffer);
  hb_buffer_set_flags(face_->buffer, HB_BUFFER_FLAG_REMOVE_DEFAULT_IGNORABLES);
  const auto length = static_cast<int>(sequence.size());
  hb_buffer_add_utf32(face_->buffer, reinterpret_cast<const uint32_t*>(sequence.data()), length, 0, length);
  hb_buffer_guess_segment_properties(face_->buffer);
  hb_shape(face_->font, face_->buffer, nullptr, 0);
  unsigned count = 0;
  const hb_glyph_info_t* glyphs = hb_buffer_get_glyph_infos(face_->buffer, &count);
  if (count != 1 || glyphs[0].codepoint == 0) return std::nullopt;
  if (FT_Load_Glyph(face_->face, glyphs[0].codepoint, FT_LOAD_COLOR) != 0) {
    fail_font(face_->path, format_text("a damaged glyph {}", glyphs[0].codepoint));
  }
  const FT_Bitmap& bitmap = face_->face->glyph->bitmap;
  if (bitmap.width == 0 || bitmap.rows == 0) return std::nullopt;
  if (bitmap.pixel_mode != FT_PIXEL_MODE_BGRA || bitmap.width > kMaxGlyphPx || bitmap.rows > kMaxGlyphPx) {
    fail_font(face_->path, format_text("glyph {} of {} x {} pixels", glyphs[0].codepoint, bitmap.width, bitmap.rows));
  }
  return on_white(bitmap);
}

}  // namespace noisescope::io
