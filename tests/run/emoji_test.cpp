// Emoji from the data set to the exact model of it and to the scores of a run.
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

#include "noisescope/explain/evidence.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/io/file.h"
#include "noisescope/report/demo_run.h"
#include "noisescope/run/evaluate_families.h"

namespace noisescope {
namespace {

DataOptions emoji_options() {
  DataOptions options;
  options.kind = DataKind::emoji;
  return options;
}

Model exact_emoji() {
  LoadReport report;
  return exact_model(emoji_options(), {}, report);
}

PictureDenoiser truth_of(const Model& model) {
  if (!model.pictures) throw std::logic_error("expected an exact model of pictures");
  return *model.pictures;
}

/// p(version k | x) of one noisy picture x [3, S, S] under the clean ones [N, 3, S, S] float64: sums over all of them,
/// distances by differences.
Tensor brute_force_versions(const Tensor& clean, const Tensor& x, double sigma, const Tensor& conditions) {
  const Tensor distance = (clean - x.to(torch::kFloat64)).square_().flatten(1).sum(1);
  const Tensor weights = conditions.to(torch::kFloat64) / conditions.to(torch::kFloat64).sum(1, true);
  return (weights.log() - distance / (2 * sigma * sigma)).logsumexp(1).softmax(0);
}

TEST(ExactEmoji, DecisionCurveEqualsBruteForce) {
  const Model model = exact_emoji();
  const PictureDenoiser truth = truth_of(model);
  const auto contrast = model.contrasts("waving hand, dark skin tone").at(0);
  ASSERT_EQ(contrast.values.size(), 5U);
  const Tensor conditions = model.condition(contrast.prompts), null = truth.null_condition();
  const Tensor picture = truth.denoise(torch::zeros({1, 3, 32, 32}), torch::ones({1}), conditions.slice(0, 0, 1));
  const Tensor clean = truth.pictures().pixels.to(torch::kFloat64) / 127.5 - 1;
  double worst = 0;
  walk_noising_paths({picture, {Random(0), {0}}}, {.steps = 8}, [&](const Tensor& x, double sigma) {
    const Tensor level = torch::full({1}, sigma, torch::kFloat64);
    const Tensor curve = truth.log_likelihood_ratio(x, level, conditions, null)[0].softmax(0);
    const Tensor brute = brute_force_versions(clean, x[0], sigma, conditions);
    worst = std::max(worst, (curve - brute).abs().max().item<double>());
  });
  EXPECT_LT(worst, 1e-6);
}

TEST(ExactEmoji, EvidenceOfATrueWordLiesWhereTheOriginalsDiffer) {
  const Model model = exact_emoji();
  const PictureDenoiser truth = truth_of(model);
  const auto contrast = model.contrasts("red heart").at(0);
  const Tensor picture = truth.denoise(torch::zeros({1, 3, 32, 32}), torch::ones({1}), model.condition({"red heart"}))
                             .expand({2, -1, -1, -1});
  std::vector<Tensor> conditions, originals;
  for (const std::string& prompt : contrast.prompts) {
    conditions.push_back(model.condition({prompt}).expand({2, -1}));
    originals.push_back(truth.denoise(picture.slice(0, 0, 1), torch::ones({1}), conditions.back().slice(0, 0, 1)));
  }
  const Tensor mask = ((torch::cat(originals) - originals[0]).abs().amax(torch::IntArrayRef{0, 1}) > 8 / 127.5);
  const Evidence evidence =
      filter_noising_paths(model.denoiser, {picture, {Random(0), sample_range(0, 2)}},
                           {torch::stack(conditions), torch::zeros({2}, torch::kInt64)}, {.steps = 25});
  const Tensor total = evidence.realised_total();
  EXPECT_GT(total.min().item<double>(), 0.99 * std::log(double(contrast.values.size())));
  const Tensor auc = localisation_auc(evidence.map().mean(0, true), mask.unsqueeze(0));
  EXPECT_GT(auc.item<double>(), 0.98);
}

TEST(FamilyQuestions, AskOfEachSampleOnce) {
  LoadReport report;
  const OpenedData opened = open_dataset(emoji_options(), {}, report);
  const auto& data = dynamic_cast<const ImageDataset&>(*opened.dataset);
  const std::vector<Family> families = find_families(data.samples());
  for (const bool held_out : {false, true}) {
    const auto questions = family_questions(data.samples(), families, held_out, 150, 0);
    ASSERT_EQ(questions.size(), 150U);
    std::set<int64_t> samples;
    for (const FamilyQuestion& question : questions) {
      samples.insert(question.sample());
      EXPECT_EQ(data.samples().parts[size_t(question.sample())] == Part::test, held_out);
    }
    EXPECT_EQ(samples.size(), 150U);
  }
}

TEST(SlowEmojiDemo, SmallestRunHasItsSummaryAndReport) {
  const std::filesystem::path out = std::filesystem::temp_directory_path() / ("emoji-" + std::to_string(::getpid()));
  std::vector<std::string> settings = demo_settings(DemoData::emoji);
  for (const char* small : {"clip_train.images=512", "evaluation.judge_train.images=512", "train.budget=64images",
                            "network.channels=[16,16]", "network.embedding_width=32", "evaluation.samples=12",
                            "sample.grid.steps=3", "clip_batch_size=64", "train.validation_samples=8"}) {
    settings.emplace_back(small);
  }
  const RunConfig config = load_run_config("", settings);
  const auto summary = demo_run(config, RunFolder{out}, {{}, true, ""});
  for (const char* name : {"r_precision", "family_accuracy", "held_out_accuracy", "evidence_auc"}) {
    ASSERT_TRUE(summary.contains(name)) << name;
    for (const char* part : {"value", "low", "high", "n"}) EXPECT_TRUE(summary.at(name).contains(part)) << name << part;
  }
  EXPECT_EQ(summary.at("train_images"), 64);
  EXPECT_TRUE(std::filesystem::exists(out / "report.html"));
  EXPECT_TRUE(std::filesystem::exists(out / "samples/nearest.png"));
  const auto departure = nlohmann::ordered_json::parse(read_file(out / "evaluation.json")).at("departure");
  EXPECT_EQ(departure.at("others").at("apart").size(), departure.at("sigma").size());
  EXPECT_LT(departure.at("trained").at("exact").at(0).get<double>(), 1e-3);  // known by heart
  EXPECT_GT(departure.at("others").at("exact").at(0).get<double>(), 0.05);
  std::filesystem::remove_all(out);
}

}  // namespace
}  // namespace noisescope
