// A configuration in YAML or JSON: text -> tree -> options -> YAML -> the same options.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "noisescope/io/codec/yaml.h"

namespace noisescope {
namespace {

struct InnerOptions {
  std::vector<int64_t> channels = {64, 128};
  std::vector<double> scales = {1.5};
  bool attention = true;
};
void describe(Describer& d, InnerOptions& o) {
  d("channels", o.channels, "widths", {.min = 1, .max = 4096});
  d("scales", o.scales, "guidance scales");
  d("attention", o.attention, "attention at the lowest level");
}

struct OuterOptions {
  int64_t steps = 20;
  double sigma_max = 80;
  std::string name = "demo";
  std::vector<std::string> prompts;
  InnerOptions unet;
};
void describe(Describer& d, OuterOptions& o) {
  d("steps", o.steps, "solver steps", {.min = 1});
  d("sigma_max", o.sigma_max, "largest noise level", {.min = 0});
  d("name", o.name, "name of the run");
  d("prompts", o.prompts, "what to draw");
  d.section("unet", o.unet, "the network");
}

}  // namespace
}  // namespace noisescope

namespace {

/// Options from text by `tree_of`; what was accepted is the same after it was written and read again.
template <class TreeOf>
void read_and_write(const TreeOf& tree_of) {
  using namespace noisescope;
  OuterOptions options;
  try {
    read_options_into(tree_of(), options);
  } catch (const ConfigError&) {
    return;
  }
  try {
    OuterOptions back;
    read_options_into(parse_yaml(to_yaml(options), "fuzz"), back);
    if (to_yaml(back) != to_yaml(options)) std::abort();
  } catch (const nlohmann::json::exception&) {  // text that is no UTF-8 cannot be written
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_and_write([&] { return parse_yaml(text, "fuzz"); });
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) read_and_write([&] { return config_from_json(json, "fuzz"); });
  return 0;
}
