#include "noisescope/clip/clip_model.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/module.h>
#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/file.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/tap.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kCaptions = {"a red square left of a blue disc on dark", "a blue disc",
                                            "a caf\u00e9 in the  RAIN, isn't it?"};

ClipOptions small(ImageTowerKind kind, ClipActivation activation = ClipActivation::gelu) {
  ClipOptions options;
  options.embedding_dim = 24;
  options.text = {.width = 32, .layers = 2, .heads = 4, .activation = activation};
  options.image.kind = kind;
  options.image.image_size = 16;
  options.image.channels = {16, 24};
  options.image.hidden = 32;
  options.image.patch_size = 4;
  options.image.encoder = {.width = 48, .layers = 2, .heads = 3, .mlp_width = 80, .activation = activation};
  return options;
}

/// Large random weights: with the small ones of the start an error in a branch would hide.
void shake(const ClipModel& model) {
  const torch::NoGradGuard no_grad;
  const Random random(3);
  for (const auto& [name, tensor] : module_state(model.module())) {
    if (name == "logit_scale") continue;
    const Tensor noise = random.normal(Purpose::weights, name_hash(name), {0}, tensor.sizes());
    tensor.add_(noise.view(tensor.sizes()), 0.2);
  }
}

ClipModel make(ImageTowerKind kind, TokenizerKind tokenizer = TokenizerKind::words,
               ClipActivation activation = ClipActivation::gelu) {
  const ClipModel model(small(kind, activation), Tokenizer::train(kCaptions, {.kind = tokenizer, .context_length = 32}),
                        5);
  shake(model);
  return model;
}

Tensor some_images(int64_t count, int64_t size = 16) {
  return Random(1).uniform(Purpose::scene, 0, sample_range(0, count), {3, size, size}) * 2 - 1;
}

fs::path folder_of(const std::string& name) {
  const fs::path path = fs::path(::testing::TempDir()) / name;
  fs::remove_all(path);
  return path;
}

TEST(ClipModel, EmbeddingsHaveUnitNorm) {
  for (const auto kind : {ImageTowerKind::conv, ImageTowerKind::vit}) {
    const ClipModel model = make(kind);
    const torch::NoGradGuard no_grad;
    const Tensor text = model.encode_text(kCaptions), image = model.encode_image(some_images(4));
    EXPECT_EQ(text.sizes(), (torch::IntArrayRef{3, 24}));
    EXPECT_EQ(image.sizes(), (torch::IntArrayRef{4, 24}));
    EXPECT_LT((text.norm(2, 1) - 1).abs().max().item<double>(), 1e-6);
    EXPECT_LT((image.norm(2, 1) - 1).abs().max().item<double>(), 1e-6);
  }
}

TEST(ClipModel, PaddingDoesNotCount) {
  const ClipModel model = make(ImageTowerKind::conv);
  const torch::NoGradGuard no_grad;
  const Tensor alone = model.encode_text({kCaptions[1]});
  const Tensor padded = model.encode_text(kCaptions)[1];
  EXPECT_LT((alone[0] - padded).abs().max().item<double>(), 1e-6);
}

TEST(ClipModel, TextIsCausal) {
  const ClipModel model = make(ImageTowerKind::conv);
  const torch::NoGradGuard no_grad;
  const Tensor ids = tokenize(model.tokenizer(), {"a red square", "a red disc"}).ids;
  const Tensor hidden = model.text_features(ids).hidden;
  const Tensor difference = (hidden[0] - hidden[1]).abs().amax(1);
  EXPECT_EQ(difference.narrow(0, 0, 3).max().item<double>(), 0);  // start, a, red
  EXPECT_GT(difference[3].item<double>(), 1e-3);
}

TEST(ClipModel, RowsWithoutAnEndAreRefused) {
  const ClipModel model = make(ImageTowerKind::conv);
  EXPECT_THROW(model.encode_tokens(torch::ones({1, 4}, torch::kInt64)), ValueError);
  EXPECT_THROW(model.encode_tokens(torch::full({1, 33}, model.tokenizer().end_id(), torch::kInt64)), ShapeError);
}

TEST(ClipModel, ImagesOfAnotherSizeAreRefused) {
  const ClipModel model = make(ImageTowerKind::conv);
  EXPECT_THROW(model.encode_image(some_images(1, 32)), ShapeError);
}

