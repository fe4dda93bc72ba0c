// Weight files of others: tests/golden/clip holds one tiny CLIP in the layouts of transformers and
// open_clip, with the results of transformers (made by tests/reference/make_clip_golden.py).
#include "noisescope/clip/folder/clip_weights.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/clip/clip_images.h"
#include "noisescope/clip/clip_model.h"
#include "noisescope/clip/folder/clip_inspect.h"
#include "noisescope/core/error.h"
#include "noisescope/core/random.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/io/weight_folder.h"
#include "noisescope/io/weight_index.h"
#include "noisescope/nn/tap.h"

namespace noisescope {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = NOISESCOPE_SOURCE_DIR "/tests/golden/clip";

/// Largest error over largest value.
double relative(const Tensor& got, const Tensor& expected) {
  EXPECT_EQ(got.sizes(), expected.sizes());
  return ((got - expected).abs().max() / expected.abs().max()).item<double>();
}

const TensorFile& expected() {
  static const TensorFile file = read_safetensors(kGolden / "expected.safetensors");
  return file;
}

fs::path fresh(const std::string& name) {
  const fs::path path = fs::path(::testing::TempDir()) / ("clip_weights_" + name);
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

fs::path copy_of(const char* golden, const std::string& name) {
  const fs::path path = fresh(name);
  fs::copy(kGolden / golden, path, fs::copy_options::recursive);
  return path;
}

void expect_golden(const ClipModel& model) {
  const torch::NoGradGuard no_grad;
  const Tensor text = model.encode_tokens(expected().at("ids"));
  const Tensor image = model.encode_image(expected().at("pixels"));
  EXPECT_LT(relative(text, expected().at("text")), 1e-5);
  EXPECT_LT(relative(image, expected().at("image")), 1e-5);
  EXPECT_LT(relative(model.logit_scale() * at::matmul(image, text.t()), expected().at("logits")), 1e-5);
}

/// The message of the error that `call` throws.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no such error";
  return "";
}

void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " not in: " << message;
  }
}

TEST(ClipWeights, ShardsOfTransformers) { expect_golden(ClipModel::load(kGolden / "hugging_face")); }

TEST(ClipWeights, OpenClip) { expect_golden(ClipModel::load(kGolden / "open_clip")); }

TEST(ClipWeights, CustomTextClipAndDataParallelNames) {
  const fs::path folder = copy_of("open_clip", "custom");
  TensorFile file = read_safetensors(folder / "open_clip_model.safetensors");
  TensorFile renamed;
  for (const auto& [key, tensor] : file.tensors) {
    const bool is_text = !key.starts_with("visual.") && key != "logit_scale";
    renamed.tensors["module." + std::string(is_text ? "text." : "") + key] = tensor;
  }
  renamed.tensors["module.text.attn_mask"] = torch::zeros({10, 10});
  write_safetensors(folder / "open_clip_model.safetensors", renamed);
  expect_golden(ClipModel::load(folder));
}

TEST(ClipWeights, OpenAiWithoutConfigurationAsksForWhatWeightsDoNotSay) {
  const fs::path folder = fresh("openai");
  TensorFile file = read_safetensors(kGolden / "open_clip" / "open_clip_model.safetensors");
  write_safetensors(folder / "ViT.safetensors", file);
  expect_parts(message_of<ValueError>([&] { ClipModel::load(folder); }),
               {"--activation", "--text-heads", "--image-heads"});
  const ClipHints hints{ClipActivation::quick_gelu, 2, 3};
  const ClipModel model = ClipModel::load(folder, {.hints = hints});
  EXPECT_EQ(model.options().image.image_size, 12);
  EXPECT_EQ(model.options().image.encoder.mlp_size(), 48);
  EXPECT_EQ(model.config().context_length, 10);
  // The golden's eps is not OpenAI's: only that one number may differ.
  const torch::NoGradGuard no_grad;
  EXPECT_LT(relative(model.encode_tokens(expected().at("ids")), expected().at("text")), 0.05);

  file.tensors["input_resolution"] = torch::tensor(12);
  file.tensors["context_length"] = torch::tensor(10);
  file.tensors["vocab_size"] = torch::tensor(40);
  write_safetensors(folder / "ViT.safetensors", file);
  const ClipModel original = ClipModel::load(folder);
  EXPECT_EQ(original.options().text.activation, ClipActivation::quick_gelu);
  EXPECT_EQ(original.options().text.heads, 1);  // one every 64 of the width, at least one
}

