// Moving pictures. Their pixels are checked by animation_oracle.py, which calls AnimationFiles.*
// with a folder to use; here: structure, times, palettes and what is refused.
#include "noisescope/viz/animation.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/viz/palette.h"

namespace noisescope {
namespace {

Image blank(int64_t width, int64_t height, uint8_t level = 200) {
  return {.width = width,
          .height = height,
          .channels = 3,
          .pixels = std::vector<uint8_t>(static_cast<size_t>(3 * width * height), level)};
}

/// A gradient with many colours and a block that moves; all frames differ.
Image gradient(int64_t frame, int64_t width = 37, int64_t height = 23) {
  Image image = blank(width, height);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      uint8_t* p = image.at(y, x);
      p[0] = static_cast<uint8_t>(255 * x / (width - 1));
      p[1] = static_cast<uint8_t>(255 * y / (height - 1));
      p[2] = static_cast<uint8_t>(20 * frame);
      if (x / 4 == frame && y > 5 && y < 12) p[0] = 255, p[1] = 250, p[2] = 0;
    }
  }
  return image;
}

/// A few flat colours, as in a drawn figure.
Image flat(int64_t frame) {
  Image image = blank(32, 16, 255);
  for (int64_t y = 3; y < 9; ++y) {
    for (int64_t x = frame; x < frame + 6; ++x) {
      image.at(y, x)[0] = 0, image.at(y, x)[1] = 114, image.at(y, x)[2] = 178;
    }
  }
  return image;
}

std::vector<Image> gradients(int64_t count) {
  std::vector<Image> out;
  for (int64_t k = 0; k < count; ++k) out.push_back(gradient(k));
  return out;
}

/// Of 0 .. 255 in reading order.
Image grey_ramp() {
  Image image = blank(16, 16);
  for (size_t p = 0; p < image.pixels.size(); ++p) image.pixels[p] = static_cast<uint8_t>(p / 3);
  return image;
}

/// The picture that palette and colour numbers give back.
std::vector<uint8_t> restored(const Palette& palette, const Image& image, bool dither = false) {
  std::vector<uint8_t> out;
  for (const uint8_t index : palette.indices(image, dither)) {
    for (size_t c = 0; c < 3; ++c) out.push_back(palette.colors()[3 * index + c]);
  }
  return out;
}

