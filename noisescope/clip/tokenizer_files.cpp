// Tokenizers as Hugging Face files. Reading trusts nothing: the pipeline must be the one that encode
// implements, ids must be 0 .. V-1 without holes, and the Tokenizer constructor checks the rest.
#include <nlohmann/json.hpp>

#include "noisescope/clip/tokenizer.h"
#include "noisescope/core/error.h"
#include "noisescope/io/file.h"

namespace noisescope {
namespace {

using Json = nlohmann::json;  // its objects are maps: vocabularies are large

constexpr const char* kUnknown = "<|unk|>";
constexpr const char* kStart = "<|startoftext|>";
constexpr const char* kEnd = "<|endoftext|>";
constexpr const char* kWordPattern = R"([\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}])";
constexpr const char* kClipPattern =
    R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

const char* unknown_token(TokenizerKind kind) {
  return kind == TokenizerKind::words ? kUnknown : kEnd;
}

Json normalizer_json() {
  return {{"type", "Sequence"},
          {"normalizers",
           {{{"type", "NFC"}},
            {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}},
            {{"type", "Lowercase"}}}}};
}

Json split_json(const char* pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Removed"},
          {"invert", true}};
}

Json pre_tokenizer_json(TokenizerKind kind) {
  if (kind == TokenizerKind::words) return split_json(kWordPattern);
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  return {{"type", "Sequence"},
          {"pretokenizers", Json::array({split_json(kClipPattern), byte_level})}};
}

Json vocabulary_json(const TokenizerModel& model) {
  Json vocabulary = Json::object();
  for (size_t id = 0; id < model.tokens.size(); ++id) vocabulary[model.tokens[id]] = id;
  return vocabulary;
}

Json model_json(const TokenizerModel& model) {
  if (model.kind == TokenizerKind::words) {
    return {{"type", "WordLevel"}, {"vocab", vocabulary_json(model)}, {"unk_token", kUnknown}};
  }
  Json merges = Json::array();
  for (const auto& [left, right] : model.merges) merges.push_back(Json::array({left, right}));
  return {{"type", "BPE"},          {"dropout", nullptr},
          {"unk_token", kEnd},      {"continuing_subword_prefix", ""},
          {"end_of_word_suffix", "</w>"}, {"fuse_unk", false},
          {"byte_fallback", false}, {"ignore_merges", false},
          {"vocab", vocabulary_json(model)}, {"merges", merges}};
}

Json added_token_json(const char* token, int64_t id) {
  return {{"id", id},          {"content", token}, {"single_word", false}, {"lstrip", false},
          {"rstrip", false},   {"normalized", false}, {"special", true}};
}

Json decoder_json(TokenizerKind kind) {
  if (kind == TokenizerKind::words) return nullptr;
  return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true},
          {"use_regex", true}};
}

Json tokenizer_json(const Tokenizer& tokenizer) {
  const TokenizerModel& model = tokenizer.model();
  Json added = Json::array();
  if (model.kind == TokenizerKind::words) {
    for (size_t id = 0; id < model.tokens.size(); ++id) {
      if (model.tokens[id] == kUnknown) {
        added.push_back(added_token_json(kUnknown, static_cast<int64_t>(id)));
      }
    }
  }
  added.push_back(added_token_json(kStart, tokenizer.start_id()));
  added.push_back(added_token_json(kEnd, tokenizer.end_id()));
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", normalizer_json()},
          {"pre_tokenizer", pre_tokenizer_json(model.kind)},
          {"post_processor",
           {{"type", "RobertaProcessing"},
            {"sep", Json::array({kEnd, tokenizer.end_id()})},
            {"cls", Json::array({kStart, tokenizer.start_id()})},
            {"trim_offsets", false},
            {"add_prefix_space", false}}},
          {"decoder", decoder_json(model.kind)},
          {"model", model_json(model)}};
}