TEST(ClipWeights, EitherHalfAlone) {
  const fs::path text = fresh("text_half"), image = fresh("image_half");
  const ClipModel whole = ClipModel::load(kGolden / "hugging_face");
  const auto json = nlohmann::json::parse(read_file(kGolden / "hugging_face" / "config.json"));
  TensorFile text_file, image_file;
  for (const auto& [key, tensor] : read_weight_folder(kGolden / "hugging_face").tensors) {
    if (key.starts_with("text")) text_file.tensors[key] = tensor;
    if (key.starts_with("vis")) image_file.tensors[key] = tensor.to(torch::kBFloat16);
  }
  nlohmann::json text_json = json["text_config"], image_json = json["vision_config"];
  text_json["projection_dim"] = image_json["projection_dim"] = 12;
  write_file_atomic(text / "config.json", text_json.dump());
  write_safetensors(text / "model.safetensors", text_file);
  write_file_atomic(image / "config.json", image_json.dump());
  write_safetensors(image / "model.safetensors", image_file);
  fs::copy(kGolden / "hugging_face" / "preprocessor_config.json", image);

  const torch::NoGradGuard no_grad;
  const ClipModel text_half = ClipModel::load(text), image_half = ClipModel::load(image);
  EXPECT_LT(relative(text_half.encode_tokens(expected().at("ids")), expected().at("text")), 1e-5);
  EXPECT_LT(relative(image_half.encode_image(expected().at("pixels")), expected().at("image")), 0.05);
  EXPECT_THROW(text_half.encode_image(expected().at("pixels")), ModelError);
  EXPECT_THROW(image_half.encode_tokens(expected().at("ids")), ModelError);
  EXPECT_THROW(image_half.logit_scale(), ModelError);
  EXPECT_THROW(text_half.tokenizer(), ModelError);
  const fs::path again = fresh("half_again");
  text_half.save(again);
  EXPECT_EQ(ClipModel::load(again).weights_hash(), text_half.weights_hash());
}

TEST(ClipWeights, HiddenStatesAreThoseOfTransformers) {
  const ClipModel model = ClipModel::load(kGolden / "hugging_face");
  const torch::NoGradGuard no_grad;
  const Tensor ids = expected().at("ids");
  EXPECT_LT(relative(model.text_hidden(ids), expected().at("hidden")), 1e-5);
  EXPECT_LT(relative(model.text_features(ids).hidden, expected().at("hidden")), 1e-5);
  EXPECT_LT(relative(model.text_hidden(ids, {.skip = 1, .final_norm = false}), expected().at("penultimate")), 1e-5);
  EXPECT_THROW(model.text_hidden(ids, {.skip = 3}), ValueError);
  const TapRecorder recorder({"image.block1"});
  model.encode_image(expected().at("pixels"));
  EXPECT_LT(relative(recorder.last("image.block1"), expected().at("vision_hidden")), 1e-5);
}

TEST(ClipWeights, PositionEmbeddingsPassToAnotherGridInBothConventions) {
  const fs::path folder = kGolden / "hugging_face";
  const torch::NoGradGuard no_grad;
  const ClipModel larger = ClipModel::load(folder, {.hints = {}, .image_size = 20});
  EXPECT_LT(relative(larger.encode_image(expected().at("large")), expected().at("resized")), 1e-5);
  const Tensor stored = read_weight_folder(folder).at("vision_model.embeddings.position_embedding.weight");
  const auto resized = [&](PositionResize how) { return resize_position_embedding(stored, 5, how); };
  const Tensor theirs = resized(PositionResize::transformers), open = resized(PositionResize::open_clip);
  EXPECT_LT(relative(theirs, expected().at("positions_transformers")), 1e-5);
  EXPECT_LT(relative(open, expected().at("positions_open_clip")), 1e-5);
  EXPECT_GT(relative(theirs, open), 0.01);  // they are two conventions
  EXPECT_THROW(ClipModel::load(folder, {.hints = {}, .image_size = 18}), ValueError);
  EXPECT_THROW(resize_position_embedding(torch::zeros({9, 4}), 5, PositionResize::open_clip), ShapeError);
}

