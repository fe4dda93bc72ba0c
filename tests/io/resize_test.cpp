#include "noisescope/io/resize.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"

namespace noisescope {
namespace {

Image image_of(const Tensor& pixels) {
  Image image;
  image.height = pixels.size(0);
  image.width = pixels.size(1);
  image.channels = pixels.size(2);
  const auto* data = pixels.const_data_ptr<uint8_t>();
  image.pixels.assign(data, data + pixels.numel());
  return image;
}

/// One channel whose value is its position: x + 16 * y.
Image numbered(int64_t width, int64_t height) {
  Image image{.width = width, .height = height, .channels = 1, .pixels = {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) image.pixels.push_back(static_cast<uint8_t>(x + 16 * y));
  }
  return image;
}

TEST(Resize, IsPillowsBicubicBitForBit) {
  const TensorFile golden = read_safetensors(NOISESCOPE_SOURCE_DIR "/tests/golden/resize.safetensors");
  int cases = 0;
  for (const auto& [name, tensor] : golden.tensors) {
    if (!name.ends_with(".input")) continue;
    const Image expected = image_of(golden.at(name.substr(0, name.size() - 6) + ".output"));
    const Image resized = resize_bicubic(image_of(tensor), expected.width, expected.height);
    EXPECT_EQ(resized.width, expected.width) << name;
    EXPECT_EQ(resized.height, expected.height) << name;
    EXPECT_EQ(resized.pixels, expected.pixels) << name;
    ++cases;
  }
  EXPECT_EQ(cases, 13);
}

TEST(Resize, KeepsConstantImagesAndEqualSizes) {
  Image image{.width = 7, .height = 5, .channels = 3, .pixels = {}};
  image.pixels.assign(7 * 5 * 3, 201);
  for (const int64_t size : {1, 4, 5, 30}) {
    for (const uint8_t value : resize_bicubic(image, size, size + 1).pixels) EXPECT_EQ(value, 201);
  }
  const Image same = numbered(9, 4);
  EXPECT_EQ(resize_bicubic(same, 9, 4).pixels, same.pixels);
}

TEST(Resize, ShortestSideTruncatesTheLonger) {
  const auto sizes = [](int64_t width, int64_t height, int64_t side) {
    const Image image = resize_shortest_side(numbered(width, height), side);
    return std::make_pair(image.width, image.height);
  };
  EXPECT_EQ(sizes(16, 15, 8), std::make_pair(int64_t{8}, int64_t{8}));   // 8 * 16 / 15 = 8.53
  EXPECT_EQ(sizes(10, 15, 7), std::make_pair(int64_t{7}, int64_t{10}));  // 10.5
  EXPECT_EQ(sizes(4, 4, 9), std::make_pair(int64_t{9}, int64_t{9}));
}

TEST(Resize, CentreCropRoundsHalvesToEven) {
  // (size - crop) / 2 = 0.5, 1.5, 2.5 begin at 0, 2, 2.
  EXPECT_EQ(center_crop(numbered(5, 4), 4, 4).pixels[0], 0);
  EXPECT_EQ(center_crop(numbered(7, 4), 4, 4).pixels[0], 2);
  EXPECT_EQ(center_crop(numbered(9, 4), 4, 4).pixels[0], 2);
  EXPECT_EQ(center_crop(numbered(4, 7), 4, 4).pixels[0], 32);
  const Image middle = center_crop(numbered(6, 6), 2, 2);
  EXPECT_EQ(middle.pixels, (std::vector<uint8_t>{34, 35, 50, 51}));
  EXPECT_THROW(center_crop(numbered(3, 9), 4, 4), ValueError);
  const Image square = resize_and_crop(numbered(16, 9), 6);
  EXPECT_EQ(square.width, 6);
  EXPECT_EQ(square.height, 6);
}

TEST(Resize, RefusesEmptySizes) {
  EXPECT_THROW(resize_bicubic(numbered(3, 3), 0, 3), ValueError);
  EXPECT_THROW(resize_bicubic(Image{}, 3, 3), ValueError);
  EXPECT_THROW(resize_shortest_side(numbered(3, 3), -1), ValueError);
}

}  // namespace
}  // namespace noisescope
