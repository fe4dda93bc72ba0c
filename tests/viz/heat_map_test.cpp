#include "noisescope/viz/heat_map.h"

#include <gtest/gtest.h>

#include <limits>

#include "markup.h"
#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/viz/svg.h"

namespace noisescope {
namespace {

using markup::count_text;
using markup::Element;
using markup::named;
using markup::read_xml;

HeatMap map_of(const Tensor& values) {
  HeatMap map;
  map.title = "Attention";
  map.description = "Words over steps.";
  map.values = values;
  map.value_label = "share";
  map.value_unit = "%";
  return map;
}

std::string decode_base64(const std::string& text) {
  std::string out;
  uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    const int digit = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (digit < 0) break;
    word = word << 6 | static_cast<uint32_t>(digit);
    if ((bits += 6) >= 8) out += static_cast<char>(word >> (bits -= 8));
  }
  return out;
}

/// The picture of the cells.
Image cells(const std::string& document) {
  const std::string uri = named(read_xml(document), "image")[0].attribute("href");
  const std::string prefix = "data:image/png;base64,";
  EXPECT_TRUE(uri.starts_with(prefix));
  return decode_image(decode_base64(uri.substr(prefix.size())), "cells");
}

/// Colour of a cell of a picture of rows x columns.
Rgb cell(const Image& image, int64_t rows, int64_t columns, int64_t row, int64_t column) {
  const uint8_t* p =
      image.at((2 * row + 1) * image.height / (2 * rows), (2 * column + 1) * image.width / (2 * columns));
  return {p[0], p[1], p[2]};
}

TEST(HeatMapSvg, ColoursEachCellByItsValue) {
  const Tensor values = torch::tensor({0.0, 1.0, 2.0, 3.0, 4.0, std::nan("")}).view({2, 3});
  const Image image = cells(render_svg(map_of(values)));
  const auto& table = colour_table(ColourMap::sequential);
  EXPECT_EQ(cell(image, 2, 3, 0, 0), table[0]);
  EXPECT_EQ(cell(image, 2, 3, 0, 2), table[128]);
  EXPECT_EQ(cell(image, 2, 3, 1, 1), table[255]);
  EXPECT_EQ(cell(image, 2, 3, 1, 2), kNotANumberColour);
}

TEST(HeatMapSvg, PutsRowZeroAtTheBottomOfANumericAxisOnly) {
  HeatMap map = map_of(torch::tensor({0.0, 1.0}).view({2, 1}));
  const auto& table = colour_table(ColourMap::sequential);
  EXPECT_EQ(cell(cells(render_svg(map)), 2, 1, 0, 0), table[0]);
  map.y.min = 0, map.y.max = 2;
  EXPECT_EQ(cell(cells(render_svg(map)), 2, 1, 1, 0), table[0]);
  map.y_names = {"first", "second"};
  EXPECT_EQ(cell(cells(render_svg(map)), 2, 1, 0, 0), table[0]);
}

TEST(HeatMapSvg, CentresTheDivergingMapOnZero) {
  HeatMap map = map_of(torch::tensor({-1.0, 0.0, 4.0}).view({1, 3}));
  map.map = ColourMap::diverging;
  const Image image = cells(render_svg(map));
  EXPECT_EQ(cell(image, 1, 3, 0, 1), colour_table(ColourMap::diverging)[128]);
  EXPECT_EQ(cell(image, 1, 3, 0, 2), colour_table(ColourMap::diverging)[255]);
}

TEST(HeatMapSvg, NamesAxesCellsAndScaleAndEscapesThem) {
  HeatMap map = map_of(torch::rand({2, 2}));
  map.title = "a <b> & \"c\"";
  map.x = {.label = "word", .unit = "<i>"};
  map.y = {.label = "step"};
  map.x_names = {"<red>", "circle"};
  map.y_names = {"1", "2 & 3"};
  const auto elements = read_xml(render_svg(map));
  EXPECT_EQ(elements[0].attribute("aria-label"), map.title);
  EXPECT_EQ(named(elements, "desc")[0].text, map.description);
  for (const char* text : {"word (<i>)", "step", "<red>", "circle", "2 & 3", "share (%)"}) {
    EXPECT_EQ(count_text(elements, text), 1) << text;
  }
  for (const Element& image : named(elements, "image")) {
    EXPECT_TRUE(image.attribute("href").starts_with("data:image/png;base64,"));
  }
}

TEST(HeatMapSvg, MayStandInAPage) {
  HeatMap map = map_of(torch::rand({3, 2}));
  map.x.min = map.y.min = 0, map.x.max = map.y.max = 2;
  const auto elements = read_xml(inline_svg(render_svg(map)));
  EXPECT_EQ(named(elements, "image").size(), 2U);  // cells and scale
}

TEST(HeatMapSvg, DrawsMatricesWithoutAnyNumber) {
  const Tensor nothing = torch::full({2, 2}, std::nan(""));
  const Image image = cells(render_svg(map_of(nothing)));
  EXPECT_EQ(cell(image, 2, 2, 1, 1), kNotANumberColour);
}

TEST(HeatMapSvg, RefusesWhatIsNoMatrixOrDoesNotFit) {
  EXPECT_THROW(render_svg(map_of(torch::zeros({3}))), ShapeError);
  EXPECT_THROW(render_svg(map_of(torch::zeros({1, 2, 2}))), ShapeError);
  EXPECT_THROW(render_svg(map_of(Tensor())), ShapeError);
  EXPECT_THROW(render_svg(map_of(torch::zeros({0, 3}))), ValueError);
  HeatMap map = map_of(torch::zeros({2, 2}));
  map.x_names = {"one"};
  EXPECT_THROW(render_svg(map), ValueError);
  map = map_of(torch::zeros({2, 2}));
  map.y.log = true;
  EXPECT_THROW(render_svg(map), ValueError);
  map = map_of(torch::zeros({2, 2}));
  map.range = ValueRange{1, 1};
  EXPECT_THROW(render_svg(map), ValueError);
  map = map_of(torch::zeros({2, 2}));
  map.width_px = 120;
  EXPECT_THROW(render_svg(map), ValueError);
}

}  // namespace
}  // namespace noisescope
