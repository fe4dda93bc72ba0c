#include "noisescope/verify/prompt_share.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/verify/planted_error.h"

namespace noisescope {
namespace {

/// The four figures of the exact denoiser with an error planted.
VerifyRows rows_under(const Seams& seams) {
  const WorldDenoiser demo{World(world_member("demo"))}, fine{World(world_member("fine"))};
  const Model exact = exact_model(demo);
  const Model planted = seams.model ? seams.model(exact) : exact;
  const VerifyContext context{
      {{}, seams, {}, [](const VerifyPicture&) {}}, planted, exact_model(fine), nullptr, demo, fine};
  return prompt_share_rows(context, planted, {0.1, 0.1, 0.5, 0.1});
}

constexpr size_t kScale = 0, kLeak = 1, kShift = 2, kLogSnr = 3;

TEST(PromptShare, OfTheExactDenoiserIsWhatItShouldBe) {
  for (const VerifyRow& row : rows_under({})) EXPECT_TRUE(row.pass()) << to_table({row});
}

// Each error is found at its size, by its own figure.
TEST(PromptShare, FindsPlantedErrorsAtTheirSize) {
  EXPECT_NEAR(rows_under(amplify_prompt(1.2))[kScale].measured.value, 0.2, 0.03);
  EXPECT_NEAR(rows_under(amplify_prompt(0.8))[kScale].measured.value, 0.2, 0.03);
  EXPECT_NEAR(rows_under(leak_prompt(0.2))[kLeak].measured.value, 0.2, 0.03);
  EXPECT_NEAR(rows_under(shift_prompt(1))[kShift].measured.value, 1, 0.15);
  for (const double log_snr : {-0.4, 0.4}) {  // a parabola through three levels errs by half of it at its ends
    EXPECT_NEAR(rows_under(misread_noise_level(std::exp(log_snr / 2)))[kLogSnr].measured.value, 0.4, 0.2) << log_snr;
  }
}

TEST(PromptShare, WithoutABarIsReported) {
  const WorldDenoiser demo{World(world_member("demo"))}, fine{World(world_member("fine"))};
  const VerifyContext context{{{.defect = "few pictures"}, {}, {}, [](const VerifyPicture&) {}},
                              exact_model(demo),
                              exact_model(fine),
                              nullptr,
                              demo,
                              fine};
  EXPECT_EQ(prompt_share_rows(context, context.exact_demo, {0.1, 0.1, 0.5})[kLogSnr].direction, Direction::reported);
}

}  // namespace
}  // namespace noisescope
