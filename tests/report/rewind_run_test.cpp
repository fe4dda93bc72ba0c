#include "noisescope/report/rewind_run.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/report/sample_run.h"
#include "noisescope/run/train_run.h"
#include "tests/run/tiny_run.h"

namespace noisescope {
namespace {

using test::tiny_config;

constexpr const char* kRewindPrompt = "a red square left of a blue disc on dark";

class RewindRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = test::fresh_folder("rewind");
    train_run(tiny_config(), folder_, {}, {});
  }

  RewindRequest request() const {
    RewindRequest request;
    request.prompt = kRewindPrompt;
    request.count = 2;
    request.seed = 5;
    request.step = 1;
    request.word = "red";
    request.replacement = "green";
    request.out = folder_.rewind();
    return request;
  }
  RewindResult rewind(const RewindRequest& request) {
    return rewind_run(run_model(network_, config_, folder_), request, {});
  }
  Tensor array(const char* name) const { return read_safetensors(folder_.rewind() / "rewind.safetensors").at(name); }

  static RunFolder folder_;
  RunConfig config_ = [] {
    RunConfig config = tiny_config();
    config.sample.sampler.solver = Solver::ddpm;
    return config;
  }();
  const TextToImage network_ = load_run_model(folder_, torch::kCPU);
};
RunFolder RewindRun::folder_;

TEST_F(RewindRun, WritesBothPicturesAndTheirDifference) {
  const RewindResult result = rewind(request());
  for (const auto& file : result.files) EXPECT_TRUE(std::filesystem::exists(file)) << file;
  EXPECT_EQ(result.files.size(), 7u);
  EXPECT_EQ(result.json["altered"]["prompt"], "a green square left of a blue disc on dark");
  EXPECT_LE(result.json["unaltered_off_original"]["value"], 1e-6);  // an ancestral run comes back
  EXPECT_GT(result.json["mean_squared_change"]["value"], 0.0);
  EXPECT_TRUE(result.json["factors"]["before"].contains("left colour"));
  EXPECT_TRUE(result.json["factors"]["after"].contains("left colour"));
  const Tensor change = (array("before") - array("after")).to(torch::kFloat64).square().sum(1);
  EXPECT_TRUE(torch::allclose(array("change"), change, 1e-4, 1e-9));
}

TEST_F(RewindRun, ARecordIsTheRunThatItsSeedDraws) {
  SampleRequest drawn;
  drawn.prompts = {kRewindPrompt};
  drawn.count = 2;
  drawn.seed = 5;
  drawn.no_animation = true;
  drawn.record = "run";
  sample_run(network_, config_, folder_, drawn, {});
  rewind(request());
  const Tensor of_seed = array("after");
  RewindRequest recorded = request();
  recorded.record = load_record(folder_.samples() / "record.safetensors");
  recorded.prompt.clear();
  recorded.seed = 77;  // the record has its own
  rewind(recorded);
  EXPECT_TRUE(torch::allclose(array("after"), of_seed, 1e-4, 1e-5));
}

TEST_F(RewindRun, EveryChangeChangesThePicture) {
  RewindRequest nothing = request();
  nothing.word.clear();
  const auto change = [&](auto alter) {
    RewindRequest altered = nothing;
    alter(altered);
    return rewind(altered).json["mean_squared_change"]["value"].get<double>();
  };
  EXPECT_GT(change([](auto& r) { r.new_prompt = "a blue cross"; }), 0);
  EXPECT_GT(change([](auto& r) { r.scale = 7; }), 0);
  EXPECT_GT(change([](auto& r) { r.block = {0, 16, 32, 16}; }), 0);
  EXPECT_GT(change([](auto& r) { r.new_noise = true; }), 0);
  EXPECT_EQ(change([](auto& r) { r.scale = tiny_config().sample.guidance.scale; }), 0);
}

TEST_F(RewindRun, RefusesWhatIsNoChange) {
  const auto refused = [&](auto spoil) {
    RewindRequest wrong = request();
    spoil(wrong);
    rewind(wrong);
  };
  EXPECT_THROW(refused([](auto& r) { r.word.clear(); }), ValueError);  // nothing left
  EXPECT_THROW(refused([](auto& r) { r.word = "yellow"; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.new_prompt = "a blue cross"; }), ValueError);  // and a word
  EXPECT_THROW(refused([](auto& r) { r.step = 3; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.log_snr = 100; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.block = {0, 20, 32, 16}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.block = {0, 20}; }), ValueError);
  EXPECT_THROW(refused([](auto& r) { r.prompt.clear(); }), ValueError);
  config_.sample.sampler.solver = Solver::ddim;
  EXPECT_THROW(refused([](auto& r) { r.new_noise = true; }), ValueError);
}

}  // namespace
}  // namespace noisescope
