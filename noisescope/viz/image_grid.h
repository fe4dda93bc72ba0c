// Pictures with captions in a grid: samples, contact sheets, right and wrong answers.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/core/tensor.h"
#include "noisescope/io/image.h"

namespace noisescope::viz {

/// A mark on a picture, told by colour *and* by sign: right has a thin green-blue border and a tick,
/// wrong a thick vermilion one and a cross.
enum class Mark { none, right, wrong };

struct ImageGridOptions {
  int64_t columns = 0;
  int64_t scale = 0;
  int64_t gap_px = 14;
  double text_px = 13;
  int64_t caption_lines = 3;
  int64_t group = 0;
};

inline void describe(Describer& d, ImageGridOptions& o) {
  d("columns", o.columns, "pictures in a row; 0: as square as possible", {.min = 0, .max = 256});
  d("scale", o.scale, "screen pixels a side of an image pixel; 0: pictures of about 128 px", {.min = 0, .max = 64});
  d("gap_px", o.gap_px, "space between pictures in pixels", {.min = 0, .max = 256});
  d("text_px", o.text_px, "caption size in pixels", {.min = 7, .max = 64});
  d("caption_lines", o.caption_lines, "longest caption; the rest ends in an ellipsis", {.min = 1, .max = 12});
  d("group", o.group, "so many pictures stand together, each group on rows of its own; 0: no groups", {.min = 0});
}

/// Images [B, 3 or 1, H, W] in [-1, 1] in reading order. `captions` and `marks` hold B entries or
/// none; `title` may be empty. Returns an RGB picture on white.
/// Throws ShapeError for other shapes, ValueError for other counts.
Image image_grid(const Tensor& images, const std::vector<std::string>& captions = {},
                 const ImageGridOptions& options = {}, const std::vector<Mark>& marks = {},
                 const std::string& title = "");

}  // namespace noisescope::viz
