// What a network costs, counted on its options without building it.
#pragma once

#include <cstdint>

#include "noisescope/nn/unet_plan.h"

namespace noisescope::nn {

/// Floating-point operations count a multiply-add as 2 and leave out what is not a convolution, a
/// linear map or an attention product (a few per cent), as torch.utils.flop_counter does.
struct UNetCost {
  int64_t parameters = 0;
  double forward_flops = 0;     // per image at the nominal size
  double train_flops = 0;       // per image: forward, and backward at twice that
  double activation_bytes = 0;  // per image: float32 values kept for the backward pass
};

UNetCost unet_cost(const UNetOptions& options);
UNetCost xnoise_network_cost(const UNetOptions& options);
/// Of the network that options.kind names.
UNetCost network_cost(const UNetOptions& options);

/// Estimated peak of a float32 training step: weights, gradients, two Adam moments and an average
/// of the weights (20 bytes a parameter), and the activations of the batch.
double training_bytes(const UNetCost& cost, int64_t batch);

/// The same for sampling: weights, and the largest few feature maps of a batch.
double sampling_bytes(const UNetOptions& options, const UNetCost& cost, int64_t batch);

}  // namespace noisescope::nn
