// Configuration: text -> ConfigNode tree -> options structs (core/options.h), with errors that name
// file, line, key and the nearest valid name. The tree is made from YAML (io/codec/yaml.h) or JSON;
// nothing here includes torch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "noisescope/core/options.h"

namespace noisescope::io {

struct ConfigEntry;

/// One value of a configuration file and where it stands.
struct ConfigNode {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;                // Kind::scalar, as written
  bool quoted = false;               // a quoted scalar is always a string
  std::vector<ConfigNode> items;     // Kind::list
  std::vector<ConfigEntry> entries;  // Kind::map, in file order
  std::string file;
  int line = 0;  // 1-based; 0: not from a file

  const ConfigNode* find(const std::string& key) const;
};

struct ConfigEntry {
  std::string key;
  ConfigNode value;
};

/// Applies `--set a.b=c`: replaces or adds the value at a dotted key. `value` is the parsed right side.
void set_dotted(ConfigNode& root, const std::string& dotted_key, ConfigNode value);

/// Reads the fields of `options` that `node` holds; the others keep their defaults. Throws ConfigError
/// ("config/shapes.yaml:12: unknown key 'chanels' in unet; did you mean 'channels'?") for unknown or
/// mistyped keys, wrong types and values out of range.
void read_options(const ConfigNode& node, const std::function<void(Describer&)>& describe_all);

/// All fields with their present values, in describing order.
nlohmann::ordered_json options_to_json(const std::function<void(Describer&)>& describe_all);

/// The same as commented YAML: the help of a field stands behind it.
std::string options_to_yaml(const std::function<void(Describer&)>& describe_all);

/// A JSON tree as ConfigNode (line numbers 0).
ConfigNode config_from_json(const nlohmann::ordered_json& json, const std::string& file);

template <class T>
void read_options_into(const ConfigNode& node, T& options) {
  read_options(node, [&](Describer& d) { describe(d, options); });
}

template <class T>
nlohmann::ordered_json to_json(T options) {
  return options_to_json([&](Describer& d) { describe(d, options); });
}

template <class T>
std::string to_yaml(T options) {
  return options_to_yaml([&](Describer& d) { describe(d, options); });
}

}  // namespace noisescope::io
