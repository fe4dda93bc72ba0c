#include "noisescope/core/device.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/model/trajectory_record.h"
#include "noisescope/run/train_run.h"
#include "python/bindings/bindings.h"
#include "python/bindings/run_handle.h"

namespace noisescope::python {
namespace {

RunHandle load(const std::string& folder, const std::string& device) {
  const RunFolder run{folder};
  return {run, load_run_config_of(run), load_run_model(run, parse_device(device))};
}

SamplingOptions draw_options(const RunHandle& self, const py::dict& options) {
  return options_of<SamplingOptions>(options, "sample", self.config.sample);
}

Tensor draw_pictures(const RunHandle& self, const PictureRequest& request, const SamplingOptions& options,
                     const SamplerObserver& observer, const py::object& progress) {
  return long_call<Tensor>(
      [&](const Control& control) { return sample_pictures(self.model, request, options, observer, control); },
      progress);
}

PictureRequest request_of(const std::vector<std::string>& prompts, const std::string& negative_prompt, uint64_t seed,
                       int64_t first_sample, const std::optional<Tensor>& images) {
  PictureRequest request{prompts, negative_prompt, seed, first_sample};
  if (images) request.images = *images;
  return request;
}

Tensor sample(const RunHandle& self, const std::vector<std::string>& prompts, const std::string& negative_prompt,
              uint64_t seed, int64_t first_sample, const std::optional<Tensor>& images, const py::dict& options,
              const py::object& progress) {
  return draw_pictures(self, request_of(prompts, negative_prompt, seed, first_sample, images),
                       draw_options(self, options), {}, progress);
}

/// A run with all that its solver saw: pictures, sigmas, x, denoised, conditional, unconditional.
py::dict record(const RunHandle& self, const std::vector<std::string>& prompts, const std::string& negative_prompt,
                uint64_t seed, int64_t first_sample, const py::dict& options, const py::object& progress) {
  SamplingOptions draw = draw_options(self, options);
  draw.guidance.both_branches = true;
  draw.batch_size = static_cast<int64_t>(prompts.size());
  TrajectoryRecorder recorder({});
  const Tensor pictures = draw_pictures(self, request_of(prompts, negative_prompt, seed, first_sample, {}), draw,
                                        recorder.observer(), progress);
  const TrajectoryRecord record = make_record(
      recorder, {prompts, sample_range(first_sample, draw.batch_size), weights_hash(self.model), "{}"});
  return py::dict("prompts"_a = prompts, "pictures"_a = pictures, "sigmas"_a = record.sigmas, "x"_a = record.x,
                  "denoised"_a = record.denoised, "conditional"_a = record.conditional,
                  "unconditional"_a = record.unconditional);
}

/// Shows steps of training to a Python function, which ends it by returning False or by raising.
class StepWatch {
 public:
  explicit StepWatch(py::object function) : function_(std::move(function)) {}

  std::function<void(const TrainStep&)> observer() {
    if (function_.is_none()) return {};
    return [this](const TrainStep& now) {
      is_over_ = !goes_on(now);
      if (is_over_) throw Interrupted("[train] stopped by on_step");
    };
  }

  /// Did the function end it? Throws what it raised.
  bool is_over() const {
    if (raised_) throw *raised_;
    return is_over_;
  }

 private:
  bool goes_on(const TrainStep& now) {
    const py::gil_scoped_acquire gil;
    try {
      const py::object answer =
          function_(py::dict("step"_a = now.step, "images"_a = now.images, "loss"_a = now.loss,
                             "learning_rate"_a = now.learning_rate, "seconds"_a = now.seconds));
      return !answer.is(py::bool_(false));
    } catch (py::error_already_set& error) {
      raised_.emplace(error);
      return false;
    }
  }

  py::object function_;
  std::optional<py::error_already_set> raised_;
  bool is_over_ = false;
};

void train(const std::string& config_path, const std::vector<std::string>& overrides, const std::string& out,
           bool skip_clip_extraction, const std::string& device, const py::object& on_step,
           const py::object& progress) {
  const RunConfig config = load_run_config(config_path, overrides);
  StepWatch watch(on_step);
  TrainRunRequest request;
  request.skip_clip_extraction = skip_clip_extraction;
  request.device = parse_device(device);
  request.on_step = watch.observer();
  try {
    run_long([&](const Control& control) { train_run(config, RunFolder{out}, request, control); }, progress);
  } catch (const Interrupted&) {
    if (!watch.is_over()) throw;
  }
}

}  // namespace

void bind_pipeline(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<SamplingOptions>(table, "sample");
  add_options<RunConfig>(table, "config", demo_config());

  py::class_<RunHandle>(m, "Run")
      .def(py::init(&load))
      .def("condition", [](const RunHandle& r, const std::vector<std::string>& prompts) {
        const py::gil_scoped_release release;
        return r.model.condition(prompts);
      })
      .def("null_condition", [](const RunHandle& r, int64_t count) { return r.model.null_condition(count); })
      .def("denoiser", [](const RunHandle& r) { return DenoiserHandle{r.model.denoiser()}; })
      .def("sigmas", [](const RunHandle& r, const py::dict& grid) {
        return sampling_sigmas(options_of<GridOptions>(grid, "grid", r.config.sample.grid),
                               r.config.precondition.schedule);
      })
      .def("sample", sample)
      .def("record", record)
      .def_property_readonly("config", [](const RunHandle& r) { return python_of(to_json(r.config)); })
      .def_property_readonly("folder", [](const RunHandle& r) { return r.folder.root.string(); })
      .def_property_readonly("image_size", [](const RunHandle& r) { return r.model.image_size(); })
      .def_property_readonly("clip", [](const RunHandle& r) { return r.model.clip(); })
      .def("cleanest_trained_log_snr", [](const RunHandle& r) { return cleanest_trained_log_snr(r.config); });
  m.def("train", train);
}

}  // namespace noisescope::python
