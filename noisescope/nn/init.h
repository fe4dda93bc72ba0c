// Initial parameters as a pure function of (seed, parameter name). Networks that share a part by name
// start that part equal, and nothing depends on the order of construction or on the global
// generator.
#pragma once

#include <string>
#include <vector>

#include "noisescope/core/random.h"
#include "noisescope/nn/network_fwd.h"

namespace noisescope::nn {

/// How one parameter starts if not by the default rule.
struct InitRule {
  enum class Kind { constant, normal };
  std::string parameter;  // relative to the module that states the rule: "conv2.weight"
  Kind kind = Kind::constant;
  double value = 0;  // the constant, or the standard deviation
};

/// A module that has rules of its own (zero-initialised outputs, learned positions).
class HasInitRules {
 public:
  virtual ~HasInitRules() = default;
  virtual std::vector<InitRule> init_rules() const = 0;
};

/// Sets every parameter of `module`, in place. Default rules, by the last part of the name:
///   weight of >= 2 dimensions   uniform in +-1/sqrt(fan_in), and so is the bias beside it
///   weight of 1 dimension       1 (normalisation), and 0 for the bias beside it
/// Everything else needs an InitRule of a module above it. Rules of inner modules win.
/// Throws ValueError naming parameters without a rule, or rules without a parameter.
void initialize_parameters(torch::nn::Module& module, const Random& random);

/// Keeps the global CPU generator as it was: constructors of torch modules draw from it.
class GlobalGeneratorGuard {
 public:
  GlobalGeneratorGuard();
  ~GlobalGeneratorGuard();
  GlobalGeneratorGuard(const GlobalGeneratorGuard&) = delete;
  GlobalGeneratorGuard& operator=(const GlobalGeneratorGuard&) = delete;

 private:
  Tensor state_;
};

}  // namespace noisescope::nn
