#include "noisescope/viz/panels.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

TEST(Panels, PlaceEveryImageMagnifiedUnderItsTitle) {
  const Tensor white = torch::ones({3, 4, 4}), black = -white;
  const Image plate = panel_rows(
      {{"", {picture_panel(black, "a"), picture_panel(black, "b")}}, {"title", {picture_panel(black, "c")}}}, 5);
  int64_t dark = 0;
  for (size_t i = 0; i < plate.pixels.size(); i += 3) dark += plate.pixels[i] == 0;
  EXPECT_GE(dark, 3 * 20 * 20);
  const Image one = panel_rows({{"", {picture_panel(black, "a")}}}, 5);
  EXPECT_GT(plate.width, one.width);
  EXPECT_GT(plate.height, 2 * one.height);
}

TEST(Panels, MapsCarryABarWithTheirRange) {
  const Panel map = map_panel(torch::full({4, 4}, 2.0), "m", "nats");
  ASSERT_TRUE(map.bar);
  EXPECT_EQ(map.bar->range.high, 2.0);
  EXPECT_EQ(map_panel(torch::zeros({4, 4}), "m", "nats", 3).bar->range.high, 3.0);
  const Panel both = signed_panel(torch::tensor({{-1.0, 0.5}}), "s", "nats");
  EXPECT_EQ(both.bar->range.low, -both.bar->range.high);
}

TEST(Panels, RefuseNothingAndUnequalSizes) {
  EXPECT_THROW(panel_rows({}), ValueError);
  EXPECT_THROW(panel_rows({{"", {}}}), ValueError);
  EXPECT_THROW(
      panel_rows({{"", {picture_panel(torch::zeros({3, 4, 4}), "a"), picture_panel(torch::zeros({3, 8, 8}), "b")}}}),
      ShapeError);
}

}  // namespace
}  // namespace noisescope