TEST(ClipModel, ImagesAreNormalisedAsConfigured) {
  ClipOptions options = small(ImageTowerKind::conv);
  options.image_mean = {0.4, 0.5, 0.6};
  options.image_std = {0.2, 0.25, 0.5};
  const Tokenizer tokenizer = Tokenizer::train(kCaptions, {});
  const ClipModel other(options, tokenizer, 5), plain(small(ImageTowerKind::conv), tokenizer, 5);
  const torch::NoGradGuard no_grad;
  const Tensor images = some_images(2);
  const Tensor by_hand = (images / 2 + 0.5 - torch::tensor({0.4, 0.5, 0.6}).view({3, 1, 1})) /
                         torch::tensor({0.2, 0.25, 0.5}).view({3, 1, 1});
  EXPECT_LT((other.encode_image(images) - plain.encode_image(by_hand.to(torch::kFloat32))).abs().max().item<double>(),
            1e-5);
}

TEST(ClipModel, AnyImageSizeWorksWithTheConvTower) {
  for (const int64_t size : {8, 18, 32, 64, 96}) {
    ClipOptions options = small(ImageTowerKind::conv);
    options.image.image_size = size;
    options.image.channels = {16, 24, 24, 32};
    const ClipModel model(options, Tokenizer::train(kCaptions, {}), 5);
    const torch::NoGradGuard no_grad;
    EXPECT_EQ(model.encode_image(some_images(2, size)).size(1), 24) << size;
  }
}

TEST(ClipModel, ImpossibleSizesAreRefused) {
  const Tokenizer tokenizer = Tokenizer::train(kCaptions, {});
  const auto refused = [&](auto change, ImageTowerKind kind) {
    ClipOptions options = small(kind);
    change(options);
    EXPECT_THROW(ClipModel(options, tokenizer, 0), ValueError);
  };
  refused([](ClipOptions& o) { o.text.heads = 5; }, ImageTowerKind::conv);
  refused([](ClipOptions& o) { o.image.encoder.heads = 5; }, ImageTowerKind::vit);
  refused([](ClipOptions& o) { o.image.patch_size = 5; }, ImageTowerKind::vit);
  refused([](ClipOptions& o) { o.image.image_size = 15; }, ImageTowerKind::conv);
  refused([](ClipOptions& o) { o.image.channels = {12}; }, ImageTowerKind::conv);
  refused([](ClipOptions& o) { o.image.channels = {}; }, ImageTowerKind::conv);
  refused([](ClipOptions& o) { o.image_mean = {0.5}; }, ImageTowerKind::conv);
}

TEST(ClipModel, TapsHearBlocksAndProbabilities) {
  const ClipModel model = make(ImageTowerKind::vit);
  const torch::NoGradGuard no_grad;
  const Tensor plain = model.encode_text({kCaptions[0]});
  const TapRecorder recorder;
  const Tensor heard = model.encode_text({kCaptions[0]});
  model.encode_image(some_images(2));
  EXPECT_LT((plain - heard).abs().max().item<double>(), 1e-5);
  const Tensor text = recorder.last("text.block1.attn.probs");
  EXPECT_EQ(text.sizes(), (torch::IntArrayRef{1, 4, 12, 12}));
  EXPECT_EQ(text.triu(1).abs().max().item<double>(), 0);
  EXPECT_EQ(recorder.last("image.block0.attn.probs").sizes(), (torch::IntArrayRef{2, 3, 17, 17}));
  EXPECT_EQ(recorder.last("image.embedding").sizes(), (torch::IntArrayRef{2, 24}));
  EXPECT_EQ(recorder.last("text.hidden").size(2), 32);
}

// forward_at against forward: values and gradients, with rows of different lengths.
TEST(ClipModel, PooledRowsAreTheRowsOfTheWhole) {
  const ClipModel model = make(ImageTowerKind::vit);
  const Tensor ids = tokenize(model.tokenizer(), kCaptions).ids;
  const Tensor images = some_images(3);
  const auto embeddings_and_gradients = [&] {
    const auto parameters = model.module().parameters();
    const Tensor text = model.encode_tokens(ids), image = model.encode_image(images);
    const Tensor weights = Random(2).normal(Purpose::explain, 0, {0, 1, 2}, {24});
    std::vector<Tensor> out =
        torch::autograd::grad({((text + image) * weights).sum()}, parameters, {}, {}, false, /*allow_unused=*/true);
    out.push_back(text);
    out.push_back(image);
    return out;
  };
  const std::vector<Tensor> pooled = embeddings_and_gradients();
  const TapScope listener([](std::string_view, const Tensor& value) { return value; }, {"nothing"});
  const std::vector<Tensor> whole = embeddings_and_gradients();
  for (size_t i = 0; i < whole.size(); ++i) {
    ASSERT_EQ(pooled[i].defined(), whole[i].defined()) << i;
    if (!whole[i].defined()) continue;
    EXPECT_LT((pooled[i] - whole[i]).abs().max().item<double>(), 1e-5 * (1 + whole[i].abs().max().item<double>())) << i;
  }
}

