#include "noisescope/io/config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "noisescope/core/format.h"

namespace noisescope::io {
namespace {

using Kind = ConfigNode::Kind;

/// "config/shapes.yaml:12: " or what is known of it.
std::string location(const ConfigNode& node) {
  if (node.file.empty()) return "";
  return node.file + (node.line > 0 ? format_text(":{}", node.line) : "") + ": ";
}

std::string shown(const ConfigNode& node) {
  switch (node.kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a section";
    case Kind::scalar:
      break;
  }
  return (node.quoted ? "the text " : "") + in_quotes(node.scalar);
}

/// Numbers as YAML 1.2 writes them; from_chars knows no plus sign.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_double(const std::string& text) {
  if (text == ".inf" || text == "+.inf" || text == "inf" || text == "+inf") {
    return std::numeric_limits<double>::infinity();
  }
  if (text == "-.inf" || text == "-inf") return -std::numeric_limits<double>::infinity();
  const std::optional<double> value = parse_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// Reads fields from a tree. Unknown keys are reported when the walk is over, because only then all
/// names of all sections are known.
class OptionReader : public Describer {
 public:
  explicit OptionReader(const ConfigNode& root) { open_frame("", &root); }

  void field(const Field& field, bool& value) override {
    read(field, [&](const ConfigNode& node) {
      if (!is_plain(node) || (node.scalar != "true" && node.scalar != "false")) {
        fail_type(field, node, "true or false");
      }
      value = node.scalar == "true";
    });
  }
  void field(const Field& field, int64_t& value) override {
    read(field, [&](const ConfigNode& node) { value = integer(field, node); });
  }
  void field(const Field& field, double& value) override {
    read(field, [&](const ConfigNode& node) { value = real(field, node); });
  }
  void field(const Field& field, std::string& value) override {
    read(field, [&](const ConfigNode& node) { value = text(field, node); });
  }
  void field(const Field& field, std::vector<int64_t>& value) override {
    read_list(field, value, [&](const ConfigNode& node) { return integer(field, node); });
  }
  void field(const Field& field, std::vector<double>& value) override {
    read_list(field, value, [&](const ConfigNode& node) { return real(field, node); });
  }
  void field(const Field& field, std::vector<std::string>& value) override {
    read_list(field, value, [&](const ConfigNode& node) { return text(field, node); });
  }

  void begin_section(const char* name, const char*, const char* was) override {
    Frame& frame = frames_[open_.back()];
    const ConfigNode* node = named(frame, name, was);
    open_frame(frame.path + (frame.path.empty() ? "" : ".") + name, node);
  }
  void end_section() override { open_.pop_back(); }

  /// Call when the walk is over.
  void check_unknown_keys() const {
    for (const Frame& frame : frames_) {
      if (!frame.node) continue;
      for (const auto& [key, node] : frame.node->entries) {
        const auto& names = frame.names;
        if (std::find(names.begin(), names.end(), key) == names.end()) {
          fail_unknown(frame, key, node);
        }
      }
    }
  }

 private:
  /// A section: where it stands in the file (nullptr: absent) and which names it has.
  struct Frame {
    std::string path;
    const ConfigNode* node;
    std::vector<std::string> names;
  };

  void open_frame(std::string path, const ConfigNode* node) {
    if (node && node->kind != Kind::map && node->kind != Kind::null) {
      throw ConfigError(format_text("{}expected {}, got {}; write its keys below it, indented", location(*node),
                                    path.empty() ? "a file of 'key: value' lines" : "section '" + path + "'",
                                    shown(*node)));
    }
    open_.push_back(frames_.size());
    frames_.push_back({std::move(path), node, {}});
  }

  template <class Read>
  void read(const Field& field, const Read& read_node) {
    if (const ConfigNode* node = named(frames_[open_.back()], field.name, field.range.was)) read_node(*node);
  }

  /// The entry of this name, or else of the older one, which is then no unknown key.
  static const ConfigNode* named(Frame& frame, const char* name, const char* was) {
    frame.names.emplace_back(name);
    const ConfigNode* node = frame.node ? frame.node->find(name) : nullptr;
    if (node || !was || !frame.node) return node;
    node = frame.node->find(was);
    if (node) frame.names.emplace_back(was);
    return node;
  }

  template <class Value, class Read>
  void read_list(const Field& field, std::vector<Value>& values, const Read& read_item) {
    read(field, [&](const ConfigNode& node) {
      if (node.kind != Kind::list) fail_type(field, node, "a list", "write [" + shown_items(node) + "]");
      std::vector<Value> items;
      for (const ConfigNode& item : node.items) items.push_back(read_item(item));
      values = std::move(items);
    });
  }

  static std::string shown_items(const ConfigNode& node) {
    return node.kind == Kind::scalar ? node.scalar.substr(0, 60) : "a, b";
  }

