#include "noisescope/clip/text/tokenizer.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kTokenizerCaptions = {"a red square left of a blue disc on dark",
                                                     "a blue disc right of a red square",
                                                     "a green cross left of a red square on grey", "a red shape"};

Tokenizer words() { return Tokenizer::train(kTokenizerCaptions, {.kind = TokenizerKind::words}); }

Tokenizer bpe() { return Tokenizer::train(kTokenizerCaptions, {.kind = TokenizerKind::bpe, .max_vocabulary = 560}); }

std::string joined(const std::vector<CodePoint>& points) {
  std::string text;
  for (const CodePoint& point : points) append_utf8(text, point.value);
  return text;
}

std::string folder_of(const char* name) {
  const auto path = std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::remove_all(path);
  return path.string();
}

TEST(Unicode, DecodesAndRefusesUtf8) {
  const auto points = decode_utf8("a\u00e9\u4f60\U0001F600");
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[3].value, U'\U0001F600');
  EXPECT_EQ(points[2].begin, 3);
  EXPECT_EQ(points[2].end, 6);
  // A stray continuation, an overlong '/', a surrogate, a cut sequence, beyond U+10FFFF.
  for (const char* bad : {"\x80", "\xC0\xAF", "\xED\xA0\x80", "\xE4\xBD", "\xF4\x90\x80\x80"}) {
    EXPECT_THROW(decode_utf8(bad), ValueError) << bad;
  }
}

// UAX #15: the conformance cases of composition, blocking, reordering, exclusion and Hangul.
TEST(Unicode, ComposesCanonically) {
  const auto nfc = [](std::string_view text) { return joined(to_nfc(decode_utf8(text))); };
  EXPECT_EQ(nfc("e\u0301"), "\u00e9");
  EXPECT_EQ(nfc("a\u0323\u0307"), nfc("a\u0307\u0323"));        // marks reorder by class
  EXPECT_EQ(nfc("\u1e0b\u0323"), "\u1e0d\u0307");               // Figure 5 of UAX #15
  EXPECT_EQ(nfc("\u212b"), "\u00c5");                           // singleton: Angstrom sign
  EXPECT_EQ(nfc("\u0958"), "\u0915\u093c");                     // excluded from composition
  EXPECT_EQ(nfc("\u1112\u1161\u11ab"), "\ud55c");               // Hangul
  EXPECT_EQ(nfc("e\u0302\u0302\u0301"), "\u00ea\u0302\u0301");  // equal classes block
}

TEST(Unicode, NormalisesAsClip) {
  EXPECT_EQ(joined(normalize_text("A  Red\t\u00a0\u00c9\u0130\u03a3")), "a red \u00e9i\u0307\u03c3");
  const auto points = normalize_text("e\u0301x");
  EXPECT_EQ(points[0].begin, 0);
  EXPECT_EQ(points[0].end, 3);  // the composed letter covers letter and accent
}

TEST(Tokenizer, WordIdsAndSpans) {
  const Tokenizer tokenizer = words();
  EXPECT_EQ(tokenizer.end_id(), tokenizer.vocabulary_size() - 1);
  EXPECT_NE(tokenizer.end_id(), 2);
  const Encoding encoding = tokenizer.encode("  A RED disc");
  ASSERT_EQ(encoding.ids.size(), 5u);
  EXPECT_EQ(encoding.ids.front(), tokenizer.start_id());
  EXPECT_EQ(encoding.ids.back(), tokenizer.end_id());
  EXPECT_EQ(encoding.spans[2], (TextSpan{4, 7}));
  EXPECT_EQ(encoding.spans.back(), TextSpan{});
  EXPECT_EQ(tokenizer.decode(encoding.ids), "a red disc");
}

