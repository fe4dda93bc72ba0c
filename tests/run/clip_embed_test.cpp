#include "noisescope/run/clip_embed.h"

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_images.h"
#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/run/clip_classes.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kImages = 11;

ClipModel small_model() {
  ClipOptions options;
  options.embedding_dim = 12;
  options.text = {.width = 16, .layers = 1, .heads = 2};
  options.image.kind = ImageTowerKind::vit;
  options.image.image_size = 16;
  options.image.patch_size = 8;
  options.image.encoder = {.width = 16, .layers = 1, .heads = 2};
  return ClipModel(options, Tokenizer::train({"a red square", "a blue disc", "photo of"}, {}), 1);
}

class ClipEmbed : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_ / "images" / "sub");
    const Tensor pictures = Random(2).uniform(Purpose::scene, 0, sample_range(0, kImages), {3, 20, 24}) * 2 - 1;
    for (int64_t k = 0; k < kImages; ++k) {
      const std::string name = (k % 2 ? "sub/" : "") + std::string("p") + std::to_string(k) + ".png";
      write_png(root_ / "images" / name, tensor_to_image(pictures[k]));
    }
    write_file_atomic(root_ / "images" / "broken.png", "\x89PNG\r\n\x1a\n");
    write_file_atomic(root_ / "texts", "a red square\r\n\na blue disc\na red disc\n");
    write_file_atomic(root_ / "classes", "square\ndisc\n");
    request_.texts = root_ / "texts";
    request_.images = root_ / "images";
    request_.classes = root_ / "classes";
    request_.templates = {"a red {}", "photo of a {}"};
    request_.out = root_ / "out.safetensors";
    request_.batch_size = 2;
    request_.shard_rows = 4;
  }

  const fs::path root_ = fs::path(::testing::TempDir()) / "clip_embed";
  const ClipModel model_ = small_model();
  ClipEmbedRequest request_;
};

TEST_F(ClipEmbed, RowsAndNamesAreThoseOfTheInputs) {
  const ClipEmbedResult result = clip_embed(model_, request_, {});
  EXPECT_EQ(result.texts, 3);
  EXPECT_EQ(result.images, kImages);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.skipped[0].name, "broken.png");
  const TensorFile file = read_safetensors(request_.out);
  const auto names = [&](const char* key) {
    return nlohmann::json::parse(file.metadata.at(key)).get<std::vector<std::string>>();
  };
  EXPECT_EQ(names("text_names"), (std::vector<std::string>{"a red square", "a blue disc", "a red disc"}));
  const std::vector<std::string> images = names("image_names");
  ASSERT_EQ(images.size(), static_cast<size_t>(kImages));
  const torch::NoGradGuard no_grad;
  const Tensor text = model_.encode_text(names("text_names"));
  EXPECT_LT((file.at("text") - text).abs().max().item<double>(), 1e-6);
  for (size_t k = 0; k < images.size(); ++k) {
    const Image picture = read_image(request_.images / images[k]);
    const Tensor row =
        model_.encode_image(to_clip_size(image_to_tensor(picture).unsqueeze(0), model_.config().preprocess));
    EXPECT_LT((file.at("image")[static_cast<int64_t>(k)] - row[0]).abs().max().item<double>(), 1e-6);
  }
  EXPECT_FALSE(fs::exists(request_.out.string() + ".partial"));
}

TEST_F(ClipEmbed, AClassIsTheMeanOfItsCaptions) {
  clip_embed(model_, request_, {});
  const torch::NoGradGuard no_grad;
  const Tensor mean = model_.encode_text({"a red disc", "photo of a disc"}).mean(0);
  const Tensor got = read_safetensors(request_.out).at("class")[1];
  EXPECT_LT((got - mean / mean.norm()).abs().max().item<double>(), 1e-6);
}

TEST_F(ClipEmbed, AnInterruptedExtractionEndsInTheSameBits) {
  clip_embed(model_, request_, {});
  const std::string whole = read_file(request_.out);
  fs::remove(request_.out);
  std::stop_source stop;
  int reports = 0;
  const Control control{[&](const Progress&) {
                          if (++reports == 3) stop.request_stop();
                        },
                        stop.get_token()};
  EXPECT_THROW(clip_embed(model_, request_, control), Interrupted);
  EXPECT_FALSE(fs::exists(request_.out));
  const ClipEmbedResult result = clip_embed(model_, request_, {});
  EXPECT_EQ(result.resumed_shards, 3);
  EXPECT_EQ(read_file(request_.out), whole);
  EXPECT_TRUE(clip_embed(model_, request_, {}).was_complete);
}

TEST_F(ClipEmbed, ShardsOfAnotherJobAndDamagedOnesAreMadeAnew) {
  clip_embed(model_, request_, {});
  const std::string whole = read_file(request_.out);
  fs::remove(request_.out);
  const fs::path partial = request_.out.string() + ".partial";
  write_safetensors(partial / "text-0.safetensors", {{{"text", torch::zeros({3, 12})}}, {{"key", "another"}}});
  write_file_atomic(partial / "image-0.safetensors", "damaged");
  EXPECT_EQ(clip_embed(model_, request_, {}).resumed_shards, 0);
  EXPECT_EQ(read_file(request_.out), whole);
}

TEST_F(ClipEmbed, Float16IsTheRoundedFloat32) {
  clip_embed(model_, request_, {});
  const Tensor exact = read_safetensors(request_.out).at("image");
  request_.float16 = true;
  EXPECT_FALSE(clip_embed(model_, request_, {}).was_complete);
  EXPECT_TRUE(torch::equal(read_safetensors(request_.out).at("image"), exact.to(torch::kFloat16)));
}

TEST_F(ClipEmbed, InputsThatCannotServe) {
  ClipEmbedRequest nothing;
  nothing.out = request_.out;
  EXPECT_THROW(clip_embed(model_, nothing, {}), ValueError);
  write_file_atomic(root_ / "texts", "\n \n");
  EXPECT_THROW(clip_embed(model_, request_, {}), DataError);
  write_file_atomic(root_ / "texts", "a red disc\n\xe9t\xe9\n");  // Latin-1
  try {
    clip_embed(model_, request_, {});
    FAIL() << "no error";
  } catch (const FormatError& error) {
    EXPECT_NE(std::string(error.what()).find(":2: expected UTF-8"), std::string::npos) << error.what();
  }
  nothing.images = root_ / "images" / "sub" / "none";
  fs::create_directories(nothing.images);
  EXPECT_THROW(clip_embed(model_, nothing, {}), DataError);
  write_file_atomic(nothing.images / "a.png", "no picture");
  EXPECT_THROW(clip_embed(model_, nothing, {}), DataError);
  EXPECT_FALSE(fs::exists(request_.out));
}

TEST_F(ClipEmbed, ProbabilitiesAreSoftmaxOfScaledCosines) {
  const Tensor images = torch::tensor({{1.0f, 0.0f}, {0.0f, 1.0f}});
  const Tensor classes = torch::tensor({{0.6f, 0.8f}, {1.0f, 0.0f}});
  const Tensor got = class_probabilities(model_, images, classes);
  const double scale = model_.logit_scale().item<double>();
  EXPECT_NEAR(got[0][1].item<double>(), 1 / (1 + std::exp(scale * (0.6 - 1))), 1e-5);
  EXPECT_LT((got.sum(1) - 1).abs().max().item<double>(), 1e-6);
}

}  // namespace
}  // namespace noisescope
