#include "noisescope/verify/guided_run.h"

#include <gtest/gtest.h>

#include "noisescope/verify/planted_error.h"

namespace noisescope {
namespace {

/// Rows of runs on the colour word with an error planted: of the decision curve, of the log-odds, of the half-point.
VerifyRows rows_of_runs(const Seams& seams, int64_t count) {
  const WorldDenoiser demo{World(world_member("demo"))}, fine{World(world_member("fine"))};
  const Model exact = exact_model(demo);
  const Model planted = seams.model ? seams.model(exact) : exact;
  const VerifyContext context{
      {{}, seams, {}, [](const VerifyPicture&) {}}, planted, exact_model(fine), nullptr, demo, fine};
  return guided_run_rows(context, planted, {Word::colour, contrastable_scenes(demo.world(), 0, count)});
}

constexpr size_t kCurve = 0, kLogOdds = 1, kHalfPoint = 2;

// Whoever drew it: the posterior along a path is that of where it stands.
TEST(SlowGuidedRun, IsReadAsTheExactPosteriorReadsIt) {
  const VerifyRows rows = rows_of_runs({}, 64);
  for (const VerifyRow& row : rows) EXPECT_TRUE(row.pass()) << to_table({row});
  EXPECT_LT(rows[kHalfPoint].measured.high, 0) << "guidance decides earlier";
}

TEST(SlowGuidedRun, FallsWhereThePromptIsOverOrUnderstatedByAFifth) {
  for (const double factor : {0.8, 1.2}) {
    EXPECT_FALSE(rows_of_runs(amplify_prompt(factor), 24)[kLogOdds].pass()) << factor;
  }
  EXPECT_FALSE(rows_of_runs(amplify_prompt(0.5), 24)[kCurve].pass());
}

}  // namespace
}  // namespace noisescope
