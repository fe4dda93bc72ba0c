// The trajectory film: captioned panels side by side, one frame a solver step, and the same as a
// strip for print.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/tensor.h"
#include "noisescope/io/image.h"

namespace noisescope {

/// How the values of a panel become colours.
enum class PanelKind {
  picture,  // [-1, 1] as it is
  signed_   // middle gray is 0; one symmetric range for all steps, stated under the panel
};

struct FilmPanel {
  std::string caption;         // "x_t", "noise without prompt"
  PanelKind kind = PanelKind::picture;
  std::vector<Tensor> steps;   // [3, H, W] each; an undefined tensor shows as "not evaluated"
};

/// All panels hold as many steps as there are captions.
struct Film {
  std::string title;
  std::vector<std::string> step_captions;  // "sigma 3.1, log-SNR -2.3, t 870"
  std::vector<FilmPanel> panels;
};

/// One frame a step. Throws ValueError for panels of other lengths.
std::vector<Image> film_frames(const Film& film, int64_t scale = 4);

/// Columns are at most `columns` steps spread over the run (first and last among them), rows are
/// panels.
Image film_strip(const Film& film, int64_t columns = 8, int64_t scale = 2);

}  // namespace noisescope
