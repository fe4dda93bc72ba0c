#include "noisescope/world/world.h"
#include "noisescope/core/format.h"

#include "noisescope/model/model.h"
#include "noisescope/world/denoiser.h"
#include "noisescope/world/grammar.h"
#include "noisescope/world/parser.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// One world with all that is known of it.
struct WorldHandle {
  explicit WorldHandle(const WorldOptions& options) : world(options), denoiser(world), parser(world) {}

  World world;
  WorldDenoiser denoiser;
  WorldParser parser;
};

/// Scenes of a world with what they show.
struct Scenes {
  std::vector<Scene> scenes;
  std::shared_ptr<const WorldHandle> of;

  std::vector<std::string> captions() const {
    const WorldGrammar& grammar = of->denoiser.grammar();
    std::vector<std::string> out;
    for (const Scene& scene : scenes) out.push_back(grammar.say(grammar.full_meaning(scene)));
    return out;
  }

  /// What a scene shows in words, by factor.
  static std::map<std::string, std::string> shown(const Scene& scene, const WorldOptions& o) {
    const auto at = [](const std::vector<std::string>& words, int64_t k) { return words[static_cast<size_t>(k)]; };
    return {{"left_shape", at(o.shapes, scene.left.shape)},
            {"left_colour", at(o.colours, scene.left.colour)},
            {"right_shape", at(o.shapes, scene.right.shape)},
            {"right_colour", at(o.colours, scene.right.colour)},
            {"background", at(o.backgrounds, scene.background)}};
  }

  std::map<std::string, std::vector<std::string>> factors() const {
    std::map<std::string, std::vector<std::string>> out;
    for (const auto& [name, word] : shown(of->world.draw_scene(Random(0), 0, 0), of->world.options())) out[name];
    for (const Scene& scene : scenes) {
      for (const auto& [name, word] : shown(scene, of->world.options())) out[name].push_back(word);
    }
    return out;
  }
};

/// The first `count` of the seed's scenes that show these factors.
Scenes draw(const std::shared_ptr<WorldHandle>& self, int64_t count, uint64_t seed,
            const std::map<std::string, std::string>& wanted) {
  constexpr int64_t kMost = 1000000;
  if (count < 0 || count > kMost) {
    throw ValueError(format_text("[World.scenes] expected 0 to 1000000 scenes, got {}", count));
  }
  Scenes out{{}, self};
  for (int64_t i = 0; int64_t(out.scenes.size()) < count; ++i) {
    if (i == kMost) throw ValueError("[World.scenes] expected factors that scenes show, got some that hardly any does");
    const Scene scene = self->world.draw_scene(Random(seed), 0, i);
    const auto shown = Scenes::shown(scene, self->world.options());
    const auto fits = [&](const auto& one) {
      const auto found = shown.find(one.first);
      if (found == shown.end()) {
        throw ValueError(
            "[World.scenes] expected left_shape, left_colour, right_shape, right_colour or background, got '" +
            one.first + "'");
      }
      return found->second == one.second;
    };
    if (std::all_of(wanted.begin(), wanted.end(), fits)) out.scenes.push_back(scene);
  }
  return out;
}

/// How pictures agree with captions: [B] bool for each part, and the residual of the reading.
py::dict agree(const WorldHandle& self, const Tensor& pictures, const std::vector<std::string>& captions) {
  const std::vector<ParsedScene> read = self.parser.parse(pictures);
  if (captions.size() != read.size()) {
    throw ValueError(
        format_text("[World.agreement] expected a caption a picture, got {} for {}", captions.size(), read.size()));
  }
  const auto count = static_cast<int64_t>(read.size());
  Tensor parts = torch::zeros({6, count}, torch::kBool), residual = torch::zeros({count}, torch::kFloat64);
  for (int64_t i = 0; i < count; ++i) {
    const ParsedScene& scene = read[static_cast<size_t>(i)];
    const CaptionAgreement a = agreement(scene, self.denoiser.grammar().parse(captions[static_cast<size_t>(i)]));
    const bool values[6] = {a.shapes, a.colours, a.sides, a.background, a.joint, scene.rejected};
    for (int64_t part = 0; part < 6; ++part) parts[part][i] = values[part];
    residual[i] = scene.residual_rms;
  }
  py::dict out;
  const char* names[6] = {"shapes", "colours", "sides", "background", "joint", "rejected"};
  for (int64_t part = 0; part < 6; ++part) out[names[part]] = parts[part];
  out["residual_rms"] = residual;
  return out;
}

SceneFactor factor_named(const std::string& name) {
  const char* names[] = {"left_shape",   "left_colour",  "left_object",    "left_position", "right_shape",
                         "right_colour", "right_object", "right_position", "background"};
  for (int i = 0; i < 9; ++i) {
    if (name == names[i]) return static_cast<SceneFactor>(i);
  }
  throw ValueError("[World] expected a factor such as left_colour or background, got '" + name + "'");
}

Tensor masks_of(const Scenes& scenes, const std::string& factor) {
  std::vector<Tensor> masks;
  for (const Scene& scene : scenes.scenes) {
    masks.push_back(scenes.of->world.counterfactual_mask(scene, factor_named(factor)));
  }
  return torch::stack(masks);
}

}  // namespace

void bind_world(py::module_& m) {
  add_options<WorldOptions>(m, "World", "WorldOptions");

  py::class_<Scenes>(m, "Scenes")
      .def("__len__", [](const Scenes& s) { return s.scenes.size(); })
      .def_property_readonly("pictures", [](const Scenes& s) { return s.of->world.render(s.scenes); })
      .def_property_readonly("captions", &Scenes::captions)
      .def_property_readonly("factors", &Scenes::factors)
      .def_property_readonly("object_masks", [](const Scenes& s) { return s.of->world.object_masks(s.scenes); })
      .def("counterfactual_masks", masks_of);

  py::class_<WorldHandle, std::shared_ptr<WorldHandle>>(m, "World")
      .def(py::init([](const std::string& member, const py::dict& options) {
        return std::make_shared<WorldHandle>(options_of<WorldOptions>(options, "World", world_member(member)));
      }))
      .def("scenes", draw)
      .def_property_readonly("words", [](const WorldHandle& w) { return w.denoiser.grammar().words(); })
      .def_property_readonly("options", [](const WorldHandle& w) { return python_of(to_json(w.world.options())); })
      .def("captions", [](const WorldHandle& w) { return w.denoiser.grammar().full_captions(SceneSet::all); })
      .def("entropy",
           [](const WorldHandle& w, const std::string& given) {
             return w.denoiser.grammar().entropy(given.empty() ? CaptionMeaning{} : w.denoiser.grammar().parse(given));
           })
      .def("model", [](const WorldHandle& w) { return exact_model(w.denoiser); })
      .def("posterior",
           [](const WorldHandle& w, const Tensor& x, const Tensor& sigma, const Tensor& condition,
              const std::string& factor) {
             const SceneFactor of = factor_named(factor);
             const py::gil_scoped_release release;
             return w.denoiser.posterior(x, sigma, condition, of);
           })
      .def("log_likelihood_ratio",
           [](const WorldHandle& w, const Tensor& x, const Tensor& sigma, const Tensor& conditions,
              const Tensor& reference) {
             const py::gil_scoped_release release;
             return w.denoiser.log_likelihood_ratio(x, sigma, conditions, reference);
           })
      .def("agreement", agree);
}

}  // namespace noisescope::python
