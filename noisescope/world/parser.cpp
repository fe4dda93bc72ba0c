#include "noisescope/world/parser.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "noisescope/core/error.h"

namespace noisescope::world {
namespace {

constexpr int64_t kParsedPictures = 64;  // bounds the memory of the distance tables

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
Scene most_likely(const World& world, const NearestTemplates& left, const NearestTemplates& right, int64_t i) {
  const auto left_distance = left.distance.accessor<double, 2>()[i];
  const auto right_distance = right.distance.accessor<double, 2>()[i];
  int64_t best = 0;
  for (int64_t g = 1; g < world.background_count(); ++g) {
    const double distance = left_distance[g] + right_distance[g];
    if (distance < left_distance[best] + right_distance[best]) best = g;
  }
  return {object_of(world, left.index.accessor<int64_t, 2>()[i][best]),
          object_of(world, right.index.accessor<int64_t, 2>()[i][best]), best};
}

double root_mean_square(const Tensor& values) { return std::sqrt(values.square().mean().item<double>()); }

/// ParsedScene::residual_rms from picture - render(scene), [3, 32, 32]; NaN if any value is.
double worst_part(const World& world, const Scene& scene, const Tensor& difference) {
  const int64_t size = world.options().object_size_px;
  double worst = 0;
  int64_t first_column = 0;
  for (const WorldObject& object : {scene.left, scene.right}) {
    const Tensor half = difference.narrow(2, first_column, kWorldHalfPx);
    const auto [y, x] = world.position(object.position);
    const double whole = root_mean_square(half);
    const double square = root_mean_square(half.narrow(1, y, size).narrow(2, x, size));
    if (std::isnan(whole)) return whole;
    worst = std::max({worst, whole, square});
    first_column += kWorldHalfPx;
  }
  return worst;
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
  d("readable_noise", o.readable_noise, "standard deviation of the pixel noise at which real pictures are still read",
    {.min = 0, .above_min = true, .below_max = true});
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
    : world_(world), templates_(world), options_(options), residual_bound_(std::numeric_limits<double>::infinity()) {
  check_options("world.WorldParser", options);
  const Random random(static_cast<uint64_t>(options.calibration_seed));
  const uint64_t step = name_hash("WorldParser");
  std::vector<Scene> scenes;
  for (int64_t i = 0; i < options.calibration_count; ++i) {
    scenes.push_back(world_.draw_scene(random, step, i, SceneSet::all));
  }
  const Tensor noise = random.normal(Purpose::evaluation, step, sample_range(0, options.calibration_count),
                                     {3, kWorldImagePx, kWorldImagePx});
  double bound = 0;
  for (const ParsedScene& parsed : parse(world_.render(scenes) + options.readable_noise * noise)) {
    bound = std::max(bound, parsed.residual_rms);
  }
  residual_bound_ = bound;
}

std::vector<ParsedScene> WorldParser::parse(const Tensor& pictures) const {
  check_shape("world.WorldParser.parse", "pictures", pictures, {-1, 3, kWorldImagePx, kWorldImagePx});
  const torch::NoGradGuard no_grad;
  std::vector<ParsedScene> result;
  const Tensor clamped = pictures.to(torch::kCPU, torch::kFloat64).clamp(-1, 1);
  for (const Tensor& chunk : clamped.split(kParsedPictures)) {
    const auto [left, right] = templates_.squared_distances(chunk);
    const NearestTemplates nearest_left = nearest(left), nearest_right = nearest(right);
    for (int64_t i = 0; i < chunk.size(0); ++i) {
      const Scene scene = most_likely(world_, nearest_left, nearest_right, i);
      const double residual = worst_part(world_, scene, chunk[i] - world_.render({scene})[0].to(torch::kFloat64));
      result.push_back({scene, residual, !(residual <= residual_bound_)});
    }
  }
  return result;
}

}  // namespace noisescope::world
