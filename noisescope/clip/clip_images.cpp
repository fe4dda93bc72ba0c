#include "noisescope/clip/clip_images.h"

#include <vector>

#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/image_tensor.h"

namespace noisescope::clip {

Tensor to_clip_size(const Tensor& images, const PreprocessOptions& options) {
  check_shape("clip.to_clip_size", "images", images, {-1, 3, -1, -1});
  if (std::pair(images.size(3), images.size(2)) == preprocessed_size(options)) return images;
  const Tensor whole = images.detach().to(torch::kCPU);
  std::vector<Tensor> resized;
  for (int64_t k = 0; k < whole.size(0); ++k) {
    resized.push_back(image_to_tensor(preprocess({.image = tensor_to_image(whole[k])}, options)));
  }
  return torch::stack(resized);
}

Tensor read_pixel_values(const std::filesystem::path& path, const PreprocessOptions& options) {
  return pixel_values(preprocess(read_stored(path), options), options);
}

}  // namespace noisescope::clip
