#include "noisescope/nn/tap.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

bool nobody_listens() { return detail::innermost_tap_scope == nullptr; }

TapHandler add(double amount) {
  return [amount](std::string_view, const Tensor& value) { return value + amount; };
}

TEST(MatchesGlob, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*.attn.probs", "enc.16x16_block1.attn.probs"));
  EXPECT_TRUE(matches_glob("enc.*_block?", "enc.16x16_block1"));
  EXPECT_TRUE(matches_glob("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(matches_glob("enc**", "enc"));
  EXPECT_FALSE(matches_glob("enc.*_block?", "enc.16x16_block12"));
  EXPECT_FALSE(matches_glob("enc", "enc.16x16_conv"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_FALSE(matches_glob("a*b*c", "a-b-b"));
}

TEST(Tap, PassesTheValueThroughWhenNobodyListens) {
  const Tensor x = torch::ones({2});
  EXPECT_TRUE(tap("a", x).is_same(x));
  EXPECT_TRUE(tap("a", "b", x).is_same(x));
  EXPECT_FALSE(tap_has_listener("a"));
}

TEST(Tap, HandlersSeeTheNameAndReplaceTheValue) {
  std::string heard;
  const TapScope scope([&](std::string_view name, const Tensor& value) {
    heard = name;
    return value * 3;
  });
  EXPECT_TRUE(torch::equal(tap("enc", "attn", torch::ones({2})), torch::full({2}, 3.0f)));
  EXPECT_EQ(heard, "enc.attn");
}

TEST(Tap, GlobsChooseWhatIsHeard) {
  const TapScope scope(add(1), {"enc.*", "*.probs"});
  EXPECT_EQ(tap("enc.x", torch::zeros({})).item<float>(), 1);
  EXPECT_EQ(tap("dec.probs", torch::zeros({})).item<float>(), 1);
  EXPECT_EQ(tap("dec.x", torch::zeros({})).item<float>(), 0);
  EXPECT_TRUE(tap_has_listener("enc.x"));
  EXPECT_FALSE(tap_has_listener("dec.x"));
}

TEST(Tap, ScopesNestOutermostFirst) {
  const TapScope outer(add(1));
  {
    const TapScope inner([](std::string_view, const Tensor& value) { return value * 10; });
    EXPECT_EQ(tap("a", torch::zeros({})).item<float>(), 10);  // (0 + 1) * 10
  }
  EXPECT_EQ(tap("a", torch::zeros({})).item<float>(), 1);
}

TEST(Tap, NoHandlerIsLeftBehindAfterAnException) {
  const TapHandler fails = [](std::string_view, const Tensor&) -> Tensor { throw std::runtime_error("handler"); };
  try {
    const TapScope outer(add(1));
    const TapScope scope(fails);
    tap("a", torch::zeros({}));
    FAIL() << "the handler's exception was lost";
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(nobody_listens());
  EXPECT_EQ(tap("a", torch::zeros({})).item<float>(), 0);
}

TEST(Tap, AScopeStillListensAfterAHandlerThrewInside) {
  bool fail = true;
  const TapScope scope([&](std::string_view, const Tensor& value) {
    if (fail) throw std::runtime_error("once");
    return value + 1;
  });
  EXPECT_THROW(tap("a", torch::zeros({})), std::runtime_error);
  fail = false;
  EXPECT_EQ(tap("a", torch::zeros({})).item<float>(), 1);
}

TEST(Tap, TapsOfAHandlerAreMuted) {
  int calls = 0;
  const TapScope scope([&](std::string_view, const Tensor& value) {
    ++calls;
    return tap("again", value);
  });
  tap("a", torch::zeros({}));
  EXPECT_EQ(calls, 1);
}

TEST(Tap, ScopesMayDieInAnyOrder) {
  auto first = std::make_unique<TapScope>(add(1));
  auto second = std::make_unique<TapScope>(add(10));
  first.reset();
  EXPECT_EQ(tap("a", torch::zeros({})).item<float>(), 10);
  second.reset();
  EXPECT_TRUE(nobody_listens());
}

TEST(Tap, ReplacementsOfAnotherShapeAreRefused) {
  const TapScope scope([](std::string_view, const Tensor& value) { return value.unsqueeze(0); });
  try {
    tap("enc.x", torch::zeros({2}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_NE(std::string(error.what()).find("enc.x"), std::string::npos) << error.what();
  }
  EXPECT_THROW(TapScope(TapHandler{}), ValueError);
}

TEST(TapRecorder, KeepsEveryPassDetached) {
  TapRecorder recorder({"enc.*"});
  const Tensor x = torch::ones({2}).set_requires_grad(true);
  tap("enc.a", x * 1);
  tap("enc.a", x * 2);
  tap("dec.a", x);
  ASSERT_EQ(recorder.values().size(), 1u);
  ASSERT_EQ(recorder.values().at("enc.a").size(), 2u);
  EXPECT_FALSE(recorder.last("enc.a").requires_grad());
  EXPECT_TRUE(torch::equal(recorder.last("enc.a"), torch::full({2}, 2.0f)));
  EXPECT_THROW(recorder.last("dec.a"), ValueError);
}

}  // namespace
}  // namespace noisescope