double mean_error(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(Palette, KeepsPicturesWithFewColoursExactly) {
  const Image drawn = flat(4), ramp = grey_ramp();
  EXPECT_EQ(Palette({&drawn}).size(), 2U);
  EXPECT_EQ(restored(Palette({&drawn}), drawn), drawn.pixels);
  EXPECT_EQ(Palette({&ramp}).size(), 256U);
  EXPECT_EQ(restored(Palette({&ramp}), ramp), ramp.pixels);
  EXPECT_EQ(restored(Palette({&ramp}), ramp, true), ramp.pixels);
  EXPECT_EQ(restored(Palette({&ramp, &drawn}), drawn), drawn.pixels);
}

TEST(Palette, HoldsNoMoreThanItsColoursAndComesClose) {
  const Image image = gradient(3, 64, 64);
  double last = 1e9;
  for (const size_t colors : {4, 16, 64, 256}) {
    const Palette palette({&image}, colors);
    EXPECT_LE(palette.size(), colors);
    EXPECT_GT(palette.size(), colors / 2);
    const double error = mean_error(restored(palette, image), image.pixels);
    EXPECT_LT(error, last);
    last = error;
  }
  EXPECT_LT(last, 6);  // 256 colours for a plane of 255 x 255: cells of 16 x 16
}

TEST(Palette, DitheringKeepsTheMeanOfAnArea) {
  Image image = blank(32, 32);
  for (size_t p = 0; p < image.pixels.size(); ++p) image.pixels[p] = p < 1536 ? 0 : 255;
  const Palette black_and_white({&image});
  const Image gray = blank(32, 32, 100);
  EXPECT_EQ(restored(black_and_white, gray), blank(32, 32, 0).pixels);
  double sum = 0;
  for (const uint8_t v : restored(black_and_white, gray, true)) sum += v;
  EXPECT_NEAR(sum / (3 * 32 * 32), 100, 6);
}

TEST(Palette, RefusesNoPicturesAndOtherChannels) {
  EXPECT_THROW(Palette({}), ValueError);
  const Image gray{.width = 1, .height = 1, .channels = 1, .pixels = {1}};
  EXPECT_THROW(Palette({&gray}), ValueError);
}

TEST(Animation, HasTheSignatureOfItsFormat) {
  const std::vector<Image> frames = gradients(3);
  EXPECT_TRUE(encode_animation("gif", frames).starts_with("GIF89a"));
  EXPECT_TRUE(encode_animation("apng", frames).starts_with("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(encode_animation("png", frames), encode_animation("apng", frames));
  const std::string webp = encode_animation("webp", frames);
  EXPECT_EQ(webp.substr(0, 4) + webp.substr(8, 4), "RIFFWEBP");
}

TEST(Animation, IsTheSameForTheSameFrames) {
  for (const char* format : {"gif", "apng", "webp"}) {
    EXPECT_EQ(encode_animation(format, gradients(3)), encode_animation(format, gradients(3))) << format;
  }
}

TEST(Animation, ApngShowsItsFirstFrameToDecodersOfPng) {
  const std::vector<Image> frames = gradients(3);
  EXPECT_EQ(decode_image(encode_animation("apng", frames), "film.apng").pixels, frames[0].pixels);
}

TEST(Animation, IsWrittenInTheFormatOfTheExtension) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "animation";
  const std::vector<Image> frames = gradients(2);
  for (const std::string name : {"gif", "apng", "png", "webp"}) {
    write_animation(folder / ("film." + name), frames);
    EXPECT_EQ(read_file(folder / ("film." + name)), encode_animation(name, frames)) << name;
  }
  for (const char* name : {"film.mp4", "film", "film."}) {
    EXPECT_THROW(write_animation(folder / name, frames), ValueError) << name;
    EXPECT_FALSE(std::filesystem::exists(folder / name)) << name;
  }
}

TEST(Animation, RefusesFramesThatDoNotMakeAFilm) {
  Image four = blank(8, 8), cut = blank(8, 8);
  four.channels = 4;
  cut.pixels.resize(10);
  for (const char* format : {"gif", "apng", "webp"}) {
    EXPECT_THROW(encode_animation(format, {}), ValueError) << format;
    EXPECT_THROW(encode_animation(format, {blank(8, 8), blank(8, 9)}), ValueError) << format;
    EXPECT_THROW(encode_animation(format, {blank(0, 0)}), ValueError) << format;
    EXPECT_THROW(encode_animation(format, {four}), ValueError) << format;
    EXPECT_THROW(encode_animation(format, {blank(8, 8), cut}), ValueError) << format;
  }
  EXPECT_THROW(encode_animation("webp", {blank(20000, 1)}), IoError);  // WebP ends at 16383 px
}

TEST(AnimationFiles, AreWrittenForTheOracle) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "called by animation_oracle.py";
  const std::filesystem::path folder = root;
  std::vector<Image> drawn;
  for (int64_t k = 0; k < 5; ++k) drawn.push_back(flat(3 * k));
  std::vector<Image> still = gradients(4);
  still[2] = still[1];  // a pause: encoders like to drop such frames
  const std::vector<std::pair<std::string, std::vector<Image>>> films = {{"gradient", gradients(6)},
                                                                         {"drawn", drawn},
                                                                         {"still", still},
                                                                         {"single", {gradient(2)}},
                                                                         {"ramp", {grey_ramp(), blank(16, 16, 7)}},
                                                                         {"plain", {blank(5, 3)}}};
  const AnimationOptions times{.frame_ms = 120, .last_frame_ms = 1500};
  for (const auto& [name, frames] : films) {
    for (size_t k = 0; k < frames.size(); ++k) {
      write_png(folder / name / ("frame_" + std::to_string(k) + ".png"), frames[k]);
    }
    for (const char* file : {"film.apng", "film.gif", "film.webp"}) {
      write_animation(folder / name / file, frames, times);
    }
    AnimationOptions other = times;
    other.gif_palette = GifPalette::per_frame;
    write_animation(folder / name / "per_frame.gif", frames, other);
    other.gif_dither = true;
    write_animation(folder / name / "dithered.gif", frames, other);
  }
  write_animation(folder / "rounded.gif", drawn, {.frame_ms = 128, .last_frame_ms = 1996});
}

}  // namespace
}  // namespace noisescope
