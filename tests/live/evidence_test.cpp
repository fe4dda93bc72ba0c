// Live evidence against explain/evidence_windows.h.
#include "noisescope/live/evidence.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/evidence_windows.h"
#include "tests/live/live_case.h"

namespace noisescope {
namespace {

Tensor maps_of(const std::vector<double>& values, int64_t paths) {
  return torch::tensor(values, torch::kFloat64).view({paths, 32, 32});
}

TEST(LiveEvidence, IsThatOfTheProgram) {
  const Model model = small_model();
  const LiveModel live = live_of(model);
  const std::vector<std::string> prompts = {"a red square left of a blue disc on dark",
                                            "a green square left of a blue disc on dark",
                                            "a yellow square left of a blue disc on dark"};
  const Tensor picture = draw_trajectory(model, {{prompts[1]}, "", 3, 0}, model.sample).pictures()[0];
  const int64_t paths = 3;
  const Contrast contrast{model.condition(prompts).unsqueeze(1).expand({-1, paths, -1}),
                          torch::full({paths}, 1, torch::kInt64)};
  const PictureBatch batch{picture.unsqueeze(0).expand({paths, -1, -1, -1}).contiguous(),
                           {Random(3), sample_range(0, paths)}};
  const EvidenceWindows windows = evidence_windows(model.denoiser, batch, contrast, {{.steps = 60}, 20});

  EvidenceQuestion question{floats_of(picture), {}, 1, paths, 3, 60, 20};
  for (const std::string& prompt : prompts) question.versions.push_back(live.condition(prompt));
  EvidenceWalk walk(live, question);
  int64_t steps = 1;
  while (walk.advance()) ++steps;
  EXPECT_EQ(steps, 60);
  const LiveEvidence& found = walk.evidence();

  ASSERT_EQ(found.edges.size(), windows.edges.size());
  for (size_t i = 0; i < found.edges.size(); ++i) EXPECT_NEAR(found.edge_level(i), windows.edges[i], 1e-9);
  const Tensor totals = windows.whole.realised_total(), decisions = windows.whole.decision(),
               halves = windows.whole.half_points();
  for (int64_t path = 0; path < paths; ++path) {
    EXPECT_NEAR(found.total(path), totals[path].item<double>(), 1e-3);
    const std::vector<double> curve = found.decision(path);
    for (size_t i = 0; i < curve.size(); ++i) {
      EXPECT_NEAR(curve[i], decisions[static_cast<int64_t>(i)][path].item<double>(), 1e-3);
    }
    const double half = halves[path].item<double>();
    if (std::isfinite(half))
      EXPECT_NEAR(found.half_point(path), half, 2e-3);
    else
      EXPECT_TRUE(std::isnan(found.half_point(path)));
  }
  const size_t last = found.edges.size() - 1;
  const auto expect_near = [](const Tensor& a, const Tensor& b) {
    EXPECT_LT((a - b).abs().max().item<double>(), 1e-3);
    EXPECT_LT(relative_difference(a, b), 1e-2);
  };
  expect_near(maps_of(found.map(0, last), paths), windows.map(0, last));
  expect_near(maps_of(found.map(4, 9), paths), windows.map(4, 9));
  expect_near(maps_of(found.realised, paths), windows.whole.realised);
  const Tensor at = windows.decided_at();
  for (int64_t pixel = 0; pixel < 1024; pixel += 37) {
    EXPECT_NEAR(found.decided_at(pixel), at.flatten()[pixel].item<double>(), 2e-2) << pixel;
  }
}

TEST(LiveEvidence, QuestionsThatDoNotFitAreRefused) {
  const LiveModel live = live_of(small_model());
  const Floats picture(static_cast<size_t>(live.picture_size()), 0.0f);
  const Floats& none = live.null_condition();
  EXPECT_THROW(EvidenceWalk(live, {picture, {none}, 0}), ValueError);
  EXPECT_THROW(EvidenceWalk(live, {picture, {none, none}, 2}), ValueError);
  EXPECT_THROW(EvidenceWalk(live, {{0.0f}, {none, none}, 0}), ValueError);
}

}  // namespace
}  // namespace noisescope
