// Explanations of runs that were recorded before, and of pictures from elsewhere by inversion.
#include <gtest/gtest.h>

#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/report/explain_report.h"
#include "noisescope/report/sample_run.h"
#include "noisescope/run/train_run.h"
#include "tests/report/quick_settings.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

using test::tiny_config;

constexpr const char* kPrompt = "a red square left of a blue disc on dark";

class ExplainRecord : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = test::fresh_folder("explain_record");
    train_run(tiny_config(), folder_, {}, {});
  }

  /// Draws with `kind` of record and reads it back.
  TrajectoryRecord recorded(const std::string& kind, int64_t count) {
    SampleRequest request;
    request.prompts = {"a green cross", kPrompt};
    request.count = count;
    request.seed = 5;
    request.no_animation = true;
    request.record = kind;
    pictures_ = sample_run(network_, config_, folder_, request, {}).pictures;
    return load_record(folder_.samples() / "record.safetensors");
  }

  static SubjectRequest subject_of(TrajectoryRecord record, int64_t picture) {
    SubjectRequest request;
    request.pictures = request.paths = 3;
    request.record = std::move(record);
    request.recorded = picture;
    return request;
  }
  static ExplainRequest request_of(TrajectoryRecord record, int64_t picture) {
    return {.subject = subject_of(std::move(record), picture),
            .settings = test::quick_settings(),
            .out = folder_.explain()};
  }
  Model model_of(const RunConfig& config) const { return run_model(network_, config, folder_); }
  /// The same noise under another prompt.
  static Tensor drawn_again(const Subject& subject, const std::string& prompt) {
    const Tensor condition = subject.model.condition({prompt}).expand({subject.trajectory.count(), -1});
    return subject.trajectory.redraw({.condition = condition});
  }

  static RunFolder folder_;
  RunConfig config_ = [] {
    RunConfig config = tiny_config();
    config.sample.sampler.solver = Solver::ddpm;
    config.sample.guidance.scale = 2;
    return config;
  }();
  const TextToImage network_ = load_run_model(folder_, torch::kCPU);
  const Model model_ = model_of(tiny_config());
  Tensor pictures_;
};
RunFolder ExplainRecord::folder_;

