// Text <-> token ids. Two kinds:
//   words  one token a word or punctuation mark, learned from captions; right for small closed worlds
//   bpe    the byte-level pair encoding of CLIP (Radford et al. 2021, arXiv:2103.00020, 2.4; Sennrich
//          et al. 2016, arXiv:1508.07909, algorithm 1), learned or read from the files of a published
//          CLIP; no text is unknown to it
// Text is cleaned and split by the rules of a profile (clean_text.h). Saved as Hugging Face tokenizer
// files: under the profile hf AutoTokenizer gives the same ids.
// User text never yields a special token: "<|endoftext|>" in a prompt is plain text, which is what
// transformers does with split_special_tokens=True; OpenAI's and open_clip's programs have no such way.
//
// Ids: ... < start of text < end of text, the largest and never 2 (transformers pools differently
// for 2). Under a causal mask with pooling at the first end nothing behind it counts, so padding is a
// matter of equal ids alone. No torch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "noisescope/clip/text/byte_pairs.h"
#include "noisescope/clip/text/clip_profile.h"
#include "noisescope/clip/text/unicode.h"
#include "noisescope/core/options.h"

namespace noisescope::clip {

/// What a tokenizer of words reads where it knows none.
inline constexpr const char* kUnknownToken = "<|unk|>";

/// The longest context that a tokenizer may have.
inline constexpr int64_t kMaxContext = 4096;

enum class TokenizerKind { words, bpe };
NOISESCOPE_ENUM(TokenizerKind, words, bpe)

struct TokenizerOptions {
  TokenizerKind kind = TokenizerKind::words;
  int64_t context_length = 32;    // tokens a prompt may have, start and end included
  int64_t max_vocabulary = 4096;  // tokens in all; words keeps the most frequent ones
};
void describe(Describer& d, TokenizerOptions& options);

/// Bytes [begin, end) of a text.
struct TextSpan {
  int64_t begin = 0;
  int64_t end = 0;
  bool operator==(const TextSpan&) const = default;
};

/// A word that the tokenizer has never seen, and the known word nearest in spelling ("" if none is).
struct UnknownWord {
  std::string word;  // normalised
  TextSpan span;
  std::string nearest;
};

/// One text as tokens: <|startoftext|> ... <|endoftext|>, at most context_length, not padded.
struct Encoding {
  std::vector<int64_t> ids;
  std::vector<TextSpan> spans;  // one an id: where in the UTF-8 text it stands; empty for specials
  int64_t dropped = 0;          // tokens cut off to fit the context
  std::vector<UnknownWord> unknown;

  bool truncated() const { return dropped > 0; }
};

/// Vocabulary and merges as they stand in files.
struct TokenizerModel {
  TokenizerKind kind = TokenizerKind::words;
  int64_t context_length = 0;
  std::vector<std::string> tokens;                          // by id
  std::vector<std::pair<std::string, std::string>> merges;  // bpe, best first
  ClipProfile profile = ClipProfile::hf;                    // words knows no other
  std::optional<int64_t> pad_id = std::nullopt;             // none: the profile's
  std::vector<std::string> added = {};                      // bpe: behind the end, found in texts as they stand
};

/// Names of the two special tokens, start first.
std::pair<std::string, std::string> special_names(ClipProfile profile);

class Tokenizer {
 public:
  /// Learns the vocabulary. The result depends on the multiset of captions alone.
  /// Throws DataError if no caption holds a word, ValueError for captions that are not UTF-8.
  static Tokenizer train(const std::vector<std::string>& captions, const TokenizerOptions& options);

  /// Checks everything that encode relies on. `name` is for messages. Throws FormatError.
  Tokenizer(TokenizerModel model, const std::string& name);

  /// Throws ValueError for text that is not UTF-8 or longer than 16384 bytes.
  Encoding encode(std::string_view text) const;

  /// Text of ids, specials left out; words are separated by blanks.
  std::string decode(const std::vector<int64_t>& ids) const;

  /// The ids of an encoding, filled up to context_length with pad_id().
  std::vector<int64_t> padded_ids(const Encoding& encoding) const;

  const TokenizerModel& model() const { return model_; }
  int64_t context_length() const { return model_.context_length; }
  int64_t vocabulary_size() const { return end_id() + 1 + static_cast<int64_t>(model_.added.size()); }
  int64_t start_id() const { return static_cast<int64_t>(model_.tokens.size()) - 2; }
  int64_t end_id() const { return static_cast<int64_t>(model_.tokens.size()) - 1; }

  /// Also a token of text, or the end: what is padding stands behind the end.
  int64_t pad_id() const;

  /// Words kind: every known word, sorted. Empty for bpe, to which nothing is unknown.
  std::vector<std::string> known_words() const;

 private:
  struct Piece {
    int64_t id;
    TextSpan span;
  };
  /// The pieces of text[begin, end).
  std::vector<Piece> pieces_of(std::string_view text, int64_t begin, int64_t end, Encoding& encoding) const;
  std::vector<Piece> all_pieces(std::string_view text, Encoding& encoding) const;
  std::vector<Piece> word_pieces(const CodePoints& text, std::vector<UnknownWord>& unknown) const;
  std::vector<Piece> pair_pieces(const CodePoints& text) const;
  void check_tokens(const std::string& name);

  TokenizerModel model_;
  std::unordered_map<std::string, int64_t> id_of_;
  std::shared_ptr<const BytePairs> pairs_;  // bpe
};

/// What to tell the user: "unknown word 'purpel' (did you mean 'purple'?); known words: a, and, ...".
/// "" if nothing is unknown.
std::string describe_unknown(const Tokenizer& tokenizer, const std::vector<UnknownWord>& unknown);

/// Reads a folder: tokenizer.json and tokenizer_config.json, or vocab.json and merges.txt with a
/// tokenizer_config.json if there is one (without: 77 tokens), and added_tokens.json. Where no length is given, or one
/// beyond all use (transformers writes 1e30 where none was set), the longest context stands. `profile`: rules to follow
/// in place of those the folder names (hf, if none). Hostile files are refused: FormatError with path and byte, or path
/// and key; IoError if they cannot be read.
Tokenizer load_tokenizer(const std::filesystem::path& folder, std::optional<ClipProfile> profile = std::nullopt);

/// Reads the merges file of OpenAI and open_clip, plain or gzipped (bpe_simple_vocab_16e6.txt.gz). The
/// vocabulary follows from it: 512 byte tokens, the products of at most 48,894 merges, the special
/// tokens of `profile`. Throws FormatError with path and line, IoError.
Tokenizer load_merges(const std::filesystem::path& path, ClipProfile profile = ClipProfile::openai);

/// The parsers behind these, for fuzzing. `name` stands for the folder or file in messages.
Tokenizer parse_tokenizer(std::string_view tokenizer_json, std::string_view tokenizer_config_json,
                          const std::string& name, std::optional<ClipProfile> profile = std::nullopt);
Tokenizer parse_vocabulary(std::string_view vocab_json, std::string_view merges_txt,
                           std::string_view tokenizer_config_json, const std::string& name,
                           std::optional<ClipProfile> profile = std::nullopt);
Tokenizer parse_merges(std::string_view merges_txt, const std::string& name, ClipProfile profile);

/// Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json and for bpe vocab.json and
/// merges.txt; each file atomically. Profiles other than hf are noted in tokenizer_config.json, where
/// transformers does not look: its ids are then those of hf.
void save_tokenizer(const std::filesystem::path& folder, const Tokenizer& tokenizer);

}  // namespace noisescope::clip
