#include "noisescope/explain/evidence_windows.h"

#include <cmath>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

/// Three known pictures; the condition is the picture itself. Four paths of two of them.
struct WindowCase {
  Tensor versions = Random(1).normal(Purpose::scene, 0, {0, 1, 2}, {2, 3, 3}, torch::kDouble);
  Tensor own = torch::tensor({0, 0, 1, 1});
  Contrast contrast{versions.flatten(1).unsqueeze(1).expand({3, 4, 18}), own};
  PictureBatch batch{versions.index_select(0, own), {Random(7), sample_range(0, 4)}};
  Denoiser denoiser = [](const Tensor& x, const Tensor&, const Tensor& condition) { return condition.view_as(x); };
  EvidenceWindows windows = evidence_windows(denoiser, batch, contrast, {{.steps = 60}, 7});
};

bool near(const Tensor& a, const Tensor& b) { return torch::allclose(a, b, 1e-9, 1e-9); }

TEST(EvidenceWindows, TogetherAreTheWholeMap) {
  const WindowCase c;
  const Evidence plain = filter_noising_paths(c.denoiser, c.batch, c.contrast, {.steps = 60});
  EXPECT_TRUE(torch::equal(c.windows.whole.log_posterior, plain.log_posterior));
  EXPECT_TRUE(near(c.windows.map(0, c.windows.edges.size() - 1), plain.map()));
  EXPECT_EQ(c.windows.edges.front(), plain.log_snrs.front());
  EXPECT_EQ(c.windows.edges.back(), plain.log_snrs.back());
  EXPECT_EQ(c.windows.edges.size(), 8u);
}

// What neighbouring windows decided adds up, and each map sums to what its window decided.
TEST(EvidenceWindows, TotalsAddUp) {
  const WindowCase c;
  Tensor sum = torch::zeros({4}, torch::kDouble);
  for (size_t w = 0; w + 1 < c.windows.edges.size(); ++w) {
    const Tensor total = c.windows.map(w, w + 1).sum({1, 2});
    const auto a = static_cast<int64_t>(w);
    const Tensor decided = c.windows.decided[a + 1] - c.windows.decided[a];
    EXPECT_TRUE(near(total, decided)) << w;
    sum += total;
  }
  EXPECT_TRUE(near(sum, c.windows.whole.realised_total()));
}

TEST(EvidenceWindows, HalfOfAPixelIsDecidedBetweenEdges) {
  const WindowCase c;
  const Tensor sums = c.windows.compensated.mean(1), at = c.windows.decided_at();
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 3; ++x) {
      const double log_snr = at[y][x].item<double>(), half = sums[-1][y][x].item<double>() / 2;
      size_t w = 1;
      while (c.windows.edges[w] < log_snr) ++w;
      const double below = sums[int64_t(w) - 1][y][x].item<double>(), above = sums[int64_t(w)][y][x].item<double>();
      const double share = (log_snr - c.windows.edges[w - 1]) / (c.windows.edges[w] - c.windows.edges[w - 1]);
      EXPECT_NEAR(below + share * (above - below), half, 1e-9);
    }
  }
}

TEST(EvidenceWindows, RefusesWindowsThatAreNone) {
  const WindowCase c;
  EXPECT_THROW(c.windows.map(1, 1), ValueError);
  EXPECT_THROW(c.windows.map(0, c.windows.edges.size()), ValueError);
  EXPECT_THROW(evidence_windows(c.denoiser, c.batch, c.contrast, {{.steps = 4}, 0}), ValueError);
}

}  // namespace
}  // namespace noisescope
