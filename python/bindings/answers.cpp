// Answers as objects of the package: one converter for all, and the table that its classes are made from.
#include <map>
#include <typeindex>

#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

constexpr const char* kTypes[] = {"Tensor", "list[float]", "list[int]", "list[str]", "float", "int", "str"};

std::map<std::type_index, std::string>& class_names() {
  static std::map<std::type_index, std::string> names;
  return names;
}

py::object to_python(const Value& value) {
  if (const Tensor* tensor = std::get_if<Tensor>(&value)) return tensor_or_none(*tensor);
  return std::visit([](const auto& held) { return py::object(py::cast(held)); }, value);
}

}  // namespace

void add_answer(py::module_& m, const char* name, const std::type_info& type, const std::vector<Quantity>& full,
                const std::vector<Quantity>& empty) {
  class_names()[type] = name;
  py::list fields;
  for (const Quantity& q : full) {
    const bool always = std::any_of(empty.begin(), empty.end(), [&](const Quantity& e) { return e.name == q.name; });
    py::dict notes("dims"_a = q.dims, "unit"_a = q.unit);
    if (*q.notes.x) notes["x"] = q.notes.x;
    if (*q.notes.names) notes["names"] = q.notes.names;
    if (*q.notes.error) notes["error"] = q.notes.error;
    if (!std::isnan(q.notes.null)) notes["null"] = q.notes.null;
    if (*q.notes.higher) notes["higher"] = q.notes.higher;
    if (q.notes.is_signed) notes["is_signed"] = true;
    fields.append(py::make_tuple(q.name, std::string(kTypes[q.kind]) + (always ? "" : " | None"), q.help, notes));
  }
  const py::dict table = m.attr("answers");
  table[name] = fields;
}

py::object python_of(const std::type_info& type, const Answer& answer) {
  py::dict values;
  for (const Valued& valued : values_of(answer)) values[py::str(valued.quantity.name)] = to_python(valued.value);
  const std::string& name = class_names().at(type);
  return py::module_::import("noisescope._answers").attr(name.c_str())(**values);
}

}  // namespace noisescope::python
