#include "noisescope/world/denoiser.h"

#include <bit>
#include <cmath>
#include <map>
#include <numbers>
#include <string_view>
#include <tuple>

#include "noisescope/core/error.h"

namespace noisescope::world {

struct WorldDenoiser::Tables {
  Tables(const World& world_in, torch::Device device)
      : world(world_in), grammar(world_in), templates(world_in, device) {}

  World world;
  WorldGrammar grammar;
  WorldTemplates templates;
};

namespace {

constexpr int64_t kChunk = 16;  // keeps the template tables in the cache

/// Log-likelihoods of both halves at one noise level, up to the constant of the Gaussian.
struct Evidence {
  std::array<Tensor, 2> log_template;   // [B, G, K, S, P]
  std::array<Tensor, 2> log_attribute;  // [B, A, G], averaged over positions
};

Evidence evidence(const WorldTemplates& templates, const Tensor& x, const Tensor& sigma) {
  check_shape("world.WorldDenoiser", "sigma", sigma, {x.size(0)});
  const Tensor precision = per_sample(-0.5 / sigma.to(torch::kFloat64).square(), 5);
  Evidence result;
  const std::array<Tensor, 2> distances = templates.squared_distances(x);
  for (size_t side = 0; side < 2; ++side) {
    result.log_template[side] = distances[side] * precision;
    const Tensor per_attribute = result.log_template[side].logsumexp(4);  // [B, G, K, S]
    const auto positions = static_cast<double>(distances[side].size(4));
    result.log_attribute[side] = per_attribute.permute({0, 3, 2, 1}).flatten(1, 2) - std::log(positions);
  }
  return result;
}

/// Samples by their picture and noise level: methods ask for one picture under many conditions.
struct DistinctPictures {
  Tensor first;  // [U] int64: a sample with each
  Tensor of;     // [B] int64: which of them a sample has
};

DistinctPictures distinct_pictures(const Tensor& x, const Tensor& sigma) {
  const Tensor all = torch::arange(x.size(0));
  if (!x.is_cpu()) return {all, all};  // else every picture would have to be read from the device
  const Tensor pixels = x.contiguous(), levels = sigma.to(torch::kFloat64).contiguous(), of = torch::empty_like(all);
  const size_t bytes = static_cast<size_t>(x[0].numel()) * x.element_size();
  const char* data = static_cast<const char*>(pixels.const_data_ptr());
  std::map<std::pair<int64_t, std::string_view>, int64_t> places;  // by their bits: a NaN is like no other number
  std::vector<int64_t> first;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const std::string_view picture(data + static_cast<size_t>(i) * bytes, bytes);
    const auto level = std::bit_cast<int64_t>(levels.const_data_ptr<double>()[i]);
    const auto [found, is_new] = places.try_emplace({level, picture}, places.size());
    if (is_new) first.push_back(i);
    of.data_ptr<int64_t>()[i] = found->second;
  }
  return {torch::tensor(first), of};
}

/// log p(x | left, right, background) up to the constant: [B, A, A, G].
Tensor log_scene(const Evidence& e) { return e.log_attribute[0].unsqueeze(2) + e.log_attribute[1].unsqueeze(1); }

/// Normalised log-weights of a condition: [..., R] -> the same, float64, -inf where 0.
Tensor log_weights(const Tensor& condition) {
  const Tensor weights = condition.to(torch::kFloat64);
  const Tensor total = weights.sum(-1, true);
  const bool usable = ((weights >= 0).all() & (total > 0).all() & total.isfinite().all()).item<bool>();
  if (!usable) {
    throw ValueError(
        "[world.WorldDenoiser] expected conditions of weights >= 0 with a positive sum, "
        "got others; use condition_of or null_condition");
  }
  return weights.log() - total.log();
}

/// p(left, right, background | x, condition): [B, A, A, G].
Tensor scene_posterior(const Evidence& e, const Tensor& condition) {
  const Tensor scenes = log_scene(e);
  check_shape("world.WorldDenoiser", "condition", condition, {scenes.size(0), scenes[0].numel()});
  return (scenes.flatten(1) + log_weights(condition)).softmax(1).view(scenes.sizes());
}

/// p(template of this half | x, condition): [B, G, K, S, P]; of p(position | x, the rest), of the same size.
Tensor template_posterior(const Tensor& position, const Tensor& scenes, size_t side) {
  const auto colours = position.size(2), shapes = position.size(3);
  const Tensor attributes = scenes.sum(side == 0 ? 2 : 1);  // [B, A, G]
  const Tensor arranged = attributes.view({attributes.size(0), shapes, colours, -1}).permute({0, 3, 2, 1}).unsqueeze(4);
  return position * arranged;
}

/// sum over the dimensions of [B, S, K] other than the asked one.
Tensor attribute_marginal(const World& world, const Tensor& attributes, SceneFactor factor) {
  const Tensor table = attributes.view({-1, world.shape_count(), world.colour_count()});
  switch (factor) {
    case SceneFactor::left_shape:
    case SceneFactor::right_shape:
      return table.sum(2);
    case SceneFactor::left_colour:
    case SceneFactor::right_colour:
      return table.sum(1);
    default:
      return attributes;
  }
}

/// [captions, R] float64: 1 where the caption is true and the pair of attributes is in the set.
Tensor scene_truth(const World& world, const std::vector<CaptionMeaning>& captions, SceneSet set) {
  const int64_t A = world.attribute_count(), G = world.background_count();
  const Tensor truth = torch::zeros({static_cast<int64_t>(captions.size()), A * A * G}, torch::kFloat64);
  auto cell = truth.accessor<double, 2>();
  for (size_t k = 0; k < captions.size(); ++k) {
    for (const AttributePair& pair : world.pairs(set)) {
      for (int64_t g = 0; g < G; ++g) {
        const Scene scene{world.object(pair.left), world.object(pair.right), g};
        if (is_true(captions[k], scene)) {
          cell[static_cast<int64_t>(k)][(pair.left * A + pair.right) * G + g] = 1;
        }
      }
    }
  }
  return truth;
}

Tensor condition_rows(const World& world, const std::vector<CaptionMeaning>& captions, SceneSet set) {
  const Tensor truth = scene_truth(world, captions, set);
  const Tensor total = truth.sum(1, true);
  if ((total == 0).any().item<bool>()) {
    throw ValueError(
        "[world.WorldDenoiser.condition_of] expected captions that are true of some "
        "scene of the set, got one that is not");
  }
  return (truth / total).to(torch::kFloat32);
}

}  // namespace