TEST(ClipWeights, TheListOfWeightsIsThatOfTheModule) {
  ClipOptions options;
  options.embedding_dim = 6;
  options.text = {.width = 12, .layers = 3, .heads = 2, .mlp_width = 20};
  options.image.kind = ImageTowerKind::vit;
  options.image.image_size = 12;
  options.image.encoder = {.width = 8, .layers = 2, .heads = 2};
  const ClipModel model(options, Tokenizer::train({"a b c"}, {}), 0);
  std::map<std::string, std::vector<int64_t>> listed, built;
  for (const ClipWeight& weight : clip_weights(model.config(), ClipLayout::hugging_face)) {
    listed[weight.name] = weight.shape;
  }
  for (const auto& [name, tensor] : module_state(model.module())) built[name] = tensor.sizes().vec();
  EXPECT_EQ(listed, built);
}

TEST(ClipWeights, AllFaultsAreListedAtOnceInTheNamesOfTheFile) {
  const fs::path folder = copy_of("open_clip", "faults");
  TensorFile file = read_safetensors(folder / "open_clip_model.safetensors");
  file.tensors.erase("visual.proj");
  file.tensors.erase("transformer.resblocks.1.attn.in_proj_bias");
  file.tensors["extra.weight"] = torch::zeros({2});
  file.tensors["ln_final.bias"] = torch::zeros({17});
  file.tensors["visual.ln_pre.bias"] = torch::zeros({24}, torch::kInt64);
  write_safetensors(folder / "open_clip_model.safetensors", file);
  expect_parts(message_of<ModelError>([&] { ClipModel::load(folder); }),
               {"missing (2)", "visual.proj [24, 12]", "transformer.resblocks.1.attn.in_proj_bias [48]",
                "unknown (1): extra.weight", "of another shape or dtype (2)", "ln_final.bias (expected [16]",
                "visual.ln_pre.bias (expected [24]"});
}

TEST(ClipWeights, AConfigurationThatContradictsTheWeights) {
  const fs::path folder = copy_of("hugging_face", "contradiction");
  auto json = nlohmann::json::parse(read_file(folder / "config.json"));
  json["vision_config"]["num_hidden_layers"] = 3;
  json["projection_dim"] = 14;
  write_file_atomic(folder / "config.json", json.dump());
  expect_parts(
      message_of<ModelError>([&] { ClipModel::load(folder); }),
      {"vision_model.encoder.layers.2.mlp.fc1.weight [48, 24]", "text_projection.weight", "visual_projection.weight"});
}

TEST(ClipWeights, TowersThatThisProgramDoesNotHave) {
  for (const char* key :
       {"visual.layer1.0.conv1.weight", "visual.trunk.patch_embed.proj.weight", "unet.conv_in.weight"}) {
    const fs::path folder = fresh("other_tower");
    write_safetensors(folder / "model.safetensors", {{{key, torch::zeros({1})}}, {}});
    EXPECT_THROW(ClipModel::load(folder), ModelError) << key;
  }
}

TEST(ClipWeights, PicklesAreNamedAndNotOpened) {
  const fs::path folder = fresh("pickle");
  write_file_atomic(folder / "pytorch_model.bin", "cos\nsystem\n");
  expect_parts(message_of<IoError>([&] { ClipModel::load(folder); }), {"pytorch_model.bin", "noisescope convert"});
}