// Normalisation sorts the dots above (class 230) and below (220) and the stroke (1) the other way.
TEST(Tokenizer, SpansHoldMarksThatChangedTheirOrder) {
  const Encoding word = words().encode("q\u0307\u0323 \u0307\u0323\u0338");
  EXPECT_EQ(word.spans[1], (TextSpan{0, 5}));
  EXPECT_EQ(word.spans[2], (TextSpan{6, 12}));
  EXPECT_EQ(word.unknown[1].span, (TextSpan{6, 12}));
  const std::string marks = "\u0307\u0323";
  const Tokenizer pairs = Tokenizer::train({marks + ' ' + marks}, {.kind = TokenizerKind::bpe});
  const Encoding encoding = pairs.encode(marks);
  ASSERT_EQ(encoding.ids.size(), 3u);
  EXPECT_EQ(encoding.spans[1], (TextSpan{0, 4}));
}

TEST(Tokenizer, SmallestVocabularyKeepsTheEndAwayFromTwo) {
  const Tokenizer tokenizer = Tokenizer::train({"cat"}, {});
  EXPECT_EQ(tokenizer.end_id(), 3);
}

TEST(Tokenizer, UnknownWordsAreNamedWithTheNearest) {
  const Tokenizer tokenizer = words();
  const Encoding encoding = tokenizer.encode("a sqare, purple");
  ASSERT_EQ(encoding.unknown.size(), 3u);
  EXPECT_EQ(encoding.unknown[0].word, "sqare");
  EXPECT_EQ(encoding.unknown[0].nearest, "square");
  EXPECT_EQ(encoding.unknown[0].span, (TextSpan{2, 7}));
  EXPECT_EQ(encoding.unknown[1].word, ",");
  const std::string message = describe_unknown(tokenizer, encoding.unknown);
  EXPECT_NE(message.find("'sqare' (did you mean 'square'?)"), std::string::npos) << message;
  EXPECT_NE(message.find("known words: a, blue, cross"), std::string::npos) << message;
  EXPECT_EQ(describe_unknown(tokenizer, {}), "");
}

TEST(Tokenizer, SpecialTokensInTextAreText) {
  const Tokenizer tokenizer = bpe();
  const Encoding encoding = tokenizer.encode("a <|endoftext|> b");
  EXPECT_EQ(std::count(encoding.ids.begin(), encoding.ids.end(), tokenizer.end_id()), 1);
  EXPECT_EQ(tokenizer.decode(encoding.ids), "a <| endoftext |> b");
}

TEST(Tokenizer, TruncatesAndSaysSo) {
  const Tokenizer tokenizer = Tokenizer::train(kTokenizerCaptions, {.context_length = 6});
  const Encoding encoding = tokenizer.encode("a red square left of a blue disc");
  EXPECT_EQ(encoding.ids.size(), 6u);
  EXPECT_EQ(encoding.ids.back(), tokenizer.end_id());
  EXPECT_EQ(encoding.dropped, 4);
  EXPECT_FALSE(tokenizer.encode("a red square of").truncated());
}

// Sennrich et al. 2016, algorithm 1, by hand: "aaab" twice and "ab" once. Pairs of bytes:
// (a, a) 4, (a, b</w>) 3, so "aa" first; then (a, b</w>) 3 -> "ab</w>"; then ("aa", "ab</w>") 2.
TEST(Tokenizer, LearnsMergesInOrderOfFrequency) {
  const Tokenizer tokenizer = Tokenizer::train({"aaab aaab ab"}, {.kind = TokenizerKind::bpe});
  const std::vector<std::pair<std::string, std::string>> expected = {{"a", "a"}, {"a", "b</w>"}, {"aa", "ab</w>"}};
  EXPECT_EQ(tokenizer.model().merges, expected);
  EXPECT_EQ(tokenizer.vocabulary_size(), 512 + 3 + 2);
  EXPECT_EQ(tokenizer.encode("aaab").ids.size(), 3u);
}

