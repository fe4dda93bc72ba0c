#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

using nlohmann::ordered_json;

/// Walks an options struct and writes down each field; sections nest.
class Lister : public Describer {
 public:
  Lister() : lists_{py::list()} {}

  void field(const Field& f, bool& v) override { add(f, v); }
  void field(const Field& f, int64_t& v) override { add(f, v); }
  void field(const Field& f, double& v) override { add(f, v); }
  void field(const Field& f, std::string& v) override { add(f, v); }
  void field(const Field& f, std::vector<int64_t>& v) override { add(f, v); }
  void field(const Field& f, std::vector<double>& v) override { add(f, v); }
  void field(const Field& f, std::vector<std::string>& v) override { add(f, v); }

  void begin_section(const char* name, const char* help) override {
    names_.push_back(name);
    helps_.push_back(help);
    lists_.emplace_back();
  }
  void end_section() override {
    const py::list inner = lists_.back();
    lists_.pop_back();
    lists_.back().append(py::make_tuple(names_.back(), inner, helps_.back()));
    names_.pop_back();
    helps_.pop_back();
  }

  py::list result() const { return lists_.front(); }

 private:
  template <class T>
  void add(const Field& f, const T& value) {
    std::string help = f.help;
    if (!f.range.choices.empty()) help += "; one of " + join(f.range.choices);
    lists_.back().append(py::make_tuple(f.name, value, help));
  }

  std::vector<py::list> lists_;
  std::vector<std::string> names_, helps_;
};

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
  if (value.is_none()) return nullptr;
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return value.cast<int64_t>();
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::dict>(value)) return json_of_dict(py::reinterpret_borrow<py::dict>(value), key);
  if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) return json_of_sequence(value, key);
  if (py::hasattr(value, "tolist")) return json_of(value.attr("tolist")(), key);  // numpy, torch
  throw py::type_error("expected a bool, number, text, list or dict for " + key + ", got " +
                       std::string(py::str(py::type::of(value))));
}

py::object python_of(const ordered_json& json) {
  return py::module_::import("json").attr("loads")(json.dump());
}

py::list described(const DescribeAll& describe_all) {
  Lister lister;
  describe_all(lister);
  return lister.result();
}

}  // namespace noisescope::python
