#include "noisescope/clip/clip_images.h"
#include "noisescope/clip/clip_model.h"

#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

py::list encodings(const ClipModel& self, const std::vector<std::string>& texts) {
  py::list out;
  for (const Encoding& encoding : tokenize(self.tokenizer(), texts).encodings) {
    std::vector<std::pair<size_t, size_t>> spans;
    for (const TextSpan& span : encoding.spans) spans.emplace_back(span.begin, span.end);
    out.append(py::make_tuple(encoding.ids, spans));
  }
  return out;
}

}  // namespace

void bind_clip(py::module_& m) {
  py::class_<ClipModel>(m, "Clip")
      .def(py::init([](const std::string& folder) { return ClipModel::load(folder); }))
      .def("encode_text",
           [](const ClipModel& self, const std::vector<std::string>& texts) {
             const py::gil_scoped_release release;
             const torch::NoGradGuard no_grad;
             return self.encode_text(texts);
           })
      .def("encode_image",
           [](const ClipModel& self, const Tensor& pictures) {
             const py::gil_scoped_release release;
             const torch::NoGradGuard no_grad;
             return self.encode_image(to_clip_size(pictures, self.config().preprocess));
           })
      .def("tokenize", encodings)
      .def("truncated",
           [](const ClipModel& self, const std::vector<std::string>& texts) {
             return tokenize(self.tokenizer(), texts).truncated;
           })
      .def_property_readonly("context_length", [](const ClipModel& self) { return self.tokenizer().context_length(); })
      .def_property_readonly("embedding_dim", &ClipModel::embedding_dim)
      .def_property_readonly("image_size", &ClipModel::image_size)
      .def("save", [](const ClipModel& self, const std::string& folder) { self.save(folder); });
}

}  // namespace noisescope::python
