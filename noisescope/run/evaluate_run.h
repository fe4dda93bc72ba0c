// Scores of a trained run, written to evaluation.json.
#pragma once

#include <map>

#include "noisescope/evaluate/scene_accuracy.h"
#include "noisescope/model/text_to_image.h"
#include "noisescope/run/run_config.h"
#include "noisescope/run/run_folder.h"

namespace noisescope::run {

/// Scene accuracy on the world. The sweep has prompts and noise of its own, so that the scale that it recommends, or
/// any constant that is chosen on it, is not chosen on the prompts of the score.
struct WorldEvaluation {
  double default_guidance = 0;
  SceneAccuracy strict;                      // at the default guidance, hardly a wrong pixel allowed: the headline
  SceneAccuracy score;                       // the same pictures, read as evaluation.readable_noise says
  std::map<double, SceneAccuracy> sweep;     // by scale
  std::map<double, SceneAccuracy> held_out;  // combinations never trained on, if the world holds any
  double seconds_per_image = 0;              // of drawing at the default guidance
  double residual_bound = 0;                 // of the parser
  double strict_residual_bound = 0;
  Tensor pictures;                   // [16, 3, 32, 32] of the score, for the report
  std::vector<std::string> prompts;  // theirs
  std::vector<bool> right;           // the caption is true of the picture, strictly read
};

/// Draws and reads `config.evaluation.samples` pictures, and the sweep.
WorldEvaluation evaluate_world(const TextToImage& model, const RunConfig& config, const Control& control);

nlohmann::ordered_json to_json(const WorldEvaluation& evaluation);

/// Scores the model on the run's kind of data and writes evaluation.json and samples/evaluation.png.
nlohmann::ordered_json evaluate_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                                    const Control& control);

}  // namespace noisescope::run
