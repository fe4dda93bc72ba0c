// GIF by giflib: the first frame, on the canvas that the file states.
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_codec.h"

namespace noisescope::io {
namespace {

struct GifCloser {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

int read_bytes(GifFileType* gif, GifByteType* target, int wanted) {
  auto* rest = static_cast<std::string_view*>(gif->UserData);
  const size_t count = std::min(rest->size(), static_cast<size_t>(std::max(wanted, 0)));
  std::memcpy(target, rest->data(), count);
  rest->remove_prefix(count);
  return static_cast<int>(count);
}

/// Walks the blocks of one file.
class GifReader {
 public:
  GifReader(std::string_view bytes, const std::string& name, const DecodeLimits& limits)
      : rest_(bytes), size_(bytes.size()), name_(name), limits_(limits) {
    int error = 0;
    gif_.reset(DGifOpen(&rest_, read_bytes, &error));
    if (!gif_) fail();
  }

  StoredImage read() {
    StoredImage stored;
    int64_t frames = 0;
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    while (type != TERMINATE_RECORD_TYPE) {
      bool whole = DGifGetRecordType(gif_.get(), &type) == GIF_OK;
      if (whole && type == IMAGE_DESC_RECORD_TYPE && frames++ == 0) {
        stored = first_frame();
      } else {
        whole = whole && skip(type);
      }
      if (!whole && frames == 0) fail();
      if (!whole) break;  // what follows the first frame is not needed
    }
    if (frames == 0) fail_decode(name_, size_, "a GIF image with a frame, got none");
    stored.frames = frames;
    return stored;
  }

 private:
  [[noreturn]] void fail() const {
    fail_decode(name_, size_ - rest_.size(),
                "a whole GIF image, got one that does not decode; the file is truncated or damaged");
  }

  /// Passes over a block; false where it is damaged.
  bool skip(GifRecordType type) {
    GifByteType* block = nullptr;
    if (type == IMAGE_DESC_RECORD_TYPE) {
      int code_size = 0;
      if (DGifGetImageHeader(gif_.get()) == GIF_ERROR) return false;
      for (int ok = DGifGetCode(gif_.get(), &code_size, &block); block != nullptr;) {
        if (ok == GIF_ERROR) return false;
        ok = DGifGetCodeNext(gif_.get(), &block);
      }
    } else if (type == EXTENSION_RECORD_TYPE) {
      int code = 0;
      for (int ok = DGifGetExtension(gif_.get(), &code, &block); block != nullptr;) {
        if (ok == GIF_ERROR) return false;
        if (code == GRAPHICS_EXT_FUNC_CODE) take_transparency(block);
        ok = DGifGetExtensionNext(gif_.get(), &block);
      }
    }
    return true;
  }

  void take_transparency(const GifByteType* block) {
    GraphicsControlBlock control;
    if (DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) transparent_ = control.TransparentColor;
  }

  void read_rows(const GifImageDesc& frame, Image& indices) {
    const auto read_row = [&](int64_t y) {
      if (DGifGetLine(gif_.get(), indices.at(frame.Top + y, frame.Left), frame.Width) == GIF_ERROR) fail();
    };
    constexpr int64_t kWhole[][2] = {{0, 1}}, kInterlaced[][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};  // first row, step
    const std::span<const int64_t[2]> passes = frame.Interlace ? std::span<const int64_t[2]>(kInterlaced) : kWhole;
    for (const auto& [first, step] : passes) {
      for (int64_t y = first; y < frame.Height; y += step) read_row(y);
    }
  }

  Palette colours() const {
    const ColorMapObject* map = gif_->Image.ColorMap != nullptr ? gif_->Image.ColorMap : gif_->SColorMap;
    Palette palette;
    for (int i = 0; i < (map == nullptr ? 256 : map->ColorCount); ++i) {
      const auto number = static_cast<uint8_t>(i);
      const GifColorType colour = map == nullptr ? GifColorType{number, number, number} : map->Colors[i];
      palette.push_back({colour.Red, colour.Green, colour.Blue});
    }
    return palette;
  }

  /// The frame on its canvas, which is transparent (else colour 0) where the frame does not reach.
  StoredImage first_frame() {
    if (DGifGetImageHeader(gif_.get()) == GIF_ERROR) fail();
    const GifImageDesc& frame = gif_->Image;
    if (frame.Left < 0 || frame.Top < 0 || frame.Width < 1 || frame.Height < 1) fail();
    const auto width = static_cast<uint64_t>(std::max(gif_->SWidth, frame.Left + frame.Width));
    const auto height = static_cast<uint64_t>(std::max(gif_->SHeight, frame.Top + frame.Height));
    Image indices = make_checked_image(width, height, 1, name_, limits_);
    std::fill(indices.pixels.begin(), indices.pixels.end(), transparent_ < 0 ? 0 : static_cast<uint8_t>(transparent_));
    read_rows(frame, indices);
    return look_up(std::move(indices), colours());
  }

  std::string_view rest_;
  size_t size_;
  const std::string& name_;
  const DecodeLimits& limits_;
  std::unique_ptr<GifFileType, GifCloser> gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

}  // namespace

bool is_gif(std::string_view bytes) { return bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a"); }

StoredImage decode_gif(std::string_view bytes, const std::string& name, const DecodeLimits& limits) {
  return GifReader(bytes, name, limits).read();
}

}  // namespace noisescope::io
