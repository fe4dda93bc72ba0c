#include "noisescope/clip/pixel_values.h"

#include <array>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::clip {
namespace {

using Row = std::array<float, 256>;  // the value of every byte in one channel

Row values_of_bytes(const PreprocessOptions& options, size_t channel) {
  const auto mean = static_cast<float>(options.mean[channel]);
  const auto deviation = static_cast<float>(options.deviation[channel]);
  const bool in_double = options.profile == ClipProfile::hf;
  Row row{};
  for (size_t byte = 0; byte < row.size(); ++byte) {
    const float scaled =
        in_double ? static_cast<float>(static_cast<double>(byte) * options.scale) : static_cast<float>(byte) / 255.0f;
    row[byte] = (scaled - mean) / deviation;
  }
  return row;
}

}  // namespace

Tensor pixel_values(const Image& image, const PreprocessOptions& options) {
  const int64_t count = image.width * image.height;
  if (image.channels != 3 || count < 1 || image.pixels.size() != static_cast<size_t>(3 * count)) {
    throw ShapeError(format_text("[clip.pixel_values] expected an RGB image, got {} x {} with {} channels", image.width,
                                 image.height, image.channels));
  }
  Tensor values = torch::empty({3, image.height, image.width}, torch::kFloat32);
  float* target = values.mutable_data_ptr<float>();
  for (size_t c = 0; c < 3; ++c) {
    const Row row = values_of_bytes(options, c);
    for (int64_t i = 0; i < count; ++i) {
      *target++ = row[image.pixels[static_cast<size_t>(3 * i) + c]];
    }
  }
  return values;
}

Tensor pixel_values(const std::vector<StoredImage>& images, const PreprocessOptions& options) {
  if (images.empty()) throw ValueError("[clip.pixel_values] expected images, got none");
  std::vector<Tensor> values;
  for (const StoredImage& image : images) {
    values.push_back(pixel_values(preprocess(image, options), options));
    if (values.back().sizes() != values.front().sizes()) {
      throw ShapeError(
          format_text("[clip.pixel_values] expected pictures of one size, got {} and {}; "
                      "resize or crop them",
                      describe_tensor(values.front()), describe_tensor(values.back())));
    }
  }
  return torch::stack(values);
}

}  // namespace noisescope::clip
