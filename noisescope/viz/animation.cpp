#include "noisescope/viz/animation.h"

#include <cgif.h>
#include <webp/encode.h>
#include <webp/mux.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/viz/palette.h"

namespace noisescope::viz {
namespace {

int64_t delay_ms(const AnimationOptions& o, size_t frame, size_t count) {
  return frame + 1 == count ? o.last_frame_ms : o.frame_ms;
}

// --- GIF ---------------------------------------------------------------------------------------

int append_bytes(void* out, const uint8_t* data, const size_t size) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), size);
  return 0;
}

/// Closes an encoder that an error left open.
struct GifCloser {
  void operator()(CGIF* gif) const { cgif_close(gif); }
};

[[noreturn]] void encoder_failed(const char* format) {
  throw IoError(std::string("[viz.encode_animation] expected to encode ") + format +
                ", got an error of its encoder; write fewer or smaller frames");
}

void add_gif_frame(CGIF* gif, const Image& image, const Palette& palette, bool local, int64_t ms, bool dither) {
  std::vector<uint8_t> indices = palette.indices(image, dither), colors = palette.colors();
  CGIF_FrameConfig frame{};
  frame.pImageData = indices.data();
  frame.delay = static_cast<uint16_t>(std::min<int64_t>((ms + 5) / 10, 65535));
  frame.genFlags = CGIF_FRAME_GEN_USE_DIFF_WINDOW;
  if (local) {
    frame.attrFlags = CGIF_FRAME_ATTR_USE_LOCAL_TABLE;
    frame.pLocalPalette = colors.data();
    frame.numLocalPaletteEntries = static_cast<uint16_t>(palette.size());
  }
  if (cgif_addframe(gif, &frame) != CGIF_OK) encoder_failed("GIF");
}

std::string encode_gif(const std::vector<Image>& frames, const AnimationOptions& options) {
  std::vector<const Image*> pointers;
  for (const Image& frame : frames) pointers.push_back(&frame);
  const bool shared = options.gif_palette == GifPalette::shared;
  const Palette palette = shared ? Palette(pointers) : Palette({pointers.front()});
  std::vector<uint8_t> colors = palette.colors();
  std::string out;
  CGIF_Config config{};
  config.width = static_cast<uint16_t>(frames.front().width);
  config.height = static_cast<uint16_t>(frames.front().height);
  config.attrFlags = CGIF_ATTR_IS_ANIMATED | (shared ? 0 : CGIF_ATTR_NO_GLOBAL_TABLE);
  config.pGlobalPalette = shared ? colors.data() : nullptr;
  config.numGlobalPaletteEntries = static_cast<uint16_t>(shared ? palette.size() : 0);
  config.pWriteFn = append_bytes;
  config.pContext = &out;
  std::unique_ptr<CGIF, GifCloser> gif(cgif_newgif(&config));
  if (gif == nullptr) encoder_failed("GIF");
  for (size_t k = 0; k < frames.size(); ++k) {
    const int64_t ms = delay_ms(options, k, frames.size());
    if (shared) {
      add_gif_frame(gif.get(), frames[k], palette, false, ms, options.gif_dither);
    } else {
      add_gif_frame(gif.get(), frames[k], Palette({&frames[k]}), true, ms, options.gif_dither);
    }
  }
  if (cgif_close(gif.release()) != CGIF_OK) encoder_failed("GIF");
  return out;
}

// --- APNG (wiki.mozilla.org/APNG_Specification) ------------------------------------------------

void put_u32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void put_u16(std::string& out, uint32_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

uint32_t get_u32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t k = 0; k < 4; ++k) value = value << 8 | static_cast<uint8_t>(bytes[at + k]);
  return value;
}

