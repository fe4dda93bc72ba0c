// Tokenizers of published CLIPs, against references computed by tests/reference/make_clip_text_golden.py.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/clip/text/clean_text.h"
#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Texts = std::vector<std::string>;

const Json& golden() {
  static const Json json = Json::parse(read_file(NOISESCOPE_SOURCE_DIR "/tests/golden/clip_text.json"));
  return json;
}

std::string golden_merges() {
  std::string text = "#version: 0.2\n";
  for (const Json& line : golden()["merges"]) text += line.get<std::string>() + '\n';
  return text;
}

Tokenizer golden_tokenizer(ClipProfile profile) { return parse_merges(golden_merges(), "golden", profile); }

fs::path empty_folder(const char* name) {
  const fs::path path = fs::path(::testing::TempDir()) / name;
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

std::string vocabulary_of(const Tokenizer& tokenizer) {
  Json vocabulary;
  for (size_t id = 0; id < tokenizer.model().tokens.size(); ++id) {
    vocabulary[tokenizer.model().tokens[id]] = id;
  }
  return vocabulary.dump();
}

template <class Load>
std::string message_of(const Load& load) {
  try {
    load();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

TEST(TokenizerProfiles, CleanedTextIsThatOfTheReference) {
  const auto texts = golden()["texts"].get<Texts>();
  const auto expected = golden()["clean"].get<Texts>();
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string cleaned;
    for (const CodePoint& point : clean_text(texts[i], ClipProfile::openai)) {
      append_utf8(cleaned, point.value);
    }
    EXPECT_EQ(cleaned, expected[i]) << texts[i];
  }
}

TEST(TokenizerProfiles, IdsAreThoseOfTheReferences) {
  for (const auto& [profile, name] : enum_names(ClipProfile{})) {
    const Tokenizer tokenizer = golden_tokenizer(profile);
    const Json& expected = golden()["ids"][name];
    const auto texts = golden()["texts"].get<Texts>();
    ASSERT_EQ(expected.size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(tokenizer.encode(texts[i]).ids, expected[i].get<std::vector<int64_t>>()) << name << ": " << texts[i];
    }
  }
}

TEST(TokenizerProfiles, NamesAndPaddingDiffer) {
  EXPECT_EQ(golden_tokenizer(ClipProfile::open_clip).model().tokens.back(), "<end_of_text>");
  const Tokenizer openai = golden_tokenizer(ClipProfile::openai);
  EXPECT_EQ(openai.model().tokens.back(), "<|endoftext|>");
  EXPECT_EQ(openai.model().tokens.front(), "!");
  EXPECT_EQ(openai.pad_id(), 0);
  EXPECT_EQ(golden_tokenizer(ClipProfile::hf).pad_id(), openai.end_id());
  const std::vector<int64_t> ids = openai.padded_ids(openai.encode("!"));
  ASSERT_EQ(ids.size(), 77u);
  EXPECT_EQ(ids[2], openai.end_id());
  EXPECT_EQ(ids[3], 0);
  EXPECT_EQ(ids[76], 0);
}

// The literal names of special tokens are text: no token but the first and the last is special.
TEST(TokenizerProfiles, SpecialTokensInTextAreText) {
  for (const auto profile : {ClipProfile::openai, ClipProfile::open_clip, ClipProfile::hf}) {
    const Tokenizer tokenizer = golden_tokenizer(profile);
    const Encoding encoding = tokenizer.encode("<|endoftext|> <END_OF_TEXT> <|startoftext|>");
    for (size_t i = 1; i + 1 < encoding.ids.size(); ++i) {
      EXPECT_LT(encoding.ids[i], tokenizer.start_id());
    }
  }
}

TEST(TokenizerProfiles, SpansPointIntoTheUncleanedPrompt) {
  const std::string prompt = "  caf\u00e9 &amp; \u201cX\u201d";
  const Tokenizer tokenizer = golden_tokenizer(ClipProfile::openai);
  const Encoding encoding = tokenizer.encode(prompt);
  const auto shown = [&](const TextSpan& span) {
    return prompt.substr(static_cast<size_t>(span.begin), static_cast<size_t>(span.end - span.begin));
  };
  const size_t n = encoding.spans.size();
  EXPECT_EQ(shown(encoding.spans[n - 5]), "&amp;");
  EXPECT_EQ(shown(encoding.spans[n - 4]), "\u201c");
  EXPECT_EQ(shown(encoding.spans[n - 3]), "X");
  EXPECT_EQ(shown(encoding.spans[n - 2]), "\u201d");
  EXPECT_EQ(encoding.spans[1].begin, 2);
}

// Without merges the three bytes of a kana are three tokens of one character.
TEST(TokenizerProfiles, BytesOfOneCharacterShareItsSpan) {
  const Tokenizer tokenizer = parse_merges("#version\n", "bytes", ClipProfile::openai);
  const Encoding encoding = tokenizer.encode("a\u3042b");
  ASSERT_EQ(encoding.ids.size(), 7u);
  EXPECT_EQ(encoding.spans[1], (TextSpan{0, 1}));
  for (const size_t i : {2, 3, 4}) EXPECT_EQ(encoding.spans[i], (TextSpan{1, 4}));
  EXPECT_EQ(encoding.spans[5], (TextSpan{4, 5}));
}

TEST(TokenizerProfiles, VocabularyAndMergesMakeAFolder) {
  const fs::path folder = empty_folder("clip_vocabulary");
  const Tokenizer openai = golden_tokenizer(ClipProfile::openai);
  write_file_atomic(folder / "vocab.json", vocabulary_of(openai));
  write_file_atomic(folder / "merges.txt", golden_merges());
  const Tokenizer loaded = load_tokenizer(folder);
  EXPECT_EQ(loaded.model().profile, ClipProfile::hf);
  EXPECT_EQ(loaded.context_length(), 77);
  EXPECT_EQ(loaded.encode("A photo").ids, golden_tokenizer(ClipProfile::hf).encode("A photo").ids);
  EXPECT_EQ(load_tokenizer(folder, ClipProfile::openai).encode("&amp;").ids, openai.encode("&amp;").ids);
  write_file_atomic(folder / "tokenizer_config.json", R"({"model_max_length": 16, "pad_token": {"content": "!"}})");
  EXPECT_EQ(load_tokenizer(folder).context_length(), 16);
  EXPECT_EQ(load_tokenizer(folder).pad_id(), 0);
}

TEST(TokenizerProfiles, ComeBackEqual) {
  for (const auto profile : {ClipProfile::openai, ClipProfile::open_clip, ClipProfile::hf}) {
    const fs::path folder = empty_folder("clip_profile");
    const Tokenizer tokenizer = golden_tokenizer(profile);
    save_tokenizer(folder, tokenizer);
    const Tokenizer loaded = load_tokenizer(folder);
    EXPECT_EQ(loaded.model().profile, profile);
    EXPECT_EQ(loaded.model().tokens, tokenizer.model().tokens);
    EXPECT_EQ(loaded.pad_id(), tokenizer.pad_id());
    EXPECT_EQ(loaded.encode("&lt;x").ids, tokenizer.encode("&lt;x").ids);
  }
}

/// Made by Python: gzip.compress(b"#version\na b\n", mtime=0).
const std::string kGzip(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x53\x2e\x4b\x2d\x2a\xce\xcc\xcf\xe3\x4a\x54\x48\xe2\x02\x00"
    "\xc8\x12\x7b\x16\x0d\x00\x00\x00",
    33);

TEST(MergesFile, PlainAndGzippedAreOne) {
  const fs::path folder = empty_folder("clip_merges");
  write_file_atomic(folder / "merges.txt", "#version\na b\n");
  write_file_atomic(folder / "merges.txt.gz", kGzip);
  const Tokenizer plain = load_merges(folder / "merges.txt");
  EXPECT_EQ(plain.vocabulary_size(), 515);
  EXPECT_EQ(load_merges(folder / "merges.txt.gz").model().tokens, plain.model().tokens);
  EXPECT_THROW(load_merges(folder / "absent"), IoError);
  write_file_atomic(folder / "cut.gz", kGzip.substr(0, 25));
  EXPECT_NE(message_of([&] { load_merges(folder / "cut.gz"); }).find("a whole gzip file"), std::string::npos);
  write_file_atomic(folder / "longer.gz", kGzip + "x");
  EXPECT_THROW(load_merges(folder / "longer.gz"), FormatError);
}

TEST(MergesFile, ReadsNoMoreThanThePublishedNumber) {
  std::string text = "\"bpe_simple_vocab_16e6.txt#version: 0.2\n";
  const std::vector<std::string> tokens = clip_byte_tokens();
  size_t lines = 0;
  for (size_t i = 0; i < 256 && lines < 49'000; ++i) {
    for (size_t k = 0; k < 256 && lines < 49'000; ++k, ++lines) {
      text += tokens[i] + ' ' + tokens[k] + '\n';
    }
  }
  EXPECT_EQ(parse_merges(text, "m", ClipProfile::openai).vocabulary_size(), 49408);
}

TEST(MergesFile, WrongFilesAreNamedWithTheirLine) {
  const auto parsed = [](std::string_view text) {
    return message_of([&] { parse_merges(text, "m.txt", ClipProfile::openai); });
  };
  EXPECT_NE(parsed("a b\n").find("expected merges with '#version'"), std::string::npos);
  EXPECT_NE(parsed("#version\na b\nc\n").find("m.txt, byte 13"), std::string::npos);
  EXPECT_NE(parsed("#version\na b\nc\n").find("in line 3, got 'c'"), std::string::npos);
  EXPECT_NE(parsed("#version\na  b\n").find("in line 2"), std::string::npos);
  EXPECT_NE(parsed("#version\n\na b\n").find("in line 2"), std::string::npos);
  EXPECT_NE(parsed("#version\n\xe9 b\n").find("m.txt, byte 0: [clip.parse_tokenizer] expected merges in UTF-8"),
            std::string::npos);
  EXPECT_NE(parsed("#version\nab c\n").find("expected the token 'ab' in the vocabulary"), std::string::npos);
  EXPECT_NE(parsed("#version\na b\na b\n").find("'ab' again"), std::string::npos);
  EXPECT_EQ(parsed("#version\r\na b\r\n"), "");
}

TEST(MergesFile, VocabulariesThatDoNotFitAreNamed) {
  const std::string vocabulary = vocabulary_of(parse_merges("#version\na b\n", "m", ClipProfile::hf));
  const auto parsed = [&](std::string_view vocab, std::string_view merges, std::string_view config) {
    return message_of([&] { parse_vocabulary(vocab, merges, config, "folder"); });
  };
  const std::string config = R"({"model_max_length": 77})";
  EXPECT_EQ(parsed(vocabulary, "a b\n", config), "");
  EXPECT_NE(parsed(vocabulary, "a b\nab c\n", config).find("do vocabulary and merges belong together"),
            std::string::npos);
  EXPECT_NE(parsed("\xff\xfe{", "", config).find("folder/vocab.json"), std::string::npos);
  EXPECT_NE(parsed(vocabulary, "\xff\xfe", config).find("folder/merges.txt"), std::string::npos);
  EXPECT_NE(parsed(vocabulary, "", R"({"model_max_length": 77, "pad_token": "zzz"})").find("pad_token"),
            std::string::npos);
  EXPECT_NE(parsed(vocabulary, "", R"({"model_max_length": 77, "clip_profile": "x"})").find("clip_profile"),
            std::string::npos);
  EXPECT_NE(parsed(vocabulary, "", R"({"model_max_length": "77"})").find("model_max_length"), std::string::npos);
}

/// Not a test of its own: encodes texts.json with merges.txt under every profile.
TEST(OracleFolder, EncodeProfiles) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "run by tests/clip/profiles_oracle.py";
  const fs::path folder = root;
  const auto texts = Json::parse(read_file(folder / "texts.json")).get<Texts>();
  for (const auto& [profile, name] : enum_names(ClipProfile{})) {
    const Tokenizer tokenizer = load_merges(folder / "merges.txt", profile);
    Json ids = Json::array();
    for (const std::string& text : texts) ids.push_back(tokenizer.encode(text).ids);
    write_file_atomic(folder / (std::string(name) + ".json"), ids.dump());
  }
}

}  // namespace
}  // namespace noisescope