  static bool is_plain(const ConfigNode& node) { return node.kind == Kind::scalar && !node.quoted; }

  int64_t integer(const Field& field, const ConfigNode& node) const {
    const auto value = is_plain(node) ? parse_number<int64_t>(node.scalar) : std::nullopt;
    if (!value) {
      fail_type(field, node, "a whole number",
                is_plain(node) && parse_double(node.scalar) ? "write all its digits" : "");
    }
    // int64 -> double rounds above 2^53; ranges are far below.
    check_range(field, node, static_cast<double>(*value));
    return *value;
  }

  double real(const Field& field, const ConfigNode& node) const {
    const auto value = is_plain(node) ? parse_double(node.scalar) : std::nullopt;
    if (!value) fail_type(field, node, "a number");
    check_range(field, node, *value);
    return *value;
  }

  const std::string& text(const Field& field, const ConfigNode& node) const {
    if (node.kind != Kind::scalar) {
      fail_type(field, node, "text", node.kind == Kind::null ? "write \"\" for empty text" : "");
    }
    const auto& choices = field.range.choices;
    for (const auto& [old, name] : field.range.old_choices) {
      if (node.scalar == old) return name;
    }
    if (!choices.empty() && std::find(choices.begin(), choices.end(), node.scalar) == choices.end()) {
      const std::string nearest = nearest_name(node.scalar, choices);
      fail_type(field, node, field.range.text(), nearest.empty() ? "" : "did you mean '" + nearest + "'?");
    }
    return node.scalar;
  }

  void check_range(const Field& field, const ConfigNode& node, double value) const {
    if (!field.range.holds(value)) fail_type(field, node, field.range.text());
  }

  [[noreturn]] void fail_type(const Field& field, const ConfigNode& node, const std::string& expected,
                              const std::string& hint = "") const {
    const std::string& path = frames_[open_.back()].path;
    throw ConfigError(format_text("{}expected '{}'{} to be {}, got {}; {}", location(node), field.name,
                                  path.empty() ? "" : " in " + path, expected, shown(node),
                                  hint.empty() ? field.help : hint));
  }

  [[noreturn]] void fail_unknown(const Frame& frame, const std::string& key, const ConfigNode& node) const {
    std::string message = format_text("{}unknown key {}{}", location(node), in_quotes(key),
                                      frame.path.empty() ? "" : " in " + frame.path);
    const std::string nearest = nearest_name(key, frame.names);
    if (!nearest.empty()) throw ConfigError(format_text("{}; did you mean '{}'?", message, nearest));
    for (const Frame& other : frames_) {
      const auto& names = other.names;
      if (std::find(names.begin(), names.end(), key) == names.end()) continue;
      throw ConfigError(message + "; it belongs " +
                        (other.path.empty() ? "to the top level" : "into section " + other.path));
    }
    throw ConfigError(message + "; valid keys: " + join(frame.names));
  }

  std::vector<Frame> frames_;  // all sections of the walk
  std::vector<size_t> open_;   // the ones that the walk is in
};

class JsonWriter : public Describer {
 public:
  void field(const Field& field, bool& value) override { top()[field.name] = value; }
  void field(const Field& field, int64_t& value) override { top()[field.name] = value; }
  void field(const Field& field, double& value) override { top()[field.name] = json_number(value); }
  void field(const Field& field, std::string& value) override { top()[field.name] = value; }
  void field(const Field& field, std::vector<int64_t>& value) override { top()[field.name] = value; }
  void field(const Field& field, std::vector<double>& value) override {
    nlohmann::ordered_json& list = top()[field.name] = nlohmann::ordered_json::array();
    for (const double item : value) list.push_back(json_number(item));
  }
  void field(const Field& field, std::vector<std::string>& value) override { top()[field.name] = value; }
  void begin_section(const char* name, const char*, const char*) override {
    path_.emplace_back(name);
    top();
  }
  void end_section() override { path_.pop_back(); }

  nlohmann::ordered_json take() { return std::move(root_); }

 private:
  /// JSON has no infinity; config_from_json reads the text back as a number.
  static nlohmann::ordered_json json_number(double value) {
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return value;
  }

  nlohmann::ordered_json& top() {
    nlohmann::ordered_json* node = &root_;
    for (const std::string& name : path_) node = &(*node)[name];
    if (node->is_null()) *node = nlohmann::ordered_json::object();
    return *node;
  }

