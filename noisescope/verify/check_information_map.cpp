// Information maps and calibration on the `fine` world: unordered captions, background unnamed, full
// conditions against the caption without the first object's colour, shape, or both; s = 1.
#include <cmath>
#include <limits>

#include "noisescope/explain/information_map.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/blind_maps.h"

namespace noisescope::verify {
namespace {

constexpr const char* kInformationMap = "information_map";

struct Reference {
  const char* name;
  std::vector<std::string> captions;  // [B]; "": no prompt
  double bar;                         // of totals at the reduced n, half of it with --full
};

std::vector<Reference> references_of(const SceneBatch& batch) {
  return {{"full prompt", std::vector<std::string>(size_t(batch.size()), ""), 0.068},
          {"phrase", batch.captions_without(true, true), 0.08},
          {"colour word", batch.captions_without(true, false), 0.098},
          {"shape word", batch.captions_without(false, true), 0.114}};
}

InformationMaps ask(const Model& subject, const SceneBatch& batch, const std::vector<Reference>& references,
                    const VerifyContext& context) {
  std::vector<Tensor> rows;
  for (const Reference& reference : references) {
    rows.push_back(subject.condition(reference.captions));
  }
  const PromptPair prompts = context.seen(&Seams::prompts, {subject.condition(batch.captions()), torch::stack(rows)});
  return information_maps({subject.denoiser, prompts.condition}, batch.with_noise(context.options.seed),
                          prompts.references, {.draws = context.n(128, 64)}, context.control);
}

/// How often the worst of as many unbiased levels would lie farther than `bar` standard errors from 1.
double worst_kappa_reversal(const InformationMaps& maps, double bar) {
  const Tensor share = maps.profile[0].sum(1) / maps.profile[0].sum();
  const auto cells = ((share >= 0.01) & (maps.kappa_error[0] > 0)).sum().item<int64_t>();
  return worst_error_reversal(torch::ones({cells}, torch::kFloat64), bar);
}

/// The largest |kappa - 1| in standard errors over cells with at least 1 % of the information; NaN, which
/// holds no bar, if no cell has a standard error.
Estimate worst_kappa(const InformationMaps& maps) {
  double worst = std::numeric_limits<double>::quiet_NaN();
  const Tensor share = maps.profile[0].sum(1) / maps.profile[0].sum();
  for (int64_t l = 0; l < share.size(0); ++l) {
    const double error = maps.kappa_error[0][l].item<double>();
    if (share[l].item<double>() < 0.01 || !(error > 0)) continue;
    worst = std::fmax(worst, std::abs(maps.kappa[0][l].item<double>() - 1) / error);
  }
  return {worst, std::max(0.0, worst - 1.96), worst + 1.96, maps.profile.size(2)};
}

/// What the published identity says of a trained network's full prompts, over what is possible. Evidence
/// filtering of the same network stays within ln K (check_evidence).
VerifyRow overshoot_row(const VerifyContext& context, const SceneBatch& batch) {
  const Model& trained = *context.trained;
  const std::vector<std::string> none(size_t(batch.size()), "");
  const Tensor nats = information_maps({trained.denoiser, trained.condition(batch.captions())},
                                       batch.with_noise(context.options.seed), trained.condition(none).unsqueeze(0),
                                       {.draws = 64, .log_snr_max = trained.log_snr_max}, context.control)
                          .total()[0];
  const Tensor possible = scene_ratio(context.demo, batch.captions(), none);
  return {kInformationMap,
          trained.name,
          "full prompt: nats over those that are possible",
          Direction::reported,
          0,
          mean_estimate(nats / possible)};
}

/// A trained network's map of the colour word beside the exact denoiser's, on the demo world, within the
/// levels that training covered.
VerifyRows trained_information_rows(const VerifyContext& context) {
  const Model& trained = *context.trained;
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(100, 40));
  const auto map_of = [&](const Model& subject) {
    return information_maps({subject.denoiser, subject.condition(batch.captions())},
                            batch.with_noise(context.options.seed),
                            subject.condition(batch.captions_without(true, false)).unsqueeze(0),
                            {.draws = 64, .log_snr_max = trained.log_snr_max}, context.control)
        .map[0];
  };
  const auto auc = [&](const Tensor& map) { return localisation_auc(map, batch.left_masks()); };
  const double exact = auc(map_of(context.exact_demo)).mean().item<double>();
  const Tensor map = map_of(trained);
  VerifyRows rows = {{kInformationMap, trained.name, "colour map: AUC, share of the exact one", Direction::at_least,
                      0.9, mean_estimate(auc(map) / exact)}};
  append(rows, word_map_rows({kInformationMap, trained.name, "colour map", batch, map}, {0.9, 0}));
  rows.push_back(overshoot_row(context, batch));
  return rows;
}

}  // namespace

VerifyRows check_information_map(const VerifyContext& context) {
  const std::string& subject = context.exact_fine.name;
  const SceneBatch batch = contrastable_scenes(context.fine.world(), context.options.seed, context.n(320, 160));
  const std::vector<Reference> references = references_of(batch);
  const InformationMaps maps = ask(context.exact_fine, batch, references, context);
  VerifyRows rows;
  for (size_t r = 0; r < references.size(); ++r) {
    const Tensor closed = scene_ratio(context.fine, batch.captions(), references[r].captions);
    const std::string total = "total of the " + std::string(references[r].name) + ": off, relative";
    const double bar = (context.options.full ? 0.5 : 1) * references[r].bar;
    rows.push_back(
        {kInformationMap, subject, total, Direction::within, bar, relative_off(maps.total()[int64_t(r)], closed)});
    rows.push_back({kInformationMap, subject, "signed " + total, Direction::within, bar,
                    relative_off(maps.signed_total()[int64_t(r)], closed)});
  }
  const Tensor object = batch.left_masks(), colour = maps.map[2], shape = maps.map[3];
  const Tensor edges = batch.counterfactual_masks(Word::shape);
  context.show(
      {kInformationMap, "information of the colour word and the object", batch.pictures[0], colour[0], object[0]});
  context.show(
      {kInformationMap, "information of the shape word and what would change", batch.pictures[0], shape[0], edges[0]});
  rows.push_back({kInformationMap, subject, "colour map: AUC against the object", Direction::at_least, 0.97,
                  mean_estimate(localisation_auc(colour, object))});
  append(rows, word_map_rows({kInformationMap, subject, "colour map", batch, colour}, {0.95, 0}));
  rows.push_back({kInformationMap, subject, "colour map: IoU at 0.4", Direction::at_least, 0.62,
                  mean_estimate(iou(colour, object, 0.4))});
  rows.push_back({kInformationMap, subject, "colour map: pointing", Direction::at_least, 0.85,
                  mean_estimate(pointing_game(colour, object))});
  rows.push_back({kInformationMap, subject, "shape map: AUC against what would change", Direction::at_least, 0.98,
                  mean_estimate(localisation_auc(shape, edges))});
  rows.push_back({kInformationMap, subject, "shape map: pointing to what would change", Direction::at_least, 0.85,
                  mean_estimate(pointing_game(shape, edges))});
  rows.push_back({kInformationMap, subject, "kappa of the full prompt: worst level, SE from 1", Direction::at_most, 3,
                  worst_kappa(maps), worst_kappa_reversal(maps, 3)});
  if (!context.trained) return rows;
  append(rows, trained_information_rows(context));
  return rows;
}

}  // namespace noisescope::verify
