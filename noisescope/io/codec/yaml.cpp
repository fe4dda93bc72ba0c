#include "noisescope/io/codec/yaml.h"

#include <sstream>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "noisescope/core/format.h"
#include "noisescope/io/file.h"

namespace noisescope::io {
namespace {

using Kind = ConfigNode::Kind;

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxNodes = 10'000;  // the search for duplicate keys is quadratic
constexpr uint64_t kYamlMaxFileBytes = uint64_t{1} << 20;

/// Builds the tree from the parser's events; no document of yaml-cpp's own is ever made.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  ConfigNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_plain_node(mark, "?", anchor);
    add(node_at(mark, Kind::null));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "expected plain values, got an alias (*); write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_plain_node(mark, tag, anchor);
    if (expects_key()) return take_key(mark, value);
    ConfigNode node = node_at(mark, Kind::scalar);
    node.scalar = value;
    node.quoted = tag == "!";
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_plain_node(mark, tag, anchor);
    open(mark, Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_plain_node(mark, tag, anchor);
    open(mark, Kind::map);
  }
  void OnMapEnd() override { close(); }

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& what) const {
    throw ConfigError(format_text("{}:{}: {}", file_, mark.line + 1, what));
  }

 private:
  /// A list or map that is not complete yet.
  struct Open {
    ConfigNode node;
    bool has_key = false;
    std::string key;
    int key_line = 0;
  };

  ConfigNode node_at(const YAML::Mark& mark, Kind kind) const {
    ConfigNode node;
    node.kind = kind;
    node.file = file_;
    node.line = mark.line + 1;
    return node;
  }

  bool expects_key() const { return !stack_.empty() && stack_.back().node.kind == Kind::map && !stack_.back().has_key; }

  void check_plain_node(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) fail(mark, "expected plain values, got an anchor (&); write the value out");
    if (!tag.empty() && tag != "?" && tag != "!") {
      fail(mark, "expected plain values, got the tag '" + tag.substr(0, 60) + "'; leave it out");
    }
    if (++node_count_ > kMaxNodes) fail(mark, "expected a configuration, got too many values");
  }

  void take_key(const YAML::Mark& mark, const std::string& key) {
    Open& top = stack_.back();
    for (const auto& [name, node] : top.node.entries) {
      if (name != key) continue;
      fail(mark,
           format_text("key '{}' occurs twice, first on line {}; remove one of them", key.substr(0, 60), node.line));
    }
    top.key = key;
    top.key_line = mark.line + 1;
    top.has_key = true;
  }

  void open(const YAML::Mark& mark, Kind kind) {
    if (expects_key()) fail(mark, "expected a key, got a list or map; write 'key: value'");
    if (stack_.size() == kMaxDepth) {
      fail(mark, format_text("expected at most {} levels, got more", kMaxDepth));
    }
    stack_.push_back({node_at(mark, kind), false, {}, 0});
  }

  void close() {
    ConfigNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(ConfigNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == Kind::list) {
      top.node.items.push_back(std::move(node));
      return;
    }
    if (!top.has_key) fail_empty_key(node);
    node.line = top.key_line;  // a section is named by the line of its key
    top.node.entries.push_back({std::move(top.key), std::move(node)});
    top.has_key = false;
  }

  [[noreturn]] static void fail_empty_key(const ConfigNode& node) {
    throw ConfigError(format_text("{}:{}: expected a key, got nothing; write 'key: value'", node.file, node.line));
  }

  std::string file_;
  ConfigNode root_;
  std::vector<Open> stack_;
  size_t node_count_ = 0;
};

void clear_lines(ConfigNode& node) {
  node.line = 0;
  for (ConfigNode& item : node.items) clear_lines(item);
  for (auto& [key, entry] : node.entries) clear_lines(entry);
}

}  // namespace

ConfigNode parse_yaml(const std::string& text, const std::string& file) {
  if (text.size() > kYamlMaxFileBytes) {
    throw ConfigError(
        format_text("{}: expected a configuration of at most 1 MiB, got {} bytes; "
                    "this is not the file that was meant",
                    file, text.size()));
  }
  if (text.find('\0') != std::string::npos) {
    throw ConfigError(file + ": expected UTF-8 text, got a byte 0; this is not the file that was meant");
  }
  TreeBuilder builder(file);
  try {
    // yaml-cpp takes a quote that never ends for closed if the text ends in a line break, and would
    // swallow all keys behind it; a last comment keeps it from that.
    std::istringstream stream(text + "\n#");
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder second(file);
    if (parser.HandleNextDocument(second)) {
      throw ConfigError(format_text("{}:{}: expected one document, got a second one; remove what is after '---'", file,
                                    second.take().line));
    }
  } catch (const YAML::Exception& error) {
    builder.fail(error.mark, "expected YAML, got an error: " + error.msg);
  }
  return builder.take();
}

ConfigNode read_yaml(const std::filesystem::path& path) {
  std::string text;
  try {
    text = read_file(path, kYamlMaxFileBytes);
  } catch (const FormatError& error) {
    throw ConfigError(error.what());
  }
  return parse_yaml(text, path.string());
}

ConfigNode parse_yaml_value(const std::string& text, const std::string& origin) {
  try {
    ConfigNode node = parse_yaml(text, origin);
    if (text.empty()) {
      node.kind = Kind::scalar;
      node.quoted = true;
    }
    clear_lines(node);
    return node;
  } catch (const ConfigError&) {
    throw ConfigError(
        format_text("{}: expected a value, text or a list such as [64, 128], got '{}'; "
                    "quote text that has special characters",
                    origin, text.substr(0, 60)));
  }
}

ConfigNode parse_overrides(const std::vector<std::string>& overrides) {
  ConfigNode root;
  root.kind = ConfigNode::Kind::map;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError("--set: expected key=value such as train.batch_size=64, got " + in_quotes(text));
    }
    set_dotted(root, text.substr(0, equals), parse_yaml_value(text.substr(equals + 1), "--set " + text));
  }
  return root;
}

}  // namespace noisescope::io