TEST_F(ExplainRecord, IsTheRunThatWasDrawn) {
  const Subject subject = make_subject(model_, subject_of(recorded("full", 3), 4));
  EXPECT_EQ(subject.prompt, kPrompt);
  EXPECT_EQ(subject.sample.sampler.solver, Solver::ddpm);  // as recorded, not as configured
  EXPECT_EQ(subject.trajectory.count(), 3);
  EXPECT_EQ(subject.added, 0);
  EXPECT_EQ(subject.trajectory.noise().sample_ids, (std::vector<int64_t>{1, 0, 2}));
  const Tensor own = pictures_.index_select(0, torch::tensor({4, 3, 5}));
  EXPECT_TRUE(torch::equal(subject.trajectory.pictures(), own));
  EXPECT_TRUE(torch::equal(subject.picture, pictures_[4]));
  EXPECT_TRUE(torch::allclose(drawn_again(subject, kPrompt), own, 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(drawn_again(subject, "a green cross"), own, 1e-4, 1e-5));
}

TEST_F(ExplainRecord, OfOnePictureIsCompletedAsItWasDrawn) {
  const Tensor three = (recorded("run", 3), pictures_.slice(0, 3));
  const Subject subject = make_subject(model_, subject_of(recorded("run", 1), 1));
  EXPECT_EQ(subject.added, 2);
  EXPECT_TRUE(torch::allclose(subject.trajectory.pictures(), three, 1e-4, 1e-5));
}

TEST_F(ExplainRecord, EveryMethodReadsIt) {
  const ExplanationReport report = explanation_report(model_, request_of(recorded("full", 2), 2));
  for (const LeftOut& out : report.left_out) EXPECT_EQ(out.method, "u_turn") << out.reason;  // cannot be read
  EXPECT_EQ(report.json["trajectory"]["origin"], "recorded");
  EXPECT_EQ(report.json["guidance_information"]["unit"], "guidance_energy");  // drawn with guidance
}

TEST_F(ExplainRecord, OfTheRunAloneLeavesOutWhatNeedsBothBranches) {
  RunConfig config = config_;
  config.sample.guidance.scale = 1;
  std::swap(config, config_);
  ExplainRequest request = request_of(recorded("run", 2), 2);
  const ExplanationReport report = explanation_report(model_of(config), request);
  EXPECT_TRUE(report.json.contains("trajectory_geometry"));
  EXPECT_NE(report.json["left_out"]["guidance_anatomy"].get<std::string>().find("--record full"), std::string::npos);
  request.methods = {"guidance_anatomy"};
  EXPECT_THROW(explanation_report(model_of(config), request), ModelError);
}

TEST_F(ExplainRecord, RefusesWhatItCannotStandOn) {
  const TrajectoryRecord good = recorded("full", 2);
  const auto explain = [&](auto change) {
    SubjectRequest request = subject_of(good, 2);
    change(request);
    make_subject(model_, request);
  };
  explain([](auto&) {});
  const auto spoiled = [](Tensor plane) {
    plane = plane.clone();
    plane[1][2][0][3][3] = std::numeric_limits<float>::quiet_NaN();
    return plane;
  };
  EXPECT_THROW(explain([&](auto& r) { r.record->facts.weights = "other"; }), ModelError);
  EXPECT_THROW(explain([&](auto& r) { r.record->x = spoiled(good.x); }), NumericError);
  EXPECT_THROW(explain([&](auto& r) { r.record->unconditional = spoiled(good.x); }), NumericError);
  EXPECT_THROW(explain([&](auto& r) { r.record->x = torch::zeros({3, 4, 3, 16, 16}); }), ShapeError);
  EXPECT_THROW(explain([&](auto& r) { r.record->denoised = Tensor(); }), ModelError);
  EXPECT_THROW(explain([&](auto& r) { r.record->facts.settings = "{}"; }), ModelError);
  const auto four_steps = [](std::string settings) {
    auto json = nlohmann::ordered_json::parse(settings);
    auto sample = nlohmann::ordered_json::parse(json.at("sample").get<std::string>());
    sample["grid"]["steps"] = 4;
    json["sample"] = sample.dump();
    return json.dump();
  };
  EXPECT_THROW(explain([&](auto& r) { r.record->facts.settings = four_steps(good.facts.settings); }),
               ModelError);  // noise levels of 3
  EXPECT_THROW(explain([&](auto& r) { r.recorded = 4; }), ValueError);
  EXPECT_THROW(explain([&](auto& r) { r.recorded = -1; }), ValueError);
  EXPECT_THROW(explain([&](auto& r) { r.prompt = "a green cross"; }), ValueError);
  // Refused later, too, but not with what to do.
  const auto says = [&](const char* advice, auto change) {
    return test::refusal([&] { explain(change); }).find(advice) != std::string::npos;
  };
  EXPECT_TRUE(says("--image", [](auto& r) { r.record->facts.prompts[2] = "picture:cat.png"; }));
  EXPECT_TRUE(says("pass one of them", [](auto& r) { r.picture = torch::zeros({3, 32, 32}); }));
  EXPECT_TRUE(says("say what the picture shows", [](auto& r) { r.record.reset(); }));
}

// Records of before say "draw" for what is "sample" now.
TEST_F(ExplainRecord, OldNamesInItsSettingsAreRead) {
  const TrajectoryRecord record = recorded("full", 2);
  const Subject now = make_subject(model_, subject_of(record, 2));
  TrajectoryRecord old = record;
  auto json = nlohmann::ordered_json::parse(record.facts.settings);
  json["draw"] = json.at("sample");
  json.erase("sample");
  old.facts.settings = json.dump();
  const Subject before = make_subject(model_, subject_of(old, 2));
  EXPECT_EQ(before.sample.sampler.solver, Solver::ddpm);
  EXPECT_EQ(before.sample.guidance.scale, 2);
  EXPECT_EQ(before.trajectory.sampling().sigmas, now.trajectory.sampling().sigmas);
  EXPECT_TRUE(torch::equal(before.trajectory.redraw(), now.trajectory.redraw()));
}

TEST_F(ExplainRecord, RunsByInversionEndInThePicture) {
  SubjectRequest request = subject_of(recorded("run", 1), 0);
  request.record.reset();
  request.prompt = kPrompt;
  const World world(tiny_config().data.world);
  request.picture = world.render({Scene{{0, 0, 3}, {1, 2, 5}, 0}})[0];
  const Subject subject = make_subject(model_of(config_), request);
  EXPECT_EQ(subject.trajectory.count(), request.paths);
  EXPECT_TRUE(torch::equal(subject.picture, request.picture));
  const Tensor pictures = subject.trajectory.pictures();
  EXPECT_LE(reconstruction_error(subject.copies(request.paths), pictures).max().item<double>(), 1e-5);
  EXPECT_LE(reconstruction_error(pictures, drawn_again(subject, kPrompt)).max().item<double>(), 1e-5);
  const Tensor other = drawn_again(subject, "a green cross left of a red disc");
  EXPECT_GT(reconstruction_error(pictures, other).min().item<double>(), 1e-5);
}

}  // namespace
}  // namespace noisescope