TEST(ClipWeights, AMissingActivationIsAskedFor) {
  const fs::path folder = copy_of("hugging_face", "no_activation");
  auto json = nlohmann::json::parse(read_file(folder / "config.json"));
  json["text_config"].erase("hidden_act");
  json["vision_config"].erase("hidden_act");
  write_file_atomic(folder / "config.json", json.dump());
  expect_parts(message_of<FormatError>([&] { ClipModel::load(folder); }), {"hidden_act", "--activation"});
  expect_golden(ClipModel::load(folder, {.hints = {.activation = ClipActivation::quick_gelu}}));
}

TEST(ClipWeights, TheProcessorFileOfTransformers5) {
  const fs::path folder = copy_of("hugging_face", "processor");
  const auto json = nlohmann::json::parse(read_file(folder / "preprocessor_config.json"));
  fs::remove(folder / "preprocessor_config.json");
  EXPECT_THROW(ClipModel::load(folder), IoError);
  write_file_atomic(folder / "processor_config.json", nlohmann::json{{"image_processor", json}}.dump());
  expect_golden(ClipModel::load(folder));
}

TEST(ClipWeights, TheOldEndIdPoolsAtTheLargest) {
  const fs::path folder = copy_of("hugging_face", "old_end");
  auto json = nlohmann::json::parse(read_file(folder / "config.json"));
  json["text_config"]["eos_token_id"] = 2;
  write_file_atomic(folder / "config.json", json.dump());
  expect_golden(ClipModel::load(folder));
}

TEST(OpenClipConfig, WhatItDoesNotImplementIsRefused) {
  const auto base = nlohmann::json::parse(read_file(kGolden / "open_clip" / "open_clip_config.json"));
  const auto parse = [](const nlohmann::json& json) { return parse_open_clip_config(json.dump(), "f"); };
  EXPECT_EQ(parse(base).options.image.encoder.heads, 3);
  const auto refused = [&](const char* section, const char* key, const nlohmann::json& value) {
    nlohmann::json json = base;
    json["model_cfg"][section][key] = value;
    expect_parts(message_of<FormatError>([&] { parse(json); }), {key});
  };
  refused("vision_cfg", "timm_model_name", "vit_base");
  refused("vision_cfg", "attentional_pool", true);
  refused("vision_cfg", "ls_init_value", 0.1);
  refused("text_cfg", "pool_type", "last");
  refused("text_cfg", "hf_model_name", "roberta");
  refused("text_cfg", "no_causal_mask", true);
  nlohmann::json neutral = base;
  neutral["model_cfg"]["vision_cfg"]["ls_init_value"] = nullptr;
  neutral["model_cfg"]["text_cfg"]["pool_type"] = "argmax";
  neutral["model_cfg"].erase("quick_gelu");
  EXPECT_EQ(parse(neutral).options.text.activation, ClipActivation::gelu);
  EXPECT_EQ(parse(neutral).notes.size(), 1u);
}

TEST(WeightIndex, OnlyPlainNamesBesideTheIndex) {
  const auto parse = [](const std::string& file) {
    return parse_weight_index(R"({"weight_map": {"w": )" + file + "}}", "index");
  };
  EXPECT_EQ(parse("\"a.safetensors\"").at("w"), "a.safetensors");
  for (const char* file :
       {"\"../a.safetensors\"", "\"/a.safetensors\"", "\"a/b.safetensors\"", "\"a.bin\"", "\".safetensors\"", "3",
        "\"\"", "null", "1e999", "\"a\\u0000.safetensors\"", "[[[[[[[[[]]]]]]]]]"}) {
    EXPECT_THROW(parse(file), FormatError) << file;
  }
  for (const char* text : {"", "[]", "{}", R"({"weight_map": {}})", R"({"weight_map": 3})"}) {
    EXPECT_THROW(parse_weight_index(text, "index"), FormatError) << text;
  }
}

