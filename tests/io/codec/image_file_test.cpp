#include "noisescope/io/codec/image_file.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

std::string bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.data_ptr()), static_cast<size_t>(tensor.numel())};
}

const TensorFile& golden() {
  static const TensorFile file = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/image_files.safetensors");
  return file;
}

std::string golden_file(const std::string& name) { return bytes_of(golden().at(name + ".file")); }

std::string text_of(const Image& image) { return {image.pixels.begin(), image.pixels.end()}; }

Image pattern(int64_t width, int64_t height, int64_t channels) {
  Image image{.width = width, .height = height, .channels = channels, .pixels = {}};
  for (int64_t i = 0; i < width * height * channels; ++i) {
    image.pixels.push_back(static_cast<uint8_t>(i * 37 + i / 7));
  }
  return image;
}

std::string image_message(const std::string& bytes, const DecodeLimits& limits = {}) {
  try {
    decode_image(bytes, "a.png", limits);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

TEST(ImageFile, EveryKindDecodesAsInPillow) {
  int cases = 0;
  for (const auto& [name, tensor] : golden().tensors) {
    if (!name.ends_with(".file")) continue;
    const Tensor expected = golden().at(name.substr(0, name.size() - 5) + ".rgb");
    const StoredImage stored = decode_stored(bytes_of(tensor), name);
    const Image image = to_rgb(stored);
    EXPECT_EQ(image.channels, 3) << name;
    EXPECT_EQ(image.height, expected.size(0)) << name;
    EXPECT_EQ(image.width, expected.size(1)) << name;
    EXPECT_EQ(text_of(image), bytes_of(expected)) << name;
    const std::string key = name.substr(0, name.size() - 5);
    EXPECT_EQ(text_of(to_rgb(resize_stored(stored, 9, 5))), bytes_of(golden().at(key + ".small"))) << name;
    EXPECT_EQ(stored.orientation, golden().at(key + ".orientation").item<int64_t>()) << name;
    if (stored.mode != PixelMode::grey16) {  // of which the data loader keeps the high byte
      EXPECT_EQ(decode_image(bytes_of(tensor), name).pixels, to_rgb(turned_upright(stored)).pixels) << name;
    }
    ++cases;
  }
  EXPECT_EQ(cases, 41);
}

TEST(ImageFile, OfAnimationsTheFirstFrameIsTakenAndAllAreCounted) {
  EXPECT_EQ(decode_stored(golden_file("gif_animated"), "a").frames, 3);
  EXPECT_EQ(decode_stored(golden_file("webp_animated"), "a").frames, 2);
  EXPECT_EQ(decode_stored(golden_file("gif"), "a").frames, 1);
  std::string animated = encode_png(pattern(3, 3, 3));
  animated.insert(33, std::string("\0\0\0\x08"
                                  "acTL"
                                  "\0\0\0\x05\0\0\0\0"
                                  "\x60\x37\x09\xe5",
                                  20));
  EXPECT_EQ(decode_stored(animated, "a").frames, 5);
}

TEST(ImageFile, PhotographsOfATurnedCameraStandUpright) {
  for (const char* name : {"jpeg_exif", "png_exif", "webp_exif"}) {
    const Image image = decode_image(golden_file(name), name);
    EXPECT_EQ(image.width, 13) << name;
    EXPECT_EQ(image.height, 21) << name;
  }
}

// Damaged EXIF data are no reason to refuse a picture, nor to turn it.
TEST(ImageFile, OddOrientationsAreNone) {
  std::string jpeg = golden_file("jpeg_exif");
  const size_t tag = jpeg.find(std::string("\x01\x12\x00\x03", 4));
  ASSERT_NE(tag, std::string::npos);
  EXPECT_EQ(decode_stored(jpeg, "a").orientation, 6);
  jpeg[tag + 9] = 9;
  EXPECT_EQ(decode_stored(jpeg, "a").orientation, 1);
  jpeg[tag + 3] = 2;  // a text
  EXPECT_EQ(decode_stored(jpeg, "a").orientation, 1);
  const size_t header = jpeg.find("Exif");
  for (size_t i = 0; i < 4; ++i) jpeg[header + 10 + i] = '\xff';  // the directory lies far outside
  EXPECT_EQ(decode_stored(jpeg, "a").orientation, 1);
}

TEST(ImageFile, EveryTruncationIsDetected) {
  for (const char* name : {"jpeg_420", "jpeg_progressive", "png_rgb", "png_interlaced", "webp_lossy", "webp_lossless",
                           "bmp_rgb", "bmp_4bit"}) {
    const std::string whole = golden_file(name);
    ASSERT_NO_THROW(decode_image(whole, name));
    for (size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(image_message(whole.substr(0, length)), "") << name << ' ' << length;
    }
  }
}

TEST(ImageFile, DamageIsDetected) {
  std::string png = golden_file("png_rgb");
  png[png.size() - 20] = static_cast<char>(png[png.size() - 20] ^ 1);  // in the pixels: checksum
  EXPECT_NE(image_message(png).find("a whole PNG image"), std::string::npos);
  std::string jpeg = golden_file("jpeg_444");
  jpeg[jpeg.size() - 60] = '\xff';  // a marker in the middle of the pixels
  jpeg[jpeg.size() - 59] = '\xd9';
  EXPECT_NE(image_message(jpeg).find("a whole JPEG image"), std::string::npos);
}

TEST(ImageFile, OtherFilesAreNamed) {
  EXPECT_EQ(image_message(""),
            "a.png, byte 0: [io.decode_image] expected a PNG, JPEG, WebP, GIF or BMP image, got an empty file");
  EXPECT_NE(image_message("II*").find("another kind of file"), std::string::npos);
  EXPECT_NE(image_message("GIF89a").find("a whole GIF image"), std::string::npos);
  EXPECT_NE(image_message("BM").find("a whole BMP image"), std::string::npos);
  EXPECT_NE(image_message("\xff\xd8\xff").find("a whole JPEG image"), std::string::npos);
  EXPECT_THROW(read_image("/absent.png"), IoError);
}

/// A PNG of 1 x 1 px whose header claims another size, with the right checksum.
std::string lying_png(uint32_t width, uint32_t height) {
  std::string bytes = encode_png(pattern(1, 1, 3));
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  put(16, width);
  put(20, height);
  uint32_t crc = 0xffffffffu;
  for (size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
  }
  put(29, ~crc);
  return bytes;
}

TEST(ImageFile, LyingSizesAreRefusedBeforeAnythingIsAllocated) {
  EXPECT_NE(image_message(lying_png(8000, 8000)).find("that claim 192000000 of pixels"), std::string::npos);
  EXPECT_NE(image_message(lying_png(0x7fffffff, 0x7fffffff)), "");
  EXPECT_NE(image_message(lying_png(16384, 16384)), "");
  EXPECT_NE(image_message(lying_png(2, 2)).find("a whole PNG image"), std::string::npos);
  std::string jpeg = golden_file("jpeg_420");
  const size_t frame = jpeg.find("\xff\xc0");
  for (size_t i = 5; i < 9; ++i) jpeg[frame + i] = '\x7f';
  EXPECT_NE(image_message(jpeg).find("got 32639 x 32639"), std::string::npos) << image_message(jpeg);
}

TEST(ImageFile, LimitsHold) {
  const std::string bytes = golden_file("png_rgb");  // 21 x 13
  EXPECT_EQ(image_message(bytes, {.max_side_px = 21, .max_pixels = 21 * 13}), "");
  EXPECT_NE(image_message(bytes, {.max_side_px = 20}), "");
  EXPECT_NE(image_message(bytes, {.max_pixels = 21 * 13 - 1}), "");
  EXPECT_EQ(image_message(golden_file("jpeg_progressive")), "");
  EXPECT_NE(image_message(golden_file("jpeg_progressive"), {.max_scans = 2}).find("more than 2 scans"),
            std::string::npos);
}

TEST(ImageFile, PngComesBack) {
  const Image rgb = pattern(33, 17, 3);
  EXPECT_EQ(decode_image(encode_png(rgb), "a").pixels, rgb.pixels);
  const Image gray = pattern(5, 4, 1);
  const Image back = decode_image(encode_png(gray), "a");
  for (size_t i = 0; i < gray.pixels.size(); ++i) EXPECT_EQ(back.pixels[3 * i + 1], gray.pixels[i]);
  const std::string path = ::testing::TempDir() + "noisescope_image.png";
  write_png(path, rgb);
  EXPECT_EQ(read_image(path).pixels, rgb.pixels);
  EXPECT_EQ(encode_png(rgb), encode_png(rgb));
}

TEST(ImageFile, TextIsEmbedded) {
  const std::map<std::string, std::string> text = {
      {"parameters", "{\"seed\": 3}\nline"}, {"prompt", "caf\xc3\xa9"}, {"long", std::string(100'000, 'x')}};
  const std::string bytes = encode_png(pattern(4, 3, 3), text);
  EXPECT_EQ(png_text(bytes, "a"), text);
  EXPECT_EQ(png_text(golden_file("png_rgb"), "a").size(), 0u);
  EXPECT_THROW(png_text("no png", "a"), FormatError);
  EXPECT_THROW(png_text(lying_png(8000, 8000), "a"), FormatError);
}

TEST(ImageFile, RefusesWhatPngCannotHold) {
  EXPECT_THROW(encode_png(pattern(4, 3, 2)), ValueError);
  EXPECT_THROW(encode_png(Image{}), ValueError);
  Image short_image = pattern(4, 3, 3);
  short_image.pixels.pop_back();
  EXPECT_THROW(encode_png(short_image), ValueError);
  EXPECT_THROW(encode_png(pattern(1, 1, 3), {{"", "x"}}), ValueError);
  EXPECT_THROW(encode_png(pattern(1, 1, 3), {{std::string(80, 'k'), "x"}}), ValueError);
}

}  // namespace
}  // namespace noisescope
