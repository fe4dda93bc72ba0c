// What a picture shows, as numbers: factors of a few values each, read by the exact parser of a world or
// by the run's CLIP from a list of labels.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"

namespace noisescope {

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

/// Shapes and colours of both sides and the background, by the exact parser.
FactorReader world_factors(const WorldOptions& options);

/// One factor whose values are `labels`, captions such as "a photo of a goldfish": the one nearest to the
/// picture in the model's CLIP. Throws ValueError for fewer than two labels or unknown words.
FactorReader zero_shot_factors(const TextToImage& model, const std::vector<std::string>& labels);

/// The first that fits: `labels` where there are any, the parser on a world, else no factors.
FactorReader factors_of(const TextToImage& model, const RunConfig& config,
                        const std::vector<std::string>& labels);

}  // namespace noisescope
