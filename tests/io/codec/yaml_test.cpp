#include "noisescope/io/codec/yaml.h"

#include <gtest/gtest.h>

#include "noisescope/io/file.h"

namespace noisescope {
namespace {

using Kind = ConfigNode::Kind;

std::string yaml_message(const std::string& text) {
  try {
    parse_yaml(text, "a.yaml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

struct UnetOptions {
  std::vector<int64_t> channels = {1};
};
void describe(Describer& d, UnetOptions& o) { d("channels", o.channels, "widths", {.min = 1}); }

struct SmallOptions {
  int64_t steps = 1;
  double sigma = 1;
  std::vector<std::string> words;
  UnetOptions unet;
};
void describe(Describer& d, SmallOptions& o) {
  d("steps", o.steps, "solver steps", {.min = 1});
  d("sigma", o.sigma, "noise level");
  d("words", o.words, "any text");
  d.section("unet", o.unet, "the network");
}

TEST(Yaml, MakesTheTreeWithLines) {
  const ConfigNode root = parse_yaml(
      "# a comment\n"
      "steps: 12  # more\n"
      "text: \"12\"\n"
      "empty:\n"
      "unet:\n"
      "  channels: [64,\n"
      "    128]\n"
      "block: |\n"
      "  two\n"
      "  lines\n"
      "list:\n"
      "  - a\n"
      "  - b: 'it''s'\n",
      "a.yaml");
  ASSERT_EQ(root.kind, Kind::map);
  EXPECT_EQ(root.find("steps")->scalar, "12");
  EXPECT_EQ(root.find("steps")->line, 2);
  EXPECT_EQ(root.find("steps")->file, "a.yaml");
  EXPECT_FALSE(root.find("steps")->quoted);
  EXPECT_TRUE(root.find("text")->quoted);
  EXPECT_EQ(root.find("empty")->kind, Kind::null);
  EXPECT_EQ(root.find("empty")->line, 4);
  EXPECT_EQ(root.find("unet")->line, 5);
  const ConfigNode& channels = *root.find("unet")->find("channels");
  ASSERT_EQ(channels.items.size(), 2u);
  EXPECT_EQ(channels.line, 6);
  EXPECT_EQ(channels.items[1].line, 7);
  EXPECT_EQ(root.find("block")->scalar, "two\nlines\n");
  EXPECT_EQ(root.find("list")->items[1].find("b")->scalar, "it's");
  EXPECT_TRUE(root.find("list")->items[1].find("b")->quoted);
}

TEST(Yaml, EmptyTextIsANullNode) {
  EXPECT_EQ(parse_yaml("", "a.yaml").kind, Kind::null);
  EXPECT_EQ(parse_yaml("# nothing\n", "a.yaml").kind, Kind::null);
  EXPECT_EQ(parse_yaml("---\n", "a.yaml").kind, Kind::null);
}

TEST(Yaml, RefusesWhatIsNoConfiguration) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a: 1\nb: [1, 2\n", "expected YAML"},
      {"a: 1\na: 2\n", "a.yaml:2: key 'a' occurs twice, first on line 1"},
      {"a: &x 1\n", "a.yaml:1: expected plain values, got an anchor"},
      {"a: 1\nb: *x\n", "a.yaml:2: "},
      {"a: !!python/object x\n", "got the tag"},
      {"a: 1\n---\nb: 2\n", "expected one document"},
      {"? [1, 2]\n: 3\n", "expected a key, got a list or map"},
      {": 3\n", "expected a key"},
      {"a: 1\n\tb: 2\n", "a.yaml:2: expected YAML"},
      {"a: \"open\nb: 1\n", "expected YAML"},
      {"a: 'open\n", "expected YAML"},
      {std::string("a: 1\0", 5), "expected UTF-8 text"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_NE(yaml_message(text).find(message), std::string::npos) << text << yaml_message(text);
  }
}

TEST(Yaml, BombsAreRefused) {
  // Each line doubles what the one before stands for.
  std::string laughs = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  EXPECT_NE(yaml_message(laughs).find("anchor"), std::string::npos);
  EXPECT_NE(yaml_message(std::string(50, '[') + std::string(50, ']')).find("levels"), std::string::npos);
  EXPECT_NE(yaml_message(std::string(50'000, '[')), "");
  EXPECT_NE(yaml_message(std::string(50'000, '{')), "");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_NE(yaml_message(deep).find("levels"), std::string::npos);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "k" + std::to_string(i) + ": 1\n";
  EXPECT_NE(yaml_message(many).find("too many values"), std::string::npos);
  EXPECT_NE(yaml_message(std::string(2 << 20, '#')).find("at most 1 MiB"), std::string::npos);
}

TEST(Yaml, ValuesOfTheCommandLine) {
  const std::string origin = "--set a=b";
  EXPECT_EQ(parse_yaml_value("3", origin).scalar, "3");
  EXPECT_EQ(parse_yaml_value("3", origin).line, 0);
  EXPECT_EQ(parse_yaml_value("3", origin).file, origin);
  EXPECT_EQ(parse_yaml_value("[64, 128]", origin).items[1].scalar, "128");
  EXPECT_EQ(parse_yaml_value("a red square left of a blue disc", origin).scalar, "a red square left of a blue disc");
  EXPECT_TRUE(parse_yaml_value("\"3\"", origin).quoted);
  EXPECT_EQ(parse_yaml_value("", origin).kind, Kind::scalar);
  EXPECT_EQ(parse_yaml_value("null", origin).kind, Kind::null);
  EXPECT_THROW(parse_yaml_value("[64, ", origin), ConfigError);
}

TEST(Yaml, ErrorsOfOptionsNameFileAndLine) {
  const std::string path = ::testing::TempDir() + "noisescope_options.yaml";
  write_file_atomic(path, "steps: 20\nsigma: .inf\nunet:\n  chanels: [3]\n");
  SmallOptions options;
  try {
    read_options_into(read_yaml(path), options);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), path + ":4: unknown key 'chanels' in unet; did you mean 'channels'?");
  }
  EXPECT_THROW(read_yaml(path + ".absent"), IoError);
}

TEST(Yaml, WhatIsWrittenComesBack) {
  SmallOptions options;
  options.steps = 7;
  options.sigma = 1e-4 / 3;
  options.words = {"", "true", "~", "1e4", "a: b", "# no", "it's \"so\"", "caf\xc3\xa9\n", "- x", "/a/b-c"};
  options.unet.channels = {5, 6};
  SmallOptions back;
  read_options_into(parse_yaml(to_yaml(options), "a.yaml"), back);
  EXPECT_EQ(to_json(back), to_json(options));
  EXPECT_EQ(back.sigma, options.sigma);
  EXPECT_EQ(back.words, options.words);
}

}  // namespace
}  // namespace noisescope
