// PNG by libpng. Its errors leave by longjmp, which runs no destructors: so the functions that call
// setjmp own nothing; all C++ objects live in their callers.
#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <utility>
#include <vector>

#include <png.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_codec.h"

namespace noisescope::io {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr png_alloc_size_t kMaxChunkBytes = png_alloc_size_t{1} << 24;
constexpr png_uint_32 kMaxCachedChunks = 1000;
constexpr uint64_t kMaxDeflateRatio = 1032;  // no deflate stream expands more

/// What libpng's callbacks share with us, and the two structures of a reader or a writer.
struct Session {
  std::string_view input;  // of a reader
  size_t position = 0;
  std::string* output = nullptr;  // of a writer
  char message[256] = "";
  std::jmp_buf escape{};
  png_structp png = nullptr;
  png_infop info = nullptr;
};

[[noreturn]] void leave(png_structp png, png_const_charp message) {
  auto* session = static_cast<Session*>(png_get_error_ptr(png));
  std::strncpy(session->message, message, sizeof session->message - 1);
  std::longjmp(session->escape, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void take_bytes(png_structp png, png_bytep target, size_t count) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  if (count > session->input.size() - session->position) leave(png, "unexpected end of the file");
  std::memcpy(target, session->input.data() + session->position, count);
  session->position += count;
}

void put_bytes(png_structp png, png_bytep bytes, size_t count) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  session->output->append(reinterpret_cast<const char*>(bytes), count);
}

void do_nothing(png_structp) {}

struct Reader : Session {
  Reader(std::string_view bytes, const DecodeLimits& limits) {
    input = bytes;
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<Session*>(this), leave, ignore_warning);
    info = png ? png_create_info_struct(png) : nullptr;
    if (!info) throw std::bad_alloc();
    png_set_read_fn(png, static_cast<Session*>(this), take_bytes);
    png_set_user_limits(png, static_cast<png_uint_32>(limits.max_side_px),
                        static_cast<png_uint_32>(limits.max_side_px));
    png_set_chunk_malloc_max(png, kMaxChunkBytes);
    png_set_chunk_cache_max(png, kMaxCachedChunks);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

struct Writer : Session {
  explicit Writer(std::string& target) {
    output = &target;
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<Session*>(this), leave, ignore_warning);
    info = png ? png_create_info_struct(png) : nullptr;
    if (!info) throw std::bad_alloc();
    png_set_write_fn(png, static_cast<Session*>(this), put_bytes, do_nothing);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

/// Everything before the pixels. False: see session.message.
bool read_header(Session& session) {
  if (setjmp(session.escape) != 0) return false;
  png_read_info(session.png, session.info);
  return true;
}

/// What the rows will hold, by Pillow's choice of modes.
PixelMode mode_of(png_structp png, png_infop info) {
  switch (png_get_color_type(png, info)) {
    case PNG_COLOR_TYPE_PALETTE:
      return PixelMode::palette;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return PixelMode::grey_alpha;
    case PNG_COLOR_TYPE_RGB_ALPHA:
      return PixelMode::rgba;
    case PNG_COLOR_TYPE_RGB:
      return PixelMode::rgb;
    default:
      break;
  }
  const int depth = png_get_bit_depth(png, info);
  return depth == 1 ? PixelMode::bilevel : depth == 16 ? PixelMode::grey16 : PixelMode::gray;
}

int64_t channels_of(PixelMode mode) {
  switch (mode) {
    case PixelMode::gray:
    case PixelMode::bilevel:
      return 1;
    case PixelMode::grey_alpha:
    case PixelMode::grey16:
      return 2;
    case PixelMode::rgba:
    case PixelMode::cmyk:
      return 4;
    default:
      return 3;
  }
}

/// The pixels into `rows`, and the rest of the file. False: see session.message.
bool read_rows(Session& session, PixelMode mode, png_bytepp rows, uint64_t row_bytes) {
  if (setjmp(session.escape) != 0) return false;
  png_set_expand(session.png);  // palette and small gray to 8 bits; transparency to alpha
  if (mode != PixelMode::grey16) png_set_strip_16(session.png);
  if (mode != PixelMode::grey_alpha && mode != PixelMode::rgba) png_set_strip_alpha(session.png);
  png_set_interlace_handling(session.png);
  png_read_update_info(session.png, session.info);
  if (png_get_rowbytes(session.png, session.info) != row_bytes) leave(session.png, "odd row size");
  png_read_image(session.png, rows);
  png_read_end(session.png, session.info);
  return true;
}

/// All chunks, skipping the pixels. False: see session.message.
bool read_all(Session& session, png_bytepp rows) {
  if (setjmp(session.escape) != 0) return false;
  png_read_image(session.png, rows);
  png_read_end(session.png, session.info);
  return true;
}

/// The EXIF data of an eXIf chunk; "" if there is none.
std::string_view exif_of(const Session& session) {
  png_uint_32 size = 0;
  png_bytep data = nullptr;
  if (png_get_eXIf_1(session.png, session.info, &size, &data) == 0 || data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), size};
}

[[noreturn]] void fail_png(const Session& session, const std::string& name) {
  fail_decode(name, session.position,
              std::string("a whole PNG image, got '") + session.message + "'; the file is truncated or damaged");
}

/// A few hundred bytes may not claim gigabytes of pixels.
void check_claim(const Session& session, const std::string& name) {
  const uint64_t raw = static_cast<uint64_t>(png_get_rowbytes(session.png, session.info)) *
                       png_get_image_height(session.png, session.info);
  if (raw / kMaxDeflateRatio > session.input.size()) {
    fail_decode(name, kSignatureBytes,
                format_text("a whole PNG image, got {} bytes that claim {} of pixels; the file is damaged",
                            session.input.size(), raw));
  }
}

int colour_type(const Image& image) {
  switch (image.channels) {
    case 1:
      return PNG_COLOR_TYPE_GRAY;
    case 3:
      return PNG_COLOR_TYPE_RGB;
    case 4:
      return PNG_COLOR_TYPE_RGBA;
    default:
      throw ValueError(format_text("[io.encode_png] expected 1, 3 or 4 channels, got {}", image.channels));
  }
}

void check_image(const Image& image) {
  constexpr int64_t kMaxSide = 1'000'000;  // libpng's own limit
  if (image.width < 1 || image.height < 1 || image.width > kMaxSide || image.height > kMaxSide ||
      image.pixels.size() != static_cast<size_t>(image.width * image.height * image.channels)) {
    throw ValueError(
        format_text("[io.encode_png] expected width * height * channels values, "
                    "got {} x {} x {} with {} values",
                    image.width, image.height, image.channels, image.pixels.size()));
  }
}

std::vector<png_text_struct> make_chunks(const std::map<std::string, std::string>& text) {
  const auto printable = [](unsigned char c) { return c > 31 && c < 127; };
  std::vector<png_text_struct> chunks;
  for (const auto& [key, value] : text) {
    if (key.empty() || key.size() > 79 || !std::all_of(key.begin(), key.end(), printable)) {
      throw ValueError("[io.encode_png] expected a key of 1-79 printable ASCII characters, got '" + key + "'");
    }
    const bool ascii =
        std::all_of(value.begin(), value.end(), [&](unsigned char c) { return printable(c) || c == '\n'; });
    png_text_struct chunk{};
    chunk.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    chunk.key = const_cast<char*>(key.c_str());  // libpng copies both
    chunk.text = const_cast<char*>(value.c_str());
    chunk.text_length = value.size();
    chunks.push_back(chunk);
  }
  return chunks;
}

/// False: see session.message.
bool write_all(Session& session, const Image& image, int type, png_bytepp rows, png_textp chunks, int chunk_count) {
  if (setjmp(session.escape) != 0) return false;
  png_set_IHDR(session.png, session.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height),
               8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (chunk_count > 0) png_set_text(session.png, session.info, chunks, chunk_count);
  png_write_info(session.png, session.info);
  png_write_image(session.png, rows);
  png_write_end(session.png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(uint8_t* pixels, int64_t height, uint64_t row_bytes) {
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y) rows[y] = pixels + y * row_bytes;
  return rows;
}

/// Frames of an animation (chunk acTL, which stands before the pixels); 1 where there is none.
int64_t frames_of(std::string_view bytes) {
  const auto number = [&](size_t at) {
    uint64_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  for (size_t at = kSignatureBytes; at + 12 <= bytes.size(); at += number(at) + 12) {
    const std::string_view kind = bytes.substr(at + 4, 4);
    if (kind == "IDAT") break;
    if (kind == "acTL") return std::max<int64_t>(static_cast<int64_t>(number(at + 8)), 1);
  }
  return 1;
}

}  // namespace

bool is_png(std::string_view bytes) {
  return bytes.substr(0, kSignatureBytes) == std::string_view("\x89PNG\r\n\x1a\n", kSignatureBytes);
}

StoredImage decode_png(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  Reader reader(bytes, limits);
  if (!read_header(reader)) fail_png(reader, name);
  check_claim(reader, name);
  const PixelMode mode = mode_of(reader.png, reader.info);
  Image image = make_checked_image(png_get_image_width(reader.png, reader.info),
                                   png_get_image_height(reader.png, reader.info), channels_of(mode), name, limits);
  const auto row_bytes = static_cast<uint64_t>(image.width * image.channels);
  std::vector<png_bytep> rows = row_pointers(image.pixels.data(), image.height, row_bytes);
  if (!read_rows(reader, mode, rows.data(), row_bytes)) fail_png(reader, name);
  return {std::move(image), mode, exif_orientation(exif_of(reader)), frames_of(bytes)};
}

std::map<std::string, std::string> png_text(std::string_view bytes, const std::string& name) {
  if (!is_png(bytes)) fail_decode(name, 0, "a PNG image, got another kind of file");
  Reader reader(bytes, {});
  if (!read_header(reader)) fail_png(reader, name);
  check_claim(reader, name);
  const uint64_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  std::vector<uint8_t> row(row_bytes);
  std::vector<png_bytep> rows(png_get_image_height(reader.png, reader.info), row.data());
  if (!read_all(reader, rows.data())) fail_png(reader, name);
  png_textp chunks = nullptr;
  const int count = png_get_text(reader.png, reader.info, &chunks, nullptr);
  std::map<std::string, std::string> text;
  for (int i = 0; i < count; ++i) text[chunks[i].key] = chunks[i].text;
  return text;
}

std::string encode_png(const Image& image, const std::map<std::string, std::string>& text) {
  const int type = colour_type(image);
  check_image(image);
  std::string bytes;
  std::vector<png_text_struct> chunks = make_chunks(text);
  Writer writer(bytes);
  std::vector<png_bytep> rows =
      row_pointers(const_cast<uint8_t*>(image.pixels.data()), image.height,  // libpng only reads
                   static_cast<uint64_t>(image.width * image.channels));
  if (!write_all(writer, image, type, rows.data(), chunks.data(), static_cast<int>(chunks.size()))) {
    throw ValueError(std::string("[io.encode_png] expected an image that PNG can hold, got '") + writer.message + "'");
  }
  return bytes;
}

}  // namespace noisescope::io