WorldDenoiser::WorldDenoiser(const World& world, torch::Device device)
    : tables_(std::make_shared<const Tables>(world, device)) {}

const World& WorldDenoiser::world() const { return tables_->world; }
const WorldGrammar& WorldDenoiser::grammar() const { return tables_->grammar; }

Denoiser WorldDenoiser::denoiser() const {
  return [self = *this](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return self.denoise(x, sigma, condition);
  };
}

Tensor WorldDenoiser::denoise(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  check_shape("world.WorldDenoiser", "sigma", sigma, {x.size(0)});
  check_shape("world.WorldDenoiser", "condition", condition, {x.size(0), condition_size()});
  if (x.size(0) == 0) return x;
  const DistinctPictures distinct = distinct_pictures(x, sigma);
  Tensor places, order, out = torch::empty_like(x);
  std::tie(places, order) = distinct.of.sort(/*stable=*/true, 0, false);  // samples of a picture beside each other
  int64_t from = 0;                                                       // of order
  for (int64_t first = 0; first < distinct.first.size(0); first += kChunk) {
    const int64_t end = std::min(first + kChunk, distinct.first.size(0));
    const Tensor pictures = distinct.first.slice(0, first, end).to(x.device());
    const Evidence e = evidence(tables_->templates, x.index_select(0, pictures), sigma.index_select(0, pictures));
    const std::array<Tensor, 2> position = {e.log_template[0].softmax(4), e.log_template[1].softmax(4)};
    const int64_t to = (places < end).sum().item<int64_t>();
    for (; from < to; from = std::min(from + kChunk, to)) {
      const Tensor samples = order.slice(0, from, std::min(from + kChunk, to)).to(x.device());
      const Tensor place = (places.slice(0, from, std::min(from + kChunk, to)) - first).to(x.device());
      const auto placed = [&](const Tensor& table) { return table.index_select(0, place); };
      const Tensor scenes = scene_posterior({{}, {placed(e.log_attribute[0]), placed(e.log_attribute[1])}},
                                            condition.index_select(0, samples));
      const Tensor estimates = tables_->templates.mixture(
          {template_posterior(placed(position[0]), scenes, 0), template_posterior(placed(position[1]), scenes, 1)});
      out.index_copy_(0, samples, estimates.to(x.scalar_type()));
    }
  }
  return out;
}