class Shards : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = copy_of("hugging_face", "shards"); }
  fs::path index() const { return folder_ / "model.safetensors.index.json"; }
  fs::path shard(int number) const {
    return folder_ / ("model-0000" + std::to_string(number) + "-of-00002.safetensors");
  }
  std::string fault() const {
    return message_of<FormatError>([&] { read_weight_folder(folder_); });
  }
  fs::path folder_;
};

TEST_F(Shards, AbsentFile) {
  fs::remove(shard(2));
  expect_parts(fault(), {"absent files (1): model-00002-of-00002.safetensors"});
}

TEST_F(Shards, TensorsThatAreNotWhereTheIndexSays) {
  auto json = nlohmann::json::parse(read_file(index()));
  json["weight_map"]["nowhere"] = "model-00001-of-00002.safetensors";
  json["weight_map"].erase("logit_scale");
  write_file_atomic(index(), json.dump());
  expect_parts(fault(), {"missing in their file (1): nowhere", "does not name there (1): logit_scale"});
}

TEST_F(Shards, TruncatedFile) {
  const std::string bytes = read_file(shard(1));
  write_file_atomic(shard(1), bytes.substr(0, bytes.size() - 3));
  expect_parts(fault(), {"model-00001-of-00002.safetensors", "truncated"});
}

TEST(ClipInspection, CountsAndListsWhatIsMissing) {
  const fs::path folder = copy_of("hugging_face", "inspection");
  const ClipInspection inspection = inspect_clip(folder);
  const int64_t parameters = parameter_count(ClipModel::load(folder).module());
  EXPECT_EQ(inspection.text_parameters + inspection.image_parameters + 1, parameters);
  EXPECT_EQ(inspection.dtypes, (std::map<std::string, int64_t>{{"float16", parameters}}));
  ASSERT_EQ(inspection.problems.size(), 1u);
  expect_parts(inspection.problems[0], {"no tokenizer"});

  auto json = nlohmann::json::parse(read_file(folder / "config.json"));
  json["projection_dim"] = 14;
  write_file_atomic(folder / "config.json", json.dump());
  write_file_atomic(folder / "tokenizer.json", "{}");
  const std::vector<std::string> problems = inspect_clip(folder).problems;
  ASSERT_EQ(problems.size(), 2u);
  expect_parts(problems[0], {"text_projection.weight", "visual_projection.weight"});
  EXPECT_FALSE(inspect_clip(folder / "nowhere").loads());
}

TEST(ClipImages, AnySizeBecomesTheTowers) {
  const Tensor images = Random(1).uniform(Purpose::scene, 0, sample_range(0, 2), {3, 12, 12}) * 2 - 1;
  const PreprocessOptions to_12 = standard_preprocess(ClipProfile::hf, 12);
  const PreprocessOptions to_32 = standard_preprocess(ClipProfile::hf, 32);
  EXPECT_TRUE(torch::equal(to_clip_size(images, to_12), images));
  const Tensor larger = to_clip_size(torch::full({2, 3, 16, 24}, 0.2, torch::kFloat32), to_32);
  EXPECT_EQ(larger.sizes(), (torch::IntArrayRef{2, 3, 32, 32}));
  EXPECT_LT((larger - 0.2).abs().max().item<double>(), 1.0 / 255);
}

TEST(ClipImages, PixelValuesAreTheImageNormalised) {
  const torch::NoGradGuard no_grad;
  const ClipModel model = ClipModel::load(kGolden / "hugging_face");
  const Tensor image = read_safetensors(kGolden / "expected.safetensors").at("pixels")[0];
  const fs::path path = copy_of("hugging_face", "pixel_values") / "image.png";
  write_png(path, tensor_to_image(image));
  const Tensor values = read_pixel_values(path, model.config().preprocess).unsqueeze(0);
  const Tensor apart = model.encode_pixel_values(values) - model.encode_image(image.unsqueeze(0));
  EXPECT_LT(apart.abs().max().item<double>(), 1e-6);
  EXPECT_THROW(model.encode_pixel_values(values.narrow(2, 0, 8)), ShapeError);
}

