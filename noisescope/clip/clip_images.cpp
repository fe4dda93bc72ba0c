#include "noisescope/clip/clip_images.h"

#include <vector>

#include "noisescope/io/image_tensor.h"
#include "noisescope/io/resize.h"

namespace noisescope {

Tensor to_clip_size(const Tensor& images, int64_t size) {
  check_shape("clip.to_clip_size", "images", images, {-1, 3, -1, -1});
  if (images.size(2) == size && images.size(3) == size) return images;
  const Tensor whole = images.detach().to(torch::kCPU);
  std::vector<Tensor> resized;
  for (int64_t k = 0; k < whole.size(0); ++k) {
    resized.push_back(image_to_tensor(resize_and_crop(tensor_to_image(whole[k]), size)));
  }
  return torch::stack(resized);
}

}  // namespace noisescope
