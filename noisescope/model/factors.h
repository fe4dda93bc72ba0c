// What a picture shows, as numbers: factors of a few values each, read by the exact parser of a world or
// by the model's reader from a list of labels.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/model/model.h"

namespace noisescope::model {

struct Factor {
  std::string name;                 // "left colour", "label"
  std::vector<std::string> values;  // K of them
};

struct FactorReader {
  std::vector<Factor> factors;  // F
  std::string reader;           // who reads, in words
  /// Pictures [B, 3, S, S] in [-1, 1] -> [B, F] int64 on the CPU: the value of each factor, -1 where the
  /// picture cannot be read.
  std::function<Tensor(const Tensor& pictures)> read;
};

/// Shapes and colours of both sides and the background, by the exact parser of the world.
FactorReader world_factors(const World& world);

/// One factor whose values are `labels`, captions such as "a photo of a goldfish": the one nearest to the
/// picture by the model's reader. Throws ValueError for fewer than two labels, unknown words, or a model that
/// reads no pictures.
FactorReader zero_shot_factors(const Model& model, const std::vector<std::string>& labels);

/// The first that fits: `labels` where there are any, the parser on a world, else no factors.
FactorReader factors_of(const Model& model, const std::vector<std::string>& labels);

}  // namespace noisescope::model