int64_t WorldDenoiser::condition_size() const {
  const int64_t attributes = world().attribute_count();
  return attributes * attributes * world().background_count();
}

Tensor WorldDenoiser::null_condition(SceneSet set) const { return condition_of(CaptionMeaning{}, set); }

Tensor WorldDenoiser::condition_of(const CaptionMeaning& meaning, SceneSet set) const {
  return condition_rows(world(), {meaning}, set)[0].to(tables_->templates.device());
}

Tensor WorldDenoiser::condition_of(const std::vector<std::string>& captions, SceneSet set) const {
  std::vector<CaptionMeaning> meanings;
  for (const std::string& caption : captions) meanings.push_back(grammar().parse(caption));
  return condition_rows(world(), meanings, set).to(tables_->templates.device());
}

WorldPosterior WorldDenoiser::posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  const Evidence e = evidence(tables_->templates, x, sigma);
  const Tensor scenes = scene_posterior(e, condition);
  const auto position = [&](size_t side) {
    return template_posterior(e.log_template[side].softmax(4), scenes, side).sum({1, 2, 3});
  };
  return {scenes, position(0), position(1)};
}

Tensor WorldDenoiser::posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition,
                                SceneFactor factor) const {
  const WorldPosterior p = posterior(x, sigma, condition);
  if (factor == SceneFactor::background) return p.scenes.sum({1, 2});
  if (factor == SceneFactor::left_position) return p.left_position;
  if (factor == SceneFactor::right_position) return p.right_position;
  const bool left = factor < SceneFactor::right_shape;
  return attribute_marginal(world(), p.scenes.sum(left ? 2 : 1).sum(2), factor);
}

Tensor WorldDenoiser::log_density(const Tensor& x, const Tensor& sigma, const Tensor& condition) const {
  check_shape("world.WorldDenoiser", "sigma", sigma, {x.size(0)});
  check_shape("world.WorldDenoiser", "condition", condition, {x.size(0), condition_size()});
  const DistinctPictures distinct = distinct_pictures(x, sigma);
  const Tensor pictures = distinct.first.to(x.device());
  const Evidence e = evidence(tables_->templates, x.index_select(0, pictures), sigma.index_select(0, pictures));
  const Tensor scenes = log_scene(e).flatten(1).index_select(0, distinct.of.to(x.device()));
  const auto dimensions = static_cast<double>(x[0].numel());
  const Tensor gaussian = -dimensions * (sigma.to(torch::kFloat64).log() + 0.5 * std::log(2 * std::numbers::pi));
  return (scenes + log_weights(condition)).logsumexp(1) + gaussian;
}

Tensor WorldDenoiser::log_likelihood_ratio(const Tensor& x, const Tensor& sigma, const Tensor& conditions,
                                           const Tensor& reference) const {
  check_shape("world.WorldDenoiser", "conditions", conditions, {-1, condition_size()});
  check_shape("world.WorldDenoiser", "reference", reference, {condition_size()});
  const Tensor scenes = log_scene(evidence(tables_->templates, x, sigma)).flatten(1);
  const Tensor base = (scenes + log_weights(reference)).logsumexp(1);
  std::vector<Tensor> columns;
  for (const Tensor& row : log_weights(conditions).unbind(0)) {
    columns.push_back((scenes + row).logsumexp(1) - base);
  }
  return torch::stack(columns, 1);
}

Tensor WorldDenoiser::caption_posterior(const Tensor& x, const Tensor& sigma, const Tensor& condition,
                                        const std::vector<CaptionMeaning>& captions) const {
  const Tensor scenes = posterior(x, sigma, condition).scenes.flatten(1);
  const Tensor truth = scene_truth(world(), captions, SceneSet::all).to(scenes.device());
  return torch::matmul(scenes, truth.t());
}

}  // namespace noisescope::world
