// Weight randomisation (Adebayo et al. 2018, arXiv:1810.03292): a map that stays when the network's
// weights are destroyed does not show what the network knows.
//
// "Destroyed" is: the numbers of each parameter are shuffled within it. So every layer keeps its scale and
// the network still answers, and answers to its condition; a fresh start would not do, since outputs
// that start from zero make every map zero.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/nn/unet.h"

namespace noisescope {

/// The layers of a network from input to output: parameter names up to their second dot
/// ("dec.16x16_block0"), in order of registration.
std::vector<std::string> layers_of(const torch::nn::Module& network);

/// A copy of the network in which the parameters of `layers` are shuffled, each by (random,
/// Purpose::explain, hash of its name). Throws ValueError for a layer that it does not have.
UNet shuffled_copy(const UNet& network, const std::vector<std::string>& layers,
                   const Random& random);

/// The maps [B, H, W] that are under test, for any network of this shape.
using MapsOfNetwork = std::function<Tensor(const UNet& network)>;

struct WeightRandomisation {
  std::vector<std::string> layers;  // [S]: the layer that was destroyed last
  Tensor correlation;               // [S, B] rank correlation with the maps of the network as it is
};

/// Full randomisation: all layers at once, S = 1. Cost: 2 times that of the maps. Lower |correlation| =
/// better; null value 0 for a map that depends on the weights alone.
WeightRandomisation randomise_all(const UNet& network, const MapsOfNetwork& maps,
                                  const Random& random);

/// Cascading randomisation: layers from the output down to the input, each destroyed on top of those
/// before it, S = number of layers; the curve should fall and end where randomise_all is.
/// Cost: S + 1 times that of the maps.
WeightRandomisation randomise_cascade(const UNet& network, const MapsOfNetwork& maps,
                                      const Random& random);

}  // namespace noisescope
