#include "python/bindings/bindings.h"

#include "noisescope/io/safetensors.h"

namespace noisescope::python {

void bind_io(py::module_& m) {
  m.def("load_safetensors", [](const std::string& path) {
    const TensorFile file = read_safetensors(path);
    return py::make_tuple(file.tensors, file.metadata);
  });
  m.def("save_safetensors", [](const std::string& path, const std::map<std::string, Tensor>& tensors,
                               const std::map<std::string, std::string>& metadata) {
    write_safetensors(path, {tensors, metadata});
  });
}

}  // namespace noisescope::python
