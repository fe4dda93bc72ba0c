#include "noisescope/run/evaluate_families.h"

#include <algorithm>
#include <map>
#include <set>

#include "noisescope/explain/evidence.h"
#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/run/train_run.h"
#include "noisescope/stats/estimate_of.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kFirstFamilySample = int64_t{3} << 32;  // noise apart from that of other evaluations
constexpr int64_t kEvidencePictures = 32, kEvidencePaths = 2, kEvidenceSteps = 40;
constexpr size_t kEvidenceVersions = 5;

std::string caption_of(const ImageSamples& samples, int64_t sample) {
  const int64_t row = samples.caption_rows[static_cast<size_t>(sample)].front();
  return samples.captions.texts()[static_cast<size_t>(row)];
}

/// The originals of a family, [M, 3, S, S] in [-1, 1].
Tensor originals(const ImageDataset& data, const Family& family) { return data.images(family.samples); }

/// The member whose original is nearest to the picture [3, S, S].
size_t nearest_member(const ImageDataset& data, const Family& family, const Tensor& picture) {
  const Tensor distance = (originals(data, family) - picture).square().flatten(1).sum(1);
  return static_cast<size_t>(distance.argmin().item<int64_t>());
}

/// {value, low, high, n, chance, by_kind} of pictures drawn for the questions.
ordered_json accuracy_of(const ImageDataset& data, const std::vector<FamilyQuestion>& questions,
                         const Tensor& pictures) {
  std::map<std::string, std::pair<int64_t, int64_t>> by_kind;  // right, asked
  int64_t right = 0;
  double chance = 0;
  for (size_t k = 0; k < questions.size(); ++k) {
    const Family& family = *questions[k].family;
    const bool hit = nearest_member(data, family, pictures[static_cast<int64_t>(k)]) == questions[k].member;
    auto& [kind_right, kind_asked] = by_kind[family.kind];
    right += hit;
    kind_right += hit;
    ++kind_asked;
    chance += 1.0 / static_cast<double>(family.samples.size());
  }
  const auto n = static_cast<int64_t>(questions.size());
  ordered_json json = to_json(wilson(right, n));
  json["chance"] = chance / static_cast<double>(n);
  for (const auto& [kind, counts] : by_kind) json["by_kind"][kind] = to_json(wilson(counts.first, counts.second));
  return json;
}

/// The family of a question cut to few members, the asked one first.
Family versions_of(const FamilyQuestion& question) {
  const Family& family = *question.family;
  Family versions{family.kind, family.frame, {family.words[question.member]}, {question.sample()}};
  for (size_t m = 0; m < family.samples.size() && versions.samples.size() < kEvidenceVersions; ++m) {
    if (m == question.member) continue;
    versions.words.push_back(family.words[m]);
    versions.samples.push_back(family.samples[m]);
  }
  return versions;
}

/// The evidence map [S, S] of the first version on its original, the mean over paths.
Tensor evidence_map(const Model& model, const ImageDataset& data, const Family& versions, const Control& control) {
  std::vector<Tensor> conditions;
  for (const int64_t sample : versions.samples) {
    conditions.push_back(model.condition({caption_of(data.samples(), sample)}).expand({kEvidencePaths, -1}));
  }
  const Tensor picture = data.images({versions.samples.front()}).to(model.device);
  const PictureBatch batch{picture.expand({kEvidencePaths, -1, -1, -1}), {Random(0), sample_range(0, kEvidencePaths)}};
  const Contrast contrast{torch::stack(conditions), torch::zeros({kEvidencePaths}, torch::kInt64)};
  EvidenceOptions options;
  options.steps = kEvidenceSteps;
  options.log_snr_max = std::min(options.log_snr_max, model.log_snr_max);
  return filter_noising_paths(model.denoiser, batch, contrast, options, control).map().mean(0);
}

/// How far each pixel is from white, [S, S].
Tensor off_background(const Tensor& picture) { return (1 - picture.to(torch::kFloat64)).amax(0); }

bool is_partial(const Tensor& mask) { return mask.any().item<bool>() && !mask.all().item<bool>(); }

