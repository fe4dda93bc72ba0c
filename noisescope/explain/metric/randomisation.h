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
#include "noisescope/nn/network_fwd.h"

namespace noisescope::explain {

class AnswerDescriber;

/// The layers of a network from input to output: parameter names up to their second dot
/// ("dec.16x16_block0"), in order of registration.
std::vector<std::string> layers_of(const torch::nn::Module& network);

/// A copy of the network in which the parameters of `layers` are shuffled, each by (random,
/// Purpose::explain, hash of its name). Throws ValueError for a layer that it does not have.
NetworkPtr shuffled_copy(const NetworkPtr& network, const std::vector<std::string>& layers, const Random& random);

/// The maps under test, K kinds for B pictures [K, B, H, W], for any network of this shape.
using MapsOfNetwork = std::function<Tensor(const NetworkPtr& network)>;

/// Rank correlations (stats/ranks.h) with the maps of the network as it is, over the pixels of each
/// picture. Lower in size = better; null value 0 for a map that depends on the weights alone, with a
/// spread that grows with its smoothness: average over pictures and shuffles before taking the size.
/// NaN where a map is constant.
struct WeightRandomisation {
  std::vector<std::string> layers;  // [S]: the layer that was destroyed last
  Tensor correlation;               // [S, K, B] of the maps as they are
  Tensor own_correlation;           // [S, K, B] of own_part: without what architecture and data set alone
                                    // put into every map. A convolution answers at the border as nowhere
                                    // else, whatever its weights, and objects avoid the border
};

/// What a map says of its picture and not of any: maps [K, B, H, W], each over its mean size, less their
/// mean over the B >= 2 pictures of its kind. Needs pictures that differ.
Tensor own_part(const Tensor& maps);

/// Full randomisation: all layers at once, S = `shuffles` times. Shuffle s takes the seed of `random`
/// plus s. Cost: S + 1 times that of the maps.
WeightRandomisation randomise_all(const NetworkPtr& network, const MapsOfNetwork& maps, const Random& random,
                                  int64_t shuffles = 1);

/// Cascading randomisation: layers from the output down to the input, each destroyed on top of those
/// before it, S = number of layers; the curve should fall and end where randomise_all is.
/// Cost: S + 1 times that of the maps.
WeightRandomisation randomise_cascade(const NetworkPtr& network, const MapsOfNetwork& maps, const Random& random);

void describe(AnswerDescriber& d, const WeightRandomisation& answer);

}  // namespace noisescope::explain
