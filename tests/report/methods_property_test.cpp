// What holds for every method of the table, on the exact demo world: one description of each, and everything else
// agrees with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "noisescope/core/error.h"
#include "noisescope/explain/methods.h"
#include "noisescope/io/file.h"
#include "noisescope/report/explain_report.h"
#include "tests/report/quick_settings.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

/// A small subject of the exact demo world, and the rows that its denoiser has been given.
struct CountedSubject {
  std::shared_ptr<int64_t> evaluations = std::make_shared<int64_t>(0);
  Model model;
  SubjectRequest request{.prompt = "a red square left of a blue disc on dark", .pictures = 4, .paths = 2};
  ConfigNode settings = test::quick_settings();
  std::unique_ptr<Subject> subject;

  explicit CountedSubject(const std::function<void(CountedSubject&)>& alter = {}) : model(counted(evaluations)) {
    if (alter) alter(*this);
    subject = std::make_unique<Subject>(make_subject(model, request));
    subject->trajectory.steps();
  }

  static Model counted(const std::shared_ptr<int64_t>& evaluations) {
    static const WorldDenoiser truth{World()};
    Model model = exact_model(truth);
    model.sample.grid.steps = 6;
    model.denoiser = [exact = model.denoiser, evaluations](const Tensor& x, const Tensor& sigma,
                                                           const Tensor& condition) {
      *evaluations += x.size(0);
      return exact(x, sigma, condition);
    };
    return model;
  }
};

CountedSubject& counted() {
  static CountedSubject one;
  return one;
}

struct Asked {
  Answer answer;
  int64_t evaluations;
};

Asked ask(const Method& method, const CountedSubject& c = counted()) {
  *c.evaluations = 0;
  const Answer answer = method.ask(*c.subject, settings_of(c.settings, method), {});
  return {answer, *c.evaluations};
}

/// Each method's answer, asked once for all tests.
const Asked& asked(const Method& method) {
  static std::map<std::string, Asked> known;
  const auto found = known.find(method.id);
  return found != known.end() ? found->second : known.emplace(method.id, ask(method)).first->second;
}

class EveryMethod : public ::testing::TestWithParam<std::string> {
 protected:
  const Method& method() const { return find_method(GetParam()); }
};

std::vector<std::string> ids() {
  std::vector<std::string> all;
  for (const Method& method : methods()) all.push_back(method.id);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Table, EveryMethod, ::testing::ValuesIn(ids()),
                         [](const auto& tested) { return tested.param; });

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool is_snake_case(const std::string& text) {
  return !text.empty() && std::isalpha(text[0]) != 0 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

TEST(MethodTable, IdsAreUnique) {
  const std::vector<std::string> all = ids();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_FALSE(all.empty());
}

TEST_P(EveryMethod, HasOneNameEverywhere) {
  const fs::path folder = fs::path(NOISESCOPE_SOURCE_DIR) / "noisescope" / "explain";
  const std::string id = method().id;
  EXPECT_TRUE(is_snake_case(id));
  EXPECT_TRUE(fs::exists(folder / (id + ".h")));
  EXPECT_TRUE(has(read_file(folder / (id + ".cpp")), "Method " + id + "_method() {"));
  EXPECT_TRUE(has(method().question, "?") && method().question.back() == '?') << method().question;
}

TEST_P(EveryMethod, HasOptionsWhoseDefaultsAreInTheirRange) {
  RangeChecker checker("test");
  EXPECT_NO_THROW(method().describe_options(checker));
  const Subject& subject = *counted().subject;
  const ConfigNode unknown = config_from_json({{"no_such_option", 1}}, "test");
  EXPECT_THROW(method().cost(subject, unknown), ConfigError);
  EXPECT_THROW(method().ask(subject, unknown, {}), ConfigError);
}

/// The quantities of an answer by the part that they belong to.
std::map<std::string, std::vector<Valued>> parts_of(const Answer& answer) {
  std::map<std::string, std::vector<Valued>> parts;
  for (const Valued& valued : values_of(answer)) parts[valued.part].push_back(valued);
  return parts;
}

TEST_P(EveryMethod, AnswersEveryFieldThatItLists) {
  const auto parts = parts_of(asked(method()).answer);
  EXPECT_FALSE(parts.empty());
  EXPECT_EQ(method().is_named, !parts.contains(""));
  for (const auto& [part, values] : parts) {
    std::vector<std::string> names;
    for (const Valued& valued : values) names.push_back(valued.quantity.name);
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size()) << "a name twice in " << part;
    for (const Quantity& listed : quantities_of(method().describe_answer)) {
      EXPECT_TRUE(is_snake_case(listed.name)) << listed.name;
      EXPECT_EQ(std::count(names.begin(), names.end(), listed.name), 1) << part << ": " << listed.name;
    }
  }
}