Json special_tokens_json(TokenizerKind kind) {
  return {{"bos_token", kStart},
          {"eos_token", kEnd},
          {"unk_token", unknown_token(kind)},
          {"pad_token", kEnd}};
}

Json tokenizer_config_json(const Tokenizer& tokenizer) {
  const TokenizerKind kind = tokenizer.model().kind;
  Json config = special_tokens_json(kind);
  config["tokenizer_class"] =
      kind == TokenizerKind::words ? "PreTrainedTokenizerFast" : "CLIPTokenizer";
  config["model_max_length"] = tokenizer.context_length();
  config["clean_up_tokenization_spaces"] = false;
  return config;
}

std::string merges_text(const TokenizerModel& model) {
  std::string text = "#version: 0.2\n";
  for (const auto& [left, right] : model.merges) text += left + ' ' + right + '\n';
  return text;
}

/// Reads parts of one JSON document; every refusal names file and byte.
struct Reader {
  std::string path;

  [[noreturn]] void refuse(const std::string& what, uint64_t byte = 0) const {
    throw FormatError(path, byte, "[clip.parse_tokenizer] " + what);
  }

  Json parse(std::string_view text) const {
    try {
      Json json = Json::parse(text);
      if (!json.is_object()) refuse("expected a JSON object");
      return json;
    } catch (const nlohmann::json::parse_error& error) {
      refuse(std::string("expected JSON; ") + error.what(), error.byte);
    } catch (const nlohmann::json::out_of_range& error) {  // a number beyond all doubles
      refuse(std::string("expected JSON; ") + error.what());
    }
  }

  const Json& member(const Json& object, const char* key) const {
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (!object.is_object() || found == object.end()) {
      refuse(std::string("expected an object with '") + key + "', got none");
    }
    return *found;
  }

  std::string text(const Json& value, const char* what) const {
    if (!value.is_string()) refuse(std::string("expected a string as ") + what);
    return value.get<std::string>();
  }

  int64_t integer(const Json& value, const char* what) const {
    if (!value.is_number_integer()) refuse(std::string("expected an integer as ") + what);
    if (value.is_number_unsigned() && value.get<uint64_t>() > (uint64_t{1} << 62)) {
      refuse(std::string("expected a smaller number as ") + what);
    }
    return value.get<int64_t>();
  }
};

TokenizerKind read_kind(const Reader& reader, const Json& model) {
  const std::string type = reader.text(reader.member(model, "type"), "model.type");
  if (type == "WordLevel") return TokenizerKind::words;
  if (type == "BPE") return TokenizerKind::bpe;
  reader.refuse("expected model.type WordLevel or BPE, got '" + type + "'");
}

/// `json` has every member that `wanted` has, equal or again containing it.
bool contains(const Json& json, const Json& wanted) {
  if (wanted.is_object()) {
    if (!json.is_object()) return false;
    for (const auto& [key, value] : wanted.items()) {
      if (!json.contains(key) || !contains(json[key], value)) return false;
    }
    return true;
  }
  if (wanted.is_array()) {
    if (!json.is_array() || json.size() != wanted.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (!contains(json[i], wanted[i])) return false;
    }
    return true;
  }
  return json == wanted;
}

/// The pipeline must be the one of Tokenizer::encode, or ids would silently differ.
void check_pipeline(const Reader& reader, const Json& json, TokenizerKind kind) {
  if (!contains(reader.member(json, "normalizer"), normalizer_json())) {
    reader.refuse("expected the normalizer NFC, white space to blank, lower case; this file's is "
                  "another, and its ids would differ");
  }
  Json pre_tokenizer = pre_tokenizer_json(kind);
  if (kind == TokenizerKind::bpe) {  // older files leave the last two to their defaults
    pre_tokenizer["pretokenizers"][1].erase("trim_offsets");
    pre_tokenizer["pretokenizers"][1].erase("use_regex");
  }
  if (!contains(reader.member(json, "pre_tokenizer"), pre_tokenizer)) {
    reader.refuse("expected the pre_tokenizer of CLIP or of a word-level tokenizer of this program, "
                  "got another");
  }
  const Json& model = json["model"];
  if (kind == TokenizerKind::bpe &&
      reader.member(model, "end_of_word_suffix") != Json("</w>")) {
    reader.refuse("expected model.end_of_word_suffix '</w>'");
  }
}

