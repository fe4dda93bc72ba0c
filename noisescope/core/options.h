// Options live once: a plain struct per algorithm with its defaults, and one describe() per struct
// that feeds YAML, command line, Python keywords, documentation and forms.
//
//   struct EulerOptions { int64_t steps = 20; };
//   inline void describe(Describer& d, EulerOptions& o) {
//     d("steps", o.steps, "number of solver steps", {.min = 1});
//   }
//
// This header knows nothing of torch, so that config parsing can be fuzzed on its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope {

/// What values a field takes, and what it was called before. For lists the range holds for every element.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool above_min = false;                 // min itself is out; without a min: minus infinity
  bool below_max = false;                 // max itself is out; without a max: infinity
  std::vector<double> only = {};          // for numbers; empty: any in the range
  std::vector<std::string> choices = {};  // for strings; empty: any text
  const char* was = nullptr;              // an older name of the field, read where the new one is absent
  std::vector<std::pair<std::string, std::string>> old_choices = {};  // (older name, name)

  /// Whether a number lies in it; NaN never does.
  bool holds(double value) const;
  /// "between 0 (excluded) and 1", "at least 2", "one of 1, 2, 4"; "" where any value does.
  std::string text() const;
};

/// The shortest text that reads back as the same number; infinities as .inf and -.inf.
std::string number_text(double value);

/// A field as a visitor sees it.
struct Field {
  const char* name;
  const char* help;
  Range range;
};

/// "one, two" -> the pairs (values[0], "one"), (values[1], "two"): the table that NOISESCOPE_ENUM makes.
template <class E, size_t n>
constexpr std::array<std::pair<E, std::string_view>, n> enum_table(const std::array<E, n>& values,
                                                                   std::string_view names) {
  std::array<std::pair<E, std::string_view>, n> table{};
  for (size_t i = 0; i < n; ++i) {
    const size_t length = std::min(names.find(','), names.size());
    table[i] = {values[i], names.substr(0, length)};
    names.remove_prefix(std::min(length + 2, names.size()));  // the comma and the blank behind it
  }
  return table;
}

/// The names of an enum whose values are called as they are written, in the order given:
///   enum class Decay { constant, linear };
///   NOISESCOPE_ENUM(Decay, constant, linear)
#define NOISESCOPE_ENUM(E, ...)                               \
  constexpr auto enum_names(E) {                              \
    using enum E;                                             \
    return enum_table(std::array{__VA_ARGS__}, #__VA_ARGS__); \
  }

/// An enum E takes part by a table found by argument-dependent lookup, of NOISESCOPE_ENUM or by hand:
///   constexpr std::array<std::pair<E, const char*>, n> enum_names(E);
template <class E>
std::string to_string(E value) requires requires {
  enum_names(value);
}
{
  for (const auto& [key, name] : enum_names(value)) {
    if (key == value) return std::string(name);
  }
  throw ValueError(format_text("[core.to_string] expected a named enum value, got {}", static_cast<int64_t>(value)));
}

/// An enum may keep older names: constexpr std::array<std::pair<const char*, E>, n> enum_old_names(E).
template <class E>
std::vector<std::pair<std::string, std::string>> enum_old_choices() {
  std::vector<std::pair<std::string, std::string>> names;
  if constexpr (requires { enum_old_names(E{}); }) {
    for (const auto& [old, value] : enum_old_names(E{})) names.emplace_back(old, to_string(value));
  }
  return names;
}

template <class E>
std::vector<std::string> enum_choices() {
  std::vector<std::string> names;
  for (const auto& [key, name] : enum_names(E{})) names.emplace_back(name);
  return names;
}

/// The enum value of this name. Throws ValueError listing the names.
template <class E>
E parse_enum(std::string_view text);

/// Visitor over the fields of an options struct; reading and writing are the same walk.
class Describer {
 public:
  virtual ~Describer() = default;

  virtual void field(const Field& field, bool& value) = 0;
  virtual void field(const Field& field, int64_t& value) = 0;
  virtual void field(const Field& field, double& value) = 0;
  virtual void field(const Field& field, std::string& value) = 0;
  virtual void field(const Field& field, std::vector<int64_t>& value) = 0;
  virtual void field(const Field& field, std::vector<double>& value) = 0;
  virtual void field(const Field& field, std::vector<std::string>& value) = 0;
  /// `was`: an older name of the section, or nullptr.
  virtual void begin_section(const char* name, const char* help, const char* was) = 0;
  virtual void end_section() = 0;

  template <class T>
  void operator()(const char* name, T& value, const char* help, Range range = {}) {
    if constexpr (requires { enum_names(value); }) {
      range.choices = enum_choices<T>();
      range.old_choices = enum_old_choices<T>();
      std::string text = to_string(value);
      field(Field{name, help, range}, text);
      value = parse_enum<T>(text);
    } else {
      field(Field{name, help, range}, value);
    }
  }

  template <class T>
  void section(const char* name, T& options, const char* help, const char* was = nullptr) {
    begin_section(name, help, was);
    describe(*this, options);
    end_section();
  }
};

/// Throws ValueError "[where] expected eta to be between 0 and 1, got 1.5" for the first number that is out of
/// its range; NaN always is. Relations between fields are for the caller to check.
template <class T>
void check_options(const char* where, const T& options);

/// The candidate nearest to `text` in edit distance, or "" if none is close enough to be meant.
std::string nearest_name(std::string_view text, const std::vector<std::string>& candidates);

/// The walk of check_options.
class RangeChecker : public Describer {
 public:
  explicit RangeChecker(const char* where) : where_(where) {}

  void field(const Field&, bool&) override {}
  void field(const Field& field, int64_t& value) override { check(field, static_cast<double>(value)); }
  void field(const Field& field, double& value) override { check(field, value); }
  void field(const Field&, std::string&) override {}
  void field(const Field& field, std::vector<int64_t>& value) override {
    for (const int64_t item : value) check(field, static_cast<double>(item));
  }
  void field(const Field& field, std::vector<double>& value) override {
    for (const double item : value) check(field, item);
  }
  void field(const Field&, std::vector<std::string>&) override {}
  void begin_section(const char*, const char*, const char*) override {}
  void end_section() override {}

 private:
  void check(const Field& field, double value) const;

  const char* where_;
};

template <class T>
void check_options(const char* where, const T& options) {
  RangeChecker checker(where);
  T copy = options;  // the walk may write
  describe(checker, copy);
}

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

template <class E>
E parse_enum(std::string_view text) {
  for (const auto& [key, name] : enum_names(E{})) {
    if (text == name) return key;
  }
  throw ValueError(format_text("expected one of {}, got '{}'", join(enum_choices<E>()), text));
}

}  // namespace noisescope
