#include "noisescope/verify/scene_batch.h"

#include "noisescope/core/error.h"

namespace noisescope::verify {
namespace {

constexpr uint64_t kVerifyStep = 7;  // scenes of verification, apart from those of training (step 0)

std::vector<std::string> say_all(const SceneBatch& batch,
                                 const std::function<ObjectMeaning(const WorldObject&)>& left) {
  std::vector<std::string> captions;
  for (const Scene& scene : batch.scenes) {
    CaptionMeaning meaning = batch.grammar.full_meaning(scene);
    meaning.left = left(scene.left);
    captions.push_back(batch.grammar.say(meaning));
  }
  return captions;
}

/// No value of the left object's colour or shape makes it look like the right one.
bool contrastable(const Scene& scene) {
  return scene.left.shape != scene.right.shape && scene.left.colour != scene.right.colour;
}

}  // namespace

SceneBatch SceneBatch::rows(const std::vector<int64_t>& rows) const {
  SceneBatch some{world, grammar, {}, pictures.index_select(0, torch::tensor(rows, torch::kInt64))};
  for (const int64_t row : rows) some.scenes.push_back(scenes[static_cast<size_t>(row)]);
  return some;
}

std::vector<std::string> SceneBatch::captions() const {
  return say_all(*this, [](const WorldObject& o) { return ObjectMeaning{o.shape, o.colour}; });
}

std::vector<std::string> SceneBatch::captions_without(bool colour, bool shape) const {
  return say_all(*this, [&](const WorldObject& o) {
    return ObjectMeaning{shape ? kAny : o.shape, colour ? kAny : o.colour};
  });
}

std::vector<std::string> SceneBatch::sided_captions_with(const std::function<ObjectMeaning(const WorldObject&)>& left,
                                                         bool name_background) const {
  std::vector<std::string> captions;
  for (const Scene& scene : scenes) {
    const ObjectMeaning said = left ? left(scene.left) : ObjectMeaning{scene.left.shape, scene.left.colour};
    captions.push_back(
        grammar.say({said, {scene.right.shape, scene.right.colour}, true, name_background ? scene.background : kAny}));
  }
  return captions;
}

std::vector<std::vector<std::string>> SceneBatch::versions(Word word) const {
  const int64_t count = word == Word::colour ? world.colour_count() : world.shape_count();
  std::vector<std::vector<std::string>> versions;
  for (int64_t value = 0; value < count; ++value) {
    versions.push_back(say_all(*this, [&](const WorldObject& o) {
      return word == Word::colour ? ObjectMeaning{o.shape, value} : ObjectMeaning{value, o.colour};
    }));
  }
  return versions;
}

Tensor SceneBatch::true_version(Word word) const {
  std::vector<int64_t> own;
  for (const Scene& scene : scenes) {
    own.push_back(word == Word::colour ? scene.left.colour : scene.left.shape);
  }
  return torch::tensor(own, torch::kInt64);
}

Tensor SceneBatch::left_masks() const { return world.object_masks(scenes).select(1, 0); }

Tensor SceneBatch::counterfactual_masks(Word word) const {
  const SceneFactor factor = word == Word::colour ? SceneFactor::left_colour : SceneFactor::left_shape;
  std::vector<Tensor> masks;
  for (const Scene& scene : scenes) masks.push_back(world.counterfactual_mask(scene, factor));
  return torch::stack(masks);
}

Tensor scene_ratio(const WorldDenoiser& truth, const std::vector<std::string>& captions,
                   const std::vector<std::string>& references) {
  const Model model = exact_model(truth);
  const auto scenes = [&](const std::vector<std::string>& rows) {
    return (model.condition(rows) > 0).sum(1).to(torch::kFloat64);
  };
  return (scenes(references) / scenes(captions)).log();
}

SceneBatch contrastable_scenes(const World& world, uint64_t seed, int64_t count) {
  SceneBatch batch{world, WorldGrammar(world), {}, {}};
  const Random random(seed);
  for (int64_t sample = 0; batch.size() < count; ++sample) {
    const Scene scene = world.draw_scene(random, kVerifyStep, sample);
    if (contrastable(scene)) batch.scenes.push_back(scene);
  }
  batch.pictures = world.render(batch.scenes).to(torch::kFloat64);
  return batch;
}

}  // namespace noisescope::verify
