// The demo run as a live file: pictures and evidence as the program's. NOISESCOPE_DEMO_RUN names its folder, which
// tests/run/demo_accuracy_test.cpp trains (ctest's fixture demo_run).
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "noisescope/explain/evidence_windows.h"
#include "noisescope/live/drawing.h"
#include "noisescope/live/evidence.h"
#include "noisescope/run/train_run.h"
#include "noisescope/world/parser.h"
#include "tests/live/live_case.h"

namespace noisescope {
namespace {

const char* const kPrompts[] = {"a red square left of a blue disc on dark", "a yellow cross right of a green disc",
                                "a blue disc on bright", ""};

class SlowLiveDemoRun : public testing::Test {
 protected:
  void SetUp() override {
    const char* place = std::getenv("NOISESCOPE_DEMO_RUN");
    if (place == nullptr) GTEST_SKIP() << "NOISESCOPE_DEMO_RUN names no run";
    const RunFolder folder{place};
    model = run_model(load_run_model(folder, torch::kCPU), load_run_config_of(folder), folder);
  }

  Model model;
};

TEST_F(SlowLiveDemoRun, DrawsTheProgramsPictures) {
  for (const LiveNumbers numbers : {LiveNumbers::float32, LiveNumbers::float16}) {
    const LiveModel live = live_of(model, numbers);
    double difference = 0;
    for (const std::string prompt : kPrompts) {
      const Tensor condition = model.condition({prompt});
      EXPECT_LT((tensor_of(live.condition(prompt), condition.sizes()) - condition).abs().max().item<double>(), 1e-3);
      const Tensor expected = draw_trajectory(model, {{prompt, prompt}, "", 4, 0}, model.sample).pictures();
      Drawing drawing(live, {live.sample(), live.condition(prompt), live.null_condition(), 4, 2});
      while (drawing.advance()) {
      }
      const Tensor found = tensor_of(drawing.pictures(), expected.sizes());
      difference += (found - expected).abs().mean().item<double>() * 127.5 / std::size(kPrompts);
    }
    RecordProperty(to_string(numbers) + "_mean_difference_levels", std::to_string(difference));
    EXPECT_LT(difference, 1) << to_string(numbers);
  }
}

TEST_F(SlowLiveDemoRun, SaysTheProgramsEvidence) {
  const LiveModel live = live_of(model);
  const std::vector<std::string> prompts = {kPrompts[0], "a green square left of a blue disc on dark"};
  const Tensor picture = draw_trajectory(model, {{prompts[0]}, "", 4, 0}, model.sample).pictures()[0];
  const Contrast contrast{model.condition(prompts).unsqueeze(1).expand({-1, 2, -1}), torch::zeros({2}, torch::kInt64)};
  const PictureBatch batch{picture.unsqueeze(0).expand({2, -1, -1, -1}).contiguous(), {Random(4), {0, 1}}};
  const EvidenceWindows windows = evidence_windows(
      model.denoiser, batch, contrast, {{.log_snr_max = std::min(EvidenceOptions{}.log_snr_max, model.log_snr_max)}});
  EvidenceWalk walk(live, {floats_of(picture), {live.condition(prompts[0]), live.condition(prompts[1])}, 0, 2, 4});
  while (walk.advance()) {
  }
  const LiveEvidence& found = walk.evidence();
  for (int64_t path = 0; path < 2; ++path) {
    EXPECT_NEAR(found.total(path), windows.whole.realised_total()[path].item<double>(), 1e-3);
  }
  const size_t last = found.edges.size() - 1;
  const Tensor map = torch::tensor(found.map(0, last), torch::kFloat64).view({2, 32, 32});
  EXPECT_LT((map - windows.map(0, last)).abs().max().item<double>(), 1e-3);
  EXPECT_LT(relative_difference(map, windows.map(0, last)), 2e-2);
}

using SlowSlowLiveDemoRun = SlowLiveDemoRun;

// The file of a page, in float16: 200 pictures of other prompts and noise are read as the program's are.
TEST_F(SlowSlowLiveDemoRun, ParserReadsTheSamePictures) {
  const LiveModel live = live_of(model, LiveNumbers::float16);
  if (!model.world) GTEST_SKIP() << "the run is not of the two-object world";
  const std::vector<std::string>& captions = model.world->grammar().captions();
  const WorldParser parser(model.world->world());
  int64_t same = 0;
  constexpr uint64_t kPictures = 200;
  for (uint64_t k = 0; k < kPictures; ++k) {
    const std::string& prompt = captions[k * captions.size() / kPictures];
    const Tensor expected = draw_trajectory(model, {{prompt}, "", k, 0}, model.sample).pictures();
    Drawing drawing(live, {live.sample(), live.condition(prompt), live.null_condition(), k});
    while (drawing.advance()) {
    }
    const auto read = parser.parse(torch::cat({expected, tensor_of(drawing.pictures(), expected.sizes())}));
    same += read[0].rejected == read[1].rejected && (read[0].rejected || read[0].scene == read[1].scene);
  }
  RecordProperty("same_readings_of_200", std::to_string(same));
  EXPECT_GE(same, 198);
}

/// The first word of each pixel, by the mean over paths.
std::vector<int64_t> first_words(const std::vector<Tensor>& maps) {
  const Tensor first = torch::stack(maps).abs().argmax(0).flatten();  // [H W]
  return {first.const_data_ptr<int64_t>(), first.const_data_ptr<int64_t>() + first.numel()};
}

TEST_F(SlowSlowLiveDemoRun, RanksTheSameWordsFirst) {
  const LiveModel live = live_of(model, LiveNumbers::float16);
  const std::string prompt = kPrompts[0];
  const Tensor picture = draw_trajectory(model, {{prompt}, "", 4, 0}, model.sample).pictures()[0];
  const int64_t paths = 4;
  const PictureBatch batch{picture.unsqueeze(0).expand({paths, -1, -1, -1}).contiguous(),
                           {Random(4), sample_range(0, paths)}};
  std::vector<Tensor> expected, found;
  for (const PromptContrast& contrast : contrasts_of(model, prompt, {}, {})) {
    const Contrast asked{model.condition(contrast.prompts).unsqueeze(1).expand({-1, paths, -1}),
                         torch::full({paths}, contrast.true_version, torch::kInt64)};
    EvidenceOptions options;
    options.log_snr_max = std::min(options.log_snr_max, model.log_snr_max);
    expected.push_back(filter_noising_paths(model.denoiser, batch, asked, options).map().mean(0));
    EvidenceQuestion question{floats_of(picture), {}, contrast.true_version, paths, 4};
    for (const std::string& version : contrast.prompts) question.versions.push_back(live.condition(version));
    EvidenceWalk walk(live, question);
    while (walk.advance()) {
    }
    const LiveEvidence& evidence = walk.evidence();
    found.push_back(torch::tensor(evidence.map(0, evidence.edges.size() - 1)).view({paths, 32, 32}).mean(0));
  }
  const std::vector<int64_t> a = first_words(expected), b = first_words(found);
  int64_t same = 0;
  for (size_t k = 0; k < 100; ++k) same += a[k * 1024 / 100] == b[k * 1024 / 100];
  RecordProperty("same_first_words_of_100_pixels", std::to_string(same));
  EXPECT_GE(same, 95);
}

}  // namespace
}  // namespace noisescope
