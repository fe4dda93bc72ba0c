#include "noisescope/io/stored_image.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/resize.h"

namespace noisescope {
namespace {

using Bytes = std::vector<uint8_t>;

StoredImage row_of(PixelMode mode, int64_t channels, Bytes pixels) {
  const auto width = static_cast<int64_t>(pixels.size()) / channels;
  return {.image = {.width = width, .height = 1, .channels = channels, .pixels = std::move(pixels)},
          .mode = mode,
          .orientation = 1};
}

TEST(StoredImage, BecomesRgbAsByPillow) {
  EXPECT_EQ(to_rgb(row_of(PixelMode::gray, 1, {7})).pixels, (Bytes{7, 7, 7}));
  EXPECT_EQ(to_rgb(row_of(PixelMode::grey_alpha, 2, {7, 0})).pixels, (Bytes{7, 7, 7}));
  EXPECT_EQ(to_rgb(row_of(PixelMode::rgba, 4, {1, 2, 3, 0})).pixels, (Bytes{1, 2, 3}));
  // light = 255 - K = 155; 155 - 155 * 51 / 255 = 124.
  EXPECT_EQ(to_rgb(row_of(PixelMode::cmyk, 4, {0, 51, 255, 100})).pixels, (Bytes{155, 124, 0}));
  // 16-bit gray 300 = 0x012C: Pillow cuts it off, the data loader keeps its high byte.
  EXPECT_EQ(to_rgb(row_of(PixelMode::grey16, 2, {1, 0x2C, 0, 44})).pixels, (Bytes{255, 255, 255, 44, 44, 44}));
  EXPECT_EQ(to_rgb_scaled(row_of(PixelMode::grey16, 2, {1, 0x2C})).pixels, (Bytes{1, 1, 1}));
}

TEST(StoredImage, PalettesAreResizedByTheNearestPixel) {
  const StoredImage four = row_of(PixelMode::bilevel, 1, {0, 255, 0, 255});
  EXPECT_EQ(resize_stored(four, 2, 1).image.pixels, (Bytes{255, 255}));  // positions 1 and 3
  EXPECT_EQ(resize_stored(four, 8, 2).image.pixels,
            (Bytes{0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255}));
}

TEST(StoredImage, ColoursUnderNoAlphaDoNotBleed) {
  const StoredImage pair = row_of(PixelMode::rgba, 4, {200, 0, 0, 255, 0, 0, 255, 0});
  const Bytes one = resize_stored(pair, 1, 1).image.pixels;
  EXPECT_EQ(one[0], 199);  // 100 of 128: rounded twice
  EXPECT_EQ(one[2], 0);
  EXPECT_EQ(one[3], 128);
  EXPECT_EQ(resize_stored(pair, 2, 1).image.pixels, pair.image.pixels);  // no way through alpha
}

TEST(StoredImage, SixteenBitsAreResizedWhole) {
  const StoredImage pair = row_of(PixelMode::grey16, 2, {0x10, 0x00, 0x20, 0x02});
  EXPECT_EQ(resize_stored(pair, 1, 1).image.pixels, (Bytes{0x18, 0x01}));
  // The cubic overshoots the end of the range: Pillow 13 gives 65535 here.
  const StoredImage edge = row_of(PixelMode::grey16, 2, {0xEC, 0xEC, 0x1B, 0x1B});
  const Bytes wide = resize_stored(edge, 224, 1).image.pixels;
  EXPECT_EQ(wide[0], 0xFF);
  EXPECT_EQ(wide[1], 0xFF);
  EXPECT_THROW(resize_bicubic_16(pair.image, 0, 1), ValueError);
  EXPECT_THROW(resize_stored(pair, 0, 1), ValueError);
}

// The eight orientations of EXIF 2.32, 4.6.4: where row 0 and column 0 of the file are seen.
TEST(StoredImage, IsTurnedUpright) {
  const Bytes expected[] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                            {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    StoredImage stored;
    stored.mode = PixelMode::gray;
    stored.image = {.width = 3, .height = 2, .channels = 1, .pixels = {1, 2, 3, 4, 5, 6}};
    stored.orientation = orientation;
    const StoredImage upright = turned_upright(stored);
    EXPECT_EQ(upright.image.pixels, expected[orientation - 1]) << orientation;
    EXPECT_EQ(upright.image.width, orientation < 5 ? 3 : 2) << orientation;
    EXPECT_EQ(upright.orientation, 1);
  }
}

TEST(StoredImage, CropsStayInside) {
  const Image image{.width = 3, .height = 2, .channels = 1, .pixels = {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(crop(image, 1, 0, 2, 2).pixels, (Bytes{2, 3, 5, 6}));
  EXPECT_THROW(crop(image, 2, 0, 2, 2), ValueError);
  EXPECT_THROW(crop(image, -1, 0, 2, 2), ValueError);
}

}  // namespace
}  // namespace noisescope
