#include "noisescope/world/grammar.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <sstream>
#include <tuple>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope::world {
namespace {

int64_t index_of(const std::vector<std::string>& names, const std::string& word) {
  const auto found = std::find(names.begin(), names.end(), word);
  return found == names.end() ? kAny : found - names.begin();
}

std::vector<std::string> lower_words(const std::string& caption) {
  std::string lower = caption;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::istringstream stream(lower);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Reads words from left to right; every failure says which word was expected where.
class Reader {
 public:
  Reader(const WorldOptions& options, const std::string& caption, std::vector<std::string> words)
      : options_(options), caption_(caption), words_(std::move(words)) {}

  CaptionMeaning read() {
    CaptionMeaning meaning;
    meaning.left = object();
    if (take("and")) {
      meaning.right = object();
    } else if (take("left")) {
      expect("of");
      meaning.ordered = true;
      meaning.right = object();
    } else if (take("right")) {
      expect("of");
      meaning.ordered = true;
      meaning.right = std::exchange(meaning.left, object());
    }
    if (take("on")) meaning.background = one_of(options_.backgrounds, "a background");
    if (next_ < words_.size()) fail("'left of', 'right of', 'and', 'on' or the end");
    return meaning;
  }

 private:
  ObjectMeaning object() {
    expect("a");
    ObjectMeaning meaning;
    meaning.colour = index_of(options_.colours, peek());
    if (meaning.colour != kAny) ++next_;
    if (!take("shape")) meaning.shape = one_of(options_.shapes, "a shape");
    return meaning;
  }

  int64_t one_of(const std::vector<std::string>& names, const char* what) {
    const int64_t index = index_of(names, peek());
    if (index == kAny) fail(std::string(what) + " (" + join(names) + ")");
    ++next_;
    return index;
  }

  std::string peek() const { return next_ < words_.size() ? words_[next_] : ""; }

  bool take(const char* word) {
    const bool is_next = peek() == word;
    if (is_next) ++next_;
    return is_next;
  }

  void expect(const char* word) {
    if (!take(word)) fail(std::string("'") + word + "'");
  }

  [[noreturn]] void fail(const std::string& expected) const {
    const std::string got = next_ < words_.size() ? "'" + words_[next_] + "'" : "the end";
    throw ValueError(
        format_text("[world.WorldGrammar.parse] expected {} as word {} of \"{}\", got {}; "
                    "captions read like \"a red square left of a blue disc on dark\"",
                    expected, next_ + 1, caption_, got));
  }

  const WorldOptions& options_;
  const std::string& caption_;
  std::vector<std::string> words_;
  size_t next_ = 0;
};

/// Throws if the caption has words that the grammar does not know: names them all at once.
void check_known(const std::vector<std::string>& words, const std::vector<std::string>& known) {
  std::vector<std::string> unknown;
  for (const std::string& word : words) {
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const bool has_letters = word.find_first_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos;
    const std::string near = has_letters ? nearest_name(word, known) : "";
    unknown.push_back(format_text("'{}'{}", word, near.empty() ? "" : " (did you mean '" + near + "'?)"));
  }
  if (unknown.empty()) return;
  throw ValueError(
      format_text("[world.WorldGrammar.parse] expected words that this world knows, got {}; "
                  "it knows: {}",
                  join(unknown), join(known, " ")));
}

/// Is there a scene of the set of which the meaning is true? (All backgrounds occur.)
bool fits_any(const World& world, const CaptionMeaning& meaning, SceneSet set) {
  CaptionMeaning objects = meaning;
  objects.background = kAny;
  const auto& pairs = world.pairs(set);
  return std::any_of(pairs.begin(), pairs.end(), [&](const AttributePair& pair) {
    return is_true(objects, {world.object(pair.left), world.object(pair.right), 0});
  });
}

bool is_full(const ObjectMeaning& meaning) { return meaning.shape != kAny && meaning.colour != kAny; }

/// Where the sides are left open, saying the objects in the other order is another meaning with the
/// same truth: one form is enough.
void exchange_if_unordered(CaptionMeaning& meaning, bool& swapped) {
  if (meaning.ordered || !swapped) return;
  std::swap(meaning.left, meaning.right);
  swapped = false;
}

}  // namespace

bool is_true(const ObjectMeaning& meaning, const WorldObject& object) {
  return (meaning.shape == kAny || meaning.shape == object.shape) &&
         (meaning.colour == kAny || meaning.colour == object.colour);
}

bool is_true(const CaptionMeaning& meaning, const Scene& scene) {
  if (meaning.background != kAny && meaning.background != scene.background) return false;
  if (is_true(meaning.left, scene.left) && is_true(meaning.right, scene.right)) return true;
  return !meaning.ordered && is_true(meaning.left, scene.right) && is_true(meaning.right, scene.left);
}

WorldGrammar::WorldGrammar(const World& world) : world_(world) {
  const WorldOptions& options = world_.options();
  words_ = {"a", "left", "right", "of", "and", "on", "shape"};
  for (const auto* names : {&options.colours, &options.shapes, &options.backgrounds}) {
    words_.insert(words_.end(), names->begin(), names->end());
  }
  const int64_t objects = (world_.shape_count() + 1) * (world_.colour_count() + 1);
  row_of_code_.assign(size_t(objects * objects * 2 * (world_.background_count() + 1)), -1);
  add_full_captions(false);
  add_full_captions(true);
  if (options.word_drop > 0) add_partial_captions();
}

/// A number for every (meaning, order of words) of this world's own captions.
int64_t WorldGrammar::code(const CaptionMeaning& meaning, bool swapped) const {
  const int64_t shapes = world_.shape_count() + 1, colours = world_.colour_count() + 1;
  const auto object = [&](const ObjectMeaning& m) { return (m.shape + 1) * colours + m.colour + 1; };
  const int64_t both = object(meaning.left) * shapes * colours + object(meaning.right);
  return (both * 2 + (swapped ? 1 : 0)) * (world_.background_count() + 1) + meaning.background + 1;
}

void WorldGrammar::add(CaptionMeaning meaning, bool swapped) {
  exchange_if_unordered(meaning, swapped);
  row_of_code_[static_cast<size_t>(code(meaning, swapped))] = int32_t(captions_.size());
  captions_.push_back(say(meaning, swapped));
  meanings_.push_back(meaning);
}

std::vector<CaptionMeaning> WorldGrammar::full_meanings(SceneSet set) const {
  std::vector<CaptionMeaning> meanings;
  const WorldOptions& options = world_.options();
  const int64_t backgrounds = options.background_captions ? world_.background_count() : 1;
  for (const AttributePair& pair : world_.pairs(set)) {
    if (!options.ordered_captions && pair.left > pair.right) continue;  // "b and a" is "a and b"
    for (int64_t b = 0; b < backgrounds; ++b) {
      meanings.push_back(full_meaning({world_.object(pair.left), world_.object(pair.right), b}));
    }
  }
  return meanings;
}

void WorldGrammar::add_full_captions(bool swapped) {
  for (const CaptionMeaning& meaning : full_meanings(SceneSet::seen)) add(meaning, swapped);
}

/// All ways to leave words open, except those that no training scene fits.
void WorldGrammar::add_partial_captions() {
  const WorldOptions& options = world_.options();
  const int64_t backgrounds = options.background_captions ? world_.background_count() : 0;
  std::vector<ObjectMeaning> objects;
  for (int64_t shape = kAny; shape < world_.shape_count(); ++shape) {
    for (int64_t colour = kAny; colour < world_.colour_count(); ++colour) {
      objects.push_back({shape, colour});
    }
  }
  for (const ObjectMeaning& left : objects) {
    for (const ObjectMeaning& right : objects) {
      CaptionMeaning meaning{left, right, options.ordered_captions, kAny};
      if (!fits_any(world_, meaning, SceneSet::seen)) continue;
      const bool full_objects = is_full(left) && is_full(right);
      for (meaning.background = kAny; meaning.background < backgrounds; ++meaning.background) {
        const bool says_background = meaning.background != kAny || !options.background_captions;
        if (full_objects && says_background) continue;
        add(meaning, false);
        if (options.ordered_captions) add(meaning, true);
      }
    }
  }
}

CaptionMeaning WorldGrammar::parse(const std::string& caption) const {
  std::vector<std::string> words = lower_words(caption);
  check_known(words, words_);
  const CaptionMeaning meaning = Reader(world_.options(), caption, std::move(words)).read();
  if (!fits_any(world_, meaning, SceneSet::all)) {
    throw ValueError("[world.WorldGrammar.parse] expected a caption that some scene fits, got \"" + caption +
                     "\"; the two objects of this world always differ");
  }
  return meaning;
}

std::string WorldGrammar::say(const CaptionMeaning& meaning, bool swapped) const {
  const WorldOptions& options = world_.options();
  const auto object = [&](const ObjectMeaning& m) {
    std::string text = "a ";
    if (m.colour != kAny) text += options.colours.at(size_t(m.colour)) + " ";
    return text + (m.shape == kAny ? "shape" : options.shapes.at(size_t(m.shape)));
  };
  const char* relation = !meaning.ordered ? " and " : swapped ? " right of " : " left of ";
  std::string text =
      object(swapped ? meaning.right : meaning.left) + relation + object(swapped ? meaning.left : meaning.right);
  if (meaning.background != kAny) text += " on " + options.backgrounds.at(size_t(meaning.background));
  return text;
}

CaptionMeaning WorldGrammar::full_meaning(const Scene& scene) const {
  const WorldOptions& options = world_.options();
  return {{scene.left.shape, scene.left.colour},
          {scene.right.shape, scene.right.colour},
          options.ordered_captions,
          options.background_captions ? scene.background : kAny};
}

std::vector<std::string> WorldGrammar::full_captions(SceneSet set, bool swapped) const {
  std::vector<std::string> captions;
  for (const CaptionMeaning& meaning : full_meanings(set)) {
    captions.push_back(say(meaning, swapped));
  }
  return captions;
}

int64_t WorldGrammar::draw(const Scene& scene, const Random& random, uint64_t step, int64_t sample) const {
  const auto chance = [&](double probability, uint32_t position) {
    return random.uniform(Purpose::caption, step, sample, position) < probability;
  };
  CaptionMeaning meaning = full_meaning(scene);
  uint32_t position = 0;
  for (int64_t* word :
       {&meaning.left.colour, &meaning.left.shape, &meaning.right.colour, &meaning.right.shape, &meaning.background}) {
    if (chance(world_.options().word_drop, position++)) *word = kAny;
  }
  bool swapped = chance(0.5, position);
  exchange_if_unordered(meaning, swapped);
  const int32_t row = row_of_code_[static_cast<size_t>(code(meaning, swapped))];
  if (row < 0) {
    throw ValueError("[world.WorldGrammar.draw] expected a scene that training may show, got \"" +
                     say(full_meaning(scene)) + "\", which is held out");
  }
  return row;
}

double WorldGrammar::entropy(const CaptionMeaning& given) const {
  std::map<std::tuple<int64_t, int64_t, int64_t>, double> counts;
  double total = 0;
  for (const AttributePair& pair : world_.pairs(SceneSet::all)) {
    for (int64_t b = 0; b < world_.background_count(); ++b) {
      if (!is_true(given, {world_.object(pair.left), world_.object(pair.right), b})) continue;
      const auto [low, high] = std::minmax(pair.left, pair.right);
      const int64_t said = world_.options().background_captions ? b : kAny;
      ++counts[world_.options().ordered_captions ? std::tuple(pair.left, pair.right, said)
                                                 : std::tuple(low, high, said)];
      ++total;
    }
  }
  double nats = 0;
  for (const auto& [said, count] : counts) nats -= count / total * std::log(count / total);
  return nats;
}

}  // namespace noisescope::world
