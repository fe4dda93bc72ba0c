#include "noisescope/clip/contrastive.h"

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>

#include "noisescope/clip/clip_metrics.h"
#include "noisescope/clip/pair_gradient.h"
#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/file.h"
#include "noisescope/nn/optimizer.h"
#include "tests/processes/joined.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

double log_sum_exp(double a, double b) { return std::log(std::exp(a) + std::exp(b)); }

// Radford et al. 2021, figure 3: one positive a row, two pairs at known angles.
TEST(ContrastiveLoss, Figure3ClosedForm) {
  const double c = 0.6, s = 5;  // cosines [[1, c], [c, 1]] shifted by the scale
  const Tensor image = torch::tensor({{1.0, 0.0}, {c, 0.8}}, torch::kFloat64);
  const Tensor loss = contrastive_loss(image, image, torch::eye(2, torch::kBool), torch::tensor(s, torch::kFloat64));
  EXPECT_NEAR(loss.item<double>(), log_sum_exp(s, s * c) - s, 1e-12);
}

// Khosla et al. 2020, eq. 2 (the mean over positives stands outside of the logarithm): image 0 fits
// both texts, image 1 only the second; cosines are all different.
TEST(ContrastiveLoss, SharedPositivesClosedForm) {
  const Tensor image = torch::tensor({{1.0, 0.0}, {0.6, 0.8}}, torch::kFloat64);
  const Tensor text = torch::tensor({{0.8, 0.6}, {0.0, 1.0}}, torch::kFloat64);
  const double s = 2, s00 = s * 0.8, s01 = 0, s10 = s * 0.96, s11 = s * 0.8;
  const Tensor positives = torch::tensor({1, 1, 0, 1}).view({2, 2}).to(torch::kBool);
  const double row0 = 0.5 * (s00 + s01) - log_sum_exp(s00, s01);
  const double row1 = s11 - log_sum_exp(s10, s11);
  const double column0 = s00 - log_sum_exp(s00, s10);
  const double column1 = 0.5 * (s01 + s11) - log_sum_exp(s01, s11);
  const Tensor loss = contrastive_loss(image, text, positives, torch::tensor(s, torch::kFloat64));
  EXPECT_NEAR(loss.item<double>(), -0.25 * (row0 + row1 + column0 + column1), 1e-12);
}

TEST(ContrastiveLoss, GradientVanishesWhereSoftmaxEqualsTargets) {
  // All embeddings equal and all pairs positive: the softmax is uniform, and so are the targets.
  Tensor image = torch::ones({3, 4}) / 2;
  image.set_requires_grad(true);
  contrastive_loss(image, torch::ones({3, 4}) / 2, torch::ones({3, 3}), torch::tensor(10.0)).backward();
  EXPECT_LT(image.grad().abs().max().item<double>(), 1e-6);
}

TEST(ContrastiveLoss, EmptyRowsAreRefused) {
  const Tensor z = torch::eye(2);
  Tensor positives = torch::eye(2, torch::kBool);
  positives[1][1] = false;
  EXPECT_THROW(contrastive_loss(z, z, positives, torch::tensor(1.0)), ValueError);
}

TEST(ZeroShot, CountsTrueWinners) {
  const Tensor image = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {0.6, 0.8}});
  const Tensor text = torch::eye(2);
  const Tensor is_true = torch::tensor({1, 0, 0, 1, 1, 0}).view({3, 2}).to(torch::kBool);
  const ZeroShot score = zero_shot(image, text, is_true);
  EXPECT_EQ(score.correct, 2);
  EXPECT_EQ(score.images, 3);
  EXPECT_EQ(score.captions, 2);
  EXPECT_THROW(zero_shot(image, text, torch::zeros({3, 2}, torch::kBool)), ValueError);
}

TEST(Retrieval, RanksByHand) {
  // One image at angle 0 and texts at growing angles; the true one is third.
  const Tensor angle = torch::tensor({0.1, 0.2, 0.3, 0.4});
  const Tensor text = torch::stack({angle.cos(), angle.sin()}, 1);
  const Tensor image = torch::tensor({{1.0, 0.0}}).to(text.scalar_type());
  const Tensor is_true = torch::tensor({0, 0, 1, 0}).view({1, 4}).to(torch::kBool);
  const Retrieval out = retrieval(image, text, is_true);
  EXPECT_EQ(out.image_to_text.median_rank, 3);
  EXPECT_EQ(out.image_to_text.recall_at_1, 0);
  EXPECT_EQ(out.image_to_text.recall_at_5, 1);
  EXPECT_EQ(out.text_to_image.queries, 1);  // three texts are true of nothing
  EXPECT_EQ(out.text_to_image.recall_at_1, 1);
}

