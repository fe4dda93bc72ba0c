#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/run/train_run.h"
#include "tests/report/quick_settings.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

/// Every estimate below `json`: a value inside its interval, over at least two.
void expect_estimates(const nlohmann::ordered_json& json, const std::string& at, int& found) {
  if (!json.is_structured()) return;
  if (json.is_object() && json.contains("low")) {
    ASSERT_TRUE(json["value"].is_number() && json["low"].is_number() && json["high"].is_number()) << at;
    EXPECT_LE(json["low"].get<double>(), json["value"].get<double>()) << at;
    EXPECT_GE(json["high"].get<double>(), json["value"].get<double>()) << at;
    EXPECT_GE(json["n"].get<int64_t>(), 2) << at;
    ++found;
    return;
  }
  for (const auto& [key, inside] : json.items()) expect_estimates(inside, at + "/" + key, found);
}

TEST(ExplainMethods, GiveFiniteNumbersWithIntervals) {
  const RunFolder folder = test::fresh_folder("explain_methods");
  train_run(test::tiny_config(), folder, {}, {});
  const TextToImage network = load_run_model(folder, torch::kCPU);
  ExplainRequest request;
  request.subject.prompt = "a red square left of a blue disc on dark";
  request.subject.pictures = request.subject.paths = 3;
  request.settings = test::quick_settings();
  request.methods = {"guidance_windows", "guidance_sweep", "noise_sobol", "seed_share", "noise_tiles",
                     "read_out",         "counterfactual", "rewind",      "inversion"};
  request.out = folder.explain();
  const ExplanationReport report = explanation_report(run_model(network, test::tiny_config(), folder), request);
  for (const std::string& method : request.methods) {
    int found = 0;
    ASSERT_TRUE(report.json.contains(method)) << method;
    expect_estimates(report.json[method], method, found);
    EXPECT_GT(found, 0) << method;
  }
}

}  // namespace
}  // namespace noisescope