// A word said twice, and a prompt compared with itself: neither may stand in the other's place.
TEST_P(EveryMethod, KeepsPartsOfTheSameWordApart) {
  static const CountedSubject twice([](CountedSubject& c) {
    c.request.prompt = "a red square left of a red disc on dark";
    c.request.compared = {c.request.prompt, "a green cross", "a green cross"};
    c.request.pictures = 2;
  });
  if (!method().is_named || !obstacle(method(), *twice.subject).empty()) return;
  for (const auto& [part, values] : parts_of(ask(method(), twice).answer)) {
    std::set<std::string> names;
    for (const Valued& valued : values) EXPECT_TRUE(names.insert(valued.quantity.name).second) << part;
  }
}

/// Dimensions of a value; -1 for a tensor that is undefined.
int64_t rank_of(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) return tensor->defined() ? tensor->dim() : -1;
  return std::holds_alternative<double>(value) || std::holds_alternative<int64_t>(value) ||
                 std::holds_alternative<std::string>(value)
             ? 0
             : 1;
}

TEST_P(EveryMethod, NamesEveryDimension) {
  for (const Valued& valued : values_of(asked(method()).answer)) {
    EXPECT_EQ(int64_t(words_in(valued.quantity.dims).size()), rank_of(valued.value)) << valued.quantity.name;
  }
}

TEST_P(EveryMethod, NotesNameQuantitiesThatAreThere) {
  for (const auto& [part, values] : parts_of(asked(method()).answer)) {
    std::set<std::string> names = {""};
    for (const Valued& valued : values) names.insert(valued.quantity.name);
    for (const Valued& valued : values) {
      const QuantityNotes& notes = valued.quantity.notes;
      for (const char* note : {notes.x, notes.names, notes.error}) {
        EXPECT_TRUE(names.contains(note)) << valued.quantity.name << " -> " << note;
      }
    }
  }
}

bool is_text(const Value& value) {
  return std::holds_alternative<std::string>(value) || std::holds_alternative<std::vector<std::string>>(value);
}

TEST_P(EveryMethod, SaysTheUnitOfWhatHasOne) {
  for (const Valued& valued : values_of(asked(method()).answer)) {
    const Quantity& q = valued.quantity;
    const bool has_unit = has(q.help, "nats") || has(q.help, "log-SNR") || has(q.help, "noise level");
    if (!has_unit || is_text(valued.value)) continue;
    EXPECT_FALSE(q.unit.empty()) << q.name << ": " << q.help;
  }
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
bool same(int64_t a, int64_t b) { return a == b; }
bool same(const std::string& a, const std::string& b) { return a == b; }
bool same(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         (a.eq(b) | (a.ne(a) & b.ne(b))).all().item<bool>();
}
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return same(x, y); });
}
bool same_value(const Value& a, const Value& b) {
  const auto equals = [&](const auto& own) {
    const auto* other = std::get_if<std::decay_t<decltype(own)>>(&b);
    return other != nullptr && same(own, *other);
  };
  return std::visit(equals, a);
}

