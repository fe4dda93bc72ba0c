#include "noisescope/nn/conditional_network.h"

#include "noisescope/core/error.h"
#include "noisescope/nn/unet.h"
#include "noisescope/nn/xnoise_network.h"

namespace noisescope::nn {

NetworkPtr make_network(const UNetOptions& options, const Random& random) {
  switch (options.kind) {
    case NetworkKind::unet:
      return std::make_shared<UNetImpl>(options, random);
    case NetworkKind::xnoise:
      return std::make_shared<XNoiseNetworkImpl>(options, random);
  }
  throw ValueError("[nn.make_network] expected a kind of network, got an unknown one");
}

}  // namespace noisescope::nn