TEST(Retrieval, ConstantScoresGiveChance) {
  const Tensor same = torch::ones({9, 1});
  const Retrieval out = retrieval(same, same, torch::eye(9, torch::kBool));
  EXPECT_EQ(out.image_to_text.median_rank, 5);
  EXPECT_EQ(out.image_to_text.recall_at_1, 0);
}

TEST(ModalityGap, ByHand) {
  // Images at +-a around 0 degrees, texts at +-a around 90.
  const double a = 0.3;
  const auto unit = [](double t) { return torch::tensor({std::cos(t), std::sin(t)}, torch::kFloat64); };
  const Tensor image = torch::stack({unit(a), unit(-a)});
  const Tensor text = torch::stack({unit(M_PI / 2 + a), unit(M_PI / 2 - a)});
  const ModalityGap gap = modality_gap(image, text);
  EXPECT_NEAR(gap.distance, std::sqrt(2.0) * std::cos(a), 1e-12);
  EXPECT_NEAR(gap.pair_cosine, 0, 1e-12);
  EXPECT_NEAR(gap.unpaired_cosine, (std::cos(M_PI / 2 - 2 * a) + std::cos(M_PI / 2 + 2 * a)) / 2, 1e-12);
  EXPECT_NEAR(gap.centred_pair_cosine, 0, 1e-12);  // one varies along y, the other along x
  EXPECT_EQ(gap.pairs, 2);
  const ModalityGap none = modality_gap(image, image);
  EXPECT_EQ(none.distance, 0);
  EXPECT_NEAR(none.centred_pair_cosine, 1, 1e-12);
  EXPECT_NEAR(none.centred_unpaired_cosine, -1, 1e-12);
}

// A small captioned world: one rectangle, 3 colours x 2 orientations x 2 sides.
struct Rectangles {
  const char* colours[3] = {"red", "green", "blue"};
  const char* forms[2] = {"tall", "wide"};
  const char* sides[2] = {"left", "right"};
  std::vector<std::string> captions;

  Rectangles() {
    for (int k = 0; k < 12; ++k) {
      captions.push_back(std::string("a ") + forms[k / 2 % 2] + " " + colours[k / 4] + " rectangle on the " +
                         sides[k % 2]);
    }
  }

  Tensor image(int64_t caption, const Random& random, uint64_t step, int64_t sample) const {
    const int64_t height = caption / 2 % 2 == 0 ? 10 : 4, width = 14 - height;
    const int64_t y = random.integer(Purpose::scene, step, sample, 16 - height + 1, 1);
    const int64_t x = random.integer(Purpose::scene, step, sample, 3, 2) + (caption % 2 == 0 ? 0 : 16 - width - 2);
    const Tensor image = torch::full({3, 16, 16}, -0.5);
    image[caption / 4].slice(0, y, y + height).slice(1, x, x + width).fill_(0.9);
    return image;
  }

  ClipBatch batch(uint64_t seed, int64_t step, int64_t size) const {
    const Random random(seed);
    ClipBatch out;
    std::vector<Tensor> images;
    for (int64_t i = 0; i < size; ++i) {
      const int64_t caption = random.integer(Purpose::scene, static_cast<uint64_t>(step), i, 12);
      out.caption_rows.push_back(caption);
      images.push_back(image(caption, random, static_cast<uint64_t>(step), i));
    }
    out.images = torch::stack(images);
    return out;
  }
};

ClipModel small_model(const Rectangles& world) {
  ClipOptions options;
  options.embedding_dim = 16;
  options.text = {.width = 32, .layers = 1, .heads = 2};
  options.image.image_size = 16;
  options.image.channels = {16, 24};
  options.image.hidden = 32;
  return ClipModel(options, Tokenizer::train(world.captions, {.context_length = 12}), 1);
}

ClipTrainOptions steps(int64_t count) {
  ClipTrainOptions options;
  options.steps = count;
  options.schedule.warmup_steps = 5;
  return options;
}

