// The colours against published formulas that the implementation does not use itself: OKLab from
// RGB (Ottosson 2020), relative luminance (WCAG 2.2) and colour blindness (Machado, Oliveira,
// Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
// severity 1).
#include "noisescope/viz/colormap.h"

#include <gtest/gtest.h>

#include <cmath>

#include "noisescope/core/error.h"
#include "not_finite.h"

namespace noisescope {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

constexpr Matrix kNormal = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
constexpr Matrix kProtanopia = {
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}};
constexpr Matrix kDeuteranopia = {
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}};
constexpr Matrix kTritanopia = {
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}};
constexpr std::array<Matrix, 4> kEyes = {kNormal, kProtanopia, kDeuteranopia, kTritanopia};

Vector times(const Matrix& m, const Vector& v) {
  Vector out{};
  for (size_t i = 0; i < 3; ++i) out[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return out;
}

double linear(uint8_t byte) {
  const double c = byte / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}

Vector linear(Rgb c) { return {linear(c.r), linear(c.g), linear(c.b)}; }

double luminance(Rgb c) {
  const Vector v = linear(c);
  return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
}

/// What eyes of this kind see, in OKLab.
Vector seen(Rgb color, const Matrix& eyes = kNormal) {
  Vector rgb = times(eyes, linear(color));
  for (double& v : rgb) v = std::clamp(v, 0.0, 1.0);
  Vector lms = times({{{0.4122214708, 0.5363325363, 0.0514459929},
                       {0.2119034982, 0.6806995451, 0.1073969566},
                       {0.0883024619, 0.2817188376, 0.6299787005}}},
                     rgb);
  for (double& v : lms) v = std::cbrt(v);
  return times({{{0.2104542553, 0.7936177850, -0.0040720468},
                 {1.9779984951, -2.4285922050, 0.4505937099},
                 {0.0259040371, 0.7827717662, -0.8086757660}}},
               lms);
}

double distance(const Vector& a, const Vector& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

/// The distances of colours `step` apart from `from` to `to`, relative to their mean.
std::vector<double> relative_steps(ColourMap map, size_t from, size_t to, size_t step) {
  const auto& table = colour_table(map);
  std::vector<double> out;
  double sum = 0;
  for (size_t k = from; k + step <= to; k += step) {
    out.push_back(distance(seen(table[k]), seen(table[k + step])));
    sum += out.back();
  }
  for (double& d : out) d /= sum / static_cast<double>(out.size());
  return out;
}

Rgb pixel_of(const Image& image, int64_t y, int64_t x) {
  const uint8_t* p = image.at(y, x);
  return {p[0], p[1], p[2]};
}

TEST(SequentialMap, RisesInLuminanceAtEveryStep) {
  const auto& table = colour_table(ColourMap::sequential);
  for (size_t k = 1; k < table.size(); ++k) {
    EXPECT_GT(luminance(table[k]), luminance(table[k - 1])) << k;
  }
  EXPECT_NEAR(seen(table.front())[0], 0.20, 0.005);
  EXPECT_NEAR(seen(table.back())[0], 0.93, 0.005);
}

TEST(SequentialMap, EqualStepsOfValueLookEquallyLarge) {
  for (const double step : relative_steps(ColourMap::sequential, 0, 255, 15)) {
    EXPECT_NEAR(step, 1, 0.06);
  }
}

TEST(SequentialMap, KeepsItsOrderForEveryKindOfColourBlindness) {
  const auto& table = colour_table(ColourMap::sequential);
  for (const Matrix& eyes : kEyes) {
    for (size_t k = 8; k < table.size(); ++k) {
      EXPECT_GT(seen(table[k], eyes)[0], seen(table[k - 8], eyes)[0] + 0.005) << k;
    }
    EXPECT_GT(seen(table.back(), eyes)[0] - seen(table.front(), eyes)[0], 0.7);
  }
}

TEST(DivergingMap, IsEquallyLightOnBothSidesOfANearWhiteMiddle) {
  const auto& table = colour_table(ColourMap::diverging);
  for (size_t k = 0; k < 128; ++k) {
    EXPECT_NEAR(seen(table[k])[0], seen(table[255 - k])[0], 0.006) << k;
  }
  for (const size_t middle : {127, 128}) {
    const Vector c = seen(table[middle]);
    EXPECT_GT(c[0], 0.95);
    EXPECT_LT(std::hypot(c[1], c[2]), 0.005);
  }
}

TEST(DivergingMap, DarkensTowardsBothEnds) {
  const auto& table = colour_table(ColourMap::diverging);
  for (size_t k = 0; k < 127; ++k) EXPECT_LT(luminance(table[k]), luminance(table[k + 1])) << k;
  for (size_t k = 128; k < 255; ++k) EXPECT_GT(luminance(table[k]), luminance(table[k + 1])) << k;
}

TEST(DivergingMap, EqualStepsOfValueLookEquallyLargeOnEachSide) {
  for (const size_t side : {0, 128}) {
    for (const double step : relative_steps(ColourMap::diverging, side, side + 127, 15)) {
      EXPECT_NEAR(step, 1, 0.06);
    }
  }
}

TEST(DivergingMap, ItsSignsStayApartForEveryKindOfColourBlindness) {
  const auto& table = colour_table(ColourMap::diverging);
  for (const Matrix& eyes : kEyes) {
    for (size_t k = 0; k <= 64; ++k) {
      EXPECT_GT(distance(seen(table[k], eyes), seen(table[255 - k], eyes)), 0.13) << k;
    }
  }
}

TEST(OkabeIto, HoldsThePublishedColoursAndKeepsThemApart) {
  std::string all;
  for (const Rgb color : kOkabeIto) all += hex_colour(color) + " ";
  EXPECT_EQ(all, "#000000 #e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 ");
  for (const Matrix& eyes : kEyes) {
    for (size_t i = 0; i < kOkabeIto.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        EXPECT_GT(distance(seen(kOkabeIto[i], eyes), seen(kOkabeIto[j], eyes)), 0.07) << i << " " << j;
      }
    }
  }
}

TEST(NotANumberColour, IsInNeitherMap) {
  for (const ColourMap map : {ColourMap::sequential, ColourMap::diverging}) {
    for (const Rgb color : colour_table(map)) {
      EXPECT_GT(distance(seen(color), seen(kNotANumberColour)), 0.07) << hex_colour(color);
    }
  }
}

TEST(ValueRange, SpansTheFiniteValuesAndIsNeverEmpty) {
  const auto range = [](std::vector<double> v) {
    const ValueRange r = value_range(torch::tensor(v, torch::kFloat64));
    return std::pair{r.low, r.high};
  };
  EXPECT_EQ(range({3, kNan, -2, kInf}), std::pair(-2.0, 3.0));
  EXPECT_EQ(range({4, 4}), std::pair(2.0, 6.0));
  EXPECT_EQ(range({-4}), std::pair(-6.0, -2.0));
  EXPECT_EQ(range({0, 0}), std::pair(-0.5, 0.5));
  EXPECT_EQ(range({kNan, kInf}), std::pair(0.0, 1.0));
  EXPECT_EQ(range({}), std::pair(0.0, 1.0));
}

TEST(SymmetricRange, IsTheQuantileOfTheMagnitudes) {
  const Tensor values = torch::arange(1001, torch::kFloat64) * torch::tensor({-1.0}, torch::kFloat64);
  EXPECT_EQ(symmetric_range(values, 1.0).high, 1000);
  EXPECT_EQ(symmetric_range(values, 0.9).high, 900);
  EXPECT_EQ(symmetric_range(values).low, -995);
}

TEST(SymmetricRange, LeavesOutWhatIsNotFiniteAndIsNeverEmpty) {
  const auto high = [](std::vector<double> v) { return symmetric_range(torch::tensor(v, torch::kFloat64)).high; };
  EXPECT_EQ(high({kInf, -3, kNan}), 3);
  EXPECT_EQ(high({0, 0}), 1);
  EXPECT_EQ(high({kNan}), 1);
  EXPECT_EQ(high({}), 1);
  std::vector<double> one_spike(1000, 0.0);
  one_spike[3] = -7;  // the quantile is 0: the largest magnitude steps in
  EXPECT_EQ(high(one_spike), 7);
}

TEST(ColourImage, TakesEndColoursOutsideOfTheRangeAndGrayForNoNumber) {
  const auto& table = colour_table(ColourMap::sequential);
  const Tensor values = torch::tensor({0.0, 10.0, 5.0, -kInf, kInf, kNan}).view({2, 3});
  const Image image = colour_image(values, ColourMap::sequential, {2, 8});
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(pixel_of(image, 0, 0), table[0]);
  EXPECT_EQ(pixel_of(image, 0, 1), table[255]);
  EXPECT_EQ(pixel_of(image, 0, 2), table[128]);
  EXPECT_EQ(pixel_of(image, 1, 0), table[0]);
  EXPECT_EQ(pixel_of(image, 1, 1), table[255]);
  EXPECT_EQ(pixel_of(image, 1, 2), kNotANumberColour);
}

TEST(ColourImage, IsTheSameForEveryRealDtypeAndLayout) {
  const Tensor values = torch::arange(12).view({3, 4});
  const Image expected = colour_image(values, ColourMap::diverging, {0, 11});
  for (const auto dtype : {torch::kUInt8, torch::kFloat16, torch::kFloat32, torch::kFloat64}) {
    EXPECT_EQ(colour_image(values.to(dtype), ColourMap::diverging, {0, 11}).pixels, expected.pixels);
  }
  const Tensor turned = values.t().contiguous().t();
  EXPECT_EQ(colour_image(turned, ColourMap::diverging, {0, 11}).pixels, expected.pixels);
  EXPECT_EQ(colour_image(torch::ones({1, 1}, torch::kBool), ColourMap::sequential, {0, 1}).pixels.size(), 3U);
}

TEST(ColourImage, RefusesOtherShapesAndEmptyRanges) {
  const Tensor matrix = torch::zeros({2, 2});
  EXPECT_THROW(colour_image(torch::zeros({2}), ColourMap::sequential, {0, 1}), ShapeError);
  EXPECT_THROW(colour_image(torch::zeros({1, 2, 2}), ColourMap::sequential, {0, 1}), ShapeError);
  EXPECT_THROW(colour_image(Tensor(), ColourMap::sequential, {0, 1}), ShapeError);
  EXPECT_THROW(colour_image(matrix, ColourMap::sequential, {1, 1}), ValueError);
  EXPECT_THROW(colour_image(matrix, ColourMap::sequential, {0, kNan}), ValueError);
}

TEST(ToImage, RoundsToNearestAndClamps) {
  // 255 (v + 1) / 2: levels 0, 255, 127.5, 64.0, over and under.
  const Tensor row = torch::tensor({-1.0, 1.0, 0.001, 64.0 / 127.5 - 1, 9.0, -9.0}).view({1, 1, 6});
  const Image image = to_image(row);
  EXPECT_EQ(image.channels, 3);
  const uint8_t expected[] = {0, 255, 128, 64, 255, 0};
  for (int64_t x = 0; x < 6; ++x) {
    EXPECT_EQ(pixel_of(image, 0, x), (Rgb{expected[x], expected[x], expected[x]})) << x;
  }
}

TEST(ToImage, KeepsChannelsRowsAndColumnsInPlace) {
  Tensor picture = torch::full({3, 2, 4}, -1.0);
  picture[0][0][1] = 1;
  picture[1][1][0] = 1;
  picture[2][1][3] = 1;
  const Image image = to_image(picture);
  EXPECT_EQ(image.width, 4);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(pixel_of(image, 0, 1), (Rgb{255, 0, 0}));
  EXPECT_EQ(pixel_of(image, 1, 0), (Rgb{0, 255, 0}));
  EXPECT_EQ(pixel_of(image, 1, 3), (Rgb{0, 0, 255}));
}

TEST(ToImage, ShowsNoNumberAsMiddleGrayAndInfinityAsTheEnds) {
  const Image image = to_image(torch::tensor({kNan, kInf, -kInf}).view({1, 1, 3}));
  EXPECT_EQ(pixel_of(image, 0, 0), (Rgb{128, 128, 128}));
  EXPECT_EQ(pixel_of(image, 0, 1), (Rgb{255, 255, 255}));
  EXPECT_EQ(pixel_of(image, 0, 2), (Rgb{0, 0, 0}));
}

TEST(ToImage, RefusesBatchesAndOtherChannels) {
  EXPECT_THROW(to_image(torch::zeros({1, 3, 4, 4})), ShapeError);
  EXPECT_THROW(to_image(torch::zeros({2, 4, 4})), ShapeError);
  EXPECT_THROW(to_image(torch::zeros({4, 4})), ShapeError);
}

TEST(SignedImage, PutsZeroInTheMiddleAndTheMagnitudeAtTheEnds) {
  const Image image = signed_image(torch::tensor({-2.0, 0.0, 2.0, 1.0, 5.0}).view({1, 1, 5}), 2);
  const uint8_t expected[] = {0, 128, 255, 191, 255};
  for (int64_t x = 0; x < 5; ++x) EXPECT_EQ(pixel_of(image, 0, x).g, expected[x]) << x;
}

TEST(SignedImage, RefusesMagnitudesThatAreNotPositive) {
  for (const double bad : {0.0, -1.0, kNan}) {
    EXPECT_THROW(signed_image(torch::zeros({1, 2, 2}), bad), ValueError) << bad;
  }
  EXPECT_THROW(signed_image(torch::zeros({2, 2}), 1), ShapeError);
}

}  // namespace
}  // namespace noisescope
