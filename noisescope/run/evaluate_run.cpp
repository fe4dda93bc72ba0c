#include "noisescope/run/evaluate_run.h"

#include <chrono>

#include "noisescope/core/format.h"
#include "noisescope/data/data_options.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/run/evaluate_departure.h"
#include "noisescope/run/evaluate_families.h"
#include "noisescope/run/evaluate_images.h"
#include "noisescope/viz/image_grid.h"

namespace noisescope::run {
namespace {

constexpr int64_t kShown = 16;
/// Pixel noise of the strict reading: a sixteenth of the range of pixels.
constexpr double kStrictNoise = 0.125;
/// Streams of prompts and noise. Constants of the demo were chosen on stream 0 (seed 0), which is not used any more,
/// and may be on that of the sweep; that of the score is for scores alone.
constexpr uint64_t kSweepStream = 1, kHeldOutStream = 3, kScoreStream = 4;

/// Noise of the evaluation: apart from that of previews and of a user's own pictures.
constexpr int64_t kFirstSample = int64_t{1} << 32;

class Judge {
 public:
  Judge(const TextToImage& model, const RunConfig& config, const Control& control)
      : model_(model),
        config_(config),
        control_(control),
        grammar_(World(config.data.world)),
        parser_(World(config.data.world), {.readable_noise = config.evaluation.readable_noise}),
        random_(static_cast<uint64_t>(config.seed)) {}

  const WorldParser& parser() const { return parser_; }

  ScenePrompts prompts(uint64_t stream, int64_t count, SceneSet set) const {
    return draw_scene_prompts(grammar_, random_, stream, count, set);
  }

  Tensor pictures(const ScenePrompts& prompts, uint64_t stream, double scale) const {
    SamplingOptions sample = config_.sample;
    sample.guidance.scale = scale;
    const auto first = kFirstSample + static_cast<int64_t>(stream) * (int64_t{1} << 24);
    return sample_pictures(model_, {prompts.captions, "", random_.seed(), first}, sample, {}, control_);
  }

  std::map<double, SceneAccuracy> sweep(uint64_t stream, int64_t count, SceneSet set) const {
    const ScenePrompts asked = prompts(stream, count, set);
    std::map<double, SceneAccuracy> result;
    for (const double scale : config_.evaluation.scales) {
      result[scale] = scene_accuracy(parser_.parse(pictures(asked, stream, scale)), asked.meanings);
    }
    return result;
  }

 private:
  const TextToImage& model_;
  const RunConfig& config_;
  const Control& control_;
  WorldGrammar grammar_;
  WorldParser parser_;
  Random random_;
};

nlohmann::ordered_json sweep_json(const std::map<double, SceneAccuracy>& sweep) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [scale, accuracy] : sweep) {
    json[format_text("{:g}", scale)] = to_json(accuracy);
  }
  return json;
}

std::vector<int64_t> held_out_samples(const ImageDataset& data) {
  std::vector<int64_t> held;
  for (int64_t i = 0; i < data.size(); ++i) {
    if (data.samples().parts[static_cast<size_t>(i)] == Part::test) held.push_back(i);
  }
  return held;
}

/// The first pictures with their prompts, and each beside the nearest that was trained on.
void write_samples(const ImageEvaluation& evaluation, const RunFolder& folder) {
  const int64_t shown = std::min(kShown, evaluation.pictures.size(0));
  const Tensor pictures = evaluation.pictures.slice(0, 0, shown);
  const std::vector<std::string> prompts(evaluation.prompts.begin(), evaluation.prompts.begin() + shown);
  write_png(folder.samples() / "evaluation.png", image_grid(pictures, prompts));
  std::vector<Tensor> pairs;
  std::vector<std::string> texts;
  for (int64_t k = 0; k < shown; ++k) {
    const NearestPicture nearest = nearest_picture(*evaluation.data, evaluation.trained, pictures[k]);
    pairs.push_back(pictures[k]);
    pairs.push_back(evaluation.data->images({nearest.sample})[0]);
    const int64_t row = evaluation.data->captions_of(nearest.sample).front();
    texts.push_back(prompts[static_cast<size_t>(k)]);
    texts.push_back(format_text("trained on, {:.2f} away: {}", nearest.distance,
                                evaluation.data->captions()[static_cast<size_t>(row)]));
  }
  write_png(folder.samples() / "nearest.png", image_grid(torch::stack(pairs), texts, {.columns = 8}));
}

}  // namespace

