#include "noisescope/evaluate/scene_accuracy.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::evaluate {

ScenePrompts draw_scene_prompts(const WorldGrammar& grammar, const Random& random, uint64_t stream, int64_t count,
                                SceneSet set) {
  const World& world = grammar.world();
  const std::vector<AttributePair>& pairs = world.pairs(set);
  if (pairs.empty()) {
    throw ValueError(
        "[evaluate.draw_scene_prompts] expected scenes to draw from, got none; set "
        "data.world.hold_out to hold some out of training");
  }
  ScenePrompts prompts;
  for (int64_t k = 0; k < count; ++k) {
    const auto pick = [&](int64_t bound, uint32_t position) {
      return random.integer(Purpose::evaluation, stream, k, bound, position);
    };
    const AttributePair& pair = pairs[static_cast<size_t>(pick(static_cast<int64_t>(pairs.size()), 0))];
    const Scene scene{world.object(pair.left), world.object(pair.right), pick(world.background_count(), 1)};
    prompts.meanings.push_back(grammar.full_meaning(scene));
    prompts.captions.push_back(grammar.say(prompts.meanings.back(), pick(2, 2) == 1));
  }
  return prompts;
}

nlohmann::ordered_json to_json(const SceneAccuracy& accuracy) {
  return {{"joint", to_json(accuracy.joint)},           {"shapes", to_json(accuracy.shapes)},
          {"colours", to_json(accuracy.colours)},       {"sides", to_json(accuracy.sides)},
          {"background", to_json(accuracy.background)}, {"rejected", to_json(accuracy.rejected)}};
}

SceneAccuracy scene_accuracy(const std::vector<ParsedScene>& parsed, const std::vector<CaptionMeaning>& meanings) {
  if (parsed.empty() || parsed.size() != meanings.size()) {
    throw ValueError(format_text("[evaluate.scene_accuracy] expected as many pictures as prompts, got {} and {}",
                                 parsed.size(), meanings.size()));
  }
  int64_t joint = 0, shapes = 0, colours = 0, sides = 0, background = 0, rejected = 0;
  for (size_t k = 0; k < parsed.size(); ++k) {
    const CaptionAgreement agrees = agreement(parsed[k], meanings[k]);
    joint += agrees.joint;
    shapes += agrees.shapes;
    colours += agrees.colours;
    sides += agrees.sides;
    background += agrees.background;
    rejected += parsed[k].rejected;
  }
  const auto n = static_cast<int64_t>(parsed.size());
  return {wilson(joint, n), wilson(shapes, n),     wilson(colours, n),
          wilson(sides, n), wilson(background, n), wilson(rejected, n)};
}

}  // namespace noisescope::evaluate
