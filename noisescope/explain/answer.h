// Answers live once, as options do (core/options.h): a plain struct per method, and one describe() that names
// its quantities with dimensions and units. From it come the lists of `explain --list`, Python's classes, JSON,
// safetensors, figures and the standard section of the report.
//
//   inline void describe(AnswerDescriber& d, const UTurns& a) {
//     d("kept", a.kept, "level picture factor", "share", "what each regenerated picture kept", {.x = "log_snrs"});
//     d("retention", [&] { return a.retention(); }, "level factor", "share", "mean over the pictures");
//   }
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <variant>
#include <vector>

#include "noisescope/core/error.h"
#include "noisescope/core/tensor.h"

namespace noisescope::explain {

using Value = std::variant<Tensor, std::vector<double>, std::vector<int64_t>, std::vector<std::string>, double, int64_t,
                           std::string>;

/// What else a reader of a quantity may want to know.
struct QuantityNotes {
  const char* x = "";      // the quantity that holds the positions along its first dimension, or their edges
  const char* names = "";  // the quantity that names the places along its first dimension
  const char* error = "";  // the quantity of its standard errors
  double null = std::numeric_limits<double>::quiet_NaN();  // its value where there is nothing to find; NaN: none known
  const char* higher = "";                                 // what a higher value means
  bool is_signed = false;                                  // falls to both sides of 0
};

struct Quantity {
  std::string name;  // as in C++, Python, JSON and files
  std::string dims;  // words, one per dimension: "level picture", "picture y x"; "": one number or text
  std::string unit;  // "nats per pixel"; "": a share, an index or a text
  std::string help;
  QuantityNotes notes;
  size_t kind = 0;  // which of the types of Value it is
};

/// Which of the types of Value a quantity of type V is.
template <class V>
constexpr size_t kind_of() {
  if constexpr (std::is_same_v<V, Tensor>)
    return 0;
  else if constexpr (std::is_same_v<V, std::vector<double>>)
    return 1;
  else if constexpr (std::is_same_v<V, std::vector<int64_t>>)
    return 2;
  else if constexpr (std::is_same_v<V, std::vector<std::string>>)
    return 3;
  else if constexpr (std::is_floating_point_v<V>)
    return 4;
  else
    return std::is_integral_v<V> ? 5 : 6;
}

/// The words of Quantity::dims.
std::vector<std::string> dims_of(const Quantity& quantity);

/// Visitor over the quantities of an answer. A value is asked for only by those who want it, so that an answer
/// of no content can be walked for its list.
class AnswerDescriber {
 public:
  virtual ~AnswerDescriber() = default;
  virtual void quantity(const Quantity& quantity, const std::function<Value()>& value) = 0;
  /// An answer inside this one, as of one word among several.
  virtual void begin_part(const std::string& name) = 0;
  virtual void end_part() = 0;

  /// `value`: what the answer holds, or a function that computes it.
  template <class V>
  void operator()(const char* name, const V& value, const char* dims, const std::string& unit, const char* help,
                  QuantityNotes notes = {}) {
    if constexpr (std::is_invocable_v<const V&>) {
      using Held = std::remove_cvref_t<std::invoke_result_t<const V&>>;
      quantity({name, dims, unit, help, notes, kind_of<Held>()}, [&]() -> Value { return value(); });
    } else {
      quantity({name, dims, unit, help, notes, kind_of<V>()}, [&]() -> Value { return value; });
    }
  }
};

/// Answers of one kind by name: one per word, per prompt, per value function.
template <class T>
struct Named {
  std::vector<std::string> names;
  std::vector<T> answers;

  const T& of(const std::string& name) const {
    for (size_t k = 0; k < names.size(); ++k) {
      if (names[k] == name) return answers[k];
    }
    throw ValueError("[explain.Named] expected a name that there is, got '" + name + "'");
  }
};

template <class T>
void describe(AnswerDescriber& d, const Named<T>& named) {
  for (size_t k = 0; k < named.names.size(); ++k) {
    d.begin_part(named.names[k]);
    describe(d, named.answers[k]);
    d.end_part();
  }
}

/// describe() found by the argument's type, also inside classes with a describe of their own.
template <class T>
void describe_answer(AnswerDescriber& d, const T& answer) {
  describe(d, answer);
}

/// What a method answered, whatever its type. Copies share it.
class Answer {
 public:
  template <class T>
  explicit Answer(T value) : type_(&typeid(T)) {
    const auto shared = std::make_shared<const T>(std::move(value));
    describe_ = [shared](AnswerDescriber& d) { describe_answer(d, *shared); };
    value_ = shared;
  }

  void describe(AnswerDescriber& d) const { describe_(d); }
  /// The struct of the method. Throws ValueError for another type.
  template <class T>
  const T& as() const {
    if (*type_ == typeid(T)) return *static_cast<const T*>(value_.get());
    throw ValueError(std::string("[explain.Answer] expected ") + typeid(T).name() + ", got " + type_->name());
  }

 private:
  const std::type_info* type_;
  std::shared_ptr<const void> value_;
  std::function<void(AnswerDescriber&)> describe_;
};

/// A quantity with its value; `part` names the answer inside that it belongs to, "" the whole.
struct Valued {
  std::string part;
  Quantity quantity;
  Value value;
};

/// All quantities of an answer, in describing order.
std::vector<Valued> values_of(const Answer& answer);

/// The quantities of an answer type without content; those of the parts where it is Named.
std::vector<Quantity> quantities_of(const std::function<void(AnswerDescriber&)>& describe_empty);

}  // namespace noisescope::explain
