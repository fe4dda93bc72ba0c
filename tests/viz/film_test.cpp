#include "noisescope/viz/film.h"

#include <gtest/gtest.h>

#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/viz/canvas.h"

namespace noisescope {
namespace {

/// Two panels over `steps`: gray pictures that brighten, and signed values -4 .. 4.
Film plain_film(int64_t steps) {
  Film film{"a red circle", {}, {{"x_t", PanelKind::picture, {}}, {"noise", PanelKind::signed_, {}}}};
  for (int64_t i = 0; i < steps; ++i) {
    film.step_captions.push_back("sigma " + std::to_string(steps - i) + ", t " + std::to_string(i));
    const double share = steps == 1 ? 1.0 : static_cast<double>(i) / static_cast<double>(steps - 1);
    film.panels[0].steps.push_back(torch::full({3, 4, 4}, 2 * share - 1));
    film.panels[1].steps.push_back(torch::full({1, 4, 4}, 8 * share - 4));
  }
  return film;
}

/// How many pixels have this gray.
int64_t count_grey(const Image& image, uint8_t level) {
  int64_t count = 0;
  for (size_t p = 0; p < image.pixels.size(); p += 3) {
    count += image.pixels[p] == level && image.pixels[p + 1] == level && image.pixels[p + 2] == level;
  }
  return count;
}

/// The largest block of equal pixels that starts at (y, x).
bool is_block(const Image& image, int64_t y, int64_t x, int64_t side, uint8_t level) {
  for (int64_t row = y; row < y + side; ++row) {
    for (int64_t column = x; column < x + side; ++column) {
      for (int64_t c = 0; c < 3; ++c) {
        if (image.at(row, column)[c] != level) return false;
      }
    }
  }
  return true;
}

/// Whether the picture holds a square of this gray anywhere.
bool holds_block(const Image& image, int64_t side, uint8_t level) {
  for (int64_t y = 0; y + side <= image.height; ++y) {
    for (int64_t x = 0; x + side <= image.width; ++x) {
      if (is_block(image, y, x, side, level)) return true;
    }
  }
  return false;
}

TEST(FilmFrames, AreOneAStepAndOfOneSize) {
  const std::vector<Image> frames = film_frames(plain_film(5), 10);
  ASSERT_EQ(frames.size(), 5U);
  for (const Image& frame : frames) {
    EXPECT_EQ(frame.width, frames[0].width);
    EXPECT_EQ(frame.height, frames[0].height);
    EXPECT_EQ(frame.channels, 3);
  }
  EXPECT_NE(frames[0].pixels, frames[1].pixels);
}

TEST(FilmFrames, ShowEachPanelOfTheStep) {
  const std::vector<Image> frames = film_frames(plain_film(3), 10);
  const uint8_t expected[] = {0, 128, 255};
  for (size_t k = 0; k < 3; ++k) {
    // Both panels have this gray, 40 x 40 px each; the ramp below is no block.
    EXPECT_TRUE(holds_block(frames[k], 40, expected[k])) << k;
    EXPECT_GE(count_grey(frames[k], expected[k]), 2 * 40 * 40) << k;
  }
}

TEST(FilmFrames, UseOneRangeForAllStepsOfASignedPanel) {
  Film film = plain_film(3);
  film.panels.erase(film.panels.begin());
  film.panels[0].steps = {torch::full({1, 4, 4}, 1.0), torch::full({1, 4, 4}, -4.0), torch::full({1, 4, 4}, 2.0)};
  const std::vector<Image> frames = film_frames(film, 10);
  EXPECT_TRUE(holds_block(frames[0], 40, 159));  // 127.5 + 127.5 / 4
  EXPECT_TRUE(holds_block(frames[1], 40, 0));
  EXPECT_TRUE(holds_block(frames[2], 40, 191));
}

TEST(FilmFrames, SayWhereNothingWasEvaluated) {
  Film film = plain_film(2);
  film.panels[1].steps[0] = Tensor();
  const std::vector<Image> frames = film_frames(film, 40);
  const auto count_empty = [](const Image& image) {
    int64_t count = 0;
    for (size_t p = 0; p < image.pixels.size(); p += 3) {
      count += Rgb{image.pixels[p], image.pixels[p + 1], image.pixels[p + 2]} == Ink::kEmpty;
    }
    return count;
  };
  EXPECT_GT(count_empty(frames[0]), 160 * 160 / 2);
  EXPECT_EQ(count_empty(frames[1]), 0);
  EXPECT_NE(frames[0].pixels, film_frames(plain_film(2), 40)[0].pixels);
}

TEST(FilmFrames, SurviveValuesThatAreNotFinite) {
  Film film = plain_film(2);
  film.panels[0].steps[0] = torch::full({3, 4, 4}, std::nan(""));
  film.panels[1].steps[0] = torch::full({1, 4, 4}, std::numeric_limits<double>::infinity());
  const std::vector<Image> frames = film_frames(film, 10);
  EXPECT_TRUE(holds_block(frames[0], 40, 128));
  EXPECT_TRUE(holds_block(frames[0], 40, 255));
}

TEST(FilmFrames, ShowProgressOnTheTimeline) {
  const std::vector<Image> frames = film_frames(plain_film(6), 10);
  int64_t last = 0;
  for (const Image& frame : frames) {
    int64_t right = 0;  // the rightmost accent pixel of the lowest 30 rows
    for (int64_t y = frame.height - 30; y < frame.height; ++y) {
      for (int64_t x = 0; x < frame.width; ++x) {
        const uint8_t* p = frame.at(y, x);
        if (Rgb{p[0], p[1], p[2]} == Ink::kAccent) right = std::max(right, x);
      }
    }
    EXPECT_GT(right, last);
    last = right;
  }
}

TEST(FilmFrames, TakeOneStepAndLongWords) {
  Film film = plain_film(1);
  film.title = film.step_captions[0] = film.panels[0].caption = std::string(500, 'w');
  EXPECT_EQ(film_frames(film).size(), 1U);
  EXPECT_EQ(film_frames(film)[0].width, film_frames(plain_film(1))[0].width);
  EXPECT_GT(film_strip(film).width, 0);
}

TEST(FilmStrip, HoldsFirstAndLastStepAndAtMostItsColumns) {
  const Film film = plain_film(9);
  const Image strip = film_strip(film, 3, 10);
  for (const uint8_t level : {0, 128, 255}) EXPECT_TRUE(holds_block(strip, 40, level)) << int(level);
  EXPECT_FALSE(holds_block(strip, 40, 64));
  EXPECT_TRUE(holds_block(film_strip(film, 9, 10), 40, 64));
  EXPECT_EQ(film_strip(film, 9, 10).pixels, film_strip(film, 100, 10).pixels);
  EXPECT_TRUE(holds_block(film_strip(film, 1, 10), 40, 255));  // one column: the result
}

TEST(FilmStrip, HasARowForEachPanel) {
  Film film = plain_film(3);
  const int64_t two = film_strip(film, 3, 20).height;
  film.panels.push_back(film.panels[0]);
  film.panels.push_back(film.panels[0]);
  EXPECT_EQ(film_strip(film, 3, 20).height - two, 2 * (80 + 8));
}

TEST(Film, RefusesToBeEmptyOrUneven) {
  EXPECT_THROW(film_frames({}), ValueError);
  EXPECT_THROW(film_strip(Film{"no steps", {}, {{"x", PanelKind::picture, {}}}}), ValueError);
  EXPECT_THROW(film_frames(Film{"no panels", {"t 1"}, {}}), ValueError);
  Film uneven = plain_film(3);
  uneven.panels[1].steps.pop_back();
  EXPECT_THROW(film_frames(uneven), ValueError);
  Film never = plain_film(1);
  never.panels[0].steps[0] = never.panels[1].steps[0] = Tensor();
  EXPECT_THROW(film_frames(never), ValueError);
}

TEST(Film, RefusesPicturesOfOtherSizesAndShapes) {
  for (const Tensor& bad :
       {torch::zeros({3, 5, 4}), torch::zeros({4, 4}), torch::zeros({2, 4, 4}), torch::zeros({1, 3, 4, 4})}) {
    for (const size_t panel : {0, 1}) {
      Film film = plain_film(2);
      film.panels[panel].steps[1] = bad;
      EXPECT_THROW(film_frames(film), ShapeError) << bad.sizes() << " in panel " << panel;
      EXPECT_THROW(film_strip(film), ShapeError) << bad.sizes() << " in panel " << panel;
    }
  }
}

}  // namespace
}  // namespace noisescope