WorldEvaluation evaluate_world(const TextToImage& model, const RunConfig& config, const Control& control) {
  const Judge judge(model, config, control);
  WorldEvaluation result;
  result.default_guidance = config.sample.guidance.scale;
  result.residual_bound = judge.parser().residual_bound();
  const EvaluationOptions& options = config.evaluation;
  const ScenePrompts asked = judge.prompts(kScoreStream, options.samples, SceneSet::all);
  const auto begin = std::chrono::steady_clock::now();
  const Tensor pictures = judge.pictures(asked, kScoreStream, result.default_guidance);
  result.seconds_per_image = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
                             static_cast<double>(options.samples);
  result.score = scene_accuracy(judge.parser().parse(pictures), asked.meanings);
  const WorldParser strict(World(config.data.world), {.readable_noise = kStrictNoise});
  const std::vector<ParsedScene> parsed = strict.parse(pictures);
  result.strict = scene_accuracy(parsed, asked.meanings);
  result.strict_residual_bound = strict.residual_bound();
  result.pictures = pictures.slice(0, 0, std::min(kShown, options.samples));
  for (int64_t k = 0; k < result.pictures.size(0); ++k) {
    result.prompts.push_back(asked.captions[static_cast<size_t>(k)]);
    result.right.push_back(agreement(parsed[static_cast<size_t>(k)], asked.meanings[static_cast<size_t>(k)]).joint);
  }
  result.sweep = judge.sweep(kSweepStream, options.sweep_samples, SceneSet::all);
  if (config.data.world.hold_out > 0) {
    result.held_out = judge.sweep(kHeldOutStream, options.sweep_samples, SceneSet::held_out);
  }
  return result;
}

nlohmann::ordered_json to_json(const WorldEvaluation& e) {
  nlohmann::ordered_json json;
  json["default_guidance"] = e.default_guidance;
  json["strict"] = to_json(e.strict);
  json["score"] = to_json(e.score);
  json["sweep"] = sweep_json(e.sweep);
  if (!e.held_out.empty()) json["held_out"] = sweep_json(e.held_out);
  json["seconds_per_image"] = e.seconds_per_image;
  json["parser_residual_bound"] = e.residual_bound;
  json["strict_residual_bound"] = e.strict_residual_bound;
  return json;
}

nlohmann::ordered_json evaluate_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                                    const Control& control) {
  if (config.data.kind != DataKind::world) {
    ImageEvaluation evaluation = evaluate_images(model, config, folder, control);
    write_samples(evaluation, folder);
    if (config.data.kind == DataKind::emoji) {
      const auto& emoji = dynamic_cast<const ImageDataset&>(*evaluation.data);
      evaluation.json.update(evaluate_families(model, config, emoji, control));
      evaluation.json.update(evaluate_family_evidence(model, config, folder, emoji, control));
      evaluation.json["departure"] = evaluate_departure(model, emoji, evaluation.trained, held_out_samples(emoji),
                                                        static_cast<uint64_t>(config.seed));
    }
    write_file_atomic(folder.evaluation(), evaluation.json.dump(2));
    return evaluation.json;
  }
  const WorldEvaluation evaluation = evaluate_world(model, config, control);
  std::vector<Mark> marks;
  for (const bool right : evaluation.right) marks.push_back(right ? Mark::right : Mark::wrong);
  write_png(folder.samples() / "evaluation.png", image_grid(evaluation.pictures, evaluation.prompts, {}, marks));
  nlohmann::ordered_json json = to_json(evaluation);
  write_file_atomic(folder.evaluation(), json.dump(2));
  return json;
}

}  // namespace noisescope::run
