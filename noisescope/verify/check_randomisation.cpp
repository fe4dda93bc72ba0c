// Shuffled weights: of a small network and of maps that follow its weights alone or not at all, and of a trained
// network of the `demo` world with every kind of map.
#include <memory>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/metric/randomisation.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/colour_information.h"

namespace noisescope::verify {
namespace {

constexpr const char* kRandomisation = "randomisation";

// ---- maps of which it is known what they follow ----

constexpr int64_t kSmallPictures = 32, kSmallSide = 8;

NetworkPtr small_network(const Random& random) {
  UNetOptions o;
  o.image_size = kSmallSide;
  o.channels = {16, 16};
  o.attention_resolutions = {};
  o.head_width = 16;
  o.embedding_width = 16;
  o.condition_width = 6;
  o.condition_map_channels = 4;
  o.condition_map_size = 4;
  const NetworkPtr network = make_network(o);
  const torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {  // none of them may be constant
    item.value().copy_(random.normal(Purpose::explain, name_hash(item.key()), {0}, item.value().sizes())[0]);
  }
  network->eval();
  return network;
}

/// The numbers of the weights themselves, in their order: a shuffle leaves nothing of it. [1, B, side, side].
Tensor weights_as_maps(const NetworkPtr& network) {
  std::vector<Tensor> all;
  for (const Tensor& parameter : network->parameters()) all.push_back(parameter.detach().flatten());
  const int64_t pixels = kSmallPictures * kSmallSide * kSmallSide;
  return torch::cat(all).slice(0, 0, pixels).view({1, kSmallPictures, kSmallSide, kSmallSide}).to(torch::kFloat64);
}

VerifyRows known_rows(const VerifyContext& context) {
  const Random random(context.options.seed);
  const NetworkPtr network = small_network(random);
  const MapsOfNetwork deaf = [&](const NetworkPtr&) {
    return random.normal(Purpose::explain, 1, sample_range(0, kSmallPictures), {kSmallSide, kSmallSide}).unsqueeze(0);
  };
  const auto correlations = [&](const MapsOfNetwork& maps) {  // of each picture, over shuffles
    return randomise_all(network, context.seen(&Seams::maps_of_network, maps), random, 4).own_correlation.mean(0)[0];
  };
  // Ranks of n pixels in random order correlate by 0 +- 1 / sqrt(n - 1): the bar is 3 of these over 4 x 32 maps.
  const Tensor same = correlations(deaf), shuffled = correlations(weights_as_maps);
  const double least = same.min().item<double>();
  return {{kRandomisation,
           "small network",
           "map that ignores the network: least rank correlation",
           Direction::at_least,
           1 - 1e-9,
           {least, least, least, kSmallPictures}},
          {kRandomisation, "small network", "map of the weights alone: mean rank correlation, absolute",
           Direction::at_most, 0.034, absolute(mean_estimate(shuffled))}};
}

// ---- maps of a trained network ----

/// The colour word in all its versions.
Contrast colour_contrast(const Model& subject, const SceneBatch& batch) {
  std::vector<Tensor> conditions;
  for (const auto& version : batch.versions(Word::colour)) {
    conditions.push_back(subject.condition(version));
  }
  return {torch::stack(conditions), batch.true_version(Word::colour)};
}

/// [B, H, W]: the free map of a run at scale 1, in nats.
Tensor guidance_map(const Model& subject, const SceneBatch& batch, const VerifyContext& context) {
  const NoiseSource noise{Random(context.options.seed), sample_range(0, batch.size())};
  const std::vector<double> sigmas =
      sampling_sigmas({GridKind::log_snr, 24, sigma_of_log_snr(subject.log_snr_max), sigma_of_log_snr(-8), 7.0});
  const GuidanceOptions guidance{.scale = 1, .clamp = 0, .both_branches = true};
  GuidanceInformationObserver information(guidance);
  run_sampler(guide(subject.denoiser, subject.condition(batch.captions()),
                    subject.condition(std::vector<std::string>(batch.scenes.size(), "")), guidance),
              noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0],
              {sigmas, {.solver = Solver::ddim}, noise}, information.observer(), context.control);
  return information.result().map;
}

const std::vector<std::string> kMaps = {"information map", "compensated evidence", "realised evidence",
                                        "guidance information", "conditioning locality"};

/// One map of each kind: [kinds, B, H, W].
Tensor all_maps(const Model& subject, const SceneBatch& batch, const VerifyContext& context) {
  const Contrast contrast = colour_contrast(subject, batch);
  const PictureBatch pictures = batch.with_noise(context.options.seed);
  const Evidence evidence = filter_noising_paths(subject.denoiser, pictures, contrast,
                                                 {.steps = 20, .log_snr_max = subject.log_snr_max}, context.control);
  const ConditioningLocality locality =
      conditioning_locality(subject.denoiser, pictures, contrast, {.log_snrs = {-3}, .draws = 8}, context.control);
  return torch::stack({colour_information(subject, batch, 16, context), evidence.compensated, evidence.realised,
                       guidance_map(subject, batch, context), locality.change[0]});
}

/// What is left of a trained network's maps when its weights are shuffled.
VerifyRows trained_metric_rows(const VerifyContext& context) {
  const Model& trained = *context.trained;
  const World& world = context.demo.world();
  const SceneBatch batch = contrastable_scenes(world, context.options.seed, context.n(16, 8));
  const MapsOfNetwork maps = [&](const NetworkPtr& network) {
    return all_maps(
        network_model(trained.network->with_network(network), trained.name, trained.sample, trained.log_snr_max, world),
        batch, context);
  };
  const WeightRandomisation result =
      randomise_all(trained.network->network(), maps, Random(context.options.seed), context.n(3, 1));
  const auto size_of = [](const Tensor& correlation, size_t kind) {  // over shuffles, then pictures
    return absolute(mean_estimate(correlation.mean(0)[static_cast<int64_t>(kind)]));
  };
  VerifyRows rows;
  for (size_t kind = 0; kind < kMaps.size(); ++kind) {
    rows.push_back({kRandomisation, trained.name, kMaps[kind] + ", its picture's own part: |rank correlation|",
                    Direction::at_most, 0.2, size_of(result.own_correlation, kind)});
    rows.push_back({kRandomisation, trained.name, kMaps[kind] + ", the whole map: |rank correlation|",
                    Direction::reported, 0, size_of(result.correlation, kind)});
  }
  return rows;
}

}  // namespace

VerifyRows check_randomisation(const VerifyContext& context) {
  VerifyRows rows = known_rows(context);
  if (context.trained) append(rows, trained_metric_rows(context));
  return rows;
}

}  // namespace noisescope::verify
