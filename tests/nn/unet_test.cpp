#include "noisescope/nn/unet.h"

#include <gtest/gtest.h>

#include <torch/nn/init.h>

#include "noisescope/core/error.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/tap.h"

namespace noisescope {
namespace {

UNetOptions small_options() {
  UNetOptions options;
  options.image_size = 16;
  options.channels = {16, 32};
  options.attention_resolutions = {4};
  options.head_width = 16;
  options.embedding_width = 32;
  options.condition_width = 12;
  options.condition_map_channels = 4;
  options.condition_map_size = 4;
  return options;
}

struct Inputs {
  Tensor x, noise_label, condition;
};

Inputs inputs(const UNetOptions& o, int64_t batch, int64_t height, int64_t width) {
  const Random random(11);
  const std::vector<int64_t> samples = sample_range(0, batch);
  return {random.normal(Purpose::train_noise, 0, samples, {o.in_channels, height, width}),
          random.normal(Purpose::train_sigma, 0, samples, {}).mul(0.3),
          random.normal(Purpose::caption, 0, samples, {o.condition_width})};
}

/// Parameters as after some training: none of them zero.
UNet trained(const UNetOptions& options) {
  UNet net(options, Random(5));
  const torch::NoGradGuard no_grad;
  for (const auto& item : net->named_parameters()) {
    Tensor parameter = item.value();
    const std::vector<int64_t> sizes = parameter.sizes().vec();
    const Tensor noise = Random(6).normal(Purpose::explain, name_hash(item.key()), {0}, sizes);
    parameter.add_(noise.view(sizes), 0.05);
  }
  net->eval();
  return net;
}

Tensor run(UNet& net, const Inputs& in) { return net(in.x, in.noise_label, in.condition); }

double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

template <class Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(UNet, DefaultsAreTheDemosNetwork) {
  UNet net{UNetOptions{}};
  EXPECT_NEAR(static_cast<double>(parameter_count(*net)), 2.3e6, 0.05e6);
  const Inputs in = inputs(net->options(), 2, 32, 32);
  EXPECT_EQ(run(net, in).sizes(), in.x.sizes());
}

TEST(UNet, AFreshNetworkAnswersZero) {
  UNet net(small_options());
  EXPECT_EQ(run(net, inputs(net->options(), 2, 16, 16)).abs().max().item<float>(), 0);
}

TEST(UNet, KeysAreReadableByRole) {
  const UNet net(small_options());
  const NamedTensors state = module_state(*net);
  for (const char* key : {"null_condition", "position", "embedding.noise1.weight", "condition_map.out.weight",
                          "enc.8x8_conv.weight", "enc.8x8_block0.conv1.weight", "enc.4x4_down.weight",
                          "mid.4x4_block0.attn.qkv.weight", "dec.4x4_block1.film.weight", "dec.8x8_up.weight",
                          "dec.8x8_block1.film_map.weight", "out_norm.weight", "out_conv.weight"}) {
    EXPECT_TRUE(state.contains(key)) << key;
  }
}

// Kernels may sum in another order for another batch size: in float64 that is far below the bound on
// every CPU.
TEST(UNet, SampleKOfABatchIsSampleKAlone) {
  UNet net = trained(small_options());
  net->to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  Inputs in = inputs(net->options(), 5, 16, 16);
  for (Tensor* tensor : {&in.x, &in.noise_label, &in.condition}) *tensor = tensor->to(torch::kFloat64);
  const Tensor batch = run(net, in);
  const double largest = batch.abs().max().item<double>();
  for (int64_t k = 0; k < 5; ++k) {
    const Inputs alone{in.x.narrow(0, k, 1), in.noise_label.narrow(0, k, 1), in.condition.narrow(0, k, 1)};
    EXPECT_LT(distance(run(net, alone), batch.narrow(0, k, 1)), 1e-12 * largest) << k;
  }
}

TEST(UNet, WorksAtEverySizeThatItsStridesDivide) {
  for (Position position : {Position::none, Position::coordinates, Position::learned}) {
    UNetOptions options = small_options();
    options.position = position;
    UNet net = trained(options);
    for (auto [height, width] : {std::pair{4, 4}, {16, 24}, {32, 8}, {20, 36}}) {
      const Inputs in = inputs(options, 2, height, width);
      const Tensor out = run(net, in);
      EXPECT_EQ(out.sizes(), in.x.sizes());
      EXPECT_TRUE(out.isfinite().all().item<bool>());
    }
  }
}

TEST(UNet, EveryPatchAndDepthIsBuildable) {
  for (int64_t patch : {1, 2, 4}) {
    for (std::vector<int64_t> channels : {std::vector<int64_t>{16}, {16, 32, 48}}) {
      UNetOptions options = small_options();
      options.patch = patch;
      options.channels = channels;
      options.attention_resolutions = {};
      options.condition_map_channels = patch == 1 ? 0 : 4;
      UNet net(options);
      EXPECT_EQ(run(net, inputs(options, 1, 16, 16)).size(3), 16);
    }
  }
}

TEST(UNet, UnfitInputsAreRefusedWithTheReason) {
  UNet net(small_options());
  const Inputs in = inputs(net->options(), 2, 16, 16);
  const auto message = [&](const Tensor& x, const Tensor& label, const Tensor& condition) {
    return message_of<ShapeError>([&] { net(x, label, condition); });
  };
  EXPECT_NE(message(in.x.narrow(2, 0, 14), in.noise_label, in.condition).find("multiples of 4"), std::string::npos);
  EXPECT_NE(message(in.x.narrow(1, 0, 1), in.noise_label, in.condition).find("[any, 3, any, any]"), std::string::npos);
  EXPECT_NE(message(in.x, in.noise_label.narrow(0, 0, 1), in.condition).find("noise_label"), std::string::npos);
  EXPECT_NE(message(in.x, in.noise_label, in.condition.narrow(1, 0, 7)).find("[2, 12], got [2, 7]"), std::string::npos);
  EXPECT_NE(message(in.x, in.noise_label, torch::cat({in.condition, in.condition}, 1))
                .find("condition of shape [2, 12], got [2, 24]"),
            std::string::npos);
}

TEST(UNet, UnbuildableOptionsAreRefused) {
  const auto message = [](const std::function<void(UNetOptions&)>& change) {
    UNetOptions options = small_options();
    change(options);
    return message_of<ValueError>([&] { UNet net(options); });
  };
  EXPECT_NE(message([](auto& o) { o.patch = 3; }).find("patch to be one of 1, 2, 4, got 3"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.channels = {}; }).find("1 to 16 levels"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.image_size = 18; }).find("multiple of 4"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.attention_resolutions = {16}; }).find("[8, 4], got 16"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.channels = {16, 24}; }).find("head_width"), std::string::npos);
  EXPECT_NE(message([](auto& o) { o.dropout = 1; }).find("dropout"), std::string::npos);
}

