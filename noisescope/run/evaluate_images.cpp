#include "noisescope/run/evaluate_images.h"

#include <algorithm>
#include <limits>

#include "noisescope/core/error.h"
#include "noisescope/evaluate/feature_metrics.h"
#include "noisescope/run/clip_stage.h"

namespace noisescope::run {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kTowerBatch = 256, kKidBlocks = 4, kCoverageNeighbours = 5;
constexpr int64_t kFirstImageSample = int64_t{1} << 32;

Tensor encode(const ClipModel& judge, const Tensor& images) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> rows;
  for (const Tensor& batch : images.split(kTowerBatch)) {
    rows.push_back(judge.encode_image(batch.to(judge.device())).to(torch::kCPU));
  }
  return torch::cat(rows);
}

/// Embeddings of these captions, [rows, E].
Tensor encode_captions(const ClipModel& judge, const Dataset& dataset, const std::vector<int64_t>& rows) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> parts;
  for (size_t first = 0; first < rows.size(); first += kTowerBatch) {
    std::vector<std::string> texts;
    for (size_t k = first; k < std::min(rows.size(), first + kTowerBatch); ++k) {
      texts.push_back(dataset.captions()[static_cast<size_t>(rows[k])]);
    }
    parts.push_back(judge.encode_text(texts).to(torch::kCPU));
  }
  return torch::cat(parts);
}

/// Where each of `rows` stands in `scored`, which holds them all.
Tensor positions_in(const std::vector<int64_t>& scored, const std::vector<int64_t>& rows) {
  std::vector<int64_t> positions;
  for (const int64_t row : rows) {
    positions.push_back(std::find(scored.begin(), scored.end(), row) - scored.begin());
  }
  return torch::tensor(positions, torch::kInt64);
}

/// The configuration under which the judge is trained: another architecture or seed, its own folder.
RunConfig judge_config(const RunConfig& config) {
  RunConfig judge = config;
  judge.clip_folder.clear();
  judge.clip = config.evaluation.judge;
  judge.clip.image.image_size = config.network.image_size;
  judge.clip_train = config.evaluation.judge_train;
  if (!has_budget(judge.clip_train)) {
    judge.clip_train.steps = config.clip_train.steps;
    judge.clip_train.images = config.clip_train.images;
    judge.clip_train.seconds = config.clip_train.seconds;
  }
  if (!has_budget(judge.clip_train)) {
    throw ConfigError(
        "[run.evaluate_images] expected a budget of the judge's training, got none; set "
        "evaluation.judge_train.seconds, .images or .steps above 0");
  }
  judge.seed = config.seed + 1;
  return judge;
}

/// Pictures needed in each half of the comparisons.
constexpr int64_t kKidNeeds = 2 * kKidBlocks, kFdNeeds = 2, kCoverageNeeds = kCoverageNeighbours + 1;

/// Measures that the data do not allow, and why: a sentence each.
class LeftOut {
 public:
  /// Is `half` enough for this measure? Notes it down if not.
  bool allows(const char* measure, int64_t half, int64_t needed) {
    if (half >= needed) return true;
    add(std::string(measure) + " needs " + std::to_string(2 * needed) + " held-out pictures, got " +
        std::to_string(2 * half));
    return false;
  }
  void add(const std::string& why) { reasons_.push_back(why); }
  void write_to(ordered_json& json) const {
    if (!reasons_.empty()) json["left_out"] = join(reasons_, "; ");
  }

 private:
  std::vector<std::string> reasons_;
};

ordered_json number(double value, int64_t n) { return {{"value", value}, {"n", n}}; }

}  // namespace

