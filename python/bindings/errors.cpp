// C++ errors as the Python exceptions that a caller would expect.
#include <c10/util/Exception.h>

#include "python/bindings/bindings.h"

#include "noisescope/core/error.h"

namespace noisescope::python {
namespace {

/// What torch itself refuses is a tensor that does not fit, or one for which there is no memory.
void translate_torch(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (what.find("can't allocate memory") == std::string::npos) throw ValueError(what);
    PyErr_SetString(PyExc_MemoryError, what.c_str());
  }
}

}  // namespace

// The last registered is asked first, and what it throws goes to the others: bases come before what derives from them.
void bind_errors(py::module_& m) {
  py::register_exception<ValueError>(m, "InvalidValueError", PyExc_ValueError);
  py::register_exception<ShapeError>(m, "ShapeError", PyExc_ValueError);
  py::register_exception<ConfigError>(m, "ConfigError", PyExc_ValueError);
  py::register_exception<FormatError>(m, "FormatError", PyExc_ValueError);
  py::register_exception<DataError>(m, "DataError", PyExc_ValueError);
  py::register_exception<IoError>(m, "IoError", PyExc_OSError);
  py::register_exception<ModelError>(m, "ModelError", PyExc_RuntimeError);
  py::register_exception<NumericError>(m, "NumericError", PyExc_ArithmeticError);
  py::register_exception<Interrupted>(m, "Interrupted", PyExc_KeyboardInterrupt);
  py::register_exception_translator(translate_torch);
}

}  // namespace noisescope::python
