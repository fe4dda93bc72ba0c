#include "noisescope/world/world.h"

#include "noisescope/world/denoiser.h"
#include "noisescope/world/grammar.h"
#include "noisescope/world/parser.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// One world with all that is known of it.
struct WorldHandle {
  explicit WorldHandle(const WorldOptions& options)
      : world(options), denoiser(world), parser(world) {}

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

  /// What each scene shows in words, by factor.
  py::dict factors() const {
    const WorldOptions& o = of->world.options();
    py::list shapes[2], colours[2], backgrounds;
    for (const Scene& scene : scenes) {
      const WorldObject* objects[2] = {&scene.left, &scene.right};
      for (int side = 0; side < 2; ++side) {
        shapes[side].append(o.shapes[static_cast<size_t>(objects[side]->shape)]);
        colours[side].append(o.colours[static_cast<size_t>(objects[side]->colour)]);
      }
      backgrounds.append(o.backgrounds[static_cast<size_t>(scene.background)]);
    }
    py::dict out;
    out["left_shape"] = shapes[0];
    out["left_colour"] = colours[0];
    out["right_shape"] = shapes[1];
    out["right_colour"] = colours[1];
    out["background"] = backgrounds;
    return out;
  }
};

Scenes draw(const std::shared_ptr<WorldHandle>& self, int64_t count, uint64_t seed) {
  if (count < 0 || count > 1000000) {
    throw ValueError("[World.scenes] expected 0 to 1000000 scenes, got " + std::to_string(count));
  }
  Scenes out{{}, self};
  for (int64_t i = 0; i < count; ++i) out.scenes.push_back(self->world.draw_scene(Random(seed), 0, i));
  return out;
}

/// How pictures agree with captions: [B] bool for each part, and the residual of the reading.
py::dict agree(const WorldHandle& self, const Tensor& pictures, const std::vector<std::string>& captions) {
  const std::vector<ParsedScene> read = self.parser.parse(pictures);
  if (captions.size() != read.size()) {
    throw ValueError("[World.agreement] expected a caption a picture, got " + std::to_string(captions.size()) +
                     " for " + std::to_string(read.size()));
  }
  const auto count = static_cast<int64_t>(read.size());
  Tensor parts = torch::zeros({6, count}, torch::kBool), residual = torch::zeros({count}, torch::kFloat64);
  for (int64_t i = 0; i < count; ++i) {
    const ParsedScene& scene = read[static_cast<size_t>(i)];
    const CaptionAgreement a =
        agreement(scene, self.denoiser.grammar().parse(captions[static_cast<size_t>(i)]));
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
  const char* names[] = {"left_shape", "left_colour", "left_object", "left_position", "right_shape",
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
  py::dict table = m.attr("options");
  add_options<WorldOptions>(table, "World");

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
      .def("entropy", [](const WorldHandle& w, const std::string& given) {
        return w.denoiser.grammar().entropy(given.empty() ? CaptionMeaning{} : w.denoiser.grammar().parse(given));
      })
      .def("condition", [](const WorldHandle& w, const std::vector<std::string>& captions) {
        return w.denoiser.condition_of(captions);
      })
      .def("null_condition", [](const WorldHandle& w, int64_t count) {
        return w.denoiser.null_condition().expand({count, -1});
      })
      .def("denoiser", [](const WorldHandle& w) { return DenoiserHandle{w.denoiser.denoiser()}; })
      .def("posterior", [](const WorldHandle& w, const Tensor& x, const Tensor& sigma, const Tensor& condition,
                           const std::string& factor) {
        const SceneFactor of = factor_named(factor);
        const py::gil_scoped_release release;
        return w.denoiser.posterior(x, sigma, condition, of);
      })
      .def("log_likelihood_ratio", [](const WorldHandle& w, const Tensor& x, const Tensor& sigma,
                                      const Tensor& conditions, const Tensor& reference) {
        const py::gil_scoped_release release;
        return w.denoiser.log_likelihood_ratio(x, sigma, conditions, reference);
      })
      .def("agreement", agree);
}

}  // namespace noisescope::python
