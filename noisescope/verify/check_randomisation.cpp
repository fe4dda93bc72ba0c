// Weight randomisation of the maps that reports show, on a trained network: with shuffled weights a map
// must become another one (Adebayo et al. 2018, arXiv:1810.03292).
#include "noisescope/diffusion/sampler.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/metric/agreement.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/estimates.h"

namespace noisescope {
namespace {

/// B scenes, and the maps [B, H, W] of one kind that a denoiser of the subject gives.
struct Question {
  const Subject& subject;
  const SceneBatch& batch;
  const VerifyContext& context;

  Tensor conditions() const { return subject.condition(batch.captions()); }
  Random random() const { return Random(context.options.seed); }
  std::vector<int64_t> ids() const { return sample_range(0, batch.size()); }
};

Tensor information_of_colour(const Question& q, const Denoiser& denoiser) {
  const Tensor open = q.subject.condition(q.batch.captions_without(true, false)).unsqueeze(0);
  return information_maps(denoiser, q.batch.pictures, q.conditions(), open,
                          {.draws = 64, .log_snr_max = q.subject.log_snr_max}, q.random(), q.ids(),
                          q.context.control).map[0];
}

Tensor evidence_of_colour(const Question& q, const Denoiser& denoiser) {
  std::vector<Tensor> versions;
  for (const auto& captions : q.batch.versions(Word::colour)) {
    versions.push_back(q.subject.condition(captions));
  }
  const Contrast contrast{torch::stack(versions), q.batch.own_version(Word::colour)};
  EvidenceOptions options;
  options.steps = 40;
  options.log_snr_max = std::min(options.log_snr_max, q.subject.log_snr_max);
  return filter_noising_paths(denoiser, q.batch.pictures, contrast, options, {q.random(), q.ids()},
                              q.context.control).compensated;
}

Tensor guidance_information(const Question& q, const Denoiser& denoiser) {
  GuidanceOptions guidance;
  guidance.both_branches = true;
  GuidanceInformationObserver information(guidance);
  const NoiseSource noise{q.random(), q.ids()};
  const std::vector<double> sigmas = sampling_sigmas(
      {.type = GridType::log_snr, .steps = 20, .sigma_min = 0.37, .sigma_max = 30});
  const Tensor null = q.subject.condition(std::vector<std::string>(size_t(q.batch.size()), ""));
  run_sampler(guide(denoiser, q.conditions(), null, guidance),
              noise.initial(q.batch.pictures.sizes().slice(1), torch::kFloat64) * sigmas[0], sigmas,
              {.solver = Solver::ddim}, noise, information.observer(), q.context.control);
  return information.result().map;
}

/// Maps [B, H, W] of the same sum, less their mean over pictures: what is this picture's own. Where objects
/// usually stand makes maps of different pictures alike, right ones included.
Tensor own_part(const Tensor& maps) {
  const Tensor shares = maps / maps.sum({1, 2}, true);
  return shares - shares.mean(0, true);
}

using Maps = Tensor (*)(const Question&, const Denoiser&);

std::vector<VerifyRow> rows_of(const std::string& kind, Maps maps, const Question& question,
                               const Denoiser& shuffled) {
  const std::string method = "weight randomisation", name = question.subject.name;
  const Tensor right = maps(question, question.subject.denoiser), wrong = maps(question, shuffled);
  return {{method, name, kind + ", its own part: Spearman with shuffled weights'", Direction::at_most,
           0.2, absolute(mean_estimate(rank_correlation(own_part(right), own_part(wrong))))},
          {method, name, kind + ", whole: Spearman with shuffled weights'", Direction::reported, 0,
           mean_estimate(rank_correlation(right, wrong))},
          {method, name, kind + ", whole: Spearman with another picture's", Direction::reported, 0,
           mean_estimate(rank_correlation(right, right.roll({1}, {0})))}};
}

}  // namespace

std::vector<VerifyRow> check_randomisation(const VerifyContext& context) {
  if (!context.trained) return {};
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed,
                                               context.n(100, 32));
  const Question question{*context.trained, batch, context};
  const Denoiser shuffled = context.trained->shuffled(Random(context.options.seed));
  std::vector<VerifyRow> rows;
  for (const auto& [kind, maps] : {std::pair<const char*, Maps>{"information map", information_of_colour},
                                   {"evidence map", evidence_of_colour},
                                   {"guidance map", guidance_information}}) {
    for (VerifyRow& row : rows_of(kind, maps, question, shuffled)) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace noisescope