TEST(Tokenizer, NothingIsUnknownToBytePairs) {
  const Tokenizer tokenizer = bpe();
  const Encoding encoding = tokenizer.encode("caf\u00e9 \U0001F600 don't 12");
  EXPECT_TRUE(encoding.unknown.empty());
  EXPECT_EQ(tokenizer.decode(encoding.ids), "caf\u00e9 \U0001F600 don 't 1 2");
}

TEST(Tokenizer, ALongWordIsNoTrap) {
  EXPECT_TRUE(bpe().encode(std::string(16384, 'a')).truncated());
  EXPECT_THROW(bpe().encode(std::string(16385, 'a')), ValueError);
}

TEST(Tokenizer, OrderOfCaptionsDoesNotMatter) {
  std::vector<std::string> reversed(kTokenizerCaptions.rbegin(), kTokenizerCaptions.rend());
  EXPECT_EQ(Tokenizer::train(reversed, {}).model().tokens, words().model().tokens);
}

TEST(Tokenizer, RefusesCaptionsWithoutWords) {
  EXPECT_THROW(Tokenizer::train({"", "  "}, {}), DataError);
  EXPECT_THROW(Tokenizer::train({}, {}), DataError);
}

TEST(TokenizerFiles, ComeBackEqual) {
  for (const Tokenizer& tokenizer : {words(), bpe()}) {
    const std::string folder = folder_of("tokenizer_roundtrip");
    save_tokenizer(folder, tokenizer);
    const Tokenizer loaded = load_tokenizer(folder);
    EXPECT_EQ(loaded.model().tokens, tokenizer.model().tokens);
    EXPECT_EQ(loaded.model().merges, tokenizer.model().merges);
    EXPECT_EQ(loaded.context_length(), tokenizer.context_length());
    for (const std::string& caption : kTokenizerCaptions) {
      EXPECT_EQ(loaded.encode(caption).ids, tokenizer.encode(caption).ids);
    }
  }
}

class HostileTokenizer : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = folder_of("tokenizer_hostile");
    save_tokenizer(folder, bpe());
    json_ = Json::parse(read_file(folder + "/tokenizer.json"));
    config_ = Json::parse(read_file(folder + "/tokenizer_config.json"));
  }
  void expect_refused(const char* what) const {
    EXPECT_THROW(parse_tokenizer(json_.dump(), config_.dump(), "test"), FormatError) << what;
  }
  Json json_, config_;
};

TEST_F(HostileTokenizer, TheUntouchedFilesLoad) {
  EXPECT_NO_THROW(parse_tokenizer(json_.dump(), config_.dump(), "test"));
}

TEST_F(HostileTokenizer, BrokenJsonIsRefusedWithItsByte) {
  try {
    parse_tokenizer("{\"model\": ", config_.dump(), "test");
    FAIL();
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find("test/tokenizer.json, byte 11"), std::string::npos) << error.what();
  }
  EXPECT_THROW(parse_tokenizer("[]", config_.dump(), "test"), FormatError);
  EXPECT_THROW(parse_tokenizer(std::string(100000, '['), config_.dump(), "test"), FormatError);
  const std::string huge = R"({"model_max_length": 1e999})";
  EXPECT_THROW(parse_tokenizer(huge, config_.dump(), "test"), FormatError);
  EXPECT_THROW(parse_tokenizer(json_.dump(), huge, "test"), FormatError);
}

TEST_F(HostileTokenizer, BadVocabulariesAreRefused) {
  const Json good = json_;
  json_["model"]["vocab"]["a"] = -1;
  expect_refused("negative id");
  json_["model"]["vocab"]["a"] = uint64_t{1} << 63;
  expect_refused("huge id");
  json_["model"]["vocab"]["a"] = "one";
  expect_refused("text as id");
  json_ = good;
  json_["model"]["vocab"]["a"] = json_["model"]["vocab"]["b"];
  expect_refused("two tokens of one id");
  json_ = good;
  json_["model"]["vocab"].erase("a");
  expect_refused("a hole");
  json_ = good;
  json_["model"]["vocab"] = Json::array();
  expect_refused("a list");
  json_ = good;
  std::swap(json_["model"]["vocab"]["a"], json_["model"]["vocab"]["<|endoftext|>"]);
  expect_refused("the end token is not the largest id");
}

