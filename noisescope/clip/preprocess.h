// A picture on its way into a published CLIP: resized, cropped and made RGB, bit for bit as the program
// around the weights does it with Pillow. Numbers from bytes: pixel_values.h. No torch here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "noisescope/clip/text/clip_profile.h"
#include "noisescope/core/options.h"
#include "noisescope/io/stored_image.h"

namespace noisescope::clip {

/// shortest: the shorter side to the size, then the middle crop; squash: both sides at once, changing
/// the proportions; none: the crop alone.
enum class ClipResize { none, shortest, squash };
NOISESCOPE_ENUM(ClipResize, none, shortest, squash)

/// The defaults are those of OpenAI's ViT-B and ViT-L models at 224 px.
struct PreprocessOptions {
  ClipProfile profile = ClipProfile::openai;
  ClipResize resize = ClipResize::shortest;
  int64_t resize_width_px = 224;  // shortest: both are the length of the shorter side
  int64_t resize_height_px = 224;
  bool crops = true;
  int64_t crop_width_px = 224;
  int64_t crop_height_px = 224;
  bool turns_upright = false;  // by EXIF orientation; Pillow alone does not
  double scale = 1.0 / 255.0;  // of bytes, before the mean is taken off
  std::array<double, 3> mean = {0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> deviation = {0.26862954, 0.26130258, 0.27577711};
};

/// What a published CLIP whose folder says nothing does at this side.
PreprocessOptions standard_preprocess(ClipProfile profile, int64_t side_px);

/// Reads preprocessor_config.json of transformers, or processor_config.json with the same keys under
/// image_processor (profile hf; pictures are turned upright, as load_image of its pipelines does), or
/// open_clip_config.json. `side_px` is the size where the file states none. Throws FormatError naming
/// file and key for what is mistyped, out of range or not done here: other filters than bicubic,
/// padding.
PreprocessOptions parse_preprocess(std::string_view json, const std::string& name, int64_t side_px = 224);

/// Width and height of what comes out; {0, 0} where that of the picture stays.
std::pair<int64_t, int64_t> preprocessed_size(const PreprocessOptions& options);

/// RGB bytes of the final size. By profile hf the picture becomes RGB first; by openai and open_clip it
/// is resized and cropped in the mode of its file (resize_stored) and becomes RGB last. Throws ValueError
/// for a picture of no pixels, smaller than the crop, or of more than 2^26 px when resized.
Image preprocess(const StoredImage& stored, const PreprocessOptions& options);

}  // namespace noisescope::clip
