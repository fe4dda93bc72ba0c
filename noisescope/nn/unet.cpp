#include "noisescope/nn/unet.h"

#include <utility>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/nn/norm_film_silu.h"
#include "noisescope/nn/precision.h"
#include "noisescope/nn/tap.h"

namespace noisescope::nn {
namespace {

using Role = UNetLayer::Role;

/// "enc.16x16_block0" -> {"enc", "16x16_block0"}
std::pair<std::string, std::string> split_name(const std::string& name) {
  const size_t dot = name.find('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// The module `name` of `parent`, made on first use: enc, mid, dec.
torch::nn::Module& part(torch::nn::Module& parent, const std::string& name) {
  for (const auto& child : parent.named_children()) {
    if (child.key() == name) return *child.value();
  }
  return *parent.register_module(name, std::make_shared<torch::nn::Module>(name));
}

torch::nn::Conv2d layer_convolution(const UNetLayer& layer) {
  return convolution(layer.in_channels, layer.out_channels, 3, layer.role == Role::down ? 2 : 1);
}

}  // namespace

UNetImpl::UNetImpl(const UNetOptions& options, const Random& random)
    : ConditionalNetwork("UNet"), options_(options), embedding_(nullptr), out_norm_(nullptr), out_conv_(nullptr) {
  const std::vector<UNetLayer> plan = unet_plan(options);
  const GlobalGeneratorGuard guard;
  null_condition_ = register_parameter("null_condition", torch::zeros({options.condition_width}));
  embedding_ = register_module("embedding", JointEmbedding(options));
  if (options.condition_map_channels > 0) {
    condition_map_ = register_module("condition_map", ConditionMap(options));
  }
  if (options.position == Position::learned) {
    const int64_t size = options.image_size / options.patch;
    position_ = register_parameter("position", torch::zeros({1, options.channels.front(), size, size}));
  }
  for (const UNetLayer& layer : plan) add_stage(layer);
  const int64_t last = plan.back().out_channels;
  out_norm_ = register_module("out_norm", group_norm(last));
  out_conv_ = register_module("out_conv", convolution(last, options.in_channels * options.patch * options.patch, 3));
  initialize_parameters(*this, random);
  for (Tensor& parameter : parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.detach().contiguous(kChannelsLast));
  }
}

void UNetImpl::add_stage(const UNetLayer& layer) {
  const auto [part_name, child_name] = split_name(layer.name);
  torch::nn::Module& owner = part(*this, part_name);
  Stage stage{.layer = layer};
  if (layer.role == Role::block) {
    stage.block = owner.register_module(child_name, ResidualBlock(layer, options_));
  } else {
    stage.convolution = owner.register_module(child_name, layer_convolution(layer));
  }
  stages_.push_back(std::move(stage));
}

std::vector<InitRule> UNetImpl::init_rules() const {
  std::vector<InitRule> rules = {
      {.parameter = "null_condition"}, {.parameter = "out_conv.weight"}, {.parameter = "out_conv.bias"}};
  if (position_.defined()) {
    rules.push_back({.parameter = "position", .kind = InitRule::Kind::normal, .value = 0.1});
  }
  return rules;
}

void UNetImpl::set_dropout_stream(const Random& random, uint64_t step) {
  dropout_ = {random, step};
  dropout_set_ = true;
}

void UNetImpl::check_inputs(const Tensor& x, const Tensor& noise_label, const Tensor& condition) const {
  check_shape("nn.UNet", "x", x, {-1, options_.in_channels, -1, -1});
  check_shape("nn.UNet", "noise_label", noise_label, {x.size(0)});
  check_shape("nn.UNet", "condition", condition, {x.size(0), options_.condition_width});
  const int64_t multiple = size_multiple(options_);
  if (x.size(2) == 0 || x.size(2) % multiple || x.size(3) == 0 || x.size(3) % multiple) {
    throw ShapeError(
        format_text("[nn.UNet] expected height and width of x to be multiples of {} (patch x total "
                    "downsampling), got {}",
                    multiple, describe_tensor(x)));
  }
  if (options_.dropout > 0 && is_training() && !dropout_set_) {
    throw ValueError(
        format_text("[nn.UNet] expected set_dropout_stream before a training forward with dropout {}, "
                    "got none; randomness is an argument here",
                    options_.dropout));
  }
}

Tensor UNetImpl::position_map(int64_t height, int64_t width) const {
  if (position_.size(2) == height && position_.size(3) == width) return position_;
  return at::upsample_bilinear2d(position_, {height, width}, /*align_corners=*/true);
}

Tensor UNetImpl::stem_input(const Tensor& x, const Tensor& condition_map) const {
  const Tensor pixels = options_.patch > 1 ? torch::pixel_unshuffle(x, options_.patch) : x;
  const int64_t batch = x.size(0), height = pixels.size(2), width = pixels.size(3);
  std::vector<Tensor> inputs = {pixels};
  if (options_.position != Position::none) {
    inputs.push_back(coordinate_channels(height, width, x.options()).expand({batch, 2, height, width}));
  }
  if (condition_map.defined()) {
    inputs.push_back(at::upsample_nearest2d(condition_map, {height, width}));
  }
  return (inputs.size() == 1 ? pixels : torch::cat(inputs, 1)).contiguous(kChannelsLast);
}

Tensor UNetImpl::run_stage(Stage& stage, const Tensor& x, BlockContext& context, std::vector<Tensor>& skips) {
  const UNetLayer& layer = stage.layer;
  if (layer.role == Role::up) {
    const Tensor grown = at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
    return tap(layer.name, stage.convolution(grown));
  }
  if (layer.role != Role::block) return tap(layer.name, stage.convolution(x));
  Tensor input = x;
  if (layer.skip_channels > 0) {
    input = torch::cat({x, tap(layer.name, "skip", skips.back())}, 1);
    skips.pop_back();
  }
  return stage.block(input, context);
}

std::vector<Tensor> UNetImpl::films(const Tensor& x, const Tensor& embedding, const Tensor& condition_map) const {
  std::vector<ModulationLayers> blocks;
  for (const Stage& stage : stages_) {
    if (!stage.block) continue;
    const auto here = [&](int64_t size) { return size * stage.layer.size / options_.image_size; };
    blocks.push_back(stage.block->modulation(here(x.size(2)), here(x.size(3))));
  }
  return modulations(blocks, embedding, condition_map);
}

Tensor UNetImpl::forward(const Tensor& x, const Tensor& noise_label, const Tensor& condition) {
  check_inputs(x, noise_label, condition);
  BlockContext context{.film = {}, .dropout = dropout_};
  Tensor condition_map;
  std::vector<Tensor> films;
  {
    const PrecisionScope scope(Precision::float32, x.device());
    if (condition_map_) condition_map = tap("condition_map", condition_map_(condition));
    films = this->films(x, tap("embedding", embedding_(noise_label, condition)), condition_map);
  }

  Tensor h = stem_input(x, condition_map);
  std::vector<Tensor> skips;
  auto film = films.begin();
  for (Stage& stage : stages_) {
    if (stage.block) context.film = *film++;
    h = run_stage(stage, h, context, skips);
    if (stage.layer.role == Role::stem && position_.defined()) {
      h = h + position_map(h.size(2), h.size(3)).to(h.scalar_type());
    }
    if (stage.layer.name.starts_with("enc.")) skips.push_back(h);
  }
  const PrecisionScope scope(Precision::float32, x.device());
  h = tap("out", out_conv_(norm_film_silu(h, out_norm_).to(x.scalar_type())));
  return (options_.patch > 1 ? torch::pixel_shuffle(h, options_.patch) : h).contiguous();
}

}  // namespace noisescope::nn
