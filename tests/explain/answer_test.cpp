#include "noisescope/explain/answer.h"

#include <set>

#include <gtest/gtest.h>

#include "noisescope/explain/methods.h"
#include "noisescope/explain/u_turn.h"

namespace noisescope {
namespace {

/// Three numbers, of which one is computed; counts how often it is.
struct SmallAnswer {
  std::vector<double> levels = {-1, 2};
  Tensor map = torch::ones({2, 3});
  int64_t* computed = nullptr;
};

void describe(AnswerDescriber& d, const SmallAnswer& a) {
  d("levels", a.levels, "level", "nats", "where");
  d("map", a.map, "level picture", "share", "how much", {.x = "levels", .null = 0.5});
  d(
      "total",
      [&] {
        ++*a.computed;
        return a.map.sum().item<double>();
      },
      "", "share", "all of it");
}

TEST(Answer, ValuesOfAreThoseOfTheStructInDescribingOrder) {
  int64_t computed = 0;
  const std::vector<Valued> values = values_of(Answer(SmallAnswer{.computed = &computed}));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(std::get<std::vector<double>>(values[0].value), (std::vector<double>{-1, 2}));
  EXPECT_EQ(std::get<Tensor>(values[1].value).sum().item<double>(), 6);
  EXPECT_EQ(std::get<double>(values[2].value), 6);
  EXPECT_EQ(values[1].quantity.dims, "level picture");
  EXPECT_EQ(std::string(values[1].quantity.notes.x), "levels");
  EXPECT_EQ(values[1].quantity.notes.null, 0.5);
  EXPECT_TRUE(std::isnan(values[0].quantity.notes.null));
  EXPECT_EQ(computed, 1);
}

TEST(Answer, ListsItsQuantitiesWithoutComputingThem) {
  int64_t computed = 0;
  const SmallAnswer empty{.map = {}, .computed = &computed};
  const auto list = quantities_of([&](AnswerDescriber& d) { describe(d, empty); });
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[2].name, "total");
  EXPECT_EQ(computed, 0);
}

TEST(Answer, IsTheStructOfItsTypeAlone) {
  int64_t computed = 0;
  const Answer answer(SmallAnswer{.computed = &computed});
  const Answer copy = answer;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
  EXPECT_EQ(&answer.as<SmallAnswer>(), &copy.as<SmallAnswer>());
  EXPECT_EQ(answer.as<SmallAnswer>().levels.size(), 2u);
  EXPECT_THROW(answer.as<UTurns>(), ValueError);
  EXPECT_THROW(answer.as<Named<SmallAnswer>>(), ValueError);
}

TEST(NamedAnswer, HasAPartForEveryName) {
  int64_t computed = 0;
  SmallAnswer second{.computed = &computed};
  second.map = second.map * 2;
  const Named<SmallAnswer> named{{"red", "disc"}, {{.computed = &computed}, second}};
  EXPECT_EQ(&named.of("disc"), &named.answers[1]);
  EXPECT_THROW(named.of("blue"), ValueError);
  const std::vector<Valued> values = values_of(Answer(named));
  ASSERT_EQ(values.size(), 6u);
  for (size_t k = 0; k < 6; ++k) EXPECT_EQ(values[k].part, k < 3 ? "red" : "disc") << k;
  EXPECT_EQ(std::get<double>(values[2].value), 6);
  EXPECT_EQ(std::get<double>(values[5].value), 12);
}

// Answers without content, undefined tensors and all: the lists of `explain --list` are made of them.
TEST(Methods, ListWhatTheyAnswerWithoutBeingAsked) {
  for (const Method& method : methods()) {
    std::vector<Quantity> list;
    EXPECT_NO_THROW(list = quantities_of(method.describe_answer)) << method.id;
    EXPECT_FALSE(list.empty()) << method.id;
    for (const Quantity& quantity : list) {
      EXPECT_FALSE(quantity.help.empty()) << method.id << "." << quantity.name;
    }
  }
}

// What cannot be asked is left out of a report for want of what the method says that it needs.
TEST(Methods, SayWhatTheyCannotDoWithout) {
  const auto ids = [](const std::function<bool(const MethodNeeds&)>& needs) {
    std::set<std::string> found;
    for (const Method& method : methods()) {
      if (needs(method.needs)) found.insert(method.id);
    }
    return found;
  };
  using Ids = std::set<std::string>;
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.words; }),
            (Ids{"conditioning_locality", "counterfactual", "decision_windows", "evidence", "noise_sobol",
                 "prediction_tests", "read_out", "rewind", "seed_share"}));
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.factors; }), (Ids{"u_turn"}));
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.branches; }),
            (Ids{"guidance_anatomy", "guidance_information", "noise_bands", "noise_tests"}));
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.reader; }), (Ids{"noise_sobol", "read_out", "seed_share"}));
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.world; }), (Ids{"noise_transplant"}));
  EXPECT_EQ(
      ids([](const MethodNeeds& n) { return !n.trajectory; }),
      (Ids{"conditioning_locality", "evidence", "information_map", "inversion", "posterior_uncertainty", "u_turn"}));
  EXPECT_EQ(ids([](const MethodNeeds& n) { return n.posterior_mean; }),
            (Ids{"decision_windows", "evidence", "guidance_information", "information_map", "posterior_uncertainty",
                 "u_turn"}));
}

TEST(Methods, AreFoundByTheirIdAndTheNearestOneIsNamed) {
  EXPECT_EQ(find_method("u_turn").id, "u_turn");
  try {
    find_method("u_tern");
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("'u_turn'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace noisescope
