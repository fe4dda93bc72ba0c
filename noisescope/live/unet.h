// The network of nn/unet.h as it answers, without torch: the same layers under the same names.
#pragma once

#include <memory>
#include <vector>

#include "noisescope/live/weights.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::live {

/// What one evaluation is given.
struct NetworkInput {
  int64_t batch = 0;
  const float* x = nullptr;          // [B, C, H, W] of about unit variance
  const float* label = nullptr;      // [B]
  const float* condition = nullptr;  // [B, D]
};

class LiveUNet {
 public:
  /// Weights under their names in checkpoints behind `prefix`. Throws ModelError for weights that do not fit, and for
  /// a network that it cannot evaluate, saying why.
  LiveUNet(const UNetOptions& options, const Weights& weights, const std::string& prefix);
  ~LiveUNet();
  LiveUNet(LiveUNet&&) noexcept;

  /// [B, C, H, W]. Sample k of a batch equals sample k alone.
  std::vector<float> operator()(const NetworkInput& input) const;

  const UNetOptions& options() const;

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace noisescope::live