TEST(ClipWeights, PicturesAreCutAsTheFolderSays) {
  const fs::path folder = copy_of("hugging_face", "preprocessing");
  const auto write = [&](const std::string& more) {
    write_file_atomic(folder / "preprocessor_config.json",
                      R"({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], )" + more + "}");
  };
  write(R"("size": {"height": 12, "width": 12}, "do_center_crop": false)");
  const ClipModel squashed = ClipModel::load(folder);
  EXPECT_EQ(squashed.config().preprocess.resize, ClipResize::squash);
  EXPECT_EQ(squashed.options().image_mean, (std::vector<double>{0.5, 0.4, 0.3}));
  const fs::path saved = fresh("squashed");
  squashed.save(saved);
  EXPECT_EQ(preprocess_key(ClipModel::load(saved).config().preprocess), preprocess_key(squashed.config().preprocess));
  const ClipModel larger = ClipModel::load(folder, {.hints = {}, .image_size = 20});
  EXPECT_EQ(preprocessed_size(larger.config().preprocess), (std::pair<int64_t, int64_t>(20, 20)));
  write(R"("size": 14, "crop_size": 10)");
  expect_parts(message_of<FormatError>([&] { ClipModel::load(folder); }),
               {"preprocessor_config.json", "12 px", "10 x 10"});
}

TEST(ClipWeights, TextsAreCleanedByTheProgramOfTheWeights) {
  const fs::path folder = fresh("profiles");
  save_tokenizer(folder, Tokenizer::train({"a red disc"}, {.kind = TokenizerKind::bpe}));
  EXPECT_EQ(find_tokenizer(folder, {})->model().profile, ClipProfile::hf);
  const ClipConfig open_clip = ClipModel::load(kGolden / "open_clip").config();
  EXPECT_EQ(find_tokenizer(folder, open_clip)->model().profile, ClipProfile::open_clip);
  EXPECT_EQ(find_tokenizer(folder / "nowhere", {}), nullptr);
  const fs::path merges = fresh("merges");
  fs::copy_file(NOISESCOPE_SOURCE_DIR "/fuzz/corpus/vocabulary/gzipped", merges / "bpe_simple_vocab_16e6.txt.gz");
  EXPECT_EQ(find_tokenizer(merges, open_clip)->model().profile, ClipProfile::open_clip);
}

// Not a test of its own: tests/clip/weights_oracle.py gives folders made by transformers and inputs.
TEST(OracleFolder, ReadWeights) {
  const char* root = std::getenv("NOISESCOPE_ORACLE_DIR");
  if (root == nullptr) GTEST_SKIP() << "run by tests/clip/weights_oracle.py";
  const torch::NoGradGuard no_grad;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (!fs::exists(entry.path() / "inputs.safetensors")) continue;
    const TensorFile in = read_safetensors(entry.path() / "inputs.safetensors");
    const ClipModel model = ClipModel::load(entry.path());
    const Tensor text = model.encode_tokens(in.at("ids"));
    TensorFile out;
    {
      const TapRecorder recorder({"image.block*"});
      model.encode_image(in.at("pixels").narrow(0, 0, 4));
      const std::string last = std::to_string(model.options().image.encoder.layers - 1);
      out.tensors["vision_hidden"] = recorder.last("image.block" + last);
    }
    const Tensor image = model.encode_image(in.at("pixels"));
    const Tensor few = in.at("pixels").narrow(0, 0, 48);  // a second time: the first one warms up
    const auto start = std::chrono::steady_clock::now();
    model.encode_image(few);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    out.tensors["text"] = text;
    out.tensors["image"] = image;
    out.tensors["hidden"] = model.text_hidden(in.at("ids"));
    out.tensors["penultimate"] = model.text_hidden(in.at("ids"), {.skip = 1, .final_norm = false});
    out.tensors["logits"] = model.logit_scale() * at::matmul(image, text.t());
    out.metadata["images_per_second"] = std::to_string(static_cast<double>(few.size(0)) / seconds.count());
    write_safetensors(entry.path() / "actual.safetensors", out);
  }
}

}  // namespace
}  // namespace noisescope
