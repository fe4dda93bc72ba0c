#include "noisescope/data/world_parser.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

constexpr int64_t kChunk = 64;  // bounds the memory of the distance tables

/// The nearest template of one half for every background.
struct NearestTemplates {
  Tensor distance;  // [B, G] float64
  Tensor index;     // [B, G] int64, flat over [K, S, P]
};

NearestTemplates nearest(const Tensor& distances) {
  const auto [distance, index] = distances.flatten(2).min(2);
  return {distance.contiguous(), index.contiguous()};
}

WorldObject object_of(const World& world, int64_t flat_index) {
  const int64_t position = flat_index % world.position_count();
  const int64_t colour_and_shape = flat_index / world.position_count();
  return {colour_and_shape % world.shape_count(), colour_and_shape / world.shape_count(), position};
}

/// The scene of row `i`: the background with the smallest distance over both halves.
ParsedScene choose(const World& world, const NearestTemplates& left, const NearestTemplates& right,
                   int64_t i) {
  const auto left_distance = left.distance.accessor<double, 2>()[i];
  const auto right_distance = right.distance.accessor<double, 2>()[i];
  ParsedScene parsed;
  double best = std::numeric_limits<double>::infinity();
  for (int64_t g = 0; g < world.background_count(); ++g) {
    const double distance = left_distance[g] + right_distance[g];
    if (!(distance < best)) continue;
    best = distance;
    parsed.scene.background = g;
    const double worse = std::max({left_distance[g], right_distance[g], 0.0});
    parsed.residual_rms = std::sqrt(worse / double(3 * kWorldImagePx * kWorldHalfPx));
  }
  if (!std::isfinite(best)) parsed.residual_rms = best;
  const int64_t g = parsed.scene.background;
  parsed.scene.left = object_of(world, left.index.accessor<int64_t, 2>()[i][g]);
  parsed.scene.right = object_of(world, right.index.accessor<int64_t, 2>()[i][g]);
  return parsed;
}

/// How many of the said shapes and colours an assignment gets right.
struct Match {
  bool shapes = true;
  bool colours = true;
  int count = 0;

  void compare(const ObjectMeaning& meaning, const WorldObject& object) {
    const bool shape = meaning.shape == kAny || meaning.shape == object.shape;
    const bool colour = meaning.colour == kAny || meaning.colour == object.colour;
    shapes = shapes && shape;
    colours = colours && colour;
    count += int(shape) + int(colour);
  }
};

Match match(const CaptionMeaning& meaning, const WorldObject& first, const WorldObject& second) {
  Match result;
  result.compare(meaning.left, first);
  result.compare(meaning.right, second);
  return result;
}

}  // namespace

void describe(Describer& d, WorldParserOptions& o) {
  d("readable_noise", o.readable_noise,
    "standard deviation of the pixel noise at which real pictures are still read",
    {.min = 0.001, .max = 0.5});
  d("calibration_count", o.calibration_count, "noisy real pictures that set the bound", {.min = 1});
  d("calibration_seed", o.calibration_seed, "which pictures and which noise");
}

CaptionAgreement agreement(const ParsedScene& parsed, const CaptionMeaning& meaning) {
  if (parsed.rejected) return {};
  const Match as_said = match(meaning, parsed.scene.left, parsed.scene.right);
  const Match exchanged = match(meaning, parsed.scene.right, parsed.scene.left);
  const bool as_said_is_best = as_said.count >= exchanged.count;
  const Match& best = as_said_is_best ? as_said : exchanged;
  CaptionAgreement result;
  result.shapes = best.shapes;
  result.colours = best.colours;
  result.sides = as_said_is_best || !meaning.ordered;
  result.background = meaning.background == kAny || meaning.background == parsed.scene.background;
  result.joint = result.shapes && result.colours && result.sides && result.background;
  return result;
}

WorldParser::WorldParser(const World& world, const WorldParserOptions& options)
    : world_(world), templates_(world), options_(options),
      residual_bound_(std::numeric_limits<double>::infinity()) {
  if (!(options.readable_noise > 0) || options.calibration_count < 1) {
    throw ValueError("[data.WorldParser] expected readable_noise > 0 and calibration_count >= 1, "
                     "got " + std::to_string(options.readable_noise) + " and " +
                     std::to_string(options.calibration_count));
  }
  const Random random(static_cast<uint64_t>(options.calibration_seed));
  const uint64_t step = name_hash("WorldParser");
  std::vector<Scene> scenes;
  for (int64_t i = 0; i < options.calibration_count; ++i) {
    scenes.push_back(world_.draw_scene(random, step, i, SceneSet::all));
  }
  const Tensor noise = random.normal(Purpose::evaluation, step,
                                     sample_range(0, options.calibration_count),
                                     {3, kWorldImagePx, kWorldImagePx});
  double bound = 0;
  for (const ParsedScene& parsed : parse(world_.render(scenes) + options.readable_noise * noise)) {
    bound = std::max(bound, parsed.residual_rms);
  }
  residual_bound_ = bound;
}

std::vector<ParsedScene> WorldParser::parse(const Tensor& pictures) const {
  check_shape("data.WorldParser.parse", "pictures", pictures,
              {-1, 3, kWorldImagePx, kWorldImagePx});
  const torch::NoGradGuard no_grad;
  std::vector<ParsedScene> result;
  const Tensor clamped = pictures.to(torch::kCPU, torch::kFloat64).clamp(-1, 1);
  for (const Tensor& chunk : clamped.split(kChunk)) {
    const auto [left, right] = templates_.squared_distances(chunk);
    const NearestTemplates nearest_left = nearest(left), nearest_right = nearest(right);
    for (int64_t i = 0; i < chunk.size(0); ++i) {
      result.push_back(choose(world_, nearest_left, nearest_right, i));
      ParsedScene& parsed = result.back();
      parsed.rejected = !(parsed.residual_rms <= residual_bound_);
    }
  }
  return result;
}

}  // namespace noisescope
