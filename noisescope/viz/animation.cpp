#include "noisescope/viz/animation.h"

#include <cgif.h>
#include <webp/encode.h>
#include <webp/mux.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

int64_t delay_ms(const AnimationOptions& o, size_t frame, size_t count) {
  return frame + 1 == count ? o.last_frame_ms : o.frame_ms;
}

// --- GIF ---------------------------------------------------------------------------------------

/// Colours reduced to 5 bits a channel: the cells that the palette is made of.
constexpr size_t kCells = size_t{1} << 15;

size_t cell_of(const uint8_t* rgb) {
  return static_cast<size_t>(rgb[0] >> 3) << 10 | static_cast<size_t>(rgb[1] >> 3) << 5 |
         static_cast<size_t>(rgb[2] >> 3);
}

struct ColorCell {
  std::array<double, 3> mean{};
  double weight = 0;
};

/// Median cut (Heckbert 1982): the box with the largest spread is halved at its weighted median.
class MedianCut {
 public:
  explicit MedianCut(const std::vector<Image>& frames) : cells_(kCells), index_(kCells, 0) {
    for (const Image& frame : frames) count(frame);
    for (size_t c = 0; c < kCells; ++c) {
      if (cells_[c].weight == 0) continue;
      for (double& v : cells_[c].mean) v /= cells_[c].weight;
      used_.push_back(c);
    }
    split();
  }

  const std::vector<uint8_t>& palette() const { return palette_; }
  uint8_t index(const uint8_t* rgb) const { return index_[cell_of(rgb)]; }

 private:
  struct Box {
    size_t begin, end;
    size_t axis;
    double spread;
  };

  void count(const Image& frame) {
    for (size_t p = 0; p + 2 < frame.pixels.size(); p += 3) {
      ColorCell& cell = cells_[cell_of(&frame.pixels[p])];
      for (size_t k = 0; k < 3; ++k) cell.mean[k] += frame.pixels[p + k];
      ++cell.weight;
    }
  }

  Box box(size_t begin, size_t end) const {
    Box result{begin, end, 0, -1};
    for (size_t k = 0; k < 3; ++k) {
      double low = 256, high = -1;
      for (size_t i = begin; i < end; ++i) {
        low = std::min(low, cells_[used_[i]].mean[k]);
        high = std::max(high, cells_[used_[i]].mean[k]);
      }
      if (high - low > result.spread) result = {begin, end, k, high - low};
    }
    return result;
  }

  void split() {
    std::vector<Box> boxes = {box(0, used_.size())};
    while (boxes.size() < 256) {
      const auto widest = std::max_element(boxes.begin(), boxes.end(), [](auto& a, auto& b) {
        return a.spread < b.spread;
      });
      if (widest->spread <= 0) break;
      const Box old = *widest;
      std::sort(used_.begin() + static_cast<long>(old.begin),
                used_.begin() + static_cast<long>(old.end), [&](size_t a, size_t b) {
                  return cells_[a].mean[old.axis] < cells_[b].mean[old.axis];
                });
      const size_t middle = median(old);
      *widest = box(old.begin, middle);
      boxes.push_back(box(middle, old.end));
    }
    for (const Box& b : boxes) add_color(b);
  }

  size_t median(const Box& b) const {
    double total = 0, sum = 0;
    for (size_t i = b.begin; i < b.end; ++i) total += cells_[used_[i]].weight;
    for (size_t i = b.begin; i + 1 < b.end; ++i) {
      sum += cells_[used_[i]].weight;
      if (2 * sum >= total) return i + 1;
    }
    return b.end - 1;
  }

  void add_color(const Box& b) {
    std::array<double, 3> sum{};
    double weight = 0;
    for (size_t i = b.begin; i < b.end; ++i) {
      const ColorCell& cell = cells_[used_[i]];
      for (size_t k = 0; k < 3; ++k) sum[k] += cell.mean[k] * cell.weight;
      weight += cell.weight;
      index_[used_[i]] = static_cast<uint8_t>(palette_.size() / 3);
    }
    for (const double s : sum) palette_.push_back(static_cast<uint8_t>(s / weight + 0.5));
  }

  std::vector<ColorCell> cells_;
  std::vector<uint8_t> index_;
  std::vector<size_t> used_;
  std::vector<uint8_t> palette_;
};

int append_bytes(void* out, const uint8_t* data, const size_t size) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), size);
  return 0;
}

std::string encode_gif(const std::vector<Image>& frames, const AnimationOptions& options) {
  const MedianCut colors(frames);
  std::vector<uint8_t> palette = colors.palette();
  std::string out;
  CGIF_Config config{};
  config.width = static_cast<uint16_t>(frames.front().width);
  config.height = static_cast<uint16_t>(frames.front().height);
  config.pGlobalPalette = palette.data();
  config.numGlobalPaletteEntries = static_cast<uint16_t>(palette.size() / 3);
  config.attrFlags = CGIF_ATTR_IS_ANIMATED;
  config.pWriteFn = append_bytes;
  config.pContext = &out;
  CGIF* gif = cgif_newgif(&config);
  bool good = gif != nullptr;
  for (size_t k = 0; good && k < frames.size(); ++k) {
    std::vector<uint8_t> indices;
    for (size_t p = 0; p < frames[k].pixels.size(); p += 3) {
      indices.push_back(colors.index(&frames[k].pixels[p]));
    }
    CGIF_FrameConfig frame{};
    frame.pImageData = indices.data();
    frame.delay = static_cast<uint16_t>(delay_ms(options, k, frames.size()) / 10);
    frame.genFlags = CGIF_FRAME_GEN_USE_DIFF_WINDOW;
    good = cgif_addframe(gif, &frame) == CGIF_OK;
  }
  if (gif != nullptr) good = cgif_close(gif) == CGIF_OK && good;
  if (!good) throw IoError("[viz.encode_animation] expected to encode a GIF, got an encoder error");
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
  put_u32(out, static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                           static_cast<uInt>(body.size()))));
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
  put_u32(control, 0);  // for ever
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
      WebPAnimEncoderNew(static_cast<int>(frames.front().width),
                         static_cast<int>(frames.front().height), &settings),
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
    throw IoError("[viz.encode_animation] expected to encode a WebP, got an encoder error");
  }
  const std::string out(reinterpret_cast<const char*>(data.bytes), data.size);
  WebPDataClear(&data);
  return out;
}

void check(const std::vector<Image>& frames) {
  if (frames.empty()) throw ValueError("[viz.encode_animation] expected frames, got none");
  for (const Image& frame : frames) {
    if (frame.width != frames.front().width || frame.height != frames.front().height ||
        frame.channels != 3 || frame.width > 65535 || frame.height > 65535) {
      throw ValueError("[viz.encode_animation] expected RGB frames of one size below 65536 px, got " +
                       std::to_string(frame.width) + " x " + std::to_string(frame.height) +
                       " with " + std::to_string(frame.channels) + " channels");
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
  throw ValueError("[viz.encode_animation] expected gif, apng or webp, got '" + format + "'");
}

void write_animation(const std::filesystem::path& path, const std::vector<Image>& frames,
                     const AnimationOptions& options) {
  const std::string extension = path.extension().string();
  write_file_atomic(path, encode_animation(extension.empty() ? "" : extension.substr(1), frames,
                                           options));
}

}  // namespace noisescope