TEST_P(EveryMethod, AskedTwiceAnswersTheSame) {
  const auto first = values_of(asked(method()).answer), second = values_of(ask(method()).answer);
  ASSERT_EQ(first.size(), second.size());
  for (size_t k = 0; k < first.size(); ++k) {
    EXPECT_EQ(first[k].part, second[k].part);
    EXPECT_TRUE(same_value(first[k].value, second[k].value)) << first[k].part << ": " << first[k].quantity.name;
  }
}

bool is_finite(const Value& value) {
  if (const auto* tensor = std::get_if<Tensor>(&value)) {
    return !tensor->defined() || tensor->isfinite().all().item<bool>();
  }
  if (const auto* number = std::get_if<double>(&value)) return std::isfinite(*number);
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    return std::all_of(numbers->begin(), numbers->end(), [](double x) { return std::isfinite(x); });
  }
  return true;
}

TEST_P(EveryMethod, IsFiniteWhereItsHelpDoesNotSayOtherwise) {
  for (const Valued& valued : values_of(asked(method()).answer)) {
    const std::string& help = valued.quantity.help;
    if (has(help, "NaN") || has(help, "infinity")) continue;
    EXPECT_TRUE(is_finite(valued.value)) << valued.part << ": " << valued.quantity.name;
  }
}

void expect_cost(const Method& method, const CountedSubject& c, int64_t evaluations) {
  const int64_t cost = method.cost(*c.subject, settings_of(c.settings, method));
  EXPECT_LE(evaluations, cost);
  EXPECT_LE(cost, 4 * evaluations);
}

TEST_P(EveryMethod, CostsWhatItSays) { expect_cost(method(), counted(), asked(method()).evaluations); }

TEST_P(EveryMethod, CostsWhatItSaysWithGuidance) {
  static const CountedSubject guided([](CountedSubject& c) { c.model.sample.guidance.scale = 2; });
  expect_cost(method(), guided, ask(method(), guided).evaluations);
}

TEST_P(EveryMethod, CostsWhatItSaysWithASolverOfTwoEvaluationsAStep) {
  static const CountedSubject heun([](CountedSubject& c) { c.model.sample.sampler = {.solver = Solver::heun}; });
  expect_cost(method(), heun, ask(method(), heun).evaluations);
}

TEST_P(EveryMethod, CostsWhatItSaysOfAnExistingPicture) {
  static const CountedSubject inverted([](CountedSubject& c) {
    c.request.picture = World().render({Scene{{0, 0, 3}, {1, 2, 5}, 0}})[0];
    c.request.paths = 3;
    c.request.compared = {"a green cross"};
  });
  if (obstacle(method(), *inverted.subject).empty()) {
    expect_cost(method(), inverted, ask(method(), inverted).evaluations);
  }
}

TEST_P(EveryMethod, AnswersTheSameOfPicturesThatAreDrawnOneByOne) {
  static const CountedSubject single([](CountedSubject& c) { c.model.sample.batch_size = 1; });
  const auto together = values_of(asked(method()).answer), apart = values_of(ask(method(), single).answer);
  ASSERT_EQ(together.size(), apart.size());
  for (size_t k = 0; k < together.size(); ++k) {
    const auto *a = std::get_if<Tensor>(&together[k].value), *b = std::get_if<Tensor>(&apart[k].value);
    if (a == nullptr || b == nullptr || !a->defined()) continue;
    EXPECT_TRUE(at::allclose(b->to(torch::kFloat64), a->to(torch::kFloat64), 1e-4, 1e-5, /*equal_nan=*/true))
        << together[k].part << ": " << together[k].quantity.name;
  }
}

TEST_P(EveryMethod, StopsAtOnce) {
  const CountedSubject& c = counted();
  const ConfigNode& settings = settings_of(c.settings, method());
  if (method().cost(*c.subject, settings) == 0) return;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(method().ask(*c.subject, settings, {{}, stop.get_token()}), Interrupted);
}

