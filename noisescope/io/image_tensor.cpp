#include "noisescope/io/image_tensor.h"

#include "noisescope/core/error.h"

#include <cstring>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::io {

Tensor image_to_bytes(const Image& image) {
  const int64_t size = image.height * image.width * image.channels;
  if (image.height < 1 || image.width < 1 || static_cast<int64_t>(image.pixels.size()) != size) {
    throw ValueError(
        format_text("[io.image_to_bytes] expected height * width * channels values, "
                    "got {} x {} x {} with {} values",
                    image.height, image.width, image.channels, image.pixels.size()));
  }
  Tensor rows = torch::empty({image.height, image.width, image.channels}, torch::kUInt8);
  std::memcpy(rows.data_ptr(), image.pixels.data(), image.pixels.size());
  return rows.permute({2, 0, 1}).contiguous();
}

Image image_from_bytes(const Tensor& bytes) {
  check_dtype("io.image_from_bytes", "bytes", bytes, torch::kUInt8);
  check_shape("io.image_from_bytes", "bytes", bytes, {-1, -1, -1});
  const int64_t channels = bytes.size(0);
  if (bytes.numel() == 0 || (channels != 1 && channels != 3 && channels != 4)) {
    throw ShapeError("[io.image_from_bytes] expected 1, 3 or 4 channels of at least 1 x 1 px, got " +
                     describe_tensor(bytes));
  }
  const Tensor rows = bytes.permute({1, 2, 0}).to(torch::kCPU).contiguous();
  Image image;
  image.height = rows.size(0);
  image.width = rows.size(1);
  image.channels = channels;
  const auto* data = rows.const_data_ptr<uint8_t>();
  image.pixels.assign(data, data + rows.numel());
  return image;
}

Tensor bytes_to_values(const Tensor& bytes) {
  check_dtype("io.bytes_to_values", "bytes", bytes, torch::kUInt8);
  return bytes.to(torch::kFloat32).div_(127.5).sub_(1);
}

Tensor values_to_bytes(const Tensor& values) {
  if (!values.defined() || !values.is_floating_point()) {
    throw ShapeError("[io.values_to_bytes] expected floating values, got " +
                     (values.defined() ? describe_tensor(values) : "no tensor"));
  }
  const Tensor scaled = values.detach().to(torch::kFloat32).add(1).mul_(127.5);
  if (scaled.isnan().any().item<bool>()) {
    throw NumericError("[io.values_to_bytes] expected numbers, got NaN in " + describe_tensor(values) +
                       "; the computation before it failed");
  }
  return scaled.round_().clamp_(0, 255).to(torch::kUInt8);
}

Tensor image_to_tensor(const Image& image) { return bytes_to_values(image_to_bytes(image)); }

Image tensor_to_image(const Tensor& values) { return image_from_bytes(values_to_bytes(values)); }

}  // namespace noisescope::io
