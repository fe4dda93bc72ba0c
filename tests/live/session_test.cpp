// Live sessions: the protocol of the page.
#include "noisescope/live/session.h"

#include <cstring>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/live/engine.h"
#include "noisescope/live/prompt_words.h"
#include "noisescope/live/shown_planes.h"
#include "noisescope/model/word_contrasts.h"
#include "noisescope/stats/estimate.h"
#include "tests/live/live_case.h"

namespace noisescope {
namespace {

using Json = nlohmann::ordered_json;

std::string live_bytes() {
  std::ostringstream file;
  write_safetensors(file, live_file(small_model(), {.page = R"({"examples": ["a red disc"]})"}));
  return file.str();
}

struct LiveSessionTest : testing::Test {
  Json drawn(const Json& body) {
    const Json branch = session.call("draw", body).at("branch");
    return finished(branch.at("id").get<int64_t>());
  }
  Json changed(const Json& body) { return finished(session.call("change", body).at("branch").at("id").get<int64_t>()); }
  Json finished(int64_t id) {
    Json answer = session.call("advance", {{"branch", id}});
    while (answer.at("more").get<bool>()) answer = session.call("advance", {{"branch", id}});
    return answer.at("branch");
  }
  std::string pixels_of(int64_t branch, int64_t state) {
    session.call("state", {{"branch", branch}, {"state", state}});
    return session.bytes();
  }

