// The metrics of explanations themselves, where it is known which map is right: insertion and deletion of
// the information map of the colour word on the `demo` world, and shuffled weights of a trained network.
//
// What is scored is p(the left object's colour | picture), by the posterior of the exact world without
// prompt: Bayes' answer to just what the word says, made without any map, and in [0, 1]. Pictures are read
// at a noise level at which a clean object is certain and pixels of matched noise do not drown it.
#include "noisescope/diffusion/process.h"
#include "noisescope/stats/bootstrap.h"
#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/explain/metric/randomisation.h"
#include "noisescope/verify/check.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope {
namespace {

constexpr double kReadSigma = 0.5;

PictureScore colour_score(const WorldDenoiser& truth, const SceneBatch& batch) {
  return [&truth, own = batch.own_version(Word::colour)](const Tensor& x, const Tensor& sample) {
    const Tensor sigma = torch::full({x.size(0)}, kReadSigma, torch::kFloat64);
    const Tensor null = truth.null_condition().expand({x.size(0), -1});
    return truth.posterior(x, sigma, null, SceneFactor::left_colour)
        .gather(1, own.index_select(0, sample).unsqueeze(1)).squeeze(1);
  };
}

/// [B, H, W]: what the colour word says of each pixel, in nats.
Tensor information_map(const Model& subject, const SceneBatch& batch, int64_t draws,
                       const VerifyContext& context) {
  return information_maps(subject.denoiser, batch.pictures, subject.condition(batch.captions()),
                          subject.condition(batch.captions_without(true, false)).unsqueeze(0),
                          {.draws = draws, .log_snr_max = subject.log_snr_max},
                          Random(context.options.seed), sample_range(0, batch.size()),
                          context.control).map[0];
}

/// How far the constant map is below the next: of the smallest of three means, so drawn anew.
Estimate constant_last_by(const Faithfulness& f, const Random& random) {
  const Tensor others = torch::stack(
      {f.map.area_between(), f.random.area_between(), f.edges.area_between()});
  const Tensor above = others - f.constant.area_between();
  return bootstrap(
      [&](const Tensor& rows) { return above.index_select(1, rows).mean(1).min().item<double>(); },
      above.size(1), random);
}

std::vector<VerifyRow> faithfulness_rows(const std::string& removal, const std::string& subject,
                                         const Faithfulness& f, const Random& random) {
  const std::string method = "faithfulness", figure = removal + ": insertion less deletion, ";
  const Tensor map = f.map.area_between(), chance = f.random.area_between();
  return {{method, subject, figure + "over a random map", Direction::at_least, 0.15,
           mean_estimate(map - chance)},
          {method, subject, figure + "over edges", Direction::at_least, 0.05,
           mean_estimate(map - f.edges.area_between())},
          {method, subject, figure + "constant map last by", Direction::at_least, 0,
           constant_last_by(f, random)},
          {method, subject, figure + "random map off 0, of 3 SE", Direction::at_most, 1,
           share_of_allowance(chance, torch::zeros_like(chance), 0)}};
}

/// The exact denoiser's map under both ways of taking pixels out.
std::vector<VerifyRow> exact_metric_rows(const VerifyContext& context) {
  const Model& subject = context.exact_demo;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed,
                                               context.n(100, 16));
  const std::vector<int64_t> ids = sample_range(0, batch.size());
  const Random random(context.options.seed);
  Tensor map = information_map(subject, batch, context.n(64, 32), context);
  if (context.broken("least-first")) map = -map;
  const Tensor null = subject.condition(std::vector<std::string>(ids.size(), ""));
  const std::vector<std::pair<std::string, Removal>> removals = {
      {"refilled", refill(subject.denoiser, null, {.steps = 12, .resamples = 2}, random, ids)},
      {"matched noise", replace_by_noise(random, ids)}};
  std::vector<VerifyRow> rows;
  for (const auto& [name, removal] : removals) {
    const Faithfulness f = faithfulness(colour_score(context.demo, batch), removal, batch.pictures,
                                        map, {}, random, ids, context.control);
    for (VerifyRow& row : faithfulness_rows(name, subject.name, f, random)) {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

/// The colour word in all its versions.
Contrast colour_contrast(const Model& subject, const SceneBatch& batch) {
  std::vector<Tensor> conditions;
  for (const auto& version : batch.versions(Word::colour)) {
    conditions.push_back(subject.condition(version));
  }
  return {torch::stack(conditions), batch.own_version(Word::colour)};
}

/// [B, H, W]: the free map of a run at scale 1, in nats.
Tensor guidance_map(const Model& subject, const SceneBatch& batch, const VerifyContext& context) {
  const NoiseSource noise{Random(context.options.seed), sample_range(0, batch.size())};
  const std::vector<double> sigmas = sampling_sigmas(
      {GridKind::log_snr, 24, sigma_of_log_snr(subject.log_snr_max), sigma_of_log_snr(-8), 7.0});
  const GuidanceOptions guidance{.scale = 1, .clamp = 0, .both_branches = true};
  GuidanceInformationObserver information(guidance);
  run_sampler(guide(subject.denoiser, subject.condition(batch.captions()),
                    subject.condition(std::vector<std::string>(batch.scenes.size(), "")), guidance),
              noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0], sigmas,
              {.solver = Solver::ddim}, noise, information.observer(), context.control);
  return information.result().map;
}

const std::vector<std::string> kMaps = {"information map", "compensated evidence",
                                        "realised evidence", "guidance information",
                                        "conditioning locality"};

/// One map of each kind: [kinds, B, H, W].
Tensor all_maps(const Model& subject, const SceneBatch& batch, const VerifyContext& context) {
  const Contrast contrast = colour_contrast(subject, batch);
  const PathNoise noise{Random(context.options.seed), sample_range(0, batch.size())};
  const Evidence evidence =
      filter_noising_paths(subject.denoiser, batch.pictures, contrast,
                           {.steps = 20, .log_snr_max = subject.log_snr_max}, noise, context.control);
  const ConditioningLocality locality =
      conditioning_locality(subject.denoiser, batch.pictures, contrast,
                            {.log_snrs = {-3}, .draws = 8}, noise, context.control);
  return torch::stack({information_map(subject, batch, 16, context), evidence.compensated,
                       evidence.realised, guidance_map(subject, batch, context),
                       locality.change[0]});
}

/// What is left of a trained network's maps when its weights are shuffled.
std::vector<VerifyRow> trained_metric_rows(const VerifyContext& context) {
  const Model& trained = *context.trained;
  const World& world = context.demo.world();
  const SceneBatch batch = contrastable_scenes(world, context.options.seed, context.n(16, 8));
  const MapsOfNetwork maps = [&](const NetworkPtr& network) {
    return all_maps(network_model(trained.network->with_network(network), trained.name, trained.sample,
                                  trained.log_snr_max, world), batch, context);
  };
  const WeightRandomisation result = randomise_all(
      trained.network->network(), maps, Random(context.options.seed), context.n(3, 1));
  const auto size_of = [](const Tensor& correlation, size_t kind) {  // over shuffles, then pictures
    return absolute(mean_estimate(correlation.mean(0)[static_cast<int64_t>(kind)]));
  };
  std::vector<VerifyRow> rows;
  for (size_t kind = 0; kind < kMaps.size(); ++kind) {
    const std::string method = "weight randomisation";
    rows.push_back({method, trained.name, kMaps[kind] + ", its picture's own part: |rank correlation|",
                    Direction::at_most, 0.2, size_of(result.own_correlation, kind)});
    rows.push_back({method, trained.name, kMaps[kind] + ", the whole map: |rank correlation|",
                    Direction::reported, 0, size_of(result.correlation, kind)});
  }
  return rows;
}

}  // namespace

std::vector<VerifyRow> check_metrics(const VerifyContext& context) {
  std::vector<VerifyRow> rows = exact_metric_rows(context);
  if (context.trained) {
    for (VerifyRow& row : trained_metric_rows(context)) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace noisescope
