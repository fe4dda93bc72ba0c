// Evidence of a trained run beside the truth of its world.
#include <gtest/gtest.h>

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

using test::tiny_config;

class RunEvidence : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = test::fresh_folder("evidence");
    train_run(tiny_config(), folder_, {}, {});
  }

  ExplanationReport report() const {
    return explanation_report(model_, {.subject = request_,
                                       .methods = {"evidence"},
                                       .settings = config_from_json({{"evidence", {{"steps", steps_}}}}, "test"),
                                       .out = folder_.explain()});
  }

  static RunFolder folder_;
  const Model model_ = run_model(load_run_model(folder_, torch::kCPU), tiny_config(), folder_);
  const World world_{tiny_config().data.world};
  const Scene scene_{{0, 0, 3}, {1, 2, 5}, 0};
  SubjectRequest request_{.prompt = "a red square left of a blue disc on dark", .pictures = 2, .paths = 2};
  int64_t steps_ = 4;
};
RunFolder RunEvidence::folder_;

TEST_F(RunEvidence, ExplainsEveryWordThatHasAlternatives) {
  const auto json = report().json["evidence"];
  std::vector<std::string> words;
  for (const auto& word : json["words"]) words.push_back(word["word"]);
  EXPECT_EQ(words, (std::vector<std::string>{"red", "square", "blue", "disc", "dark"}));
  EXPECT_TRUE(json["words"][0].contains("correlation_with_the_exact_map"));
  EXPECT_EQ(json["answer"].size(), 5u);
}

// A picture of the user's: the exact denoiser finds every word of it, in the pixels that would change.
TEST_F(RunEvidence, OfAGivenPictureFindsTheTruth) {
  request_.picture = world_.render({scene_})[0];
  Model truth = exact_model(WorldDenoiser(world_));
  truth.log_snr_max = model_.log_snr_max;
  truth.sample = model_.sample;
  const Subject subject = make_subject(truth, request_);
  const ConfigNode settings = config_from_json({{"steps", 40}}, "test");
  const Answer answer = find_method("evidence").ask(subject, settings, {});
  const auto& words = answer.as<Named<Evidence>>();
  const std::vector<SceneFactor> factors = {SceneFactor::left_colour, SceneFactor::left_shape,
                                            SceneFactor::right_colour, SceneFactor::right_shape,
                                            SceneFactor::background};
  ASSERT_EQ(words.answers.size(), factors.size());
  for (size_t k = 0; k < factors.size(); ++k) {
    EXPECT_NEAR(words.answers[k].realised_total().mean().item<double>(),
                std::log(double(subject.contrasts[k].values.size())), 1e-3)
        << words.names[k];
    const Tensor map = words.answers[k].map().mean(0);
    const Tensor mask = world_.counterfactual_mask(scene_, factors[k]);
    EXPECT_GT(map.masked_select(mask).mean().item<double>(), 1.5 * map.masked_select(~mask).mean().item<double>())
        << words.names[k];
  }
}

// A picture that contradicts a word: that is said before anything else, of that word alone, and its nats are below 0.
TEST_F(RunEvidence, SaysFirstWhatThePictureDoesNotShow) {
  request_.picture = world_.render({scene_})[0];
  request_.prompt = "a green square left of a blue disc on dark";
  request_.words = {"green", "disc"};
  const Model truth = exact_model(WorldDenoiser(world_));
  const ExplanationReport report =
      explanation_report(truth, {.subject = request_, .methods = {"evidence"}, .out = folder_.explain()});
  const auto& words = report.json["evidence"]["words"];
  EXPECT_LT(words[0]["total_nats"]["value"].get<double>(), -10);
  EXPECT_LT(words[0]["p_end"]["value"].get<double>(), 1e-3);
  EXPECT_GT(words[1]["p_end"]["value"].get<double>(), 0.99);
  const std::string page = read_file(folder_.explain() / "report.html");
  EXPECT_NE(page.find("<div class=\"warning\">The picture does not show &#39;green&#39;"), std::string::npos);
  EXPECT_EQ(page.find("does not show &#39;disc&#39;"), std::string::npos);
}

// The page of the run holds what the truth says of the same paths.
TEST_F(RunEvidence, PageComparesWithTheTruth) {
  request_.picture = world_.render({scene_})[0];
  steps_ = 40;
  const auto words = report().json["evidence"]["words"];
  ASSERT_FALSE(words.empty());
  for (const auto& word : words) {
    EXPECT_TRUE(word.contains("correlation_with_the_exact_map")) << word["word"];
    EXPECT_TRUE(word.contains("exact_half_point_log_snr")) << word["word"];
    EXPECT_TRUE(word.contains("auc_against_what_would_change")) << word["word"];
  }
}

TEST_F(RunEvidence, LeavesOutAlternativesThatWouldContradictThePrompt) {
  request_.prompt = "a red disc left of a blue disc on dark";
  request_.words = {"red"};
  const auto values = make_subject(model_, request_).contrasts[0].values;
  EXPECT_EQ(std::count(values.begin(), values.end(), "blue"), 0);
  EXPECT_EQ(values.size(), 3u);
}

TEST_F(RunEvidence, RefusesWhatCannotBeExplained) {
  const auto refused = [&](auto change) {
    SubjectRequest request = request_;
    change(request);
    make_subject(model_, request);
  };
  EXPECT_THROW(refused([](auto& r) { r.words = {"green"}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.words = {"left"}; }), ValueError);  // no alternatives known
  EXPECT_THROW(refused([](auto& r) { r.words = {"red"}, r.alternatives = {"mauve"}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.compared = {"a mauve disc"}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.prompt = "left of"; }), ValueError);
  EXPECT_NE(test::refusal([&] {
              refused([](auto& r) { r.picture = torch::zeros({3, 16, 16}); });
            }).find("scale it to that size"),
            std::string::npos);
  EXPECT_THROW(refused([](auto& r) { r.paths = 1; }), ValueError);
}

}  // namespace
}  // namespace noisescope