ImageEvaluation evaluate_images(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                                const Control& control) {
  const RunData data = open_run_data(config, control);
  const ClipModel judge = clip_of_run({judge_config(config), data, RunFolder{folder.judge()}, model.device()}, control);
  const Random random(static_cast<uint64_t>(config.seed));
  const std::vector<int64_t>& pool = data.split.validation.empty() ? data.split.train : data.split.validation;
  const Tensor order = random.permutation(Purpose::evaluation, ~uint64_t{1}, static_cast<int64_t>(pool.size()));
  const int64_t n = std::min<int64_t>(config.evaluation.samples, order.size(0));
  std::vector<int64_t> samples;
  for (int64_t k = 0; k < n; ++k) {
    samples.push_back(pool[static_cast<size_t>(order[k].item<int64_t>())]);
  }
  const std::vector<int64_t> rows = draw_captions(*data.dataset, samples, random, ~uint64_t{1});
  std::vector<std::string> prompts;
  for (const int64_t row : rows) prompts.push_back(data.dataset->captions()[size_t(row)]);

  const Tensor pictures =
      sample_pictures(model, {prompts, "", random.seed(), kFirstImageSample}, config.sample, {}, control);
  // Real pictures pass through the same 8 bits as generated ones would on disk.
  const Tensor quantised = ((pictures.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1;
  const Tensor drawn = encode(judge, quantised), real = encode(judge, data.dataset->images(samples));
  const std::vector<int64_t> scored = scored_captions(*data.dataset, samples, rows);
  const Tensor captions = encode_captions(judge, *data.dataset, scored);
  const Tensor own = positions_in(scored, rows);
  const Tensor is_true = data.dataset->caption_is_true(samples, scored);
  const auto precision = [&](const Tensor& features, const Tensor& places) {
    return to_json(
        r_precision(features, {captions, own.index_select(0, places), is_true.index_select(0, places)}, random));
  };
  const Tensor paired = torch::arange(n);
  const Tensor shuffled = random.permutation(Purpose::evaluation, 7, n);
  const int64_t half = n / 2;
  const Tensor first = real.slice(0, 0, half), second = real.slice(0, half, 2 * half);
  const Tensor drawn_half = drawn.slice(0, 0, half);

  ordered_json json;
  json["judge_hash"] = judge.weights_hash();
  json["default_guidance"] = config.sample.guidance.scale;
  LeftOut left_out;
  if (is_true.all(1).any().item<bool>()) {
    left_out.add("r_precision needs a caption that is wrong of each picture");
  } else {
    json["r_precision"] = precision(drawn, paired);
    json["r_precision_shuffled_captions"] = precision(drawn, shuffled);
    json["r_precision_real"] = precision(real, paired);
  }
  if (left_out.allows("kid", half, kKidNeeds)) {
    json["kid"] = to_json(kid(first, drawn_half, kKidBlocks));
    json["kid_real_against_real"] = to_json(kid(first, second, kKidBlocks));
  }
  if (left_out.allows("fd", half, kFdNeeds)) {
    json["fd"] = number(frechet_distance(first, drawn_half), half);
    json["fd_real_against_real"] = number(frechet_distance(first, second), half);
  }
  if (left_out.allows("coverage", half, kCoverageNeeds)) {
    json["coverage"] = to_json(coverage(first, drawn_half, kCoverageNeighbours));
    json["coverage_real_by_real"] = to_json(coverage(first, second, kCoverageNeighbours));
  }
  left_out.write_to(json);
  return {json, pictures, prompts, data.dataset, data.split.train};
}

NearestPicture nearest_picture(const Dataset& data, const std::vector<int64_t>& samples, const Tensor& picture) {
  if (samples.empty()) throw ValueError("[run.nearest_picture] expected samples to choose from, got none");
  NearestPicture nearest{samples.front(), std::numeric_limits<double>::infinity()};
  for (size_t first = 0; first < samples.size(); first += kTowerBatch) {
    const size_t last = std::min(samples.size(), first + kTowerBatch);
    const std::vector<int64_t> block(samples.begin() + static_cast<std::ptrdiff_t>(first),
                                     samples.begin() + static_cast<std::ptrdiff_t>(last));
    const Tensor distances = (data.images(block) - picture.clamp(-1, 1)).square().flatten(1).mean(1).sqrt();
    const auto [distance, place] = distances.min(0);
    if (distance.item<double>() >= nearest.distance) continue;
    nearest = {block[static_cast<size_t>(place.item<int64_t>())], distance.item<double>()};
  }
  return nearest;
}

}  // namespace noisescope::run
