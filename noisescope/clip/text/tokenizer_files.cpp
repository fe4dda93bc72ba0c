// Tokenizers as Hugging Face files. Reading trusts nothing: the pipeline must be the one that encode
// implements, ids must be 0 .. V-1 without holes, and the Tokenizer constructor checks the rest.
#include <algorithm>
#include <map>

#include "noisescope/clip/text/tokenizer.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/io/file.h"
#include "noisescope/io/json_reader.h"

namespace noisescope::clip {
namespace {

using Json = JsonReader::Json;

constexpr const char* kProfileKey = "clip_profile";  // in tokenizer_config.json
constexpr const char* kTokenizerParser = "clip.parse_tokenizer";
constexpr int64_t kDefaultContext = 77;
constexpr size_t kMostMerges = 48'894;  // OpenAI's and open_clip's programs read no more
constexpr const char* kWordPattern = R"([\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}])";
constexpr const char* kClipPattern =
    R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
constexpr uint64_t kMaxFileBytes = uint64_t{64} << 20;

std::string unknown_token(const TokenizerModel& model) {
  return model.kind == TokenizerKind::words ? kUnknownToken : model.tokens.back();
}

std::pair<std::string, std::string> special_tokens(const TokenizerModel& model) {
  return {model.tokens[model.tokens.size() - 2], model.tokens.back()};
}

Json normalizer_json() {
  return {{"type", "Sequence"},
          {"normalizers",
           {{{"type", "NFC"}},
            {{"type", "Replace"}, {"pattern", {{"Regex", "\\s+"}}}, {"content", " "}},
            {{"type", "Lowercase"}}}}};
}

Json split_json(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Removed"}, {"invert", true}};
}

Json pre_tokenizer_json(TokenizerKind kind) {
  if (kind == TokenizerKind::words) return split_json(kWordPattern);
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split_json(kClipPattern), byte_level})}};
}

Json vocabulary_json(const TokenizerModel& model) {
  Json vocabulary = Json::object();
  for (size_t id = 0; id < model.tokens.size(); ++id) vocabulary[model.tokens[id]] = id;
  return vocabulary;
}

Json model_json(const TokenizerModel& model) {
  if (model.kind == TokenizerKind::words) {
    return {{"type", "WordLevel"}, {"vocab", vocabulary_json(model)}, {"unk_token", kUnknownToken}};
  }
  Json merges = Json::array();
  for (const auto& [left, right] : model.merges) merges.push_back(Json::array({left, right}));
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", unknown_token(model)},
          {"continuing_subword_prefix", ""},
          {"end_of_word_suffix", "</w>"},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", vocabulary_json(model)},
          {"merges", merges}};
}

