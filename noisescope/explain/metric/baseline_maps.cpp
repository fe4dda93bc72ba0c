#include "noisescope/explain/metric/baseline_maps.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/replication_pad2d.h>

namespace noisescope::explain {

Tensor random_maps(int64_t height, int64_t width, const Random& random, const std::vector<int64_t>& sample_ids) {
  return random.uniform(Purpose::explain, name_hash("random map"), sample_ids, {height, width}, torch::kFloat64);
}

Tensor edge_maps(const Tensor& pictures) {
  check_shape("explain.edge_maps", "pictures", pictures, {-1, -1, -1, -1});
  const Tensor grey = pictures.to(torch::kFloat64).mean(1, true);
  const Tensor across = torch::tensor({{-1.0, 0.0, 1.0}, {-2.0, 0.0, 2.0}, {-1.0, 0.0, 1.0}}, grey.options());
  const Tensor kernels = torch::stack({across, across.t()}).unsqueeze(1);
  return at::conv2d(at::replication_pad2d(grey, {1, 1, 1, 1}), kernels).square().sum(1).sqrt();
}

}  // namespace noisescope::explain
