// What is seen, as files to take away.
#pragma once

#include <string>
#include <vector>

#include "noisescope/studio/studio.h"

namespace noisescope::studio {

/// One plane of one picture at one state, enlarged; its recipe stands in the PNG's text. Throws as plane_image.
std::string png_of(const Studio& studio, int64_t branch, int64_t state, const std::string& plane, int64_t picture);

/// The denoising of one picture with all planes, an animated WebP. Throws NotNow before it is drawn.
std::string film_of(const Studio& studio, int64_t branch, int64_t picture);

/// The branch and its pictures, uint8 [picture][y][x][RGB] as one list. Throws NotNow before it is drawn.
Json export_of(const Studio& studio, int64_t branch);

/// A self-contained HTML report of branches: recipe, steps, what changed, and what was asked of them. Throws NotThere,
/// NotNow.
std::string report_of(const Studio& studio, const std::vector<int64_t>& branches);

}  // namespace noisescope::studio