Json added_token_json(const std::string& token, int64_t id) {
  return {{"id", id},        {"content", token},    {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json decoder_json(TokenizerKind kind) {
  if (kind == TokenizerKind::words) return nullptr;
  return {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
}

Json tokenizer_json(const Tokenizer& tokenizer) {
  const TokenizerModel& model = tokenizer.model();
  Json added = Json::array();
  if (model.kind == TokenizerKind::words) {
    for (size_t id = 0; id < model.tokens.size(); ++id) {
      if (model.tokens[id] == kUnknownToken) {
        added.push_back(added_token_json(kUnknownToken, static_cast<int64_t>(id)));
      }
    }
  }
  const auto [start, end] = special_tokens(model);
  added.push_back(added_token_json(start, tokenizer.start_id()));
  added.push_back(added_token_json(end, tokenizer.end_id()));
  for (size_t i = 0; i < model.added.size(); ++i) {
    added.push_back(added_token_json(model.added[i], tokenizer.end_id() + 1 + static_cast<int64_t>(i)));
    added.back()["special"] = false;
  }
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", normalizer_json()},
          {"pre_tokenizer", pre_tokenizer_json(model.kind)},
          {"post_processor",
           {{"type", "RobertaProcessing"},
            {"sep", Json::array({end, tokenizer.end_id()})},
            {"cls", Json::array({start, tokenizer.start_id()})},
            {"trim_offsets", false},
            {"add_prefix_space", false}}},
          {"decoder", decoder_json(model.kind)},
          {"model", model_json(model)}};
}

Json special_tokens_json(const Tokenizer& tokenizer) {
  const TokenizerModel& model = tokenizer.model();
  const auto [start, end] = special_tokens(model);
  return {{"bos_token", start},
          {"eos_token", end},
          {"unk_token", unknown_token(model)},
          {"pad_token", model.tokens[static_cast<size_t>(tokenizer.pad_id())]}};
}

Json tokenizer_config_json(const Tokenizer& tokenizer) {
  const TokenizerKind kind = tokenizer.model().kind;
  const ClipProfile profile = tokenizer.model().profile;
  Json config = special_tokens_json(tokenizer);
  if (profile != ClipProfile::hf) config[kProfileKey] = to_string(profile);
  config["tokenizer_class"] = kind == TokenizerKind::words ? "PreTrainedTokenizerFast" : "CLIPTokenizer";
  config["model_max_length"] = tokenizer.context_length();
  config["clean_up_tokenization_spaces"] = false;
  return config;
}

std::string merges_text(const TokenizerModel& model) {
  std::string text = "#version: 0.2\n";
  for (const auto& [left, right] : model.merges) text += left + ' ' + right + '\n';
  return text;
}

TokenizerKind read_kind(const JsonReader& reader, const Json& model) {
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
void check_pipeline(const JsonReader& reader, const Json& json, TokenizerKind kind) {
  if (!contains(reader.member(json, "normalizer"), normalizer_json())) {
    reader.refuse(
        "expected the normalizer NFC, white space to blank, lower case; this file's is "
        "another, and its ids would differ");
  }
  Json pre_tokenizer = pre_tokenizer_json(kind);
  if (kind == TokenizerKind::bpe) {  // older files leave the last two to their defaults
    pre_tokenizer["pretokenizers"][1].erase("trim_offsets");
    pre_tokenizer["pretokenizers"][1].erase("use_regex");
  }
  if (!contains(reader.member(json, "pre_tokenizer"), pre_tokenizer)) {
    reader.refuse(
        "expected the pre_tokenizer of CLIP or of a word-level tokenizer of this program, "
        "got another");
  }
  const Json& model = json["model"];
  if (kind == TokenizerKind::bpe && reader.member(model, "end_of_word_suffix") != Json("</w>")) {
    reader.refuse("expected model.end_of_word_suffix '</w>'");
  }
}

std::vector<std::string> read_tokens(const JsonReader& reader, const Json& vocabulary) {
  if (!vocabulary.is_object()) reader.refuse("expected an object token -> id as model.vocab");
  std::vector<std::string> tokens(vocabulary.size());
  for (const auto& [token, value] : vocabulary.items()) {
    const int64_t id = reader.integer(value, "token id");
    if (id < 0 || id >= static_cast<int64_t>(tokens.size())) {
      reader.refuse(format_text("expected ids 0 to {}, got {} for '{}'", tokens.size() - 1, id, token));
    }
    std::string& slot = tokens[static_cast<size_t>(id)];
    if (!slot.empty()) reader.refuse(format_text("expected one token an id, got a second for {}", id));
    slot = token;
  }
  return tokens;
}

/// Merges are ["a", "b"] or the older "a b".
std::vector<std::pair<std::string, std::string>> read_merges(const JsonReader& reader, const Json& merges) {
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

/// "left right" a line, best first; a first line with "#version" is no merge.
std::vector<std::pair<std::string, std::string>> read_merge_lines(const JsonReader& reader, std::string_view text,
                                                                  size_t most) {
  std::vector<std::pair<std::string, std::string>> out;
  size_t line_number = 0;
  for (size_t begin = 0; begin < text.size() && out.size() < most;) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool is_header = ++line_number == 1 && line.find("#version") != std::string_view::npos;
    const bool is_last = line.empty() && end >= text.size() - 1;
    if (!is_header && !is_last) {
      const size_t blank = line.find(' ');
      if (blank == 0 || blank >= line.size() - 1 || line.find(' ', blank + 1) != line.npos) {
        reader.refuse(
            format_text("expected 'left right' in line {}, got '{}'", line_number, std::string(line.substr(0, 80))),
            begin);
      }
      out.emplace_back(line.substr(0, blank), line.substr(blank + 1));
    }
    begin = end + 1;
  }
  return out;
}

/// Tokens behind the vocabulary by their ids, without holes; those inside must be what the vocabulary says.
void take_added(const JsonReader& reader, const std::map<int64_t, std::string>& tokens, TokenizerModel& model) {
  const auto known = static_cast<int64_t>(model.tokens.size());
  for (const auto& [id, token] : tokens) {
    const int64_t next = known + static_cast<int64_t>(model.added.size());
    const bool stated = id >= 0 && id < known && model.tokens[static_cast<size_t>(id)] == token;
    const bool twice = id >= known && id < next && model.added[static_cast<size_t>(id - known)] == token;
    if (stated || twice) continue;
    if (id != next) {
      reader.refuse(format_text("expected added tokens with ids from {} on, or as in the vocabulary, got {} for '{}'",
                                next, id, token));
    }
    model.added.push_back(token);
  }
}

/// "added_tokens" of tokenizer.json.
std::map<int64_t, std::string> added_list(const JsonReader& reader, const Json& json) {
  std::map<int64_t, std::string> tokens;
  const Json* list = reader.find(json, "added_tokens");
  if (list == nullptr) return tokens;
  if (!list->is_array()) reader.refuse("expected a list as added_tokens");
  for (const Json& entry : *list) {
    tokens[reader.integer(reader.member(entry, "id"), "added_tokens.id")] =
        reader.text(reader.member(entry, "content"), "added_tokens.content");
  }
  return tokens;
}

void check_encoding(const JsonReader& reader, std::string_view text) {
  try {
    decode_utf8(text);
  } catch (const ValueError& error) {
    reader.refuse(std::string("expected merges in UTF-8; ") + error.what());
  }
}

/// The content of a special token: text, or an object of newer files.
std::string read_token(const JsonReader& reader, const Json& value, const char* key) {
  return reader.text(value.is_object() ? reader.member(value, "content") : value, key);
}

/// model_max_length; the longest context where it is absent or stands for none: transformers writes
/// 1000000000000000019884624838656 where no length was given.
int64_t read_context(const JsonReader& reader, const Json& config) {
  constexpr double kNoLength = 1e15;
  const Json* length = reader.find(config, "model_max_length");
  if (length == nullptr || (length->is_number() && length->get<double>() > kNoLength)) return kMaxContext;
  return reader.integer(*length, "model_max_length");
}

/// Context, profile and padding. `profile` overrules the file.
void read_settings(const JsonReader& reader, const Json& config, std::optional<ClipProfile> profile,
                   TokenizerModel& model) {
  model.context_length = read_context(reader, config);
  if (const Json* named = reader.find(config, kProfileKey)) {
    const std::string name = reader.text(*named, kProfileKey);
    try {
      model.profile = parse_enum<ClipProfile>(name);
    } catch (const ValueError& error) {
      reader.refuse(std::string(kProfileKey) + ": " + error.what());
    }
  }
  if (profile) model.profile = *profile;
  const Json* pad = reader.find(config, "pad_token");
  if (pad == nullptr || model.profile != ClipProfile::hf) return;
  const std::string token = read_token(reader, *pad, "pad_token");
  const auto found = std::find(model.tokens.begin(), model.tokens.end(), token);
  if (found == model.tokens.end()) {
    reader.refuse("expected a token of the vocabulary as pad_token, got '" + token + "'");
  }
  model.pad_id = found - model.tokens.begin();
}

}  // namespace

Tokenizer parse_tokenizer(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                          const std::string& name, std::optional<ClipProfile> profile) {
  const JsonReader reader{name + "/tokenizer.json", kTokenizerParser};
  const Json json = reader.parse(tokenizer_json);
  const Json& model = reader.member(json, "model");
  TokenizerModel parts;
  parts.kind = read_kind(reader, model);
  check_pipeline(reader, json, parts.kind);
  parts.tokens = read_tokens(reader, reader.member(model, "vocab"));
  if (parts.kind == TokenizerKind::bpe) {
    parts.merges = read_merges(reader, reader.member(model, "merges"));
    take_added(reader, added_list(reader, json), parts);
  }
  const JsonReader config_reader{name + "/tokenizer_config.json", kTokenizerParser};
  read_settings(config_reader, config_reader.parse(tokenizer_config_json), profile, parts);
  return Tokenizer(std::move(parts), name + "/tokenizer.json");
}

Tokenizer parse_vocabulary(std::string_view vocab_json, std::string_view merges_txt,
                           std::string_view tokenizer_config_json, const std::string& name,
                           std::optional<ClipProfile> profile) {
  const JsonReader reader{name + "/vocab.json", kTokenizerParser};
  const JsonReader merges_reader{name + "/merges.txt", kTokenizerParser};
  const JsonReader config_reader{name + "/tokenizer_config.json", kTokenizerParser};
  TokenizerModel parts;
  parts.kind = TokenizerKind::bpe;
  parts.tokens = read_tokens(reader, reader.parse(vocab_json));
  check_encoding(merges_reader, merges_txt);
  parts.merges = read_merge_lines(merges_reader, merges_txt, std::string_view::npos);
  read_settings(config_reader, config_reader.parse(tokenizer_config_json), profile, parts);
  return Tokenizer(std::move(parts), name + "/vocab.json and merges.txt");
}

Tokenizer parse_merges(std::string_view merges_txt, const std::string& name, ClipProfile profile) {
  const JsonReader reader{name, kTokenizerParser};
  check_encoding(reader, merges_txt);
  if (merges_txt.substr(0, merges_txt.find('\n')).find("#version") == std::string_view::npos) {
    reader.refuse("expected merges with '#version' in their first line, got another text file");
  }
  TokenizerModel parts{.kind = TokenizerKind::bpe,
                       .context_length = kDefaultContext,
                       .tokens = clip_byte_tokens(),
                       .merges = read_merge_lines(reader, merges_txt, kMostMerges),
                       .profile = profile};
  for (const auto& [left, right] : parts.merges) parts.tokens.push_back(left + right);
  const auto [start, end] = special_names(profile);
  parts.tokens.insert(parts.tokens.end(), {start, end});
  return Tokenizer(std::move(parts), name);
}

Tokenizer load_tokenizer(const std::filesystem::path& folder, std::optional<ClipProfile> profile) {
  const auto read = [&](const char* file) { return read_file(folder / file, kMaxFileBytes); };
  const auto has = [&](const char* file) { return std::filesystem::exists(folder / file); };
  const std::string config =
      has("tokenizer_config.json") ? read("tokenizer_config.json") : Json{{"model_max_length", kDefaultContext}}.dump();
  const bool is_split = !has("tokenizer.json") && has("vocab.json");
  Tokenizer tokenizer = is_split
                            ? parse_vocabulary(read("vocab.json"), read("merges.txt"), config, folder.string(), profile)
                            : parse_tokenizer(read("tokenizer.json"), config, folder.string(), profile);
  if (!has("added_tokens.json") || tokenizer.model().kind == TokenizerKind::words) return tokenizer;
  const JsonReader reader{(folder / "added_tokens.json").string(), kTokenizerParser};
  std::map<int64_t, std::string> added;
  const Json tokens = reader.parse(read("added_tokens.json"));
  for (const auto& [token, id] : tokens.items()) {
    added[reader.integer(id, "id of an added token")] = token;
  }
  TokenizerModel model = tokenizer.model();
  take_added(reader, added, model);
  return Tokenizer(std::move(model), folder.string());
}

void save_tokenizer(const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  const TokenizerModel& model = tokenizer.model();
  const auto write = [&](const char* name, const Json& json) { write_file_atomic(folder / name, json.dump(2) + "\n"); };
  if (model.kind == TokenizerKind::bpe) {
    write("vocab.json", vocabulary_json(model));
    write_file_atomic(folder / "merges.txt", merges_text(model));
  }
  write("special_tokens_map.json", special_tokens_json(tokenizer));
  write("tokenizer_config.json", tokenizer_config_json(tokenizer));
  write("tokenizer.json", tokenizer_json(tokenizer));
}

}  // namespace noisescope::clip