/// The subject without one thing that a method may need.
Subject without(bool MethodNeeds::*need) {
  Subject subject = *counted().subject;
  if (need == &MethodNeeds::words) subject.contrasts.clear();
  if (need == &MethodNeeds::factors) subject.factors = {};
  if (need == &MethodNeeds::reader) subject.model.reader = {};
  if (need == &MethodNeeds::world) subject.model.world.reset();
  if (need == &MethodNeeds::posterior_mean) subject.model.is_posterior_mean = false;
  if (need == &MethodNeeds::branches) {
    const Trajectory& t = subject.trajectory;
    std::vector<SamplerStep> steps = t.steps();
    for (SamplerStep& step : steps) step.prediction.unconditional = Tensor();
    subject.trajectory = {t.sampling(), {t.condition(), t.null_condition(), t.initial(), t.noise()}, steps};
  }
  return subject;
}

TEST_P(EveryMethod, IsHinderedByWhatItNeedsAlone) {
  EXPECT_EQ(obstacle(method(), *counted().subject), "");
  for (const auto need : {&MethodNeeds::words, &MethodNeeds::factors, &MethodNeeds::reader, &MethodNeeds::world,
                          &MethodNeeds::posterior_mean, &MethodNeeds::branches}) {
    EXPECT_EQ(obstacle(method(), without(need)).empty(), !(method().needs.*need)) << method().question;
  }
}

/// A model that draws and denoises, and nothing else.
Subject bare_subject() {
  Model model = counted().model;
  model.reader = {};
  model.world.reset();
  model.is_posterior_mean = false;
  SubjectRequest request = counted().request;
  request.pictures = 2;
  return make_subject(model, request);
}

TEST_P(EveryMethod, RunsOnAnyModelThatHasWhatItNeeds) {
  static const Subject bare = bare_subject();
  const MethodNeeds& needs = method().needs;
  const bool hindered = needs.words || needs.factors || needs.reader || needs.world || needs.posterior_mean;
  EXPECT_EQ(obstacle(method(), bare).empty(), !hindered);
  if (hindered) return;
  EXPECT_FALSE(values_of(method().ask(bare, settings_of(counted().settings, method()), {})).empty());
}

/// One report of all methods.
struct WholeReport {
  fs::path folder = fs::path(::testing::TempDir()) / "noisescope_methods_property";
  ExplanationReport report;

  WholeReport() {
    fs::remove_all(folder);
    const CountedSubject& c = counted();
    report = explanation_report(c.model, {.subject = c.request, .settings = c.settings, .out = folder});
  }
};

TEST_P(EveryMethod, ReportHoldsWhatTheLibraryAnswers) {
  static const WholeReport whole;
  EXPECT_TRUE(whole.report.left_out.empty());
  const std::string id = method().id;
  const Answer& answer = asked(method()).answer;
  ASSERT_TRUE(whole.report.json.contains(id));
  EXPECT_EQ(whole.report.json[id]["answer"].dump(), answer_json(answer).dump());
  const auto written = nlohmann::ordered_json::parse(read_file(whole.folder / (id + ".json")));
  EXPECT_EQ(written["answer"].dump(), answer_json(answer).dump());
  const TensorFile arrays = read_safetensors(whole.folder / (id + ".safetensors")), expected = answer_tensors(answer);
  EXPECT_EQ(arrays.metadata, expected.metadata);
  EXPECT_EQ(arrays.tensors.size(), expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    ASSERT_TRUE(arrays.tensors.contains(name)) << name;
    EXPECT_TRUE(same(arrays.at(name), tensor)) << name;
  }
}

TEST_P(EveryMethod, IsListedAsItIs) {
  static const nlohmann::ordered_json list = list_methods();
  for (const auto& json : list["methods"]) {
    if (json["id"] != method().id) continue;
    EXPECT_EQ(json["question"], method().question);
    EXPECT_EQ(json["fields"].size(), quantities_of(method().describe_answer).size());
    return;
  }
  ADD_FAILURE() << "not listed";
}

}  // namespace
}  // namespace noisescope
