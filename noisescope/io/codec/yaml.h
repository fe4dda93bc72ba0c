// YAML text as a configuration tree (yaml-cpp). The accepted language is what a configuration needs:
// one document of nested maps, lists and scalars. Anchors, aliases and tags are refused, so that no
// text grows beyond its size, and a key that occurs twice is an error. No torch here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "noisescope/io/config.h"

namespace noisescope::io {

/// The tree of `text`; `file` stands in its marks and messages. An empty document is a null node.
/// Throws ConfigError ("config/shapes.yaml:12: ...").
ConfigNode parse_yaml(const std::string& text, const std::string& file);

/// The same of a file of at most 1 MiB. Throws IoError if it cannot be read.
ConfigNode read_yaml(const std::filesystem::path& path);

/// The right side of `--set a.b=c`: a number, text or a list such as [64, 128]. Nodes carry the mark
/// `origin` ("--set unet.channels=[64, 128]") without a line. Nothing at all is the empty text.
ConfigNode parse_yaml_value(const std::string& text, const std::string& origin);

/// "a.b=c", ... in order as one tree. Throws ConfigError for a text without key or '='.
ConfigNode parse_overrides(const std::vector<std::string>& overrides);

}  // namespace noisescope::io