  LiveSession session{live_bytes()};
  const Json request = {{"prompt", kLivePrompt}, {"seed", 3}, {"options", {{"grid.steps", 6}}}};
};

TEST_F(LiveSessionTest, TellsWhatTheModelIs) {
  const Json model = session.call("model", Json::object());
  EXPECT_EQ(model["image"], Json({3, 32, 32}));
  EXPECT_EQ(model["page"]["examples"][0], "a red disc");
  EXPECT_EQ(model["sample"]["grid"]["steps"], 20);
}

TEST_F(LiveSessionTest, DrawsStepByStep) {
  const Json started = session.call("draw", request).at("branch");
  EXPECT_EQ(started["steps"], 6);
  EXPECT_EQ(started["drawn"], 0);
  EXPECT_EQ(started["log_snrs"].size(), 7u);
  EXPECT_TRUE(started["log_snrs"][6].is_null());
  EXPECT_THROW(pixels_of(1, 0), ValueError);
  EXPECT_EQ(session.call("advance", {{"branch", 1}})["branch"]["drawn"], 0);
  EXPECT_EQ(pixels_of(1, 0).size(), 5u * 32 * 32 * 3);
  EXPECT_THROW(pixels_of(1, 1), ValueError);
  EXPECT_EQ(session.call("advance", {{"branch", 1}})["branch"]["drawn"], 1);
  const Json branch = finished(1);
  EXPECT_EQ(branch["drawn"], 6);
  EXPECT_EQ(branch["recipe"], Json::array({request}));
  EXPECT_EQ(pixels_of(1, 6).size(), 5u * 32 * 32 * 3);
}

// The last state's first planes are the finished picture.
TEST_F(LiveSessionTest, ShowsTheFinishedPicture) {
  drawn(request);
  const Model model = small_model();
  SamplingOptions sample = model.sample;
  sample.grid.steps = 6;
  const Tensor picture = draw_trajectory(model, {{kLivePrompt}, "", 3, 0}, sample).pictures()[0];
  const std::string pixels = pixels_of(1, 6);
  double difference = 0;
  for (int64_t p = 0; p < 1024; ++p) {
    for (int64_t c = 0; c < 3; ++c) {
      const double level = (picture[c].flatten()[p].item<double>() + 1) * 127.5;
      const auto place = static_cast<size_t>(p * 3 + c);
      difference += std::abs(static_cast<double>(static_cast<uint8_t>(pixels[place])) - level) / 3072;
      EXPECT_EQ(pixels[place], pixels[place + 3072]);
    }
  }
  EXPECT_LT(difference, 1);
}

TEST_F(LiveSessionTest, ChangesAreChildren) {
  drawn(request);
  const Json same = changed({{"branch", 1}, {"step", 2}});
  EXPECT_EQ(same["parent"], 1);
  EXPECT_EQ(pixels_of(2, 6), pixels_of(1, 6));
  const Json word = changed({{"branch", 1}, {"step", 2}, {"prompt", "a green square left of a blue disc on dark"}});
  EXPECT_EQ(word["from"], 2);
  EXPECT_NE(word["what"].get<std::string>().find("green"), std::string::npos);
  EXPECT_EQ(word["change"]["prompt"], "a green square left of a blue disc on dark");
  EXPECT_EQ(pixels_of(3, 1), pixels_of(1, 1));
  EXPECT_NE(pixels_of(3, 6), pixels_of(1, 6));
  EXPECT_THROW(session.call("change", {{"branch", 3}, {"step", 1}}), ValueError);
  changed({{"branch", 3}, {"step", 4}, {"guidance", 5}, {"window", {-3, 2}}});
  EXPECT_EQ(session.call("remove", {{"branch", 3}})["deleted"], Json({3, 4}));
  EXPECT_THROW(pixels_of(4, 0), ValueError);
  EXPECT_NO_THROW(pixels_of(2, 0));
}

TEST_F(LiveSessionTest, SaysWhy) {
  drawn(request);
  const Json asked = session.call("why", {{"branch", 1}, {"picture", 0}, {"words", {"red"}}, {"paths", 3}});
  EXPECT_EQ(asked["total"], 100);
  Json answer = session.call("why_advance", {{"why", 1}});
  while (answer.at("more").get<bool>()) answer = session.call("why_advance", {{"why", 1}});
  EXPECT_EQ(answer["done"], 100);
  const Json why = session.call("why_answer", {{"why", 1}});
  ASSERT_EQ(why["words"].size(), 1u);
  EXPECT_EQ(why["words"][0]["start"], 2);
  EXPECT_EQ(why["words"][0]["model"]["total"]["n"], 3);
  EXPECT_EQ(why["words"][0]["model"]["decision"]["value"].size(), 101u);
  session.call("why_map", {{"why", 1}, {"word", 0}});
  std::vector<float> map(2048);
  ASSERT_EQ(session.bytes().size(), map.size() * sizeof(float));
  std::memcpy(map.data(), session.bytes().data(), session.bytes().size());
  double sum = 0;
  for (size_t p = 0; p < 1024; ++p) sum += static_cast<double>(map[p]);
  EXPECT_NEAR(sum, why["words"][0]["model"]["total"]["value"].get<double>(), 1e-3);
  const Json pixel = session.call("why_pixel", {{"why", 1}, {"x", 5}, {"y", 9}});
  EXPECT_NEAR(pixel["words"][0]["nats"]["value"].get<double>(), static_cast<double>(map[9 * 32 + 5]), 1e-6);
  for (const std::string blind : {"blind:background", "blind:edges"}) {
    session.call("why_map", {{"why", 1}, {"word", 0}, {"source", blind}});
    std::memcpy(map.data(), session.bytes().data(), session.bytes().size());
    double total = 0;
    for (size_t p = 0; p < 1024; ++p) total += static_cast<double>(map[p]);
    EXPECT_NEAR(total, sum, 1e-3) << blind;
    EXPECT_TRUE(std::isnan(map[1024])) << blind;
  }
  EXPECT_THROW(session.call("why_map", {{"why", 1}, {"word", 0}, {"source", "truth"}}), ValueError);
}

TEST_F(LiveSessionTest, WhatDoesNotFitIsRefused) {
  EXPECT_THROW(session.call("sing", Json::object()), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", "a purpel disc"}}), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", 3}}), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", ""}, {"colour", 3}}), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", ""}, {"pictures", 1000}}), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", ""}, {"options", {{"grid.stepps", 3}}}}), ValueError);
  EXPECT_THROW(session.call("draw", {{"prompt", ""}, {"options", {{"grid.steps", 0}}}}), ValueError);
  EXPECT_THROW(session.call("advance", {{"branch", 9}}), ValueError);
  EXPECT_THROW(session.call("advance", Json::object()), ValueError);
  drawn(request);
  EXPECT_THROW(session.call("change", {{"branch", 1}, {"step", 2}, {"noise", {{"box", {0, 0, 3}}}}}), ValueError);
  EXPECT_THROW(session.call("why", {{"branch", 1}, {"picture", 1}}), ValueError);
  EXPECT_THROW(session.call("why", {{"branch", 1}, {"words", {"purple"}}}), ValueError);
}

