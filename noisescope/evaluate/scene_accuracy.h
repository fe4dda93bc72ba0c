// Scene accuracy on the two-object world: does the picture show what the prompt asked for?
// The judge is the exact parser, so there is no classifier to please.
#pragma once

#include <string>
#include <vector>

#include "noisescope/stats/estimate.h"
#include "noisescope/world/parser.h"

namespace noisescope::evaluate {

/// Prompts and what they ask for.
struct ScenePrompts {
  std::vector<std::string> captions;
  std::vector<CaptionMeaning> meanings;
};

/// `count` full captions of scenes of the set, by (Purpose::evaluation, stream, number); either word
/// order ("left of", "right of") with probability 1/2 where the world has ordered captions.
/// Different streams give independent prompts: the sweep that chooses a guidance scale must not use
/// the prompts of the score.
ScenePrompts draw_scene_prompts(const WorldGrammar& grammar, const Random& random, uint64_t stream, int64_t count,
                                SceneSet set);

/// Shares of pictures that agree with their prompt, with Wilson intervals. A rejected picture
/// agrees in nothing.
struct SceneAccuracy {
  Estimate joint;    // the caption is true of the picture
  Estimate shapes;   // both
  Estimate colours;  // both
  Estimate sides;
  Estimate background;
  Estimate rejected;  // unreadable pictures
};

nlohmann::ordered_json to_json(const SceneAccuracy& accuracy);

/// Picture k was asked to show meanings[k]. Throws ValueError unless both have the same length >= 1.
SceneAccuracy scene_accuracy(const std::vector<ParsedScene>& parsed, const std::vector<CaptionMeaning>& meanings);

}  // namespace noisescope::evaluate
