#include "noisescope/core/device.h"
#include "noisescope/io/codec/yaml.h"
#include "noisescope/report/demo_run.h"
#include "noisescope/run/replay.h"
#include "python/bindings/bindings.h"
#include "python/bindings/run_handle.h"

namespace noisescope::python {
namespace {

RunHandle load(const std::string& folder, const std::string& device) {
  const RunFolder run{folder};
  const RunConfig config = load_run_config_of(run);
  const TextToImage network = load_run_model(run, parse_device(device));
  return {run, config, network, run_model(network, config, run)};
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
      const py::object answer = function_(py::dict("step"_a = now.step, "images"_a = now.images, "loss"_a = now.loss,
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

py::object replay(const std::string& folder, const std::string& out, const std::string& data, int64_t threads,
                  const std::string& device, const py::object& progress) {
  const ReplayRequest request{out, data, threads, parse_device(device)};
  nlohmann::ordered_json result;
  run_long([&](const Control& control) { result = to_json(replay_run(RunFolder{folder}, request, control)); },
           progress);
  return python_of(result);
}

py::object demo(const std::string& out, const std::vector<std::string>& overrides, std::optional<double> seconds,
                const std::string& device, const py::object& progress, const std::string& data) {
  std::vector<std::string> settings = demo_settings(parse_enum<DemoData>(data));
  settings.insert(settings.end(), overrides.begin(), overrides.end());
  RunConfig config = load_run_config("", settings);
  if (seconds) scale_demo(config, *seconds);
  DemoRequest request;
  request.train.device = parse_device(device);
  nlohmann::ordered_json summary;
  run_long([&](const Control& control) { summary = demo_run(config, RunFolder{out}, request, control); }, progress);
  return python_of(summary);
}

/// The exact model of the pictures that the options of section "data" name, and what of them was not used.
py::tuple exact_pictures(const std::vector<std::string>& settings, const py::object& progress) {
  const RunConfig config = read_run_config("", settings);
  std::optional<Model> model;
  LoadReport report;
  run_long([&](const Control& control) { model = exact_model(config.data, control, report); }, progress);
  return py::make_tuple(*model, load_notes(report));
}

}  // namespace

void bind_run(py::module_& m) {
  add_options<RunConfig>(m, "config", "RunConfig", demo_config());

  py::class_<RunHandle>(m, "Run")
      .def(py::init(&load))
      .def("model", [](const RunHandle& r) { return r.model; })
      .def_property_readonly("config", [](const RunHandle& r) { return python_of(to_json(r.config)); })
      .def_property_readonly("folder", [](const RunHandle& r) { return r.folder.root.string(); })
      .def_property_readonly("image_size", [](const RunHandle& r) { return r.network.image_size(); })
      .def_property_readonly("clip", [](const RunHandle& r) { return r.network.clip(); });
  m.def("train", train);
  m.def("demo", demo);
  m.def("replay_run", replay);
  m.def("exact_pictures", exact_pictures);
}

}  // namespace noisescope::python
