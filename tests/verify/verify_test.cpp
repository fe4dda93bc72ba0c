#include "noisescope/verify/verify.h"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/method.h"

namespace noisescope {
namespace {

VerifyRow row(Direction direction, double bar, Estimate measured) {
  return {"method", "subject", "figure", direction, bar, measured};
}

TEST(VerifyRow, PassesWhenThePointEstimateMeetsTheBar) {
  EXPECT_TRUE(row(Direction::at_least, 0.9, {0.9, 0.8, 1.0, 10}).pass());
  EXPECT_FALSE(row(Direction::at_least, 0.9, {0.89, 0.8, 1.0, 10}).pass());
  EXPECT_TRUE(row(Direction::at_most, 0.9, {0.9, 0.8, 1.0, 10}).pass());
  EXPECT_FALSE(row(Direction::at_most, 0.9, {0.91, 0.8, 1.0, 10}).pass());
  EXPECT_FALSE(row(Direction::at_most, 0.9, {std::nan(""), 0, 0, 10}).pass());
  EXPECT_TRUE(row(Direction::reported, 0.9, {0.1, 0, 0.2, 10}).pass());
  EXPECT_FALSE(row(Direction::reported, 0.9, {std::nan(""), 0, 0, 10}).pass());
  EXPECT_TRUE(to_json(row(Direction::reported, 0.9, {0.1, 0, 0.2, 10}))["bar"].is_null());
}

// A noisier estimate passes less easily.
TEST(VerifyRow, OfEquivalencePassesWhereItsWholeIntervalMeetsTheBar) {
  EXPECT_TRUE(row(Direction::within, 0.03, {0.01, 0, 0.03, 10}).pass());
  EXPECT_FALSE(row(Direction::within, 0.03, {0.01, 0, 0.031, 10}).pass());
  EXPECT_FALSE(row(Direction::within, 0.03, {std::nan(""), std::nan(""), std::nan(""), 10}).pass());
  EXPECT_NEAR(row(Direction::within, 0.03, {0.01, 0, 0.03, 10}).reversal_chance(), 0.5, 1e-12);
  EXPECT_EQ(bar_text(row(Direction::within, 0.03, {})), "within 0.03");
}

// Replicates of a normal estimate whose truth is the first one's value, or any other: the verdict turns as often as
// said, on average over first estimates that came out at this value.
TEST(VerifyRow, ReversalIsThatOfAReplicate) {
  const Tensor draws = Random(1).normal(Purpose::explain, 0, sample_range(0, 400000), {2}, torch::kDouble);
  const Tensor first = draws.select(1, 0), second = draws.select(1, 1);  // of a truth of 0 with standard error 1
  // Flat prior: given the first at z, the second is normal about z with variance 2; so is second - first about 0.
  const double often = ((second - first) > 1).to(torch::kDouble).mean().item<double>();
  const double z = 1.959964;
  EXPECT_NEAR(row(Direction::at_most, 1, {0, -z, z, 10}).reversal_chance(), often, 0.003);
}

TEST(VerifyRow, StatesHowOftenOtherSeedsWouldReverseIt) {
  EXPECT_NEAR(row(Direction::at_least, 0.9, {0.9, 0.8, 1.0, 10}).reversal_chance(), 0.5, 1e-12);
  // The bar lies at the end of the 95 % interval, 1.96 / sqrt 2 standard errors of a difference of two away.
  EXPECT_NEAR(row(Direction::at_least, 0.8, {0.9, 0.8, 1.0, 10}).reversal_chance(), 0.0829, 1e-4);
  EXPECT_EQ(row(Direction::at_most, 0, {0, 0, 0, 10}).reversal_chance(), 0);
}

TEST(VerifyRow, ReversalOfPValuesAndWorstErrorsIsGiven) {
  VerifyRow p = row(Direction::at_most, 0.01, {0.001, 0.001, 0.001, 10});
  EXPECT_EQ(p.reversal_chance(), 0);  // no interval
  p.reversal = 0.24;
  EXPECT_EQ(p.reversal_chance(), 0.24);
  p.direction = Direction::reported;
  EXPECT_EQ(p.reversal_chance(), 0);
}

TEST(VerifyRow, JsonHoldsEveryField) {
  const auto json = to_json(row(Direction::at_least, 0.9, {0.95, 0.8, 1.0, 10}));
  for (const char* key :
       {"method", "subject", "figure", "bar", "direction", "value", "low", "high", "n", "reversal_chance", "pass"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json.at("direction"), "at least");
}

TEST(SceneBatch, EveryVersionIsAPossibleSceneAndTheOwnOneIsTrue) {
  for (const char* member : {"demo", "fine"}) {
    const World world(world_member(member));
    const SceneBatch batch = contrastable_scenes(world, 3, 20);
    for (const Word word : {Word::colour, Word::shape}) {
      const auto versions = batch.versions(word);
      const Tensor own = batch.true_version(word);
      for (size_t i = 0; i < batch.scenes.size(); ++i) {
        for (size_t k = 0; k < versions.size(); ++k) {
          const CaptionMeaning meaning = batch.grammar.parse(versions[k][i]);  // else throws
          EXPECT_EQ(is_true(meaning, batch.scenes[i]),
                    own[static_cast<int64_t>(i)].item<int64_t>() == static_cast<int64_t>(k));
        }
      }
    }
  }
}

TEST(SceneBatch, CaptionsWithoutAWordAreTrueOfAllItsVersions) {
  const World world(world_member("demo"));
  const SceneBatch batch = contrastable_scenes(world, 3, 5);
  const WorldDenoiser truth(world);
  const Tensor open = truth.condition_of(batch.captions_without(true, false));
  Tensor sum = torch::zeros_like(open);
  for (const auto& version : batch.versions(Word::colour)) sum += truth.condition_of(version);
  EXPECT_TRUE(torch::allclose(open, sum / sum.sum(1, true)));
}

/// What metrics of explanations are called: the files of their folder, but for what they only build on.
std::set<std::string> metric_ids() {
  std::set<std::string> ids;
  const auto folder = std::filesystem::path(NOISESCOPE_SOURCE_DIR) / "noisescope" / "explain" / "metric";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".h") ids.insert(entry.path().stem().string());
  }
  for (const char* part : {"baseline_maps", "removal"}) ids.erase(part);
  return ids;
}

// A method without rows here is not proved: write verify/check_<id>.cpp (CONTRIBUTING.md).
TEST(Verify, EveryMethodAndEveryMetricHasItsCheckAndNothingElseHas) {
  std::vector<std::string> wanted, listed;
  for (const Method& method : methods()) wanted.push_back(method.id);
  for (const std::string& id : metric_ids()) wanted.push_back(id);
  for (const Check& check : checks()) listed.push_back(check.id);
  EXPECT_EQ(listed, wanted);
  for (const std::string& id : listed) {
    const std::string file = "noisescope/verify/check_" + id + ".cpp";
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(NOISESCOPE_SOURCE_DIR) / file)) << file;
  }
}

