#include "python/bindings/bindings.h"

#include "noisescope/core/device.h"

namespace noisescope::python {
namespace {

py::dict facts() {
  py::dict out;
  for (const auto& [name, value] : machine_facts()) out[py::str(name)] = value;
  return out;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ library; use it through the package noisescope.";
  m.attr("version") = NOISESCOPE_VERSION;
  m.def("machine_facts", facts);
  m.attr("options") = py::dict();
  m.attr("answers") = py::dict();
  bind_errors(m);
  bind_io(m);
  bind_diffusion(m);
  bind_analytic(m);
  bind_world(m);
  bind_clip(m);
  bind_model(m);
  bind_studio(m);
  bind_run(m);
  bind_explain(m);
  bind_tensors(m);
  bind_metric(m);
}

}  // namespace noisescope::python
