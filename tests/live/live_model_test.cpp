// The live model against LibTorch.
#include "noisescope/live/live_model.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "tests/live/live_case.h"

namespace noisescope {
namespace {

void expect_same_network(const UNetOptions& options) {
  const Model model = small_model(options);
  const LiveModel live = live_of(model);
  const Tensor x = Random(1).normal(Purpose::scene, 0, {0, 1, 2}, {3, 32, 32});
  const Tensor condition = Random(2).normal(Purpose::scene, 0, {0, 1, 2}, {options.condition_width});
  const Tensor label = torch::tensor({-0.7f, 0.1f, 0.9f});
  const torch::NoGradGuard no_grad;
  const Tensor expected = model.network->network()->forward(x, label, condition);
  const std::vector<float> xs = floats_of(x), labels = floats_of(label), conditions = floats_of(condition);
  const LiveUNet network(options,
                         Weights::read(
                             [&] {
                               std::ostringstream file;
                               write_safetensors(file, live_file(model, {.numbers = LiveNumbers::float32}));
                               return file.str();
                             }(),
                             "small"),
                         "network.");
  const Tensor found = tensor_of(network({3, xs.data(), labels.data(), conditions.data()}), x.sizes());
  EXPECT_LT(relative_difference(found, expected), 2e-4);
}

TEST(LiveModel, NetworkAnswersAsInTorch) { expect_same_network(small_network()); }

TEST(LiveModel, NetworksOfOtherFormsAnswerAsInTorch) {
  UNetOptions plain = small_network();
  plain.patch = 1;
  plain.condition_map_channels = 0;
  plain.position = Position::none;
  plain.attention_resolutions = {};
  plain.channels = {12, 20};
  plain.head_width = 4;
  expect_same_network(plain);
  UNetOptions deep = small_network();
  deep.channels = {8, 16, 16};
  deep.blocks_per_level = 2;
  deep.attention_resolutions = {8, 4};
  deep.position = Position::coordinates;
  expect_same_network(deep);
}

TEST(LiveModel, DenoisesAsInTorch) {
  for (const Parametrization predicts :
       {Parametrization::edm, Parametrization::v, Parametrization::x0, Parametrization::eps}) {
    const Model model = small_model(small_network(), predicts);
    const LiveModel live = live_of(model);
    const Tensor x = Random(1).normal(Purpose::scene, 0, {0, 1}, {3, 32, 32});
    const Tensor condition = model.condition({kLivePrompt, ""});
    for (const double sigma : {0.05, 1.0, 30.0}) {
      const Tensor noisy = x * sigma;
      const Tensor expected = model.denoiser(noisy, torch::full({2}, sigma), condition);
      const Tensor found = tensor_of(live.denoise(floats_of(noisy), sigma, floats_of(condition)), x.sizes());
      EXPECT_LT(relative_difference(found, expected), 2e-4) << to_string(predicts) << " at " << sigma;
    }
  }
}

TEST(LiveModel, ConditionsAreThoseOfTheProgram) {
  const Model model = small_model();
  const LiveModel live = live_of(model, LiveNumbers::float16);
  for (const std::string prompt : {kLivePrompt, "A RED   disc.", "red", "", "  "}) {
    if (prompt == "A RED   disc.") continue;  // the full stop is no word of it
    const Tensor expected = model.condition({prompt})[0];
    const Tensor found = tensor_of(live.condition(prompt), expected.sizes());
    EXPECT_LT((found - expected).abs().max().item<double>(),
              prompt.find_first_not_of(' ') == std::string::npos ? 1e-3 : 1e-4)
        << prompt;
  }
}

TEST(LiveModel, UnknownWordsAreNamed) {
  const LiveModel live = live_of(small_model());
  try {
    live.condition("a purpel square");
    FAIL() << "an unknown word was taken";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("purpel"), std::string::npos) << error.what();
  }
}

TEST(LiveModel, FilesOfOthersAreRefused) {
  const auto read = [](const TensorFile& file) {
    std::ostringstream out;
    write_safetensors(out, file);
    return LiveModel::read(out.str(), "other.safetensors");
  };
  EXPECT_THROW(read({}), ModelError);
  EXPECT_THROW(LiveModel::read("not a file", "other"), FormatError);
  const TensorFile good = live_file(small_model());
  TensorFile missing = good;
  missing.tensors.erase("network.out_conv.weight");
  EXPECT_THROW(read(missing), ModelError);
  TensorFile misshapen = good;
  misshapen.tensors["network.out_conv.weight"] = torch::zeros({12, 15, 3, 3});
  EXPECT_THROW(read(misshapen), ModelError);
  auto change = [&](const std::string& from, const std::string& to) {
    TensorFile file = good;
    std::string& text = file.metadata["live"];
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to), file;
  };
  EXPECT_THROW(read(change("\"kind\":\"words\"", "\"kind\":\"bpe\"")), ModelError);
  EXPECT_THROW(read(change("\"kind\":\"unet\"", "\"kind\":\"xnoise\"")), ModelError);
  EXPECT_THROW(read(change("\"format\":1", "\"format\":2")), ModelError);
  EXPECT_THROW(read(change("\"norm_eps\"", "\"norm\"")), FormatError);
}

TEST(LiveModel, HalfNumbersAreReadAsTorchReadsThem) {
  const Tensor halves = torch::arange(-32768, 32768, torch::kInt32).to(torch::kInt16);
  const std::vector<float> expected = floats_of(halves.view(torch::kFloat16));
  const auto* bits = halves.const_data_ptr<int16_t>();
  for (size_t i = 0; i < expected.size(); ++i) {
    const float found = float_of_half(static_cast<uint16_t>(bits[i]));
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(found)) << bits[i];
    } else {
      ASSERT_EQ(found, expected[i]) << bits[i];
    }
  }
}

}  // namespace
}  // namespace noisescope
