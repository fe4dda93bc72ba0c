// A method: an id that is the same word everywhere (file, function, Python, command line, verify, page), a
// question, what it needs, what it costs, its described options, its described answer, and the function.
//
// A new one: explain/<id>.{h,cpp} with describe() of options and answer and <id>_method(), its line in
// methods.cpp, its rows verify/check_<id>.cpp, its test and its page (CONTRIBUTING.md).
#pragma once

#include <nlohmann/json.hpp>

#include "noisescope/core/progress.h"
#include "noisescope/explain/answer.h"
#include "noisescope/explain/subject.h"
#include "noisescope/io/config.h"

namespace noisescope::explain {

/// What a method cannot do without.
struct MethodNeeds {
  bool trajectory = false;      // a sampling run, by inversion if need be; else any picture will do
  bool words = false;           // of the prompt, with alternatives
  bool factors = false;         // that something reads off pictures
  bool branches = false;        // the estimates with and without prompt at every step of the run
  bool reader = false;          // that something reads words off pictures
  bool world = false;           // pictures of a two-object world
  bool posterior_mean = false;  // a denoiser that is E[x_0 | x]
};

struct Method {
  std::string id;
  std::string question;
  MethodNeeds needs;
  std::function<void(Describer&)> describe_options;       // with their defaults
  std::function<void(AnswerDescriber&)> describe_answer;  // of no content; of a part where the answer is Named
  bool is_named = false;                                  // the answer is one per word, prompt or value
  /// Denoiser evaluations of one picture, known before it runs. `settings`: options by name, others as they are.
  std::function<int64_t(const Subject&, const ConfigNode& settings)> cost;
  /// Throws ConfigError for settings that are no options, and what the method throws.
  std::function<Answer(const Subject&, const ConfigNode& settings, const Control&)> ask;
};

/// Why a method cannot be asked of a subject; "" if it can.
std::string obstacle(const Method& method, const Subject& subject);

template <class T>
inline constexpr bool kIsNamed = false;
template <class T>
inline constexpr bool kIsNamed<Named<T>> = true;

template <class T>
struct PartOf {
  using type = T;
};
template <class T>
struct PartOf<Named<T>> {
  using type = T;
};

template <class Options>
Options options_of(const ConfigNode& settings) {
  Options options;
  read_options_into(settings, options);
  return options;
}

/// The one door from a typed function to the table.
template <class Options, class A>
Method method(const char* id, const char* question, MethodNeeds needs, int64_t (*cost)(const Subject&, const Options&),
              A (*ask)(const Subject&, const Options&, const Control&)) {
  return {id,
          question,
          needs,
          [](Describer& d) {
            Options defaults;
            describe(d, defaults);
          },
          [](AnswerDescriber& d) { describe(d, typename PartOf<A>::type{}); },
          kIsNamed<A>,
          [cost](const Subject& subject, const ConfigNode& settings) {
            return cost(subject, options_of<Options>(settings));
          },
          [ask](const Subject& subject, const ConfigNode& settings, const Control& control) {
            return Answer(ask(subject, options_of<Options>(settings), control));
          }};
}

/// For methods that read a trajectory that is there anyway.
template <class Options>
int64_t free_of_cost(const Subject&, const Options&) {
  return 0;
}

/// All, in the order of the report.
const std::vector<Method>& methods();

/// Throws ValueError that names the nearest id, unless there is such a method.
const Method& find_method(const std::string& id);

/// Throws ConfigError for settings ({id: {option: value}}) that are no options of methods, out of range or of the
/// wrong type.
void check_settings(const ConfigNode& settings);

/// The settings of one method; nothing where there are none.
const ConfigNode& settings_of(const ConfigNode& settings, const Method& method);

/// Options as lists show them: [{name, type, default, help, min or above, max or below, choices}].
nlohmann::ordered_json options_json(const std::function<void(Describer&)>& describe_all);

/// {"methods": [{id, question, needs, options, fields}]}: options with default, help and range, fields with
/// dimensions, unit, null value and direction.
nlohmann::ordered_json list_methods();

}  // namespace noisescope::explain
