#include "noisescope/io/config.h"

#include <limits>

#include <gtest/gtest.h>

namespace noisescope {
namespace {

enum class Schedule { linear, cosine };
constexpr std::array<std::pair<Schedule, const char*>, 2> enum_names(Schedule) {
  return {{{Schedule::linear, "linear"}, {Schedule::cosine, "cosine"}}};
}

struct NetOptions {
  std::vector<int64_t> channels = {64, 128};
  double dropout = 0.1;
  bool attention = true;
};
void describe(Describer& d, NetOptions& o) {
  d("channels", o.channels, "width of each level", {.min = 1, .max = 4096});
  d("dropout", o.dropout, "share of dropped values", {.min = 0, .max = 1});
  d("attention", o.attention, "attention at the lowest level");
}

struct TestOptions {
  int64_t steps = 1000;
  double max_sigma = std::numeric_limits<double>::infinity();
  std::string name = "demo run";
  Schedule schedule = Schedule::cosine;
  std::vector<double> scales = {1, 1.5};
  std::vector<std::string> prompts = {"a red square", "x: y # z"};
  NetOptions unet;
};
void describe(Describer& d, TestOptions& o) {
  d("steps", o.steps, "solver steps", {.min = 1});
  d("max_sigma", o.max_sigma, "largest noise level");
  d("name", o.name, "name of the run");
  d("schedule", o.schedule, "noise schedule");
  d("scales", o.scales, "guidance scales");
  d("prompts", o.prompts, "what to draw");
  d.section("unet", o.unet, "the network");
}

ConfigNode tree(const nlohmann::ordered_json& json) { return config_from_json(json, "a.json"); }

ConfigNode plain(const std::string& text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::scalar;
  node.scalar = text;
  return node;
}

enum class Fill { none, mirror };
NOISESCOPE_ENUM(Fill, none, mirror)
constexpr std::array<std::pair<const char*, Fill>, 1> enum_old_names(Fill) { return {{{"reflect", Fill::mirror}}}; }

/// Options whose names have changed.
struct RenamedOptions {
  double clamp = 1;
  Fill fill = Fill::none;
  NetOptions unet;
};
void describe(Describer& d, RenamedOptions& o) {
  d("clamp", o.clamp, "limit of the values", {.min = 0, .was = "clip"});
  d("fill", o.fill, "what is beyond the edge");
  d.section("unet", o.unet, "the network", "net");
}

/// What reading `value` at `key` into the defaults says, "" if it is accepted.
std::string message_for(const std::string& key, const ConfigNode& value) {
  ConfigNode root;
  root.file = "a.yaml";
  set_dotted(root, key, value);
  try {
    TestOptions options;
    read_options_into(root, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Config, ReadsWhatIsThereAndKeepsTheRest) {
  TestOptions options;
  read_options_into(tree({{"steps", 20}, {"schedule", "linear"}, {"unet", {{"channels", {8}}}}}), options);
  EXPECT_EQ(options.steps, 20);
  EXPECT_EQ(options.schedule, Schedule::linear);
  EXPECT_EQ(options.unet.channels, std::vector<int64_t>{8});
  EXPECT_EQ(options.unet.dropout, 0.1);
  EXPECT_EQ(options.name, "demo run");
}

TEST(Config, OlderNamesOfFieldsSectionsAndValuesAreRead) {
  RenamedOptions options;
  read_options_into(tree({{"clip", 3}, {"fill", "reflect"}, {"net", {{"dropout", 0.5}}}}), options);
  EXPECT_EQ(options.clamp, 3);
  EXPECT_EQ(options.fill, Fill::mirror);
  EXPECT_EQ(options.unet.dropout, 0.5);
  EXPECT_EQ(to_json(options)["clamp"], 3) << "written by their names of today";
  EXPECT_EQ(to_json(options)["fill"], "mirror");
  EXPECT_THROW(read_options_into(tree({{"clip", -1}}), options), ConfigError) << "in the range of the field";
}

TEST(Config, TheOlderNameBesideTheNewOneIsUnknown) {
  RenamedOptions options;
  try {
    read_options_into(tree({{"clamp", 2}, {"clip", 3}}), options);
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("unknown key 'clip'"), std::string::npos) << error.what();
  }
}

TEST(Config, JsonComesBackExactly) {
  TestOptions options;
  options.unet.dropout = 0.1 + 0.2;
  options.scales = {1e-300, -std::numeric_limits<double>::infinity()};
  TestOptions back;
  back.max_sigma = 3;
  read_options_into(tree(nlohmann::ordered_json::parse(to_json(options).dump())), back);
  EXPECT_EQ(to_json(back), to_json(options));
  EXPECT_EQ(back.unet.dropout, 0.1 + 0.2);
  EXPECT_EQ(back.scales, options.scales);
  EXPECT_EQ(back.max_sigma, options.max_sigma);
}

TEST(Config, YamlCarriesHelpAndRanges) {
  EXPECT_EQ(to_yaml(TestOptions{}),
            "steps: 1000  # solver steps; at least 1\n"
            "max_sigma: .inf  # largest noise level\n"
            "name: \"demo run\"  # name of the run\n"
            "schedule: cosine  # noise schedule; one of linear, cosine\n"
            "scales: [1, 1.5]  # guidance scales\n"
            "prompts: [\"a red square\", \"x: y # z\"]  # what to draw\n"
            "\n"
            "unet:  # the network\n"
            "  channels: [64, 128]  # width of each level; between 1 and 4096\n"
            "  dropout: 0.1  # share of dropped values; between 0 and 1\n"
            "  attention: true  # attention at the lowest level\n");
}

TEST(Config, NumbersAreTakenAsWritten) {
  for (const char* text : {"1", "+7", "9223372036854775807"}) {
    EXPECT_EQ(message_for("steps", plain(text)), "") << text;
  }
  for (const char* text : {"1e4", "1.0", "0x10", "", "1 ", "+-1", "9223372036854775808", "ten", "~"}) {
    EXPECT_NE(message_for("steps", plain(text)).find("to be a whole number"), std::string::npos) << text;
  }
  for (const char* text : {"1", "1e-4", "1E3", ".5", "+2.5", "inf", ".inf", "-.inf"}) {
    EXPECT_EQ(message_for("max_sigma", plain(text)), "") << text;
  }
  for (const char* text : {"nan", ".nan", "1e400", "1,5", "0x1p3", "infinity", "++1", "1e"}) {
    EXPECT_NE(message_for("max_sigma", plain(text)).find("to be a number"), std::string::npos) << text;
  }
  for (const char* text : {"yes", "1", "True", "on"}) {
    EXPECT_NE(message_for("unet.attention", plain(text)).find("true or false"), std::string::npos) << text;
  }
  ConfigNode quoted = plain("3");
  quoted.quoted = true;
  EXPECT_EQ(message_for("steps", quoted), "expected 'steps' to be a whole number, got the text '3'; solver steps");
  EXPECT_EQ(message_for("name", plain("3")), "");
  EXPECT_NE(message_for("steps", plain("1e4")).find("write all its digits"), std::string::npos);
}

TEST(Config, RangesAndChoicesAreChecked) {
  EXPECT_EQ(message_for("steps", plain("0")), "expected 'steps' to be at least 1, got '0'; solver steps");
  EXPECT_EQ(message_for("unet.dropout", plain("1.5")),
            "expected 'dropout' in unet to be between 0 and 1, got '1.5'; share of dropped values");
  EXPECT_EQ(message_for("schedule", plain("cosin")),
            "expected 'schedule' to be one of linear, cosine, got 'cosin'; did you mean 'cosine'?");
  EXPECT_EQ(message_for("unet.channels", plain("64")),
            "expected 'channels' in unet to be a list, got '64'; write [64]");
  EXPECT_NE(message_for("unet.channels", tree(nlohmann::ordered_json{64, 0})), "");
  EXPECT_NE(message_for("unet.channels", tree({{"a", 1}})).find("got a section"), std::string::npos);
  EXPECT_NE(message_for("name", ConfigNode{}).find("got nothing; write \"\""), std::string::npos);
}

TEST(Config, UnknownKeysAreNamedWithTheNearest) {
  EXPECT_EQ(message_for("unet.chanels", plain("64")), "unknown key 'chanels' in unet; did you mean 'channels'?");
  EXPECT_EQ(message_for("dropout", plain("0")), "unknown key 'dropout'; it belongs into section unet");
  EXPECT_EQ(message_for("unet.name", plain("x")), "unknown key 'name' in unet; it belongs to the top level");
  EXPECT_EQ(message_for("unet.zzzzzzzzzz", plain("0")),
            "unknown key 'zzzzzzzzzz' in unet; valid keys: channels, dropout, attention");
  EXPECT_EQ(message_for("unte.dropout", plain("0")), "unknown key 'unte'; did you mean 'unet'?");
}

TEST(Config, SectionsMustBeSections) {
  EXPECT_NE(message_for("unet", plain("64")).find("expected section 'unet', got '64'"), std::string::npos);
  EXPECT_EQ(message_for("unet", ConfigNode{}), "");  // all of its lines commented out
  TestOptions options;
  EXPECT_THROW(read_options_into(plain("text"), options), ConfigError);
  EXPECT_NO_THROW(read_options_into(ConfigNode{}, options));
}

TEST(Config, ErrorsNameFileAndLine) {
  ConfigNode root;
  root.kind = ConfigNode::Kind::map;
  ConfigNode value = plain("x");
  value.file = "config/a.yaml";
  value.line = 12;
  root.entries.push_back({"steps", value});
  TestOptions options;
  try {
    read_options_into(root, options);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()).rfind("config/a.yaml:12: expected 'steps'", 0), 0u) << error.what();
  }
}

TEST(Config, SetReplacesAndAdds) {
  ConfigNode root = tree({{"steps", 5}, {"unet", {{"dropout", 0.5}}}});
  set_dotted(root, "steps", plain("7"));
  set_dotted(root, "unet.attention", plain("false"));
  TestOptions options;
  read_options_into(root, options);
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.unet.dropout, 0.5);
  EXPECT_FALSE(options.unet.attention);
  for (const char* key : {"", ".", "a.", ".a", "unet..x", "steps.x"}) {
    EXPECT_THROW(set_dotted(root, key, plain("1")), ConfigError) << key;
  }
}

}  // namespace
}  // namespace noisescope
