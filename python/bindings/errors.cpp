// C++ errors as the Python exceptions that a caller would expect.
#include <c10/util/Exception.h>

#include "python/bindings/bindings.h"

#include "noisescope/core/error.h"

namespace noisescope::python {
namespace {

void translate_torch(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const c10::Error& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what_without_backtrace());
  }
}

}  // namespace

// The last registered is asked first, so bases come before what derives from them.
void bind_errors(py::module_& m) {
  py::register_exception_translator(translate_torch);
  py::register_exception<ValueError>(m, "InvalidValueError", PyExc_ValueError);
  py::register_exception<ShapeError>(m, "ShapeError", PyExc_ValueError);
  py::register_exception<ConfigError>(m, "ConfigError", PyExc_ValueError);
  py::register_exception<FormatError>(m, "FormatError", PyExc_ValueError);
  py::register_exception<DataError>(m, "DataError", PyExc_ValueError);
  py::register_exception<IoError>(m, "IoError", PyExc_OSError);
  py::register_exception<ModelError>(m, "ModelError", PyExc_RuntimeError);
  py::register_exception<NumericError>(m, "NumericError", PyExc_ArithmeticError);
  py::register_exception<Interrupted>(m, "Interrupted", PyExc_KeyboardInterrupt);
}

}  // namespace noisescope::python
