// A line of preprocessor_config.json or open_clip_config.json, and an image file that goes through it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "noisescope/clip/preprocess.h"
#include "noisescope/core/error.h"
#include "noisescope/io/codec/image_file.h"

namespace noisescope {
namespace {

/// Small enough to be run ten thousand times.
bool is_small(const PreprocessOptions& o) {
  return std::max({o.resize_width_px, o.resize_height_px, o.crop_width_px, o.crop_height_px}) <= 64;
}

void check_picture(const StoredImage& stored, const PreprocessOptions& options) {
  try {
    const Image image = preprocess(stored, options);
    const auto expected = static_cast<size_t>(image.width * image.height * 3);
    if (image.channels != 3 || image.pixels.size() != expected) std::abort();
    const bool fixed = options.crops || options.resize == ClipResize::squash;
    const int64_t width = options.crops ? options.crop_width_px : options.resize_width_px;
    if (fixed && image.width != width) std::abort();
  } catch (const ValueError&) {  // smaller than the crop
    if (options.resize != ClipResize::none) std::abort();
  }
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  const DecodeLimits limits{.max_side_px = 128, .max_pixels = 1 << 13, .max_scans = 20};
  PreprocessOptions options = standard_preprocess(ClipProfile::openai, 8);
  try {
    options = parse_preprocess(input.substr(0, end), "fuzz");
  } catch (const FormatError&) {
  }
  if (!is_small(options)) return 0;
  try {
    const StoredImage stored = decode_stored(input.substr(std::min(end + 1, size)), "fuzz", limits);
    if (stored.orientation < 1 || stored.orientation > 8) std::abort();
    for (const auto profile : {ClipProfile::hf, ClipProfile::openai}) {
      options.profile = profile;
      check_picture(stored, options);
    }
  } catch (const FormatError&) {
  }
  return 0;
}