class ClipTraining : public ::testing::Test {
 protected:
  ClipBatchSource source() const {
    return [this](int64_t step) { return world_.batch(7, step, 16); };
  }
  fs::path file_of(const char* name) const {
    const fs::path path = fs::path(::testing::TempDir()) / name;
    fs::remove(path);
    return path;
  }
  /// Trains up to `total` steps, stopped after `stop_after` calls of the source.
  void interrupted_run(const ClipModel& model, const ClipTrainOptions& options, int64_t stop_after) {
    std::stop_source stop;
    int64_t calls = 0;
    const auto stopping = [&](int64_t step) {
      if (++calls == stop_after) stop.request_stop();
      return source()(step);
    };
    EXPECT_THROW(train_clip(model, {world_.captions, stopping, 3}, options, {.stop = stop.get_token()}), Interrupted);
  }
  Rectangles world_;
};

TEST_F(ClipTraining, ResumedRunIsBitIdentical) {
  const ClipModel whole = small_model(world_), parts = small_model(world_);
  train_clip(whole, {world_.captions, source(), 3}, steps(12));
  ClipTrainOptions options = steps(12);
  options.checkpoint = file_of("clip_resume.safetensors").string();
  interrupted_run(parts, options, 5);
  const ClipModel fresh = small_model(world_);
  const ClipTrainResult result = train_clip(fresh, {world_.captions, source(), 3}, options);
  EXPECT_EQ(result.resumed_from_step, 5);
  EXPECT_EQ(result.last.step, 12);
  EXPECT_EQ(result.last.images, 12 * 16);
  EXPECT_EQ(fresh.weights_hash(), whole.weights_hash());
}

// Gao et al. 2021, section 3: the gradient of a batch in blocks is that of the batch.
TEST_F(ClipTraining, GradientInBlocksIsThatOfTheBatch) {
  const ClipBatch drawn = world_.batch(7, 0, 16);
  const Tensor ids = tokenize(small_model(world_).tokenizer(), world_.captions).ids;
  const Tensor index = torch::tensor(drawn.caption_rows);
  const PairBatch batch{drawn.images, ids, index, index.unsqueeze(1) == index.unsqueeze(0)};
  const ClipModel whole = small_model(world_), cut = small_model(world_);
  const PairLoss one = PairGradient(whole, Group::alone(), 1)(batch),
                 four = PairGradient(cut, Group::alone(), 4)(batch);
  EXPECT_NEAR(one.loss, four.loss, 1e-5);
  EXPECT_EQ(one.accuracy, four.accuracy);
  const NamedTensors a = trainable_parameters(whole.module()), b = trainable_parameters(cut.module());
  double difference = 0, norm = 0;  // squared; a key's bias has no gradient but rounding
  for (const auto& [name, parameter] : a) {
    ASSERT_EQ(parameter.grad().defined(), b.at(name).grad().defined()) << name;
    if (!parameter.grad().defined()) continue;
    difference += (parameter.grad() - b.at(name).grad()).square().sum().item<double>();
    norm += parameter.grad().square().sum().item<double>();
  }
  EXPECT_LT(std::sqrt(difference / norm), 1e-5);
}

TEST_F(ClipTraining, ProcessesTrainTheBitsOfOne) {
  ClipTrainOptions options = steps(3);
  options.blocks = 4;
  std::string hash;
  for (const int64_t size : {1, 2, 3}) {
    const auto thrown = processes::joined(size, [&](const std::shared_ptr<Group>& group) {
      const ClipModel model = small_model(world_);
      train_clip(model, {world_.captions, source(), 3, group}, options);
      if (hash.empty()) hash = model.weights_hash();
      EXPECT_EQ(model.weights_hash(), hash) << "process " << group->rank() << " of " << size;
    });
    for (const std::string& words : thrown) EXPECT_EQ(words, "");
  }
}

TEST_F(ClipTraining, AStopOfOneProcessStopsAllAtTheSameStep) {
  ClipTrainOptions options = steps(50);
  options.checkpoint = file_of("clip_stop.safetensors").string();
  std::stop_source stop;
  const auto thrown = processes::joined(2, [&](const std::shared_ptr<Group>& group) {
    const auto stopping = [&](int64_t step) {
      if (step == 3 && !group->leads()) stop.request_stop();
      return source()(step);
    };
    train_clip(small_model(world_), {world_.captions, stopping, 3, group}, options,
               group->leads() ? Control{} : Control{.stop = stop.get_token()});
  });
  for (const std::string& words : thrown) EXPECT_EQ(words, "[clip.train_clip] stopped on request");
  const ClipTrainResult rest = train_clip(small_model(world_), {world_.captions, source(), 3}, [&] {
    ClipTrainOptions shorter = options;
    shorter.blocks = 2;
    return shorter;
  }());
  EXPECT_EQ(rest.resumed_from_step, 4);
}

