// What trainer and pipeline need of a network, whatever its architecture.
#pragma once

#include <cstdint>

#include <torch/nn/module.h>

#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"
#include "noisescope/nn/network_fwd.h"
#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {

/// F(x, noise label, condition) with its own idea of "no prompt".
class ConditionalNetwork : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;

  /// x [B, C, H, W], noise_label [B], condition [B, D] -> [B, C, H, W]. Throws ShapeError.
  virtual Tensor forward(const Tensor& x, const Tensor& noise_label, const Tensor& condition) = 0;

  /// The row that stands for "no prompt": [D], learned or fixed.
  virtual Tensor null_condition() const = 0;

  /// What the network was built from.
  virtual const UNetOptions& options() const = 0;

  /// What dropout depends on, for networks that have one.
  virtual void set_dropout_stream(const Random&, uint64_t /*step*/) {}
};

/// The network that `options.kind` names. Throws ValueError for options that none can be built from.
NetworkPtr make_network(const UNetOptions& options, const Random& random = Random(0));

}  // namespace noisescope::nn