TEST_F(HostileTokenizer, BadMergesAreRefused) {
  json_["model"]["merges"].push_back({"a", "zzz"});
  expect_refused("merge of an unknown token");
  json_["model"]["merges"].back() = "ab";
  expect_refused("merge without a blank");
  json_["model"]["merges"].back() = 5;
  expect_refused("a number as merge");
}

TEST_F(HostileTokenizer, OtherPipelinesAreRefused) {
  const Json good = json_;
  json_["normalizer"]["normalizers"].erase(2);
  expect_refused("no lower case");
  json_ = good;
  json_["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "x";
  expect_refused("another pattern");
  json_ = good;
  json_["model"]["type"] = "Unigram";
  expect_refused("another model");
}

TEST_F(HostileTokenizer, ContextsAreChecked) {
  config_["model_max_length"] = 2;
  expect_refused("no room for a token");
  config_["model_max_length"] = 5000;
  expect_refused("longer than any");
  config_["model_max_length"] = 1e30;  // transformers' "unlimited"
  EXPECT_EQ(parse_tokenizer(json_.dump(), config_.dump(), "test").context_length(), kMaxContext);
  config_.erase("model_max_length");
  EXPECT_EQ(parse_tokenizer(json_.dump(), config_.dump(), "test").context_length(), kMaxContext);
}

TEST_F(HostileTokenizer, AddedTokensWithHolesOrTwiceAreRefused) {
  const auto add = [&](int64_t id, const char* content) {
    json_["added_tokens"].push_back({{"id", id}, {"content", content}});
  };
  const auto next = static_cast<int64_t>(json_["model"]["vocab"].size());
  add(next, "<toy>");
  EXPECT_EQ(parse_tokenizer(json_.dump(), config_.dump(), "test").vocabulary_size(), next + 1);
  add(next + 2, "<hole>");
  expect_refused("a hole");
  json_["added_tokens"].back()["id"] = 3;
  expect_refused("an id of the vocabulary");
  json_["added_tokens"].back() = {{"id", next + 1}, {"content", "<toy>"}};
  expect_refused("the same again");
}

TEST(TokenizerFiles, AddedTokensAreFoundAsTheyStand) {
  TokenizerModel model = bpe().model();
  model.added = {"<toy>", "<toy>2"};
  const Tokenizer tokenizer(model, "test");
  const int64_t first = tokenizer.end_id() + 1;
  const Encoding encoding = tokenizer.encode("a<toy>2 b <toy>");
  const std::vector<int64_t> a = bpe().encode("a").ids, b = bpe().encode("b").ids;
  EXPECT_EQ(encoding.ids, (std::vector<int64_t>{a[0], a[1], first + 1, b[1], first, tokenizer.end_id()}));
  EXPECT_EQ(encoding.spans[2], (TextSpan{1, 7}));
  EXPECT_EQ(encoding.spans[3], (TextSpan{8, 9}));
  EXPECT_EQ(tokenizer.encode("<TOY>").ids, bpe().encode("<TOY>").ids);
  const std::string folder = folder_of("tokenizer_added");
  save_tokenizer(folder, tokenizer);
  EXPECT_EQ(load_tokenizer(folder).encode("a<toy>2 b <toy>").ids, encoding.ids);
  write_file_atomic(folder + "/added_tokens.json", R"({"<toy>": )" + std::to_string(first) + "}");
  EXPECT_EQ(load_tokenizer(folder).encode("a<toy>2 b <toy>").ids, encoding.ids);
}

TEST(TokenizerFiles, MissingFilesAreNamed) { EXPECT_THROW(load_tokenizer(folder_of("no_such_tokenizer")), IoError); }

}  // namespace
}  // namespace noisescope