TEST(ClipModel, ReplacingATapChangesTheEmbedding) {
  const ClipModel model = make(ImageTowerKind::conv);
  const torch::NoGradGuard no_grad;
  const Tensor plain = model.encode_text({kCaptions[0]});
  const TapScope ablate([](std::string_view, const Tensor& value) { return value * 0; }, {"text.block0.attn"});
  EXPECT_GT((plain - model.encode_text({kCaptions[0]})).abs().max().item<double>(), 1e-3);
}

TEST(ClipModel, TheSeedDecidesTheWeights) {
  const Tokenizer tokenizer = Tokenizer::train(kCaptions, {});
  const auto hash = [&](uint64_t seed) {
    return ClipModel(small(ImageTowerKind::conv), tokenizer, seed).weights_hash();
  };
  EXPECT_EQ(hash(1), hash(1));
  EXPECT_NE(hash(1), hash(2));
}

TEST(ClipModel, TheHashSeesEveryWeight) {
  const ClipModel model = make(ImageTowerKind::vit);
  const std::string before = model.weights_hash();
  const torch::NoGradGuard no_grad;
  module_state(model.module()).at("image.vision_model.post_layernorm.bias")[3].add_(1e-6);
  EXPECT_NE(model.weights_hash(), before);
}

TEST(ClipFolder, ComesBackEqual) {
  for (const auto kind : {ImageTowerKind::conv, ImageTowerKind::vit}) {
    for (const auto tokenizer : {TokenizerKind::words, TokenizerKind::bpe}) {
      const ClipModel model = make(kind, tokenizer, ClipActivation::quick_gelu);
      const fs::path folder = folder_of("clip_folder");
      model.save(folder);
      const ClipModel loaded = ClipModel::load(folder);
      EXPECT_EQ(loaded.weights_hash(), model.weights_hash());
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(torch::equal(loaded.encode_text(kCaptions), model.encode_text(kCaptions)));
      EXPECT_TRUE(torch::equal(loaded.encode_image(some_images(2)), model.encode_image(some_images(2))));
    }
  }
}

TEST(ClipFolder, TheOtherKindIsCleanedAway) {
  const fs::path folder = folder_of("clip_kinds");
  make(ImageTowerKind::vit).save(folder);
  make(ImageTowerKind::conv).save(folder);
  EXPECT_EQ(ClipModel::load(folder).options().image.kind, ImageTowerKind::conv);
  make(ImageTowerKind::vit).save(folder);
  EXPECT_EQ(ClipModel::load(folder).options().image.kind, ImageTowerKind::vit);
  EXPECT_FALSE(fs::exists(folder / "text"));
}

class DamagedFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = folder_of("clip_damaged");
    make(ImageTowerKind::conv).save(folder_);
  }
  /// Sets `key` of a configuration file.
  void set(const char* file, const char* key, const nlohmann::json& value) const {
    nlohmann::json json = nlohmann::json::parse(read_file(folder_ / file));
    json[key] = value;
    write_file_atomic(folder_ / file, json.dump());
  }
  fs::path folder_;
};

TEST_F(DamagedFolder, MissingFiles) {
  EXPECT_THROW(ClipModel::load(folder_ / "nowhere"), IoError);
  fs::remove(folder_ / "image" / "model.safetensors");
  EXPECT_THROW(ClipModel::load(folder_), IoError);
}