std::string chunk(const std::string& type, const std::string& data) {
  std::string out;
  put_u32(out, static_cast<uint32_t>(data.size()));
  const std::string body = type + data;
  out += body;
  put_u32(out,
          static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
  return out;
}

/// The image data of a PNG: its IDAT chunks joined.
std::string image_data(const std::string& png) {
  std::string data;
  for (size_t at = 8; at + 12 <= png.size();) {
    const uint32_t size = get_u32(png, at);
    if (png.compare(at + 4, 4, "IDAT") == 0) data += png.substr(at + 8, size);
    at += 12 + size;
  }
  return data;
}

std::string frame_control(uint32_t sequence, const Image& frame, int64_t ms) {
  std::string data;
  put_u32(data, sequence);
  put_u32(data, static_cast<uint32_t>(frame.width));
  put_u32(data, static_cast<uint32_t>(frame.height));
  put_u32(data, 0);
  put_u32(data, 0);
  put_u16(data, static_cast<uint32_t>(ms));
  put_u16(data, 1000);
  return chunk("fcTL", data + std::string(2, '\0'));  // dispose none, blend source
}

std::string encode_apng(const std::vector<Image>& frames, const AnimationOptions& options) {
  const std::string first = encode_png(frames.front());
  std::string control;
  put_u32(control, static_cast<uint32_t>(frames.size()));
  put_u32(control, 0);                   // for ever
  constexpr size_t kHeaderEnd = 8 + 25;  // signature and IHDR
  std::string out = first.substr(0, kHeaderEnd) + chunk("acTL", control);
  uint32_t sequence = 0;
  for (size_t k = 0; k < frames.size(); ++k) {
    out += frame_control(sequence++, frames[k], delay_ms(options, k, frames.size()));
    const std::string data = image_data(k == 0 ? first : encode_png(frames[k]));
    if (k == 0) {
      out += chunk("IDAT", data);
    } else {
      std::string numbered;
      put_u32(numbered, sequence++);
      out += chunk("fdAT", numbered + data);
    }
  }
  return out + chunk("IEND", "");
}

// --- WebP --------------------------------------------------------------------------------------

std::string encode_webp(const std::vector<Image>& frames, const AnimationOptions& options) {
  WebPAnimEncoderOptions settings;
  WebPConfig config;
  WebPAnimEncoderOptionsInit(&settings);
  WebPConfigInit(&config);
  config.lossless = 1;
  config.exact = 1;
  const std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder(
      WebPAnimEncoderNew(static_cast<int>(frames.front().width), static_cast<int>(frames.front().height), &settings),
      WebPAnimEncoderDelete);
  int64_t time = 0;
  bool good = encoder != nullptr;
  for (size_t k = 0; good && k < frames.size(); ++k) {
    WebPPicture picture;
    WebPPictureInit(&picture);
    picture.use_argb = 1;
    picture.width = static_cast<int>(frames[k].width);
    picture.height = static_cast<int>(frames[k].height);
    good = WebPPictureImportRGB(&picture, frames[k].pixels.data(), 3 * picture.width) &&
           WebPAnimEncoderAdd(encoder.get(), &picture, static_cast<int>(time), &config);
    WebPPictureFree(&picture);
    time += delay_ms(options, k, frames.size());
  }
  good = good && WebPAnimEncoderAdd(encoder.get(), nullptr, static_cast<int>(time), nullptr);
  WebPData data{};
  if (!good || !WebPAnimEncoderAssemble(encoder.get(), &data)) {
    encoder_failed("WebP");
  }
  const std::string out(reinterpret_cast<const char*>(data.bytes), data.size);
  WebPDataClear(&data);
  return out;
}

void check(const std::vector<Image>& frames) {
  if (frames.empty()) throw ValueError("[viz.encode_animation] expected frames, got none");
  for (const Image& frame : frames) {
    if (frame.width != frames.front().width || frame.height != frames.front().height || frame.channels != 3 ||
        frame.width < 1 || frame.height < 1 || frame.width > 65535 || frame.height > 65535 ||
        static_cast<int64_t>(frame.pixels.size()) != 3 * frame.width * frame.height) {
      throw ValueError(
          format_text("[viz.encode_animation] expected RGB frames of one size of 1 .. 65535 px, "
                      "got {} x {} with {} channels and {} bytes",
                      frame.width, frame.height, frame.channels, frame.pixels.size()));
    }
  }
}

}  // namespace

std::string encode_animation(const std::string& format, const std::vector<Image>& frames,
                             const AnimationOptions& options) {
  check(frames);
  if (format == "gif") return encode_gif(frames, options);
  if (format == "apng" || format == "png") return encode_apng(frames, options);
  if (format == "webp") return encode_webp(frames, options);
  throw ValueError(
      "[viz.encode_animation] expected the format (the extension of the file) "
      "to be gif, apng, png or webp, got '" +
      format + "'");
}

void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames,
                     const AnimationOptions& options) {
  const std::string extension = path.extension().string();
  write_file_atomic(path, encode_animation(extension.empty() ? "" : extension.substr(1), frames, options));
}

}  // namespace noisescope::viz