TEST(LivePromptWords, ContrastsAreThoseOfTheProgram) {
  const Model model = small_model();
  const LiveModel live = live_of(model);
  for (const std::string prompt : {kLivePrompt, "a red square left of a red disc", "a shape and a blue disc",
                                   "A GREEN cross right of a green square on Bright"}) {
    const auto expected = contrasts_of(model, prompt, {}, {});
    const auto found = live_contrasts(live, prompt, {}, {});
    ASSERT_EQ(found.size(), expected.size()) << prompt;
    for (size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].name, expected[k].name) << prompt;
      EXPECT_EQ(found[k].values, expected[k].values) << prompt;
      EXPECT_EQ(found[k].true_version, expected[k].true_version) << prompt;
    }
  }
  EXPECT_THROW(live_contrasts(live, "left", {}, {}), ValueError);
  const Json words = prompt_json(live, "a purpel disc.");
  EXPECT_EQ(words["words"].size(), 3u);
  EXPECT_EQ(words["words"][1]["known"], false);
  EXPECT_EQ(words["contrasts"][0]["word"], "disc");
}

TEST(LivePlanes, EstimatesAreThoseOfTheProgram) {
  const std::vector<double> values = {0.3, 0.9, 0.4, 0.7};
  const Estimate expected = mean_estimate(torch::tensor(values, torch::kFloat64));
  const Json found = estimate_of({0.3, 0.9, std::nan(""), 0.4, 0.7});
  EXPECT_NEAR(found["value"].get<double>(), expected.value, 1e-12);
  EXPECT_NEAR(found["low"].get<double>(), expected.low, 1e-9);
  EXPECT_NEAR(found["high"].get<double>(), expected.high, 1e-9);
  EXPECT_EQ(found["n"], 4);
  EXPECT_TRUE(estimate_of({0.3})["low"].is_null());
  EXPECT_TRUE(estimate_of({})["value"].is_null());
}

/// Memory as a page fills it.
char* room_with(const std::string& text) {
  void* room = noisescope_room(static_cast<uint32_t>(text.size()));
  std::memcpy(room, text.data(), text.size());
  return static_cast<char*>(room);
}

Json asked_engine(const std::string& text) {
  return Json::parse(noisescope_call(room_with(text), static_cast<uint32_t>(text.size())));
}

TEST(LiveEngine, NoExceptionLeavesIt) {
  EXPECT_NE(std::string(noisescope_load(room_with("nonsense"), 8)), "");
  EXPECT_TRUE(asked_engine(R"({"call": "model"})").contains("error"));
  const std::string file = live_bytes();
  EXPECT_EQ(std::string(noisescope_load(room_with(file), static_cast<uint32_t>(file.size()))), "");
  for (const std::string text : {"", "[", "3", "{}", R"({"call": 3})", R"({"call": "draw", "prompt": "\ud800"})"}) {
    EXPECT_TRUE(asked_engine(text).contains("error")) << text;
  }
  EXPECT_EQ(asked_engine(R"({"call": "model"})")["name"], "small");
  EXPECT_EQ(asked_engine(R"({"call": "draw", "prompt": "a red disc"})")["branch"]["id"], 1);
  asked_engine(R"({"call": "advance", "branch": 1})");
  EXPECT_EQ(asked_engine(R"({"call": "state", "branch": 1, "state": 0})")["scales"].size(), 5u);
  EXPECT_EQ(noisescope_bytes_length(), 5u * 32 * 32 * 3);
}

}  // namespace
}  // namespace noisescope