TEST_F(DamagedFolder, LyingSizes) {
  set("text/config.json", "hidden_size", 8192);
  EXPECT_THROW(ClipModel::load(folder_), ModelError);
  set("text/config.json", "hidden_size", 1e9);
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
  set("text/config.json", "hidden_size", "wide");
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
  set("text/config.json", "hidden_size", 32);
  set("text/config.json", "num_hidden_layers", 3);
  EXPECT_THROW(ClipModel::load(folder_), ModelError);
  set("text/config.json", "num_hidden_layers", 1);  // fewer: the rest would be left over
  EXPECT_THROW(ClipModel::load(folder_), ModelError);
}

TEST_F(DamagedFolder, AMeanThatIsNotThreeNumbers) {
  set("image/config.json", "image_mean", {0.5, 0.5});
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
  set("image/config.json", "image_mean", {0.5, "a", 0.5});
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
}

TEST_F(DamagedFolder, HostileJson) {
  const std::string deep = std::string(500000, '[') + std::string(500000, ']');
  for (const std::string& value : {std::string("1e999"), deep}) {
    write_file_atomic(folder_ / "text" / "config.json", "{\"projection_dim\": " + value + "}");
    EXPECT_THROW(ClipModel::load(folder_), FormatError) << value.substr(0, 10);
  }
}

TEST_F(DamagedFolder, AnotherTokenizer) {
  save_tokenizer(folder_ / "text", Tokenizer::train({"other words"}, {.context_length = 32}));
  EXPECT_THROW(ClipModel::load(folder_), ModelError);
}

TEST_F(DamagedFolder, AnUnknownActivation) {
  set("text/config.json", "hidden_act", "relu");
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
}

TEST_F(DamagedFolder, ATruncatedWeightFile) {
  const std::string bytes = read_file(folder_ / "image" / "model.safetensors");
  write_file_atomic(folder_ / "image" / "model.safetensors", std::string_view(bytes).substr(0, bytes.size() - 10));
  EXPECT_THROW(ClipModel::load(folder_), FormatError);
}

// Not a test of its own: tests/clip/*_oracle.py run it to get folders that Python then reads.
TEST(OracleFolder, Write) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "run by tests/clip/transformers_oracle.py";
  const torch::NoGradGuard no_grad;
  const Tensor images = some_images(3);
  for (const auto kind : {ImageTowerKind::conv, ImageTowerKind::vit}) {
    for (const auto activation : {ClipActivation::gelu, ClipActivation::quick_gelu}) {
      const bool words = activation == ClipActivation::gelu;
      const ClipModel model = make(kind, words ? TokenizerKind::words : TokenizerKind::bpe, activation);
      const fs::path folder = fs::path(root) / (to_string(kind) + "_" + to_string(activation));
      model.save(folder);
      const TokenTable tokens = tokenize(model.tokenizer(), kCaptions);
      const TextFeatures text = model.text_features(tokens.ids);
      write_safetensors(folder / "expected.safetensors", {{{"ids", tokens.ids},
                                                           {"images", images},
                                                           {"hidden", text.hidden},
                                                           {"text_raw", text.embedding},
                                                           {"text", model.encode_tokens(tokens.ids)},
                                                           {"image", model.encode_image(images)},
                                                           {"logit_scale", model.logit_scale()}},
                                                          {}});
    }
  }
}

/// Reads captions, one a line, trains both tokenizers on them and writes folders and ids.
TEST(OracleFolder, WriteTokenizers) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "run by tests/clip/tokenizer_oracle.py";
  const auto texts = nlohmann::json::parse(read_file(fs::path(root) / "captions.json")).get<std::vector<std::string>>();
  for (const auto kind : {TokenizerKind::words, TokenizerKind::bpe}) {
    const std::vector<std::string> seen(texts.begin(), texts.begin() + static_cast<long>(texts.size() / 2));
    const Tokenizer tokenizer = Tokenizer::train(seen, {.kind = kind, .context_length = 24, .max_vocabulary = 900});
    const fs::path folder = fs::path(root) / to_string(kind);
    save_tokenizer(folder, tokenizer);
    nlohmann::json ids, spans;
    for (const std::string& text : texts) {
      const Encoding encoding = tokenizer.encode(text);
      ids.push_back(encoding.ids);
      std::vector<std::pair<int64_t, int64_t>> pairs;
      for (const TextSpan& span : encoding.spans) pairs.emplace_back(span.begin, span.end);
      spans.push_back(pairs);
    }
    write_file_atomic(folder / "ids.json", nlohmann::json{{"ids", ids}, {"spans", spans}}.dump());
  }
}

}  // namespace
}  // namespace noisescope
