// The pieces that every binding file uses: one function a module of the library, options from keywords, long
// calls that listen to Ctrl-C, tensors and callables checked at the border.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <pybind11/functional.h>
#include <pybind11/stl.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/pybind.h>

#include <nlohmann/json.hpp>

#include "noisescope/core/options.h"
#include "noisescope/core/progress.h"
#include "noisescope/core/random.h"
#include "noisescope/core/tensor.h"
#include "noisescope/diffusion/denoiser.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/answer.h"
#include "noisescope/io/config.h"

namespace noisescope::python {

namespace py = pybind11;
using namespace py::literals;

void bind_errors(py::module_& m);
void bind_io(py::module_& m);
void bind_diffusion(py::module_& m);
void bind_analytic(py::module_& m);
void bind_world(py::module_& m);
void bind_clip(py::module_& m);
void bind_model(py::module_& m);
void bind_studio(py::module_& m);
void bind_run(py::module_& m);
void bind_explain(py::module_& m);
void bind_tensors(py::module_& m);
void bind_metric(py::module_& m);

// --- options ---------------------------------------------------------------------------------------------------

/// A tree of None, bool, int, float, str, list and dict as JSON. Throws TypeError naming the key of anything else.
nlohmann::ordered_json json_of(const py::handle& value, const std::string& key = "options");
py::object python_of(const nlohmann::ordered_json& json);

/// Defaults, then what `keywords` hold, by the same table that YAML and command line use. Throws ConfigError for
/// unknown keys (naming the nearest), wrong types and values out of range.
template <class T>
T options_of(const py::dict& keywords, const char* where, T options = {}) {
  read_options_into(config_from_json(json_of(keywords), where), options);
  return options;
}

using DescribeAll = std::function<void(Describer&)>;
/// [(name, default, help, type as Python writes it)] of an options struct. The type of a section is "section", its
/// default the list of its own fields.
py::list described(const DescribeAll& describe_all);

/// Puts (name of the class, its options) into the table that keywords and their types are made from.
template <class T>
void add_options(py::module_& m, const char* key, const char* name, T options = {}) {
  const py::dict table = m.attr("options");
  table[key] = py::make_tuple(name, described([options](Describer& d) mutable { describe(d, options); }));
}

// --- answers ---------------------------------------------------------------------------------------------------

/// Puts the quantities of an answer type into the table that the package's classes are made from; those that `empty`
/// lacks are optional.
void add_answer(py::module_& m, const char* name, const std::type_info& type, const std::vector<Quantity>& full,
                const std::vector<Quantity>& empty);

/// `full`: an answer in which everything optional is there.
template <class T>
void add_answer(py::module_& m, const char* name, const T& full = {}) {
  const auto of = [](const T& value) { return quantities_of([&](AnswerDescriber& d) { describe_answer(d, value); }); };
  add_answer(m, name, typeid(T), of(full), of(T{}));
}

/// The package's object of an answer whose type was added.
py::object python_of(const std::type_info& type, const Answer& answer);

template <class T>
py::object answer(T value) {
  return python_of(typeid(T), Answer(std::move(value)));
}

// --- calls -----------------------------------------------------------------------------------------------------

/// Runs `work` with the GIL released. Ctrl-C asks it to stop and raises KeyboardInterrupt once it has; reports go to
/// `progress(Progress)`, unless None, on a thread of their own.
void run_long(const std::function<void(const Control&)>& work, const py::object& progress);

/// The same for work that gives something and needs no gradients.
template <class T>
T long_call(const std::function<T(const Control&)>& work, const py::object& progress) {
  std::unique_ptr<T> result;
  run_long(
      [&](const Control& control) {
        const torch::NoGradGuard no_grad;
        result = std::make_unique<T>(work(control));
      },
      progress);
  return std::move(*result);
}

/// The same as an object of the package.
template <class T>
py::object ask(const std::function<T(const Control&)>& work, const py::object& progress) {
  return answer(long_call<T>(work, progress));
}

// --- callables of Python in C++ --------------------------------------------------------------------------------

/// What Python sees of a denoiser, ours or its own: called as d(x, sigma, condition).
struct DenoiserHandle {
  Denoiser denoiser;
};

/// The tensor that a Python function named `name` returned, detached. Throws TypeError for anything else.
Tensor returned_tensor(const py::object& result, const char* name);

/// `function(*tensors)` with the GIL held, as a tensor. The function gets copies and its answer is copied, so that
/// neither side can change the other's numbers. Throws as returned_tensor does, and what it raises.
Tensor call_tensor(const py::object& function, const char* name, const std::vector<Tensor>& arguments);

/// Keeps a Python object for C++ callables that may be dropped on threads without the GIL.
std::shared_ptr<py::object> keep(py::object object);

/// A function from pictures [B, C, H, W] to numbers [B] or [B, F], checked.
std::function<Tensor(const Tensor&)> picture_function(py::object function, const char* name);

/// A function that hears every step; empty for None.
SamplerObserver observer_of(const py::object& function);

/// A function from pictures [B, C, H, W] to masks [B, H, W] bool, checked.
std::function<Tensor(const Tensor&)> mask_function(py::object function, const char* name);

// --- small things ----------------------------------------------------------------------------------------------

/// sample_ids, or 0 .. count - 1 where none are given.
std::vector<int64_t> ids_or_range(const std::optional<std::vector<int64_t>>& ids, int64_t count);

/// None for an undefined tensor.
py::object tensor_or_none(const Tensor& tensor);

}  // namespace noisescope::python
