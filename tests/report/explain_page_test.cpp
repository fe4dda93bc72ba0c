#include "noisescope/report/explain_page.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/run/train_run.h"
#include "noisescope/model/word_contrasts.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using test::tiny_config;

class ExplainPage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = test::fresh_folder("explain");
    train_run(tiny_config(), folder_, {}, {});
  }
  void SetUp() override { fs::remove_all(folder_.explain()); }

  ExplanationReport explain() { return explain_run(model_, tiny_config(), folder_, request_, {}); }

  static RunFolder folder_;
  const TextToImage model_ = load_run_model(folder_, torch::kCPU);
  ExplainRequest request_ = [] {
    ExplainRequest request;
    request.prompt = "a red square left of a blue disc on dark";
    request.pictures = request.paths = 2;
    request.steps = 4;
    const World world(tiny_config().data.world);
    request.picture = world.render({Scene{{0, 0, 3}, {1, 2, 5}, 0}})[0];
    return request;
  }();
};
RunFolder ExplainPage::folder_;

TEST_F(ExplainPage, EveryMethodGivesASectionAndItsFiles) {
  request_.npz = true;
  const ExplanationReport report = explain();
  EXPECT_TRUE(fs::exists(folder_.explain() / "evidence.npz"));
  const std::string page = read_file(folder_.explain() / "report.html");
  EXPECT_TRUE(report.left_out.empty());
  EXPECT_EQ(report.json["run"]["origin"], "inverted");
  for (const Explainer& explainer : explainers()) {
    EXPECT_TRUE(report.json.contains(explainer.name)) << explainer.name;
    EXPECT_TRUE(fs::exists(folder_.explain() / (explainer.name + ".json"))) << explainer.name;
    const auto& inverted = report.json["run"]["methods"];
    EXPECT_EQ(std::count(inverted.begin(), inverted.end(), explainer.name), explainer.needs.run ? 1 : 0)
        << explainer.name;
  }
  EXPECT_EQ(page.find("<script"), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder_.explain())) {
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos);
  }
}

TEST_F(ExplainPage, SaysWhatItLeavesOutAndWhy) {
  request_.budget_seconds = 1e-9;
  const ExplanationReport report = explain();
  EXPECT_FALSE(report.json.contains("evidence"));
  EXPECT_NE(report.json["left_out"]["evidence"].get<std::string>().find("budget"), std::string::npos);
  EXPECT_NE(read_file(folder_.explain() / "report.html").find("Left out"), std::string::npos);
}

TEST_F(ExplainPage, AMethodCostsWhatItSays) {
  const ExplainContext context(model_, tiny_config(), request_, {});
  // 2 paths x 4 steps x (4 colours + 3 shapes) x 2 objects, less what would contradict, + 3 backgrounds
  const auto evidence = explainers()[1];
  int64_t versions = 0;
  for (const PromptContrast& c : context.contrasts) versions += int64_t(c.values.size());
  EXPECT_EQ(evidence.name, "evidence");
  EXPECT_EQ(evidence.cost(context), 2 * 4 * versions);
}

TEST_F(ExplainPage, ReadsFactorsByLabelsWhereThereIsNoParser) {
  request_.labels = {"red disc", "blue square"};
  request_.methods = {"timesteps"};
  EXPECT_TRUE(explain().json["timesteps"]["u_turn_half_points"].contains("label"));
  request_.labels = {"red disc"};
  EXPECT_THROW(explain(), ValueError);
}

TEST_F(ExplainPage, RefusesWhatCannotBeExplained) {
  const auto refused = [&](auto change) {
    ExplainRequest request = request_;
    change(request);
    explain_run(model_, tiny_config(), folder_, request, {});
  };
  EXPECT_THROW(refused([](auto& r) { r.methods = {"horoscope"}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.prompt = "a mauve disc"; }), ValueError);
  EXPECT_THROW(model_.condition({"a mauve disc"}), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.words = {"green"}; }), ValueError);
  EXPECT_NE(test::refusal([&] { refused([](auto& r) { r.picture = torch::zeros({3, 16, 16}); }); })
                .find("scale it to that size"), std::string::npos);
  EXPECT_THROW(refused([](auto& r) { r.paths = 1; }), ValueError);
  EXPECT_FALSE(fs::exists(folder_.explain() / "report.html"));
}

TEST(PromptWithout, LeavesAWordOpenAsTheWorldDoes) {
  const RunConfig world = demo_config();
  std::vector<std::string> open;
  for (const PromptContrast& c :
       word_contrasts(world, "a red square left of a blue square on dark", {}, {})) {
    open.push_back(prompt_without(world, c));
  }
  EXPECT_EQ(open, (std::vector<std::string>{"a square left of a blue square on dark",
                                            "a red shape left of a blue square on dark",
                                            "a red square left of a square on dark",
                                            "a red square left of a blue shape on dark",
                                            "a red square left of a blue square"}));
  RunConfig images;
  images.data.kind = DataKind::folder;
  const auto contrast = word_contrasts(images, "a photo of a red fox", {"red"}, {"arctic"});
  EXPECT_EQ(prompt_without(images, contrast[0]), "a photo of a fox");
}

}  // namespace
}  // namespace noisescope
