#include "noisescope/report/explain_report.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/file.h"
#include "noisescope/run/train_run.h"
#include "tests/report/quick_settings.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;
using test::tiny_config;

class ExplainReport : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = test::fresh_folder("explain");
    train_run(tiny_config(), folder_, {}, {});
  }
  void SetUp() override { fs::remove_all(folder_.explain()); }

  ExplanationReport report() { return explanation_report(model_, request_); }

  static RunFolder folder_;
  const Model model_ = run_model(load_run_model(folder_, torch::kCPU), tiny_config(), folder_);
  ExplainRequest request_ = [] {
    ExplainRequest request;
    request.subject.prompt = "a red square left of a blue disc on dark";
    request.subject.pictures = request.subject.paths = 2;
    request.settings = test::quick_settings();
    request.out = folder_.explain();
    const World world(tiny_config().data.world);
    request.subject.picture = world.render({Scene{{0, 0, 3}, {1, 2, 5}, 0}})[0];
    return request;
  }();
};
RunFolder ExplainReport::folder_;

TEST_F(ExplainReport, EveryMethodGivesASectionAndItsFiles) {
  request_.npz = true;
  const ExplanationReport made = report();
  EXPECT_TRUE(fs::exists(folder_.explain() / "evidence.npz"));
  const std::string page = read_file(folder_.explain() / "report.html");
  EXPECT_TRUE(made.left_out.empty());
  EXPECT_EQ(made.json["trajectory"]["origin"], "inverted");
  for (const Method& method : methods()) {
    EXPECT_TRUE(made.json.contains(method.id)) << method.id;
    EXPECT_TRUE(fs::exists(folder_.explain() / (method.id + ".json"))) << method.id;
    const auto& inverted = made.json["trajectory"]["methods"];
    EXPECT_EQ(std::count(inverted.begin(), inverted.end(), method.id), method.needs.trajectory ? 1 : 0) << method.id;
  }
  EXPECT_EQ(page.find("<script"), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder_.explain())) {
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos);
  }
}

TEST_F(ExplainReport, SaysWhatItLeavesOutAndWhy) {
  request_.budget_seconds = 1e-9;
  const ExplanationReport made = report();
  EXPECT_FALSE(made.json.contains("evidence"));
  EXPECT_NE(made.json["left_out"]["evidence"].get<std::string>().find("budget"), std::string::npos);
  EXPECT_NE(read_file(folder_.explain() / "report.html").find("Left out"), std::string::npos);
  request_.methods = {"evidence"};  // who asks by name wants an answer
  EXPECT_THROW(report(), ValueError);
}

TEST_F(ExplainReport, AMethodCostsWhatItSays) {
  const Subject subject = make_subject(model_, request_.subject);
  // 2 paths x 4 steps x (4 colours + 3 shapes) x 2 objects, less what would contradict, + 3 backgrounds
  int64_t versions = 0;
  for (const PromptContrast& c : subject.contrasts) versions += int64_t(c.values.size());
  const Method& evidence = find_method("evidence");
  EXPECT_EQ(evidence.cost(subject, settings_of(request_.settings, evidence)), 2 * 4 * versions);
}

TEST_F(ExplainReport, ReadsFactorsByLabelsWhereThereIsNoParser) {
  request_.subject.labels = {"red disc", "blue square"};
  request_.methods = {"u_turn"};
  EXPECT_TRUE(report().json["u_turn"]["u_turn_half_points"].contains("label"));
  request_.subject.labels = {"red disc"};
  EXPECT_THROW(report(), ValueError);
}

TEST_F(ExplainReport, RefusesWhatCannotBeExplained) {
  const auto refused = [&](auto change) {
    ExplainRequest request = request_;
    change(request);
    explanation_report(model_, request);
  };
  EXPECT_THROW(refused([](auto& r) { r.methods = {"horoscope"}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.subject.prompt = "a mauve disc"; }), ValueError);
  EXPECT_THROW(model_.condition({"a mauve disc"}), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.subject.words = {"green"}; }), ValueError);
  EXPECT_NE(test::refusal([&] {
              refused([](auto& r) { r.subject.picture = torch::zeros({3, 16, 16}); });
            }).find("scale it to that size"),
            std::string::npos);
  EXPECT_THROW(refused([](auto& r) { r.subject.paths = 1; }), ValueError);
  EXPECT_FALSE(fs::exists(folder_.explain() / "report.html"));
}

}  // namespace
}  // namespace noisescope
