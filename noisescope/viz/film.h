// The trajectory film: captioned panels side by side, one frame a solver step, and the same as a
// strip for print.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/tensor.h"
#include "noisescope/io/image.h"

namespace noisescope::viz {

/// How the values of a panel become colours.
enum class PanelKind {
  picture,  // [-1, 1] as it is
  signed_   // middle gray is 0; one symmetric range for all steps, drawn as a ramp with its numbers
};

struct FilmPanel {
  std::string caption;  // "noise without prompt"
  PanelKind kind = PanelKind::picture;
  std::vector<Tensor> steps;  // [3 or 1, H, W] each; an undefined tensor shows as "not evaluated"
};

/// All panels hold as many steps as there are captions, all pictures have one size.
struct Film {
  std::string title;
  std::vector<std::string> step_captions;  // parts parted by ", ": "sigma 3.1, log-SNR -2.3, t 870"
  std::vector<FilmPanel> panels;
};

/// One frame a step, all of one size. `scale` is screen pixels a side of an image pixel; 0: panels of
/// about 160 px. Throws ValueError for a film without panels or steps, or panels of other lengths,
/// ShapeError for pictures of other sizes.
std::vector<Image> film_frames(const Film& film, int64_t scale = 0);

/// Columns are at most `columns` steps spread over the run (first and last among them), rows are
/// panels; above each column the parts of its caption. `scale` 0: pictures of about 80 px.
Image film_strip(const Film& film, int64_t columns = 8, int64_t scale = 0);

}  // namespace noisescope::viz