TEST_F(ClipTraining, ForeignCheckpointIsRefusedAndDamagedOneLeft) {
  ClipTrainOptions options = steps(4);
  const fs::path path = file_of("clip_foreign.safetensors");
  options.checkpoint = path.string();
  train_clip(small_model(world_), {world_.captions, source(), 3}, options);
  EXPECT_THROW(train_clip(small_model(world_), {world_.captions, source(), 4}, options), ModelError);
  std::string bytes = read_file(path);
  bytes[bytes.size() - 9] ^= 1;
  write_file_atomic(path, bytes);
  const ClipTrainResult result = train_clip(small_model(world_), {world_.captions, source(), 3}, options);
  EXPECT_EQ(result.resumed_from_step, 0);
  EXPECT_NE(result.resume_note.find("clip_foreign"), std::string::npos) << result.resume_note;
}

TEST_F(ClipTraining, BudgetsInImagesAndSecondsEnd) {
  ClipTrainOptions options = steps(0);
  EXPECT_THROW(train_clip(small_model(world_), {world_.captions, source(), 3}, options), ValueError);
  options.images = 40;
  EXPECT_EQ(train_clip(small_model(world_), {world_.captions, source(), 3}, options).last.step, 3);
  options.images = 0;
  options.seconds = 0.05;
  EXPECT_GE(train_clip(small_model(world_), {world_.captions, source(), 3}, options).last.seconds, 0.05);
}

TEST_F(ClipTraining, ObserverHearsTheLossFall) {
  std::vector<double> losses;
  ClipTrainOptions options = steps(60);
  options.log_every = 20;
  train_clip(small_model(world_), {world_.captions, source(), 3}, options, {},
             [&](const ClipTrainStatus& status) { losses.push_back(status.loss); });
  ASSERT_EQ(losses.size(), 3u);
  EXPECT_LT(losses[2], losses[0]);
}

TEST_F(ClipTraining, ANanStopsTheRunAndKeepsTheCheckpoint) {
  ClipTrainOptions options = steps(6);
  const fs::path path = file_of("clip_nan.safetensors");
  options.checkpoint = path.string();
  options.checkpoint_seconds = 0;
  const auto poisoned = [this](int64_t step) {
    ClipBatch batch = source()(step);
    if (step == 3) batch.images[0].fill_(std::nanf(""));
    return batch;
  };
  EXPECT_THROW(train_clip(small_model(world_), {world_.captions, poisoned, 3}, options), NumericError);
  const ClipModel model = small_model(world_);
  EXPECT_EQ(train_clip(model, {world_.captions, source(), 3}, options).resumed_from_step, 3);
}

TEST_F(ClipTraining, BadBatchesAreRefused) {
  const auto few_captions = [this](int64_t step) {
    ClipBatch batch = source()(step);
    batch.caption_rows.pop_back();
    return batch;
  };
  EXPECT_THROW(train_clip(small_model(world_), {world_.captions, few_captions, 3}, steps(1)), ValueError);
  const auto out_of_table = [this](int64_t step) {
    ClipBatch batch = source()(step);
    batch.caption_rows[0] = 12;
    return batch;
  };
  EXPECT_THROW(train_clip(small_model(world_), {world_.captions, out_of_table, 3}, steps(1)), ValueError);
}

// Chance is 1/12; 300 steps of 32 images reach nearly all.
TEST(SlowClip, LearnsTheRectangles) {
  const Rectangles world;
  const ClipModel model = small_model(world);
  train_clip(model, {world.captions, [&](int64_t step) { return world.batch(7, step, 32); }, 3}, steps(300));
  const torch::NoGradGuard no_grad;
  const ClipBatch unseen = world.batch(8, 0, 256);
  const Tensor rows = torch::tensor(unseen.caption_rows);
  const Tensor is_true = rows.unsqueeze(1) == torch::arange(12);
  const Tensor image = model.encode_image(unseen.images), text = model.encode_text(world.captions);
  EXPECT_GT(zero_shot(image, text, is_true).accuracy, 0.9);
  const Retrieval ranks = retrieval(image, text, is_true);
  EXPECT_EQ(ranks.text_to_image.median_rank, 1);
  const ModalityGap gap = modality_gap(image, text.index_select(0, rows));
  EXPECT_GT(gap.centred_pair_cosine, gap.centred_unpaired_cosine + 0.3);
}

}  // namespace
}  // namespace noisescope
