// Models, whoever made them, and sampling runs.
#include "noisescope/model/model.h"

#include "noisescope/diffusion/process.h"
#include "noisescope/model/factors.h"
#include "noisescope/model/word_contrasts.h"
#include "python/bindings/bindings.h"

namespace noisescope {

static void describe(AnswerDescriber& d, const PromptContrast& a) {
  d("word", a.word, "", "", "as it stands in the prompt");
  d("values", a.values, "version", "", "versions of the word");
  d("prompts", a.prompts, "version", "", "the prompt with each");
  d("true_version", a.true_version, "", "", "which of them is the prompt itself");
  d("position", static_cast<int64_t>(a.position), "", "", "where the word begins in the prompt");
  d("kind", a.kind, "", "", "of the word, where a vocabulary knows it, else empty");
}

}  // namespace noisescope

namespace noisescope::python {
namespace {

using Ids = std::optional<std::vector<int64_t>>;
using Texts = std::vector<std::string>;

/// Python's `condition(prompts)`, checked.
std::function<Tensor(const Texts&)> condition_function(py::object function) {
  const auto kept = keep(std::move(function));
  return [kept](const Texts& prompts) {
    const py::gil_scoped_acquire gil;
    const Tensor rows = returned_tensor((*kept)(prompts), "condition");
    check_shape("Model", "condition", rows, {static_cast<int64_t>(prompts.size()), -1});
    return rows;
  };
}

Model model_of(const std::string& name, const DenoiserHandle& denoiser, py::object condition,
               const std::vector<int64_t>& image_shape, double log_snr_max, bool is_posterior_mean,
               const py::object& reader, const py::dict& sample) {
  if (image_shape.size() != 3) throw ValueError("[Model] expected image_shape (C, H, W)");
  Model model{name,        denoiser.denoiser, condition_function(std::move(condition)),     image_shape,
              log_snr_max, is_posterior_mean, options_of<SamplingOptions>(sample, "sample")};
  if (reader.is_none()) return model;
  model.reader = [kept = keep(reader)](const Texts& texts) {
    const py::gil_scoped_acquire gil;
    return picture_function((*kept)(texts), "reader");
  };
  return model;
}

Trajectory drawn_by(const Model& model, const Texts& prompts, const std::string& negative_prompt,
                    const std::optional<Tensor>& images, uint64_t seed, const Ids& ids, const py::dict& options) {
  const auto count = static_cast<int64_t>(prompts.size());
  if (count == 0) throw ValueError("[trajectory] expected at least one prompt, got none");
  if (images) {
    if (!model.network) throw ValueError("[trajectory] expected prompts; this model takes no images");
    check_shape("trajectory", "images", *images, {count, 3, -1, -1});
  }
  const NoiseSource noise{Random(seed), ids_or_range(ids, count)};
  const Tensor condition = images ? model.network->condition_of_images(*images) : model.condition(prompts);
  return {sampling_of(model, options_of<SamplingOptions>(options, "sample", model.sample)),
          {condition, model.condition({negative_prompt}), noise.initial(model.image_shape).to(model.device), noise}};
}

Trajectory trajectory_of(const DenoiserHandle& denoiser, const Tensor& condition, const Tensor& null_condition,
                         const std::vector<int64_t>& image_shape, const std::vector<double>& sigmas, uint64_t seed,
                         const Ids& ids, const py::dict& sampler, const py::dict& guidance) {
  check_shape("Trajectory", "condition", condition, {-1, -1});
  if (image_shape.size() != 3) throw ValueError("[Trajectory] expected image_shape (C, H, W)");
  const NoiseSource noise{Random(seed), ids_or_range(ids, condition.size(0))};
  return {{denoiser.denoiser, sigmas, options_of<SamplerOptions>(sampler, "sampler"),
           options_of<GuidanceOptions>(guidance, "guidance")},
          {condition, null_condition, noise.initial(image_shape), noise}};
}

Change change_of(int64_t step, const std::optional<Tensor>& condition, const std::optional<double>& scale,
                 const std::optional<std::array<double, 3>>& window, const std::function<bool(double)>& prompted,
                 const std::optional<Tensor>& initial, const std::optional<Tensor>& x,
                 const std::optional<uint64_t>& remaining_noise, const std::optional<std::vector<int64_t>>& block,
                 uint64_t block_seed) {
  Change change{.step = step,
                .condition = condition.value_or(Tensor()),
                .scale = scale,
                .prompted = prompted,
                .initial = initial.value_or(Tensor()),
                .x = x.value_or(Tensor())};
  if (window) change.window = ScaleWindow{(*window)[0], (*window)[1], (*window)[2]};
  if (remaining_noise) change.remaining_noise = Random(*remaining_noise);
  if (block) {
    if (block->size() != 4) throw ValueError("[Change] expected a block (top, left, height, width)");
    change.block = NoiseBlock{(*block)[0], (*block)[1], (*block)[2], (*block)[3], Random(block_seed)};
  }
  return change;
}

py::list contrasts(const Model& model, const std::string& prompt, const Texts& words, const Texts& alternatives) {
  py::list out;
  std::vector<PromptContrast> found = contrasts_of(model, prompt, words, alternatives);
  if (found.empty()) found = word_contrasts(nullptr, prompt, words, alternatives);  // says what is missing
  for (const PromptContrast& c : found) out.append(answer(c));
  return out;
}

/// (names, values of each, function from pictures to [B, F] int64).
py::tuple factors(const Model& model, const Texts& labels) {
  const FactorReader reader = factors_of(model, labels);
  Texts names;
  std::vector<Texts> values;
  for (const Factor& factor : reader.factors) {
    names.push_back(factor.name);
    values.push_back(factor.values);
  }
  return py::make_tuple(names, values, reader.read);
}

void bind_trajectory(py::module_& m) {
  py::class_<Change>(m, "Change").def(py::init(&change_of));
  py::class_<Trajectory>(m, "Trajectory")
      .def(py::init(&trajectory_of))
      .def("__len__", &Trajectory::count)
      .def_property_readonly("condition", &Trajectory::condition)
      .def_property_readonly("null_condition", &Trajectory::null_condition)
      .def_property_readonly("initial", [](const Trajectory& t) { return t.initial().cpu(); })
      .def_property_readonly("sigmas", [](const Trajectory& t) { return t.sampling().sigmas; })
      .def("rows", &Trajectory::rows)
      .def("steps",
           [](const Trajectory& t, const py::object& progress) {
             run_long([&](const Control& control) { t.steps(control); }, progress);
             return t.steps();
           })
      .def("pictures",
           [](const Trajectory& t, const py::object& progress) {
             return long_call<Tensor>([&](const Control& control) { return t.pictures(control).cpu(); }, progress);
           })
      .def("redraw",
           [](const Trajectory& t, const Change& change, const py::object& observer, const py::object& progress) {
             const SamplerObserver watch = observer_of(observer);
             return long_call<Tensor>([&](const Control& c) { return t.redraw(change, watch, c).cpu(); }, progress);
           })
      .def("changed",
           [](const Trajectory& t, const Change& change, const py::object& observer, const py::object& progress) {
             const SamplerObserver watch = observer_of(observer);
             return long_call<Trajectory>([&](const Control& c) { return t.changed(change, watch, c); }, progress);
           });
}

}  // namespace

void bind_model(py::module_& m) {
  add_options<SamplingOptions>(m, "sample", "SamplingOptions");
  add_answer<PromptContrast>(m, "PromptContrast");

  bind_trajectory(m);
  py::class_<Model>(m, "Model")
      .def(py::init(&model_of))
      .def_readonly("name", &Model::name)
      .def_readonly("image_shape", &Model::image_shape)
      .def_readonly("log_snr_max", &Model::log_snr_max)
      .def_readonly("is_posterior_mean", &Model::is_posterior_mean)
      .def("denoiser", [](const Model& model) { return DenoiserHandle{model.denoiser}; })
      .def("condition",
           [](const Model& model, const Texts& prompts) {
             const py::gil_scoped_release release;
             return model.condition(prompts);
           })
      .def("null_condition", &Model::null_condition)
      .def("sigmas",
           [](const Model& model, const py::dict& grid) {
             return sampling_sigmas(options_of<GridOptions>(grid, "grid", model.sample.grid), model.schedule);
           })
      .def("trajectory", drawn_by)
      .def("contrasts", contrasts)
      .def("prompt_without",
           [](const Model& model, const std::string& prompt, const std::string& word, const Texts& alternatives) {
             const WorldGrammar* grammar = model.world ? &model.world->grammar() : nullptr;
             return prompt_without(grammar, contrasts_of(model, prompt, {word}, alternatives).front());
           })
      .def("factors", factors)
      .def("reader", [](const Model& model, const Texts& texts) {
        if (!model.reader) throw ValueError("[Model] expected a model that reads pictures, got " + model.name);
        return model.reader(texts);
      });
  m.def("words_of", &words_of);
  m.def("contrast_prompts", [](const std::string& prompt, const std::string& word, const Texts& alternatives) {
    return answer(contrast_prompts(prompt, word, alternatives));
  });
}

}  // namespace noisescope::python