  nlohmann::ordered_json root_ = nlohmann::ordered_json::object();
  std::vector<std::string> path_;
};

/// Text as a YAML scalar: plain where no reader could take it for something else, else quoted as in
/// JSON, which is YAML too.
std::string yaml_text(const std::string& text) {
  static const std::set<std::string> kWords = {"true", "false", "null", "yes", "no", "on",
                                               "off",  "y",     "n",    "inf", "nan"};
  std::string lower;
  bool plain = !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) != 0 || text[0] == '/');
  for (const char c : text) {
    plain = plain && (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                      std::string_view("_-./+").find(c) != std::string_view::npos);
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain && !kWords.contains(lower) ? text : nlohmann::json(text).dump();
}

class YamlWriter : public Describer {
 public:
  void field(const Field& field, bool& value) override { line(field, value ? "true" : "false"); }
  void field(const Field& field, int64_t& value) override { line(field, format_text("{}", value)); }
  void field(const Field& field, double& value) override { line(field, number_text(value)); }
  void field(const Field& field, std::string& value) override { line(field, yaml_text(value)); }
  void field(const Field& field, std::vector<int64_t>& value) override {
    list(field, value, [](int64_t item) { return format_text("{}", item); });
  }
  void field(const Field& field, std::vector<double>& value) override { list(field, value, number_text); }
  void field(const Field& field, std::vector<std::string>& value) override { list(field, value, yaml_text); }
  void begin_section(const char* name, const char* help, const char*) override {
    if (!text_.empty() && indent_.empty()) text_ += "\n";
    text_ += indent_ + name + ":  # " + one_line(help) + "\n";
    indent_ += "  ";
  }
  void end_section() override { indent_.resize(indent_.size() - 2); }

  std::string take() { return std::move(text_); }

 private:
  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  void line(const Field& field, const std::string& value) {
    const std::string range = field.range.text();
    text_ += indent_ + field.name + ": " + value + "  # " + one_line(field.help) + (range.empty() ? "" : "; " + range) +
             "\n";
  }

  template <class Value, class Format>
  void list(const Field& field, const std::vector<Value>& values, const Format& format) {
    std::vector<std::string> items;
    for (const Value& value : values) items.push_back(format(value));
    line(field, "[" + join(items) + "]");
  }

  std::string text_;
  std::string indent_;
};

/// `a.b.c` -> {a, b, c}
std::vector<std::string> split_key(const std::string& dotted_key) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (true) {
    const size_t dot = dotted_key.find('.', start);
    parts.push_back(dotted_key.substr(start, dot - start));
    if (parts.back().empty()) {
      throw ConfigError("[io.set_dotted] expected a key such as train.seed, got " + in_quotes(dotted_key));
    }
    if (dot == std::string::npos) return parts;
    start = dot + 1;
  }
}

}  // namespace

const ConfigNode* ConfigNode::find(const std::string& key) const {
  for (const auto& [name, node] : entries) {
    if (name == key) return &node;
  }
  return nullptr;
}

void set_dotted(ConfigNode& root, const std::string& dotted_key, ConfigNode value) {
  ConfigNode* node = &root;
  for (const std::string& part : split_key(dotted_key)) {
    if (node->kind != Kind::map && node->kind != Kind::null) {
      throw ConfigError(format_text("{}expected {} to lead through sections, got {} above '{}'", location(value),
                                    in_quotes(dotted_key), shown(*node), part));
    }
    node->kind = Kind::map;
    if (!node->find(part)) {
      ConfigNode section;
      section.file = value.file;
      section.line = value.line;
      node->entries.push_back({part, std::move(section)});
    }
    node = const_cast<ConfigNode*>(node->find(part));  // of a tree that we may change
  }
  *node = std::move(value);
}

void read_options(const ConfigNode& node, const std::function<void(Describer&)>& describe_all) {
  OptionReader reader(node);
  describe_all(reader);
  reader.check_unknown_keys();
}

nlohmann::ordered_json options_to_json(const std::function<void(Describer&)>& describe_all) {
  JsonWriter writer;
  describe_all(writer);
  return writer.take();
}

std::string options_to_yaml(const std::function<void(Describer&)>& describe_all) {
  YamlWriter writer;
  describe_all(writer);
  return writer.take();
}

ConfigNode config_from_json(const nlohmann::ordered_json& json, const std::string& file) {
  ConfigNode node;
  node.file = file;
  if (json.is_null()) return node;
  if (json.is_object()) {
    node.kind = Kind::map;
    for (const auto& [key, value] : json.items()) {
      node.entries.push_back({key, config_from_json(value, file)});
    }
  } else if (json.is_array()) {
    node.kind = Kind::list;
    for (const auto& value : json) node.items.push_back(config_from_json(value, file));
  } else {
    node.kind = Kind::scalar;
    node.scalar = json.is_string() ? json.get<std::string>() : json.dump();
    // Infinity is written as text (see JsonWriter); text fields take it either way.
    node.quoted = json.is_string() && node.scalar != "inf" && node.scalar != "-inf";
  }
  return node;
}

}  // namespace noisescope::io
