#include "noisescope/clip/preprocess.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/json_reader.h"
#include "noisescope/io/resize.h"

namespace noisescope::clip {
namespace {

using Json = JsonReader::Json;

constexpr int64_t kMaxSide = 4096;
constexpr int64_t kMaxResizedPixels = int64_t{1} << 26;  // of a hair-thin picture made wide
constexpr int64_t kPillowBicubic = 3;
constexpr const char* kPreprocessParser = "clip.parse_preprocess";

int64_t read_side(const JsonReader& reader, const Json& value, const std::string& key) {
  const int64_t side = reader.integer(value, key.c_str());
  if (side < 1 || side > kMaxSide) {
    reader.refuse(format_text("expected '{}' of 1 to {} px, got {}", key, kMaxSide, side));
  }
  return side;
}

/// {width, height} of a number, [height, width], {"height", "width"} or {"shortest_edge"}.
std::pair<int64_t, int64_t> read_size(const JsonReader& reader, const Json& value, const std::string& key) {
  if (value.is_array()) {
    if (value.size() != 2) reader.refuse("expected [height, width] as '" + key + "'");
    return {read_side(reader, value[1], key), read_side(reader, value[0], key)};
  }
  if (!value.is_object()) {
    const int64_t side = read_side(reader, value, key);
    return {side, side};
  }
  if (const Json* edge = reader.find(value, "shortest_edge")) {
    if (reader.find(value, "longest_edge")) {
      reader.refuse("expected '" + key + "' without longest_edge, got one; it is not known here");
    }
    const int64_t side = read_side(reader, *edge, key + ".shortest_edge");
    return {side, side};
  }
  return {read_side(reader, reader.member(value, "width"), key + ".width"),
          read_side(reader, reader.member(value, "height"), key + ".height")};
}

std::array<double, 3> read_triple(const JsonReader& reader, const Json& value, const char* key, bool positive) {
  std::array<double, 3> triple{};
  const bool is_one = value.is_number();  // the same for all channels
  if (!is_one && (!value.is_array() || value.size() != 3)) {
    reader.refuse(std::string("expected '") + key + "' as three numbers");
  }
  for (size_t c = 0; c < 3; ++c) {
    triple[c] = reader.number(is_one ? value : value[c], key);
    if (!std::isfinite(triple[c]) || (positive && triple[c] <= 0)) {
      reader.refuse(
          format_text("expected finite numbers{} as '{}', got {}", positive ? " above 0" : "", key, triple[c]));
    }
  }
  return triple;
}

bool read_switch(const JsonReader& reader, const Json& json, const char* key) {
  const Json* value = reader.find(json, key);
  return value == nullptr || reader.boolean(*value, key);
}

/// The crop must lie within what resizing gives.
void check_sizes(const JsonReader& reader, const PreprocessOptions& options) {
  if (!options.crops || options.resize == ClipResize::none) return;
  if (options.crop_width_px > options.resize_width_px || options.crop_height_px > options.resize_height_px) {
    reader.refuse(
        format_text("expected a 'crop_size' within 'size', got {} x {} of {} x {}; "
                    "padding is not known here",
                    options.crop_width_px, options.crop_height_px, options.resize_width_px, options.resize_height_px));
  }
}

void read_sizes(const JsonReader& reader, const Json& json, PreprocessOptions& options) {
  options.crops = read_switch(reader, json, "do_center_crop");
  if (!read_switch(reader, json, "do_resize")) {
    options.resize = ClipResize::none;
  } else if (const Json* size = reader.find(json, "size")) {
    const bool is_shortest = size->is_number() || reader.find(*size, "shortest_edge");
    options.resize = is_shortest ? ClipResize::shortest : ClipResize::squash;
    std::tie(options.resize_width_px, options.resize_height_px) = read_size(reader, *size, "size");
  }
  if (const Json* size = reader.find(json, "crop_size")) {
    std::tie(options.crop_width_px, options.crop_height_px) = read_size(reader, *size, "crop_size");
  }
}

PreprocessOptions read_transformers(const JsonReader& reader, const Json& file, int64_t side_px) {
  // CLIPProcessor of transformers 5 keeps the keys of images in a file of all processors.
  const Json* part = reader.find(file, "image_processor");
  if (part && !part->is_object()) reader.refuse("expected an object as 'image_processor'");
  const Json& json = part ? *part : file;
  PreprocessOptions options = standard_preprocess(ClipProfile::hf, side_px);
  read_sizes(reader, json, options);
  if (const Json* filter = reader.find(json, "resample")) {
    if (reader.integer(*filter, "resample") != kPillowBicubic) {
      reader.refuse("expected 'resample' 3 (bicubic), got " + filter->dump());
    }
  }
  if (!read_switch(reader, json, "do_convert_rgb")) {
    reader.refuse("expected 'do_convert_rgb' true: these models see RGB alone");
  }
  if (const Json* factor = reader.find(json, "rescale_factor")) {
    options.scale = reader.number(*factor, "rescale_factor");
  }
  if (!read_switch(reader, json, "do_rescale")) options.scale = 1.0;
  const bool normalizes = read_switch(reader, json, "do_normalize");
  const Json* mean = reader.find(json, "image_mean");
  const Json* deviation = reader.find(json, "image_std");
  if (mean) options.mean = read_triple(reader, *mean, "image_mean", false);
  if (deviation) options.deviation = read_triple(reader, *deviation, "image_std", true);
  if (!normalizes) options.mean = {0, 0, 0}, options.deviation = {1, 1, 1};
  return options;
}

/// The folder of a hub model of open_clip: "preprocess_cfg" over the image size of "model_cfg".
PreprocessOptions read_open_clip(const JsonReader& reader, const Json& json, int64_t side_px) {
  PreprocessOptions options = standard_preprocess(ClipProfile::open_clip, side_px);
  const Json none = Json::object();
  const Json* model = reader.find(json, "model_cfg");
  const Json* vision = model ? reader.find(*model, "vision_cfg") : nullptr;
  const Json* own = reader.find(json, "preprocess_cfg");
  const Json& config = own ? *own : none;
  const Json* size = reader.find(config, "size");
  if (size == nullptr && vision) size = reader.find(*vision, "image_size");
  if (size) {
    std::tie(options.resize_width_px, options.resize_height_px) = read_size(reader, *size, "size");
  }
  options.crop_width_px = options.resize_width_px;
  options.crop_height_px = options.resize_height_px;
  const auto expect = [&](const char* key, const char* wanted) {
    const Json* value = reader.find(config, key);
    if (value && reader.text(*value, key) != wanted) {
      reader.refuse(format_text("expected '{}' {}, got {}", key, wanted, value->dump()));
    }
  };
  expect("interpolation", "bicubic");
  expect("mode", "RGB");
  if (const Json* mode = reader.find(config, "resize_mode")) {
    const std::string name = reader.text(*mode, "resize_mode");
    if (name != "shortest" && name != "squash") {
      reader.refuse("expected 'resize_mode' shortest or squash, got '" + name + "'");
    }
    options.resize = name == "squash" ? ClipResize::squash : ClipResize::shortest;
  }
  if (options.resize == ClipResize::shortest && options.resize_width_px != options.resize_height_px) {
    reader.refuse("expected a square 'size' with 'resize_mode' shortest");
  }
  options.crops = options.resize == ClipResize::shortest;
  if (const Json* mean = reader.find(config, "mean")) {
    options.mean = read_triple(reader, *mean, "mean", false);
  }
  if (const Json* deviation = reader.find(config, "std")) {
    options.deviation = read_triple(reader, *deviation, "std", true);
  }
  return options;
}

StoredImage resized(const StoredImage& stored, const PreprocessOptions& options) {
  int64_t width = options.resize_width_px, height = options.resize_height_px;
  if (options.resize == ClipResize::none) return stored;
  if (options.resize == ClipResize::shortest) {
    std::tie(width, height) = shortest_side_size(stored.image, width);
  }
  if (width > kMaxResizedPixels / height) {
    throw ValueError(
        format_text("[clip.preprocess] expected a picture of at most {} px when resized, "
                    "got {} x {} from {} x {}; crop its longer side first",
                    kMaxResizedPixels, width, height, stored.image.width, stored.image.height));
  }
  return resize_stored(stored, width, height);
}

Image cropped(const Image& image, const PreprocessOptions& options) {
  const int64_t width = options.crop_width_px, height = options.crop_height_px;
  if (!options.crops) return image;
  if (options.profile != ClipProfile::hf) return center_crop(image, width, height);
  return crop(image, (image.width - width) / 2, (image.height - height) / 2, width, height);
}

}  // namespace

PreprocessOptions standard_preprocess(ClipProfile profile, int64_t side_px) {
  PreprocessOptions options;
  options.profile = profile;
  options.resize_width_px = options.resize_height_px = side_px;
  options.crop_width_px = options.crop_height_px = side_px;
  options.turns_upright = profile == ClipProfile::hf;
  return options;
}

PreprocessOptions parse_preprocess(std::string_view text, const std::string& name, int64_t side_px) {
  const JsonReader reader{name, kPreprocessParser};
  const Json json = reader.parse(text);
  const bool is_open_clip = json.contains("preprocess_cfg") || json.contains("model_cfg");
  const PreprocessOptions options =
      is_open_clip ? read_open_clip(reader, json, side_px) : read_transformers(reader, json, side_px);
  check_sizes(reader, options);
  return options;
}

std::pair<int64_t, int64_t> preprocessed_size(const PreprocessOptions& options) {
  if (options.crops) return {options.crop_width_px, options.crop_height_px};
  if (options.resize == ClipResize::squash) return {options.resize_width_px, options.resize_height_px};
  return {0, 0};
}

Image preprocess(const StoredImage& stored, const PreprocessOptions& options) {
  StoredImage picture = options.turns_upright ? turned_upright(stored) : stored;
  if (options.profile == ClipProfile::hf) {
    picture = {.image = to_rgb(picture), .mode = PixelMode::rgb, .orientation = 1};
  }
  picture = resized(picture, options);
  picture.image = cropped(picture.image, options);
  return to_rgb(picture);
}

}  // namespace noisescope::clip