TEST(Verify, EveryCheckIsBroughtDownBySomeDefect) {
  std::set<std::string> broken, names, ids;
  for (const Check& check : checks()) ids.insert(check.id);
  for (const Defect& defect : defects()) {
    EXPECT_TRUE(names.insert(defect.name).second) << defect.name;
    EXPECT_FALSE(defect.falls.empty()) << defect.name;
    broken.insert(defect.check);
  }
  EXPECT_EQ(broken, ids);
}

template <class Ask>
std::string refusal_of(const Ask& ask) {
  try {
    ask();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

TEST(Verify, RefusesUnknownDefectsAndChecksAndNamesTheNearest) {
  const auto names = [](const std::string& refusal, const char* name) {
    EXPECT_NE(refusal.find(name), std::string::npos) << refusal;
  };
  names(refusal_of([] { run_checks({.defect = "shifted-promt"}, nullptr); }), "did you mean 'shifted-prompt'?");
  names(refusal_of([] { run_checks({.defect = "xxxxxxxxxxxxxxx"}, nullptr); }), "shifted-prompt");
  names(refusal_of([] { run_checks({.checks = {"sensitivity", "read-out"}}, nullptr); }), "did you mean 'read_out'?");
  names(refusal_of([] { run_checks({.checks = {"horoscope!!!!"}}, nullptr); }), "trajectory_geometry");
}

TEST(Verify, RunsTheChecksThatAreNamed) {
  const std::vector<VerifyRow> rows = run_checks({.checks = {"sensitivity", "randomisation"}}, nullptr).rows;
  std::set<std::string> ids;
  for (const VerifyRow& row : rows) ids.insert(row.method);
  EXPECT_EQ(ids, (std::set<std::string>{"randomisation", "sensitivity"}));
}

// Every check has rows at a reduced n, too, and they carry its id.
TEST(SlowVerify, TheTableHoldsOnTheExactWorld) {
  const auto hold = [](const std::string& check, const std::vector<VerifyRow>& rows, double) {
    EXPECT_FALSE(rows.empty()) << check;
    for (const VerifyRow& row : rows) {
      EXPECT_EQ(row.method, check);
      EXPECT_TRUE(row.pass()) << to_table({row});
    }
  };
  EXPECT_EQ(run_checks({}, nullptr, {}, hold).pictures.empty(), false);
}

class Defects : public ::testing::TestWithParam<Defect> {};

TEST_P(Defects, BringsDownWhatItConcernsAndSparesTheRest) {
  const Defect& defect = GetParam();
  const std::vector<VerifyRow> rows = run_checks({.defect = defect.name}, nullptr).rows;
  const auto rows_of = [&](const std::string& figure) {
    std::vector<VerifyRow> found;
    for (const VerifyRow& row : rows) {
      if (row.figure.starts_with(figure)) found.push_back(row);
    }
    return found;
  };
  for (const std::string& figure : defect.falls) {
    const auto found = rows_of(figure);
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const auto& row) { return !row.pass(); })) << figure;
  }
  for (const std::string& figure : defect.spares) {
    const auto found = rows_of(figure);
    EXPECT_FALSE(found.empty()) << figure;
    for (const VerifyRow& row : found) EXPECT_TRUE(row.pass()) << to_table({row});
  }
}

INSTANTIATE_TEST_SUITE_P(Slow, Defects, ::testing::ValuesIn(defects()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace noisescope
