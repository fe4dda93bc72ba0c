#include "noisescope/verify/subject.h"

#include "noisescope/core/error.h"

namespace noisescope {
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

/// Log-odds of p(text is true | picture) as if the picture carried noise of deviation 1: what a perfect
/// reader that is not sure of single pixels says.
WordReader exact_reader(const WorldDenoiser& truth, const std::vector<std::string>& texts) {
  std::vector<CaptionMeaning> meanings;
  for (const std::string& text : texts) meanings.push_back(truth.grammar().parse(text));
  return [truth, meanings](const Tensor& pictures) {
    const Tensor sigma = torch::ones({pictures.size(0)}, torch::kFloat64);
    const Tensor p = truth.caption_posterior(
        pictures, sigma, truth.null_condition().expand({pictures.size(0), -1}), meanings);
    return p.clamp(1e-12, 1 - 1e-12).logit();
  };
}

/// The network computes in float32; scenes and sums around it stay in float64.
Denoiser denoiser_of(const TextToImage& model) {
  return [inner = model.denoiser(), device = model.device()](const Tensor& x, const Tensor& sigma,
                                                             const Tensor& condition) {
    const auto in = [&](const Tensor& t) { return t.to(device, torch::kFloat32); };
    return inner(in(x), in(sigma), condition).to(x.options());
  };
}

/// No value of the left object's colour or shape makes it look like the right one.
bool contrastable(const Scene& scene) {
  return scene.left.shape != scene.right.shape && scene.left.colour != scene.right.colour;
}

}  // namespace

Subject exact_subject(const WorldDenoiser& truth) {
  const auto condition = [truth](const std::vector<std::string>& captions) {
    std::vector<Tensor> rows;
    for (const std::string& caption : captions) {
      rows.push_back(caption.empty() ? truth.null_condition()
                                     : truth.condition_of(truth.grammar().parse(caption)));
    }
    return torch::stack(rows);
  };
  Subject subject{"exact " + truth.world().name(), true, truth.denoiser(), condition};
  subject.reader = [truth](const auto& texts) { return exact_reader(truth, texts); };
  return subject;
}

Subject trained_subject(const TextToImage& model, const World& world, double log_snr_max) {
  if (model.image_size() != kWorldImagePx) {
    throw ModelError("[verify] expected a model of " + std::to_string(kWorldImagePx) +
                     "-pixel pictures of the two-object world, got " +
                     std::to_string(model.image_size()) + " pixels");
  }
  const auto condition = [model](const std::vector<std::string>& captions) {
    const bool null = !captions.empty() && captions.front().empty();
    return null ? model.null_condition(static_cast<int64_t>(captions.size()))
                : model.condition(captions);
  };
  Subject subject{"trained " + world.name(), false, denoiser_of(model), condition, log_snr_max};
  subject.reader = [model](const auto& texts) { return clip_reader(model.clip(), texts); };
  subject.model = std::make_shared<const TextToImage>(model);
  return subject;
}

std::vector<std::string> SceneBatch::captions() const {
  return say_all(*this, [](const WorldObject& o) { return ObjectMeaning{o.shape, o.colour}; });
}

std::vector<std::string> SceneBatch::captions_without(bool colour, bool shape) const {
  return say_all(*this, [&](const WorldObject& o) {
    return ObjectMeaning{shape ? kAny : o.shape, colour ? kAny : o.colour};
  });
}

std::vector<std::string> SceneBatch::sided_captions_with(
    const std::function<ObjectMeaning(const WorldObject&)>& left, bool name_background) const {
  std::vector<std::string> captions;
  for (const Scene& scene : scenes) {
    const ObjectMeaning said =
        left ? left(scene.left) : ObjectMeaning{scene.left.shape, scene.left.colour};
    captions.push_back(grammar.say({said, {scene.right.shape, scene.right.colour}, true,
                                    name_background ? scene.background : kAny}));
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

Tensor SceneBatch::own_version(Word word) const {
  std::vector<int64_t> own;
  for (const Scene& scene : scenes) {
    own.push_back(word == Word::colour ? scene.left.colour : scene.left.shape);
  }
  return torch::tensor(own, torch::kInt64);
}

Tensor SceneBatch::left_masks() const { return world.object_masks(scenes).select(1, 0); }

Tensor SceneBatch::counterfactual_masks(Word word) const {
  const SceneFactor factor =
      word == Word::colour ? SceneFactor::left_colour : SceneFactor::left_shape;
  std::vector<Tensor> masks;
  for (const Scene& scene : scenes) masks.push_back(world.counterfactual_mask(scene, factor));
  return torch::stack(masks);
}

Tensor scene_ratio(const WorldDenoiser& truth, const std::vector<std::string>& captions,
                   const std::vector<std::string>& references) {
  const Subject subject = exact_subject(truth);
  const auto scenes = [&](const std::vector<std::string>& rows) {
    return (subject.condition(rows) > 0).sum(1).to(torch::kFloat64);
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

}  // namespace noisescope