/// A few steps of gradient descent towards a fixed target; every second sample has no condition.
void descend(UNet& net, int64_t steps) {
  const Inputs in = inputs(net->options(), 4, 16, 16);
  const Tensor drop = torch::tensor({1, 0, 1, 0}, torch::kBool).unsqueeze(1);
  const Tensor target = in.x.roll(1, 3) + in.condition.narrow(1, 0, 3).unsqueeze(-1).unsqueeze(-1);
  for (int64_t step = 0; step < steps; ++step) {
    const Tensor condition = torch::where(drop, net->null_condition(), in.condition);
    net->zero_grad();
    (net(in.x, in.noise_label, condition) - target).square().mean().backward();
    if (step + 1 == steps) break;  // leaves the last gradients to be looked at
    const torch::NoGradGuard no_grad;
    for (Tensor parameter : net->parameters()) parameter.sub_(parameter.grad(), 0.1);
  }
}

TEST(UNet, GradientsReachEveryParameterAfterAFewSteps) {
  UNet net(small_options());
  descend(net, 5);
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

TEST(UNet, TheNullConditionIsLearned) {
  UNet net(small_options());
  EXPECT_EQ(net->null_condition().abs().max().item<double>(), 0);
  descend(net, 8);
  EXPECT_GT(net->null_condition().abs().max().item<double>(), 0);
}

TEST(UNet, TheConditionCanAddressPlaces) {
  UNet net = trained(small_options());
  const torch::NoGradGuard no_grad;
  Inputs in = inputs(net->options(), 1, 16, 16);
  in.x.zero_();
  TapRecorder recorder({"*.film"});
  run(net, in);
  const Tensor shift = recorder.last("enc.8x8_block0.film").chunk(2, 1)[1];
  EXPECT_EQ(shift.sizes(), (std::vector<int64_t>{1, 16, 4, 4}));
  EXPECT_GT(shift.flatten(2).std(2).min().item<double>(), 0) << "the same everywhere";
}

TEST(UNetTaps, AblationChangesTheOutput) {
  UNet net = trained(small_options());
  const torch::NoGradGuard no_grad;
  const Inputs in = inputs(net->options(), 2, 16, 16);
  const Tensor plain = run(net, in);
  std::map<std::string, std::vector<Tensor>> recorded;
  {
    TapRecorder names;
    run(net, in);
    recorded = names.values();
  }
  ASSERT_GE(recorded.size(), 30u);
  for (const auto& entry : recorded) {
    const TapScope scope([](std::string_view, const Tensor& value) { return torch::zeros_like(value); }, {entry.first});
    EXPECT_GT(distance(run(net, in), plain), 1e-4) << entry.first;
  }
  EXPECT_TRUE(torch::equal(run(net, in), plain));
}

TEST(UNetTaps, PatchingARecordedValueBackIsTheOtherRun) {
  UNet net = trained(small_options());
  const torch::NoGradGuard no_grad;
  const Inputs in = inputs(net->options(), 2, 16, 16);
  Inputs other = in;
  other.x = in.x.flip(3);
  Tensor donor, expected;
  {
    TapRecorder recorder({"out"});
    expected = run(net, other);
    donor = recorder.last("out");
  }
  const TapScope patch([&](std::string_view, const Tensor&) { return donor; }, {"out"});
  EXPECT_TRUE(torch::equal(run(net, in), expected));
}

TEST(UNetTaps, RecordingChangesNothing) {
  UNet net = trained(small_options());
  const torch::NoGradGuard no_grad;
  const Inputs in = inputs(net->options(), 2, 16, 16);
  const Tensor plain = run(net, in);
  TapRecorder recorder;
  EXPECT_LT(distance(run(net, in), plain), 1e-5);  // attention takes its explicit path
  const Tensor probs = recorder.last("mid.4x4_block0.attn.probs");
  EXPECT_EQ(probs.sizes(), (std::vector<int64_t>{2, 2, 16, 16}));
  EXPECT_LT(distance(probs.sum(-1), torch::ones({2, 2, 16})), 1e-5);
}

TEST(Dropout, IsAFunctionOfItsStreamAndOffInEvaluation) {
  UNetOptions options = small_options();
  options.dropout = 0.3;
  UNet net = trained(options);
  const torch::NoGradGuard no_grad;
  const Inputs in = inputs(options, 3, 16, 16);
  const Tensor plain = run(net, in);
  net->train();
  EXPECT_THROW(run(net, in), ValueError);
  net->set_dropout_stream(Random(1), 7);
  const Tensor dropped = run(net, in);
  EXPECT_GT(distance(dropped, plain), 1e-3);
  EXPECT_TRUE(torch::equal(run(net, in), dropped));
  net->set_dropout_stream(Random(1), 8);
  EXPECT_GT(distance(run(net, in), dropped), 1e-3);
  net->eval();
  EXPECT_TRUE(torch::equal(run(net, in), plain));
}

TEST(Dropout, KeepsTheExpectedShareOfWholeMaps) {
  UNetOptions options = small_options();
  options.channels = {64};
  options.attention_resolutions = {};
  options.dropout = 0.25;
  UNet net = trained(options);
  net->train();
  const torch::NoGradGuard no_grad;
  const Inputs in = inputs(options, 32, 16, 16);
  // conv2 as the identity shows what dropout let through.
  for (const auto& item : net->named_parameters()) {
    Tensor parameter = item.value();
    if (item.key() == "enc.8x8_block0.conv2.weight") torch::nn::init::dirac_(parameter);
    if (item.key() == "enc.8x8_block0.conv2.bias") parameter.zero_();
  }
  TapRecorder recorder({"enc.8x8_block0.residual"});
  net->set_dropout_stream(Random(2), 1);
  run(net, in);
  const Tensor kept = (recorder.last("enc.8x8_block0.residual").abs().amax({2, 3}) > 0).to(torch::kFloat64);
  EXPECT_NEAR(kept.mean().item<double>(), 0.75, 4 * std::sqrt(0.25 * 0.75 / (32 * 64)));
}

}  // namespace
}  // namespace noisescope
