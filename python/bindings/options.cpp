#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

using nlohmann::ordered_json;

/// Walks an options struct and writes down each field; sections nest.
class Lister : public Describer {
 public:
  Lister() : lists_{py::list()} {}

  void field(const Field& f, bool& v) override { add(f, v, "bool"); }
  void field(const Field& f, int64_t& v) override { add(f, v, "int"); }
  void field(const Field& f, double& v) override { add(f, v, "float"); }
  void field(const Field& f, std::string& v) override { add(f, v, text_type(f)); }
  void field(const Field& f, std::vector<int64_t>& v) override { add(f, v, "Sequence[int]"); }
  void field(const Field& f, std::vector<double>& v) override { add(f, v, "Sequence[float]"); }
  void field(const Field& f, std::vector<std::string>& v) override { add(f, v, "Sequence[" + text_type(f) + "]"); }

  void begin_section(const char* name, const char* help, const char*) override {
    names_.push_back(name);
    helps_.push_back(help);
    lists_.emplace_back();
  }
  void end_section() override {
    const py::list inner = lists_.back();
    lists_.pop_back();
    lists_.back().append(py::make_tuple(names_.back(), inner, helps_.back(), "section"));
    names_.pop_back();
    helps_.pop_back();
  }

  py::list result() const { return lists_.front(); }

 private:
  static std::string text_type(const Field& f) {
    if (f.range.choices.empty()) return "str";
    return "Literal[\"" + join(f.range.choices, "\", \"") + "\"]";
  }

  template <class T>
  void add(const Field& f, const T& value, const std::string& type) {
    std::string help = f.help;
    if (!f.range.choices.empty()) help += "; one of " + join(f.range.choices);
    lists_.back().append(py::make_tuple(f.name, value, help, type));
  }

  std::vector<py::list> lists_;
  std::vector<std::string> names_, helps_;
};

/// Python's own guard against what contains itself. Throws RecursionError.
class RecursionGuard {
 public:
  RecursionGuard() {
    if (Py_EnterRecursiveCall(" in options") != 0) throw py::error_already_set();
  }
  ~RecursionGuard() { Py_LeaveRecursiveCall(); }
  RecursionGuard(const RecursionGuard&) = delete;
  RecursionGuard& operator=(const RecursionGuard&) = delete;
};

int64_t integer_of(const py::handle& value) {
  const int64_t number = PyLong_AsLongLong(value.ptr());
  if (PyErr_Occurred() != nullptr) throw py::error_already_set();  // OverflowError
  return number;
}

/// The numbers of a numpy array or tensor; nothing for what has none.
py::object list_of(const py::handle& value) {
  try {
    return value.attr("tolist")();
  } catch (const py::error_already_set&) {
    return {};
  }
}

ordered_json json_of_sequence(const py::handle& value, const std::string& key) {
  ordered_json list = ordered_json::array();
  int64_t i = 0;
  for (const py::handle item : value) list.push_back(json_of(item, key + "[" + std::to_string(i++) + "]"));
  return list;
}

ordered_json json_of_dict(const py::dict& value, const std::string& key) {
  ordered_json map = ordered_json::object();
  for (const auto& [name, item] : value) {
    const std::string text = py::str(name);
    map[text] = json_of(item, key + "." + text);
  }
  return map;
}

}  // namespace

ordered_json json_of(const py::handle& value, const std::string& key) {
  const RecursionGuard guard;
  if (value.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return integer_of(value);
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (py::isinstance<py::str>(value)) return py::reinterpret_borrow<py::str>(value);
  if (py::isinstance<py::dict>(value)) return json_of_dict(py::reinterpret_borrow<py::dict>(value), key);
  if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) return json_of_sequence(value, key);
  if (const py::object list = list_of(value)) return json_of(list, key);
  throw py::type_error("expected a bool, number, text, list or dict for " + key + ", got " +
                       std::string(py::str(py::type::of(value))));
}

py::object python_of(const ordered_json& json) { return py::module_::import("json").attr("loads")(json.dump()); }

py::list described(const DescribeAll& describe_all) {
  Lister lister;
  describe_all(lister);
  return lister.result();
}

}  // namespace noisescope::python