/// Row k: the mean of the other maps.
Tensor mean_of_others(const Tensor& maps) {
  return (maps.sum(0, true) - maps) / static_cast<double>(std::max<int64_t>(1, maps.size(0) - 1));
}

}  // namespace

std::vector<FamilyQuestion> family_questions(const ImageSamples& samples, const std::vector<Family>& families,
                                             bool held_out, int64_t limit, uint64_t seed) {
  std::vector<FamilyQuestion> all;
  for (const Family& family : families) {
    for (size_t m = 0; m < family.samples.size(); ++m) {
      const bool is_held = samples.parts[static_cast<size_t>(family.samples[m])] == Part::test;
      if (is_held == held_out) all.push_back({&family, m});
    }
  }
  const Tensor order =
      Random(seed).permutation(Purpose::evaluation, held_out ? 12 : 11, static_cast<int64_t>(all.size()));
  std::vector<FamilyQuestion> questions;
  std::set<int64_t> asked;
  for (int64_t k = 0; k < order.size(0) && static_cast<int64_t>(questions.size()) < limit; ++k) {
    const FamilyQuestion& question = all[static_cast<size_t>(order[k].item<int64_t>())];
    if (asked.insert(question.sample()).second) questions.push_back(question);
  }
  return questions;
}

ordered_json evaluate_families(const TextToImage& model, const RunConfig& config, const ImageDataset& data,
                               const Control& control) {
  const std::vector<Family> families = find_families(data.samples());
  const auto seed = static_cast<uint64_t>(config.seed);
  ordered_json json = ordered_json::object();
  for (const bool held_out : {false, true}) {
    const std::vector<FamilyQuestion> questions =
        family_questions(data.samples(), families, held_out, config.evaluation.samples, seed);
    if (questions.empty()) continue;
    std::vector<std::string> prompts;
    for (const FamilyQuestion& question : questions) prompts.push_back(caption_of(data.samples(), question.sample()));
    const int64_t first = kFirstFamilySample + (held_out ? int64_t{1} << 24 : 0);
    const Tensor pictures = sample_pictures(model, {prompts, "", seed, first}, config.sample, {}, control);
    json[held_out ? "held_out_accuracy" : "family_accuracy"] = accuracy_of(data, questions, pictures);
  }
  return json;
}

ordered_json evaluate_family_evidence(const TextToImage& network, const RunConfig& config, const RunFolder& folder,
                                      const ImageDataset& data, const Control& control) {
  const Model model = run_model(network, config, folder);
  const std::vector<Family> families = find_families(data.samples());
  const auto seed = static_cast<uint64_t>(config.seed) + 1;  // other members than those that are drawn
  std::vector<Tensor> maps, masks, pictures;
  for (const FamilyQuestion& question : family_questions(data.samples(), families, false, kEvidencePictures, seed)) {
    const Family versions = versions_of(question);
    const Tensor mask = family_mask(data.samples(), versions, 0);
    if (!is_partial(mask)) continue;
    masks.push_back(mask);
    maps.push_back(evidence_map(model, data, versions, control));
    pictures.push_back(data.images({question.sample()})[0]);
  }
  if (maps.size() < 2) return ordered_json::object();
  const Tensor mask = torch::stack(masks), map = torch::stack(maps), picture = torch::stack(pictures);
  std::vector<Tensor> filled;
  for (const Tensor& one : pictures) filled.push_back(off_background(one));
  const auto auc = [&](const Tensor& guess) { return localisation_auc(guess, mask); };
  const Tensor own = auc(map), background = auc(torch::stack(filled)), edges = auc(edge_maps(picture)),
               others = auc(mean_of_others(map));
  const Tensor best = torch::stack({background.mean(), edges.mean(), others.mean()});
  const Tensor rival = torch::stack({background, edges, others})[best.argmax().item<int64_t>()];
  const auto area = [](const Tensor& of) { return to_json(bounded(mean_estimate(of), 0, 1)); };
  return {{"evidence_auc", area(own)},
          {"evidence_auc_of_background", area(background)},
          {"evidence_auc_of_edges", area(edges)},
          {"evidence_auc_of_other_words", area(others)},
          {"evidence_auc_above_best_baseline", to_json(mean_estimate(own - rival))}};
}

}  // namespace noisescope::run
