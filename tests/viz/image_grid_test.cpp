#include "noisescope/viz/image_grid.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/viz/canvas.h"

namespace noisescope {
namespace {

constexpr int64_t kGap = 14;

Rgb pixel(const Image& image, int64_t y, int64_t x) {
  const uint8_t* p = image.at(y, x);
  return {p[0], p[1], p[2]};
}

/// `count` pictures of one gray each: -1, -0.5, ... (levels 0, 64, 128, ...)
Tensor greys(int64_t count, int64_t side = 8) {
  return (torch::arange(count) * 0.5 - 1).view({count, 1, 1, 1}).expand({count, 3, side, side});
}

/// How many pixels of a rectangle are not white.
int64_t inked(const Image& image, int64_t x, int64_t y, int64_t width, int64_t height) {
  int64_t count = 0;
  for (int64_t row = y; row < std::min(image.height, y + height); ++row) {
    for (int64_t column = x; column < std::min(image.width, x + width); ++column) {
      count += pixel(image, row, column) != Ink::kPaper;
    }
  }
  return count;
}

TEST(ImageGrid, PutsPicturesInReadingOrder) {
  const Image grid = image_grid(greys(4), {}, {.columns = 3, .scale = 2});
  ASSERT_EQ(grid.width, kGap + 3 * (16 + kGap));
  ASSERT_EQ(grid.height, kGap + 2 * (16 + kGap));
  for (int64_t k = 0; k < 4; ++k) {
    const int64_t x = kGap + (k % 3) * (16 + kGap), y = kGap + (k / 3) * (16 + kGap);
    const auto level = static_cast<uint8_t>(k == 0 ? 0 : k == 1 ? 64 : k == 2 ? 128 : 191);
    for (const int64_t d : {0, 15}) {
      EXPECT_EQ(pixel(grid, y + d, x + d), (Rgb{level, level, level})) << k;
    }
    EXPECT_EQ(pixel(grid, y - 1, x), Ink::kPaper);
    EXPECT_EQ(pixel(grid, y, x + 16), Ink::kPaper);
  }
}

TEST(ImageGrid, PutsEachGroupOnRowsOfItsOwn) {
  // 4 groups of 3: as square as possible is 4 columns, so a group takes one row of 3.
  const Tensor images = (torch::arange(12) / 6.0 - 1).view({12, 1, 1, 1}).expand({12, 3, 8, 8});
  const Image grid = image_grid(images, {}, {.scale = 2, .group = 3});
  EXPECT_EQ(grid.width, kGap + 3 * (16 + kGap));
  EXPECT_EQ(grid.height, kGap + 4 * (16 + kGap));
  // 2 groups of 5 in 2 columns: 3 rows each, the last place of a group stays empty.
  const Image rows = image_grid(images.slice(0, 0, 10), {}, {.columns = 2, .scale = 2, .group = 5});
  EXPECT_EQ(rows.height, kGap + 6 * (16 + kGap));
  const auto y = [](int64_t row) { return kGap + row * (16 + kGap); };
  EXPECT_NE(pixel(rows, y(2), kGap), Ink::kPaper);
  EXPECT_EQ(pixel(rows, y(2), kGap + 16 + kGap), Ink::kPaper);
  EXPECT_EQ(pixel(rows, y(3), kGap).r, 106);  // picture 5
  // 2 groups of 6: rows of 3 rather than of 4 and 2.
  EXPECT_EQ(image_grid(images, {}, {.scale = 2, .group = 6}).width, kGap + 3 * (16 + kGap));
}

TEST(ImageGrid, IsSquareAndAbout128PixelsAPictureByDefault) {
  const Image grid = image_grid(greys(9, 32));
  EXPECT_EQ(grid.width, kGap + 3 * (128 + kGap));
  EXPECT_EQ(grid.height, grid.width);
  EXPECT_EQ(image_grid(greys(2, 32)).height, kGap + 128 + kGap);
}

TEST(ImageGrid, WritesCaptionsBelowTheirPictures) {
  const Tensor white = torch::ones({2, 1, 64, 64});
  const Image grid = image_grid(white, {"a red circle", ""}, {.columns = 2, .scale = 1});
  EXPECT_GT(inked(grid, kGap, kGap + 64, 64, 60), 20);
  EXPECT_EQ(inked(grid, kGap + 64 + kGap, kGap + 64, 64, 60), 0);
}

TEST(ImageGrid, LimitsCaptionsToTheirLines) {
  const Tensor white = torch::ones({1, 1, 64, 64});
  const std::string long_caption(300, 'm');
  const int64_t one = image_grid(white, {"m"}, {.scale = 1}).height;
  const int64_t three = image_grid(white, {long_caption}, {.scale = 1, .caption_lines = 3}).height;
  EXPECT_EQ(three - one, 2 * line_height({.size_px = 13}));
}

TEST(ImageGrid, WritesTheTitleAboveThePictures) {
  const Tensor white = torch::ones({1, 1, 64, 64});
  const Image plain = image_grid(white, {}, {.scale = 1});
  const Image titled = image_grid(white, {}, {.scale = 1}, {}, "Samples");
  EXPECT_EQ(inked(plain, 0, 0, plain.width, plain.height), 0);
  EXPECT_GT(titled.height, plain.height);
  EXPECT_GT(inked(titled, 0, 0, titled.width, titled.height - kGap - 64), 20);
}

TEST(ImageGrid, TellsMarksByColourThicknessAndSign) {
  const Tensor white = torch::ones({3, 1, 64, 64});
  const Image grid = image_grid(white, {}, {.columns = 3, .scale = 1}, {Mark::right, Mark::wrong, Mark::none});
  const auto left = [](int64_t k) { return kGap + k * (64 + kGap); };
  const Rgb right = pixel(grid, kGap + 30, left(0) - 1), wrong = pixel(grid, kGap + 30, left(1) - 1);
  EXPECT_EQ(hex_colour(right), "#009e73");
  EXPECT_EQ(hex_colour(wrong), "#d55e00");
  EXPECT_EQ(pixel(grid, kGap + 30, left(0) - 3), Ink::kPaper);  // 2 px
  EXPECT_EQ(pixel(grid, kGap + 30, left(1) - 4), wrong);        // 4 px
  EXPECT_EQ(inked(grid, left(2) - 5, 0, 74, grid.height), 0);
  // The signs differ besides their colour: what is white inside of the badge.
  const auto sign = [&](int64_t k, Rgb color) {
    std::vector<bool> out;
    for (int64_t y = 0; y < 15; ++y) {
      for (int64_t x = 0; x < 15; ++x) out.push_back(pixel(grid, kGap + y, left(k) + 49 + x) == color);
    }
    return out;
  };
  EXPECT_NE(sign(0, right), sign(1, wrong));
}

TEST(ImageGrid, ShowsValuesThatAreNotFiniteAsGray) {
  const Image grid = image_grid(torch::full({1, 3, 2, 2}, std::nan("")), {}, {.scale = 4});
  EXPECT_EQ(pixel(grid, kGap + 3, kGap + 3), (Rgb{128, 128, 128}));
}

TEST(ImageGrid, RefusesOtherShapes) {
  for (const Tensor& bad : {torch::zeros({3, 8, 8}), torch::zeros({1, 2, 8, 8}), Tensor(), torch::zeros({1, 3, 0, 0}),
                            torch::zeros({1, 3, 8, 0})}) {
    EXPECT_THROW(image_grid(bad), ShapeError);
  }
}

TEST(ImageGrid, RefusesOtherCountsOfCaptionsMarksAndImages) {
  EXPECT_THROW(image_grid(greys(3), {"one", "two"}), ValueError);
  EXPECT_THROW(image_grid(greys(2), {}, {}, {Mark::right}), ValueError);
  EXPECT_THROW(image_grid(torch::zeros({0, 3, 8, 8})), ValueError);
}

}  // namespace
}  // namespace noisescope
