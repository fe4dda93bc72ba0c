// What a page can do, on the exact demo world.
#include "noisescope/studio/studio.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <future>
#include <regex>
#include <thread>

#include <gtest/gtest.h>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/method.h"
#include "noisescope/studio/asking.h"
#include "noisescope/studio/changes.h"
#include "noisescope/studio/copy_text.h"
#include "noisescope/studio/drawing.h"
#include "noisescope/studio/exports.h"
#include "noisescope/studio/planes.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/stoppable.h"
#include "noisescope/studio/why_report.h"

namespace noisescope {
namespace {

using std::chrono::milliseconds;

constexpr const char* kPrompt = "a red square left of a blue disc on dark";

class StudioTest : public testing::Test {
 protected:
  Studio studio_{
      exact_model(WorldDenoiser{World(world_member("demo"))}),
      {.limits = {.branches = 6, .pictures = 3, .steps = 40}, .argument = "world", .python = "ns.World(\"demo\")"}};

  void wait(int64_t job) {
    for (uint64_t last = 0;;) {
      const JobState state = studio_.jobs.of(job).state;
      if (state != JobState::queued && state != JobState::running) return;
      last = studio_.events.after(last, milliseconds(100)).last;
    }
  }
  Branch finished(const Json& branch) {
    wait(branch.at("job").get<int64_t>() ? branch.at("job").get<int64_t>() : studio_.tree.of(branch.at("id")).job);
    return studio_.tree.of(branch.at("id"));
  }
  Branch drawn(int64_t pictures = 2, const char* solver = "dpmpp_2m") {
    return finished(draw(studio_, {{"prompt", kPrompt},
                                   {"pictures", pictures},
                                   {"seed", 4},
                                   {"options", {{"grid.steps", 12}, {"sampler.solver", solver}}}}));
  }
  Branch changed(const Branch& parent, const Json& body) { return finished(change(studio_, parent.id, body)); }
};

bool same_pictures(const Branch& a, const Tensor& b) {
  return torch::allclose(a.trajectory->pictures(), b, 1e-5, 1e-6);
}

TEST_F(StudioTest, DrawsWhatTheModelDraws) {
  const Branch branch = drawn();
  EXPECT_EQ(branch.state, JobState::done);
  EXPECT_EQ(branch.states(), 13);
  SamplingOptions sample = studio_.model.sample;
  sample.grid.steps = 12;
  sample.sampler.solver = Solver::dpmpp_2m;
  const Tensor expected = draw_trajectory(studio_.model, {{kPrompt, kPrompt}, "", 4, 0}, sample).redraw();
  EXPECT_TRUE(same_pictures(branch, expected));
}

TEST_F(StudioTest, TellsEveryState) {
  const Branch branch = drawn(1);
  std::vector<int64_t> states;
  for (const Event& event : studio_.events.after(0, milliseconds(0)).events) {
    if (event.name == "state") states.push_back(Json::parse(event.data).at("state"));
  }
  EXPECT_EQ(states, sample_range(0, 13));
}

TEST_F(StudioTest, ChangesWhatItIsAskedTo) {
  const Branch parent = drawn();
  const Trajectory& run = *parent.trajectory;
  const std::string other = "a green square left of a blue disc on dark";
  const Branch word = changed(parent, {{"step", 3}, {"prompt", other}});
  EXPECT_TRUE(same_pictures(word, run.redraw({.step = 3, .condition = studio_.model.condition({other, other})})));
  EXPECT_EQ(word.prompt, other);
  const Branch guided = changed(parent, {{"step", 2}, {"guidance", 3.0}, {"window", {-3.0, 1.0}}});
  EXPECT_TRUE(same_pictures(guided, run.redraw({.step = 2, .window = ScaleWindow{-3, 1, 3}})));
  const Branch noise = changed(parent, {{"step", 2}, {"noise", {{"box", {4, 6, 8, 10}}, {"seed", 5}}}});
  EXPECT_TRUE(same_pictures(noise, run.redraw({.step = 2, .block = NoiseBlock{6, 4, 10, 8, Random(5)}})));
  const Branch turned = changed(parent, {{"step", 5}, {"turn", true}, {"seed", 9}});
  const SamplerStep& step = run.steps()[5];
  const Tensor eps = Random(9).normal(Purpose::explain, 5, {0, 1}, {3, 32, 32});
  EXPECT_TRUE(same_pictures(turned, run.redraw({.step = 5, .x = run.pictures() + step.sigma * eps})));
  EXPECT_TRUE(torch::allclose(turned.trajectory->steps()[5].x, run.pictures() + step.sigma * eps, 1e-5, 1e-5));
  // A branch of a branch keeps what the first one changed.
  const Branch twice = changed(word, {{"step", 4}, {"guidance", 2.0}});
  EXPECT_TRUE(torch::equal(twice.trajectory->condition(), word.trajectory->condition()));
  EXPECT_EQ(twice.recipe.size(), 3u);
  EXPECT_THROW(change(studio_, word.id, {{"step", 2}, {"guidance", 2.0}}), ValueError);  // before it begins
  EXPECT_EQ(twice.guidance, 2.0);
  EXPECT_EQ(guided.guidance, parent.guidance);            // elsewhere than in the window
  EXPECT_EQ(branch_json(studio_, twice)["command"], "");  // no command changes twice
  remove(studio_, turned.id);
  EXPECT_NO_THROW(change(studio_, word.id, {{"step", 3}, {"guidance", 2.0}}));
}

// Moved noise is the same noise in other places; from the first step on it is x_T itself.
TEST_F(StudioTest, MovesAndSwapsNoise) {
  const Branch parent = drawn();
  const Tensor first = parent.trajectory->steps()[0].x;
  const Tensor moved_x =
      changed(parent, {{"step", 0}, {"move", {{"box", {2, 4, 6, 5}}, {"to", {20, 9}}}}}).trajectory->steps()[0].x;
  EXPECT_TRUE(torch::allclose(moved_x.slice(2, 9, 14).slice(3, 20, 26), first.slice(2, 4, 9).slice(3, 2, 8)));
  EXPECT_TRUE(torch::allclose(moved_x.slice(2, 4, 9).slice(3, 2, 8), first.slice(2, 9, 14).slice(3, 20, 26)));
  const auto sorted = [](const Tensor& x) { return std::get<0>(x.flatten(2).sort(2)); };
  EXPECT_TRUE(torch::allclose(sorted(moved_x), sorted(first)));
  const Tensor overlapping =
      changed(parent, {{"step", 0}, {"move", {{"box", {2, 4, 6, 5}}, {"to", {4, 4}}}}}).trajectory->steps()[0].x;
  EXPECT_TRUE(torch::allclose(overlapping.slice(2, 4, 9).slice(3, 4, 10), first.slice(2, 4, 9).slice(3, 2, 8)));
  EXPECT_TRUE(torch::allclose(sorted(overlapping), sorted(first)));
  const Branch swap = changed(parent, {{"step", 4}, {"swap", {{"box", {0, 0, 32, 32}}, {"of", 0}, {"picture", 1}}}});
  const SamplerStep& own = parent.trajectory->steps()[4];
  const Tensor clean = own.prediction.denoised;
  const Tensor noise = own.x - clean;
  EXPECT_TRUE(torch::allclose(swap.trajectory->steps()[4].x, clean + noise.flip(0), 1e-5, 1e-5));
}

TEST_F(StudioTest, RefusesWhatIsNoRequest) {
  const Branch parent = drawn(1);
  const std::vector<Json> drawings = {Json::array(),
                                      {{"prompt", 3}},
                                      {{"prompt", "a purple hippo"}},
                                      {{"prompt", kPrompt}, {"negative_prompt", "a purple hippo"}},
                                      {{"prompt", kPrompt}, {"pictures", 4}},
                                      {{"prompt", kPrompt}, {"pictures", 0}},
                                      {{"prompt", kPrompt}, {"seed", -1}},
                                      {{"prompt", kPrompt}, {"seed", 1.5}},
                                      {{"prompt", kPrompt}, {"foo", 1}},
                                      {{"prompt", kPrompt}, {"options", {{"grid.stepz", 1}}}},
                                      {{"prompt", kPrompt}, {"options", {{"grid.steps", 41}}}},
                                      {{"prompt", kPrompt}, {"options", {{"grid.steps", "many"}}}},
                                      {{"prompt", std::string(3000, 'a')}}};
  for (const Json& body : drawings) EXPECT_THROW(draw(studio_, body), ValueError) << body;
  const std::vector<Json> changes = {{{"step", 1}},
                                     {{"step", 12}, {"guidance", 2}},
                                     {{"step", 1}, {"prompt", "a purple hippo"}},
                                     {{"step", -1}, {"guidance", 2}},
                                     {{"window", {0, 1}}},
                                     {{"guidance", 2}, {"window", {1, 0}}},
                                     {{"guidance", "2"}},
                                     {{"noise", {{"box", {30, 0, 4, 4}}}}},
                                     {{"noise", {{"box", {0, 0, 0, 4}}}}},
                                     {{"noise", {{"box", {0, 0, 4}}}}},
                                     {{"move", {{"box", {0, 0, 4, 4}}, {"to", {29, 0}}}}},
                                     {{"swap", {{"box", {0, 0, 4, 4}}, {"picture", 1}}}},
                                     {{"noise", {{"box", {0, 0, 4, 4}}}}, {"turn", true}}};
  for (const Json& body : changes) EXPECT_THROW(change(studio_, parent.id, body), ValueError) << body;
  EXPECT_THROW(change(studio_, 99, {{"guidance", 2}}), NotThere);
}

TEST_F(StudioTest, TellsWhyADrawingFailed) {
  const Branch parent = drawn(1, "ddim");
  const Branch noiseless = changed(parent, {{"step", 1}, {"remaining_seed", 3}});
  EXPECT_EQ(noiseless.state, JobState::failed);
  EXPECT_NE(noiseless.error.find("ddim"), std::string::npos) << noiseless.error;
}

TEST_F(StudioTest, DeletesABranchWithItsChildren) {
  const Branch parent = drawn(1), other = drawn(1);
  const Branch child = changed(parent, {{"step", 1}, {"guidance", 2}});
  const Branch grandchild = changed(child, {{"step", 2}, {"guidance", 3}});
  EXPECT_EQ(remove(studio_, parent.id)["deleted"], Json({parent.id, child.id, grandchild.id}));
  EXPECT_EQ(branches_json(studio_)["branches"].size(), 1u);
  EXPECT_THROW(remove(studio_, parent.id), NotThere);
  for (int i = 0; i < 5; ++i) drawn(1);
  EXPECT_THROW(drawn(1), NotNow);  // six are enough
}

// Grey is 0 and the scales are as said; planes are behind each other, pictures in them.
TEST_F(StudioTest, StatesAreBytesOfWhatTheSolverSaw) {
  const Branch branch = drawn(2);
  const StateBytes state = state_bytes(branch, 4);
  ASSERT_EQ(state.bytes.size(), size_t{5 * 2 * 32 * 32 * 3});
  const auto value = [&](size_t plane, size_t picture, size_t y, size_t x, size_t c) {
    const size_t at = (((plane * 2 + picture) * 32 + y) * 32 + x) * 3 + c;
    return (static_cast<uint8_t>(state.bytes[at]) / 127.5 - 1) * state.scales[plane];
  };
  const SamplerStep& step = branch.trajectory->steps()[4];
  const Prediction& predicted = step.prediction;
  const std::vector<Tensor> planes = {step.x / std::sqrt(1 + step.sigma * step.sigma), predicted.denoised,
                                      (step.x - predicted.conditional) / step.sigma,
                                      (step.x - predicted.unconditional) / step.sigma,
                                      (predicted.unconditional - predicted.conditional) / step.sigma};
  for (size_t p = 0; p < 5; ++p) {
    const double scale = state.scales[p], expected = planes[p][1][2][7][20].item<double>();
    EXPECT_NEAR(value(p, 1, 7, 20, 2), std::clamp(expected, -scale, scale), 0.501 * scale / 127.5) << kPlanes[p].id;
  }
  EXPECT_EQ(std::vector<double>(state.scales.begin(), state.scales.begin() + 4), (std::vector<double>{1, 1, 3, 3}));
  EXPECT_THROW(state_bytes(branch, 13), NotThere);
  const Image image = plane_image(branch, 12, "x", 1);
  EXPECT_EQ(image.width, 256);
  EXPECT_NEAR(image.at(40, 80)[1] / 127.5 - 1, branch.trajectory->pictures()[1][1][5][10].item<double>(), 1 / 127.);
}

TEST_F(StudioTest, SaysWhyAPixelIsThere) {
  const Branch branch = drawn(1);
  const int64_t job = start_why(studio_, branch.id, {{"paths", 4}})["job"];
  wait(job);
  const auto why = why_answer(studio_, job);
  const Json json = to_json(*why);
  ASSERT_EQ(json["words"].size(), 5u);
  EXPECT_EQ(json["sources"], Json({"model"}));  // it is the truth itself
  const Json& red = json["words"][0];
  EXPECT_EQ(red["word"], "red");
  EXPECT_EQ(red["start"], 2);
  EXPECT_NEAR(red["model"]["total"]["value"].get<double>(), std::log(4), 0.05);
  EXPECT_TRUE(red["shown"].get<bool>());
  // The shown map is that of the filter, and what a pixel says is in it.
  const ShownMap shown = shown_map(*why, 0, "model", -100, 100);
  std::vector<float> map(2 * 32 * 32);
  ASSERT_EQ(shown.bytes.size(), map.size() * sizeof(float));
  std::memcpy(map.data(), shown.bytes.data(), shown.bytes.size());
  const Tensor expected = why->words[0].model.whole.map().mean(0);
  double sum = 0;
  for (size_t i = 0; i < 1024; ++i) sum += map[i];
  EXPECT_NEAR(sum, red["model"]["total"]["value"].get<double>(), 1e-4);
  const int64_t best = expected.argmax().item<int64_t>();
  EXPECT_NEAR(map[size_t(best)], expected.flatten()[best].item<double>(), 1e-6);
  const Json pixel = pixel_json(*why, best % 32, best / 32, "model");
  double last = 1e9;
  for (const Json& word : pixel["words"]) {  // the most nats first
    const double nats = word["nats"]["value"];
    EXPECT_LE(std::abs(nats), last);
    last = std::abs(nats);
    if (word["word"] == 0) {
      EXPECT_NEAR(nats, expected.flatten()[best].item<double>(), 1e-9);
    }
  }
  for (const Json& word : json["words"]) {
    for (const Json& low : word["model"]["decision"]["low"]) EXPECT_GE(low.get<double>(), 0);
    for (const Json& high : word["model"]["decision"]["high"]) EXPECT_LE(high.get<double>(), 1);
  }
  // A window holds one step of levels at least, and says which.
  const ShownMap narrow = shown_map(*why, 0, "model", 0.01, 0.02);
  EXPECT_LT(narrow.low, narrow.high);
  EXPECT_LT(narrow.high - narrow.low, 2);
  // A blind map has the same sum and no interval.
  std::vector<float> blind(2 * 32 * 32);
  const ShownMap edges = shown_map(*why, 0, "blind:edges", -100, 100);
  std::memcpy(blind.data(), edges.bytes.data(), edges.bytes.size());
  double blind_sum = 0;
  for (size_t i = 0; i < 1024; ++i) blind_sum += blind[i];
  EXPECT_NEAR(blind_sum, sum, 1e-4);
  EXPECT_TRUE(std::isnan(blind[1024]));
  EXPECT_THROW(shown_map(*why, 0, "truth", 0, 1), NotThere);
  EXPECT_THROW(shown_map(*why, 5, "model", 0, 1), NotThere);
  EXPECT_THROW(pixel_json(*why, 32, 0, "model"), NotThere);
}

TEST_F(StudioTest, AsksMethodsWithTheirCost) {
  const Branch one = drawn(1);
  const Json all = costs(studio_, one.id, Json::object());
  EXPECT_EQ(all["methods"].size(), methods().size());
  const Json cost = costs(studio_, one.id, {{"method", "u_turn"}, {"pictures", 4}})["methods"][0];
  EXPECT_EQ(cost["obstacle"], "");
  EXPECT_GT(cost["evaluations"].get<int64_t>(), 0);
  EXPECT_GT(cost["seconds"].get<double>(), 0);
  EXPECT_THROW(costs(studio_, one.id, {{"method", "evidenze"}}), ValueError);
  EXPECT_THROW(start_ask(studio_, one.id, {{"method", "evidence"}, {"settings", {{"stepz", 3}}}}), ValueError);
  EXPECT_THROW(start_ask(studio_, one.id, {{"method", "evidence"}, {"picture", 1}}), ValueError);
  EXPECT_THROW(start_why(studio_, one.id, {{"paths", 1}}), ValueError);  // one path has no interval
  EXPECT_THROW(start_why(studio_, one.id, {{"paths", 257}}), ValueError);
  const int64_t job = start_ask(studio_, one.id, {{"method", "trajectory_geometry"}, {"pictures", 4}})["job"];
  wait(job);
  const auto asked = asked_answer(studio_, job);
  EXPECT_EQ(asked->json["method"], "trajectory_geometry");
  EXPECT_EQ(asked->json["numbers"][0]["label"], "energy in the plane");
  EXPECT_TRUE(asked->files.contains("film.gif"));
  EXPECT_TRUE(asked->files.contains("answer.safetensors"));
  EXPECT_EQ(asked->json["json"]["plane_energy"]["n"], 4);  // three more were drawn
  // A changed branch has its own pictures alone.
  const Branch child = changed(one, {{"step", 1}, {"guidance", 2}});
  const Json child_cost = costs(studio_, child.id, {{"method", "trajectory_geometry"}})["methods"][0];
  EXPECT_NE(child_cost["obstacle"].get<std::string>().find("several pictures"), std::string::npos);
  EXPECT_THROW(asked_answer(studio_, 9999), NotThere);
  const int64_t alone = start_ask(studio_, child.id, {{"method", "trajectory_geometry"}, {"pictures", 4}})["job"];
  const int64_t behind = start_ask(studio_, one.id, {{"method", "trajectory_geometry"}, {"pictures", 4}})["job"];
  EXPECT_THROW(asked_answer(studio_, behind), NotNow);
  wait(alone);
  EXPECT_NE(studio_.jobs.of(alone).error.find("several pictures"), std::string::npos);
}

// A stop that is asked for in the middle of an evaluation is heard before its next part.
TEST(StudioStop, IsHeardInTheMiddleOfAStep) {
  Model model = exact_model(WorldDenoiser{World(world_member("demo"))});
  std::promise<int64_t> job;
  std::atomic<int64_t> rows = 0, stopped_at = 0;
  std::atomic<JobQueue*> jobs = nullptr;
  model.denoiser = [&, own = model.denoiser, id = job.get_future().share()](const Tensor& x, const Tensor& sigma,
                                                                            const Tensor& condition) {
    rows += x.size(0);
    if (jobs && rows > 40 && !stopped_at) {  // in the second step of 16 pictures with and without prompt
      stopped_at = rows.load();
      jobs.load()->cancel(id.get());
    }
    return own(x, sigma, condition);
  };
  Studio studio(model, {});
  rows = 0;
  jobs = &studio.jobs;
  const int64_t branch = draw(studio, {{"prompt", kPrompt}, {"pictures", 16}, {"options", {{"grid.steps", 12}}}})["id"];
  job.set_value(studio.tree.of(branch).job);
  while (studio.tree.of(branch).state == JobState::queued || studio.tree.of(branch).state == JobState::running) {
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(studio.tree.of(branch).state, JobState::cancelled);
  EXPECT_GT(stopped_at, 40);
  EXPECT_EQ(rows, stopped_at);  // no part more
}

TEST(StudioStop, PartsGiveTheWhole) {
  int64_t looks = 0, most = 0;
  const Denoiser whole = [&](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    most = std::max(most, x.size(0));
    return x * sigma.view({-1, 1}) + condition;
  };
  const Denoiser parts = in_parts(whole, 3, [&] { ++looks; });
  const Tensor x = torch::randn({7, 2}).set_requires_grad(true), sigma = torch::rand({7}), c = torch::randn({7, 2});
  const Tensor found = parts(x, sigma, c);
  EXPECT_EQ(looks, 3);
  EXPECT_EQ(most, 3);
  EXPECT_TRUE(torch::equal(found, whole(x, sigma, c)));
  found.sum().backward();
  EXPECT_EQ(looks, 6);  // the gradient of each part is looked before, too
  EXPECT_TRUE(torch::equal(x.grad(), sigma.view({-1, 1}).expand({7, 2})));
  const Denoiser stopping = in_parts(whole, 3, [&] {
    if (++looks > 8) throw Interrupted("stopped");
  });
  EXPECT_THROW(stopping(x, sigma, c), Interrupted);  // before its third part
}

// Every point is what a change from there draws, and what is read on it.
TEST_F(StudioTest, SweepsAChangeOverTheSteps) {
  const Branch parent = drawn(2);
  const std::string other = "a green square left of a blue disc on dark";
  const int64_t job = start_sweep(studio_, parent.id, {{"change", {{"prompt", other}}}, {"steps", {0, 6, 11}}})["job"];
  wait(job);
  const auto swept = sweep_answer(studio_, job);
  const Json json = to_json(*swept);
  EXPECT_EQ(json["over"], "steps");
  EXPECT_EQ(json["x"], Json({0.0, 6.0, 11.0}));
  EXPECT_EQ(json["labels"], Json({"red", "green"}));
  EXPECT_TRUE(json["probability"].get<bool>());
  const Tensor alone = changed(parent, {{"step", 6}, {"prompt", other}}).trajectory->pictures();
  EXPECT_TRUE(torch::allclose(swept->points[1].pictures, alone, 1e-5, 1e-6));
  EXPECT_GT(json["read"][1][0]["value"].get<double>(), 0.9);  // green from the beginning
  EXPECT_LT(json["read"][0][0]["value"].get<double>(), 0.1);
  EXPECT_EQ(json["read"][1][0]["n"], 2);
  for (const Json& of_picture : json["of_picture"][0]) EXPECT_GT(of_picture[1].get<double>(), 0.9);
  const Tensor before = parent.trajectory->pictures();
  const Tensor far = ((alone - before).abs().amax(1) > 1.0 / 6).to(torch::kFloat64).mean();
  EXPECT_NEAR(json["moved"][1]["value"].get<double>(), far.item<double>(), 1e-9);
  const std::string bytes = sweep_pictures(*swept);
  ASSERT_EQ(bytes.size(), size_t{3 * 2 * 32 * 32 * 3});
  EXPECT_NEAR(static_cast<uint8_t>(bytes[3072 * 2 + 0]) / 127.5 - 1, alone[0][0][0][0].item<double>(), 1 / 127.);
}

TEST_F(StudioTest, SweepsGuidanceAndRefusesWhatIsNoSweep) {
  const Branch parent = drawn(1);
  const int64_t job = start_sweep(studio_, parent.id, {{"guidance", {0, 1}}})["job"];
  wait(job);
  const Json json = to_json(*sweep_answer(studio_, job));
  EXPECT_EQ(json["over"], "guidance");
  EXPECT_EQ(json["labels"].size(), 5u);                           // the words of the prompt
  EXPECT_NEAR(json["moved"][1]["value"].get<double>(), 0, 1e-9);  // scale 1 is what was drawn
  EXPECT_GT(json["read"][0][1]["value"].get<double>(), 0.9);
  EXPECT_LT(json["read"][0][0]["value"].get<double>(), json["read"][0][1]["value"].get<double>());
  EXPECT_TRUE(json["read"][0][0]["low"].is_null());  // one picture has no interval
  // Of a branch that was changed on its way, the steps before stay.
  const Branch child = changed(parent, {{"step", 6}, {"prompt", "a green square left of a blue disc on dark"}});
  const int64_t of_child = start_sweep(studio_, child.id, {{"guidance", {1}}})["job"];
  wait(of_child);
  EXPECT_NEAR(to_json(*sweep_answer(studio_, of_child))["moved"][0]["value"].get<double>(), 0, 1e-9);
  const Tensor again = sweep_answer(studio_, of_child)->points[0].pictures;
  EXPECT_TRUE(torch::allclose(again, child.trajectory->pictures(), 1e-5, 1e-6));
  const std::vector<Json> bad = {Json::object(),
                                 {{"guidance", {1}}, {"change", {{"turn", true}}}},
                                 {{"guidance", {1}}, {"steps", {1}}},
                                 {{"guidance", Json::array()}},
                                 {{"guidance", {101}}},
                                 {{"steps", {1}}},
                                 {{"change", {{"turn", true}}}, {"steps", {12}}},
                                 {{"change", {{"turn", true}}}, {"steps", {1.5}}},
                                 {{"change", {{"prompt", "a purple hippo"}}}},
                                 {{"change", {{"turn", true}}}, {"foo", 1}}};
  for (const Json& body : bad) EXPECT_THROW(start_sweep(studio_, parent.id, body), ValueError) << body;
  EXPECT_THROW(sweep_answer(studio_, 999), NotThere);
  const SweepRequest all = read_sweep({{"change", {{"turn", true}}}}, {}, 32, 1, 4, 60);
  EXPECT_EQ(all.at.size(), 24u);
  EXPECT_EQ(all.at.front(), 4);
  EXPECT_EQ(all.at.back(), 57);
}

TEST_F(StudioTest, KeepsWhatWasSaidToWhy) {
  const Branch branch = drawn(1), other = drawn(1);
  const int64_t job = start_why(studio_, branch.id, {{"paths", 3}, {"words", {"red"}}})["job"];
  wait(job);
  const auto why = why_answer(studio_, job);
  const TensorFile arrays = why_arrays(*why);
  EXPECT_EQ(arrays.tensors.size(), 3u);
  const Tensor& map = arrays.at("red/model/map");
  EXPECT_EQ(map.sizes(), torch::IntArrayRef({2, 32, 32}));
  EXPECT_NEAR(map[0].sum().item<double>(), why->words[0].model.whole.realised_total().mean().item<double>(), 1e-4);
  EXPECT_EQ(arrays.at("red/model/decision").size(1), arrays.at("log_snrs").size(0));
  EXPECT_EQ(arrays.metadata.at("paths"), "3");
  const std::string html = report_of(studio_, {branch.id, other.id});
  EXPECT_NE(html.find("Why is this here?"), std::string::npos);
  EXPECT_TRUE(std::regex_search(html, std::regex("<td[^>]*>\\d+ and \\d+</td>")));  // between which states
  EXPECT_EQ(report_of(studio_, {other.id}).find("Why is this here?"), std::string::npos);
  EXPECT_EQ(studio_.results.whys_of(other.id).size(), 0u);
}

TEST_F(StudioTest, NeverTakesMoreThanItMay) {
  Limits limits;
  limits.bytes = 12 * 2 * 3072 * 16;  // one branch of two pictures and twelve steps
  Studio small(exact_model(WorldDenoiser{World(world_member("demo"))}), {.limits = limits});
  const Json body = {{"prompt", kPrompt}, {"pictures", 2}, {"options", {{"grid.steps", 12}}}};
  const int64_t parent = draw(small, body)["id"];
  EXPECT_THROW(draw(small, body), NotNow);
  while (!small.tree.of(parent).trajectory) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_THROW(change(small, parent, {{"step", 11}, {"guidance", 2}}), NotNow);  // one step more is too many
  limits.bytes += 2 * 3072 * 16;
  Studio larger(exact_model(WorldDenoiser{World(world_member("demo"))}), {.limits = limits});
  const int64_t first = draw(larger, body)["id"];
  while (!larger.tree.of(first).trajectory) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_THROW(change(larger, first, {{"step", 10}, {"guidance", 2}}), NotNow);
  EXPECT_NO_THROW(change(larger, first, {{"step", 11}, {"guidance", 2}}));  // the steps before are the parent's
}

TEST_F(StudioTest, IsCopiedAsCommandAndPython) {
  const Branch parent = drawn(2);
  const Json first = branch_json(studio_, parent);
  EXPECT_EQ(first["command"], "");  // 'noisescope sample' takes run folders
  EXPECT_EQ(
      first["python"],
      "import noisescope as ns\n\nmodel = ns.World(\"demo\")\nrun = model.trajectory([\"a red square left of a blue "
      "disc on dark\"] * 2, seed=4, grid={\"steps\":12}, sampler={\"solver\":\"dpmpp_2m\"})\npictures = "
      "run.pictures\n");
  Branch other = parent;
  other.request.prompt = "it's \"red\"";
  const std::string command = command_text(other, "runs/a b");
  EXPECT_NE(command.find("noisescope sample 'runs/a b' --prompt 'it'\\''s \"red\"'"), std::string::npos) << command;
  const Json child = branch_json(studio_, changed(parent, {{"step", 3}, {"guidance", 2.5}}));
  EXPECT_EQ(child["command"],
            "noisescope rewind world --prompt 'a red square left of a blue disc on dark' --pictures 2 --seed 4 --out "
            "rewound --step 3 "
            "--scale 2.5 --set sample.grid.steps=12 --set sample.sampler.solver=dpmpp_2m");
}

TEST_F(StudioTest, ReportsItsBranches) {
  const Branch parent = drawn(2), child = changed(parent, {{"step", 3}, {"guidance", 2.5}});
  const std::string html = report_of(studio_, {parent.id, child.id});
  EXPECT_NE(html.find("guidance 2.5 from step 3"), std::string::npos);
  EXPECT_NE(html.find("From &#39;a red square left of a blue disc on dark, seed 4&#39;"), std::string::npos) << html;
  EXPECT_EQ(html.find("Branch 2"), std::string::npos);
  EXPECT_EQ(describe_change({.step = 3, .prompt = "a green square on dark"}, "a red square on dark"),
            "'red' -> 'green' from step 3");
  EXPECT_EQ(describe_change({.step = 3, .prompt = "a square"}, "a red square"), "'red' -> '' from step 3");
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(export_of(studio_, child.id)["pixels"].size(), size_t{2 * 32 * 32 * 3});
  EXPECT_EQ(film_of(studio_, parent.id, 1).substr(0, 4), "RIFF");
  EXPECT_THROW(film_of(studio_, parent.id, 2), NotThere);
  EXPECT_THROW(report_of(studio_, {}), NotThere);
}

TEST(BranchTree, ABranchThatStoppedTakesTheRoomOfWhatItDrew) {
  const auto branch_of = [](int64_t steps, JobState state, size_t drawn) {
    Branch branch;
    branch.sigmas.assign(static_cast<size_t>(steps) + 1, 1.0);
    branch.state = state;
    branch.steps.resize(drawn);
    return branch;
  };
  const int64_t step = int64_t{3} * 32 * 32 * 4 * 4;
  BranchTree tree({.bytes = 10 * step});
  const int64_t first = tree.add(branch_of(9, JobState::running, 2));
  EXPECT_THROW(tree.add(branch_of(2, JobState::queued, 0)), NotNow);  // what is still drawn takes all that it will
  tree.update(first, [](Branch& branch) { branch.state = JobState::cancelled; });
  EXPECT_NO_THROW(tree.add(branch_of(8, JobState::queued, 0)));
  EXPECT_THROW(tree.add(branch_of(1, JobState::queued, 0)), NotNow);
}

}  // namespace
}  // namespace noisescope