std::vector<std::string> read_tokens(const Reader& reader, const Json& vocabulary) {
  if (!vocabulary.is_object()) reader.refuse("expected an object token -> id as model.vocab");
  std::vector<std::string> tokens(vocabulary.size());
  for (const auto& [token, value] : vocabulary.items()) {
    const int64_t id = reader.integer(value, "token id");
    if (id < 0 || id >= static_cast<int64_t>(tokens.size())) {
      reader.refuse("expected ids 0 to " + std::to_string(tokens.size() - 1) + ", got " +
                    std::to_string(id) + " for '" + token + "'");
    }
    std::string& slot = tokens[static_cast<size_t>(id)];
    if (!slot.empty()) reader.refuse("expected one token an id, got a second for " + std::to_string(id));
    slot = token;
  }
  return tokens;
}

/// Merges are ["a", "b"] or the older "a b".
std::vector<std::pair<std::string, std::string>> read_merges(const Reader& reader,
                                                             const Json& merges) {
  if (!merges.is_array()) reader.refuse("expected a list as model.merges");
  std::vector<std::pair<std::string, std::string>> out;
  for (const Json& merge : merges) {
    if (merge.is_array() && merge.size() == 2) {
      out.emplace_back(reader.text(merge[0], "merge"), reader.text(merge[1], "merge"));
      continue;
    }
    const std::string text = reader.text(merge, "merge");
    const size_t blank = text.find(' ');
    if (blank == std::string::npos) reader.refuse("expected 'left right' as merge, got '" + text + "'");
    out.emplace_back(text.substr(0, blank), text.substr(blank + 1));
  }
  return out;
}

}  // namespace

Tokenizer parse_tokenizer(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                          const std::string& name) {
  const Reader reader{name + "/tokenizer.json"};
  const Json json = reader.parse(tokenizer_json);
  const Json& model = reader.member(json, "model");
  TokenizerModel parts;
  parts.kind = read_kind(reader, model);
  check_pipeline(reader, json, parts.kind);
  parts.tokens = read_tokens(reader, reader.member(model, "vocab"));
  if (parts.kind == TokenizerKind::bpe) {
    parts.merges = read_merges(reader, reader.member(model, "merges"));
  }
  const Reader config_reader{name + "/tokenizer_config.json"};
  const Json config = config_reader.parse(tokenizer_config_json);
  parts.context_length = config_reader.integer(config_reader.member(config, "model_max_length"),
                                               "model_max_length");
  return Tokenizer(std::move(parts), name);
}

Tokenizer load_tokenizer(const std::filesystem::path& folder) {
  return parse_tokenizer(read_file(folder / "tokenizer.json", kMaxFileBytes),
                         read_file(folder / "tokenizer_config.json", kMaxFileBytes),
                         folder.string());
}

void save_tokenizer(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  const TokenizerModel& model = tokenizer.model();
  const auto write = [&](const char* name, const Json& json) {
    write_file_atomic(folder / name, json.dump(2) + "\n");
  };
  if (model.kind == TokenizerKind::bpe) {
    write("vocab.json", vocabulary_json(model));
    write_file_atomic(folder / "merges.txt", merges_text(model));
  }
  write("special_tokens_map.json", special_tokens_json(model.kind));
  write("tokenizer_config.json", tokenizer_config_json(tokenizer));
  write("tokenizer.json", tokenizer_json(tokenizer));
}

}  // namespace noisescope
