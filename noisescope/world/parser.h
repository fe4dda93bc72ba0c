// The exact reader of two-object pictures: the most likely scene under pixel noise, or a refusal.
#pragma once

#include <vector>

#include "noisescope/core/options.h"
#include "noisescope/world/grammar.h"
#include "noisescope/world/templates.h"
#include "noisescope/world/world.h"

namespace noisescope::world {

struct WorldParserOptions {
  double readable_noise = 0.15;
  int64_t calibration_count = 256;
  int64_t calibration_seed = 0;
};
void describe(Describer& d, WorldParserOptions& options);

/// What a picture was read as. Everything but `residual_rms` is void where it was rejected.
struct ParsedScene {
  Scene scene;
  /// Root mean square of picture - render(scene) over the worst of four parts: both halves and the
  /// squares of both objects. The squares make damage to a small object count in full.
  double residual_rms = 0;
  bool rejected = false;
};

/// How a picture agrees with what a caption says; what the caption leaves open agrees. Objects are
/// matched with the caption's in the way that fits best, so that two objects in the wrong places
/// cost `sides` alone. A rejected picture agrees in nothing.
struct CaptionAgreement {
  bool shapes = false;   // both
  bool colours = false;  // both
  bool sides = false;    // the best match is the one that the caption says
  bool background = false;
  bool joint = false;  // all of them: the caption is true of the picture
};
CaptionAgreement agreement(const ParsedScene& parsed, const CaptionMeaning& meaning);

class WorldParser {
 public:
  /// Calibrates the bound on residual_rms: the largest one among `calibration_count` renders with
  /// Gaussian pixel noise of standard deviation `readable_noise` (range of pixels: 2). What is
  /// farther from every picture of the world than any of those is rejected.
  explicit WorldParser(const World& world, const WorldParserOptions& options = {});

  /// Maximum likelihood over both halves with one background, by enumeration. Pictures [B, 3, 32,
  /// 32] are clamped to [-1, 1]; one with a value that is not finite is rejected.
  std::vector<ParsedScene> parse(const Tensor& pictures) const;

  double residual_bound() const { return residual_bound_; }
  const WorldParserOptions& options() const { return options_; }

 private:
  World world_;
  WorldTemplates templates_;
  WorldParserOptions options_;
  double residual_bound_ = 0;
};

}  // namespace noisescope::world
