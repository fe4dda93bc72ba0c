// Live drawings against trajectories of the library.
#include "noisescope/live/drawing.h"

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/io/config.h"
#include "noisescope/model/text_to_image.h"
#include "tests/live/live_case.h"

namespace noisescope {
namespace {

SamplingSettings settings_of(const SamplingOptions& options) {
  SamplingSettings settings;
  read_options_into(config_from_json(to_json(options), "test"), settings);
  return settings;
}

/// The same two pictures, once as a trajectory, once live.
struct DrawnTwice {
  explicit DrawnTwice(const SamplingOptions& sample = small_model().sample)
      : trajectory(draw_trajectory(model, {{kLivePrompt, kLivePrompt}, "", 7, 0}, sample)),
        drawing(live, {settings_of(sample), live.condition(kLivePrompt), live.null_condition(), 7, 2}) {
    while (drawing.advance()) {
    }
  }

  Model model = small_model();
  LiveModel live = live_of(model);
  Trajectory trajectory;
  Drawing drawing;
};

void expect_same(const Trajectory& trajectory, const Drawing& drawing, const std::string& what) {
  const Tensor pictures = trajectory.pictures();
  ASSERT_TRUE(drawing.is_done()) << what;
  EXPECT_LT((tensor_of(drawing.pictures(), pictures.sizes()) - pictures).abs().mean().item<double>(), 1.0 / 255)
      << what;
  const auto& steps = trajectory.steps();
  ASSERT_EQ(static_cast<int64_t>(steps.size()), drawing.done()) << what;
  for (const size_t k : {size_t{0}, steps.size() / 2, steps.size() - 1}) {
    const DrawnStep& step = drawing.step(static_cast<int64_t>(k));
    const auto near = [&](const Floats& found, const Tensor& expected, const char* plane) {
      EXPECT_LT(relative_difference(tensor_of(found, expected.sizes()), expected), 2e-2) << what << ", " << plane << k;
    };
    EXPECT_NEAR(step.sigma, steps[k].sigma, 1e-12) << what;
    near(step.x, steps[k].x, "x");
    near(step.prediction.denoised, steps[k].prediction.denoised, "denoised");
    near(step.prediction.conditional, steps[k].prediction.conditional, "conditional");
    near(step.prediction.unconditional, steps[k].prediction.unconditional, "unconditional");
  }
}

TEST(LiveDrawing, StartsFromTheProgramsNoise) {
  const DrawnTwice drawn;
  const NoiseSource noise{Random(7), {0, 1}};
  const Tensor expected = noise.initial({3, 32, 32});
  const Tensor found = tensor_of(drawn.drawing.step(0).x, {2, 3, 32, 32}) / drawn.drawing.sigmas()[0];
  EXPECT_LT((found - expected).abs().max().item<double>(), 1e-6);
}

TEST(LiveDrawing, GridsAreThoseOfTheProgram) {
  const LiveModel live = live_of(small_model());
  const Schedule schedule{ScheduleOptions{}};
  for (const GridKind kind :
       {GridKind::karras, GridKind::log_snr, GridKind::leading, GridKind::linspace, GridKind::trailing}) {
    for (const int64_t steps : {1, 7, 20}) {
      SamplingOptions sample;
      sample.grid.kind = kind;
      sample.grid.steps = steps;
      const std::vector<double> expected = sampling_sigmas(sample.grid);
      const std::vector<double> found = live_sigmas(settings_of(sample).grid, live.schedule());
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-9 * (1 + expected[i]));
      EXPECT_NEAR(timestep_of(live.schedule(), expected[0]), schedule.timestep(expected[0]), 1e-9);
    }
  }
}

TEST(LiveDrawing, EverySolverDrawsTheProgramsPictures) {
  for (const Solver solver :
       {Solver::ddpm, Solver::ddim, Solver::euler, Solver::heun, Solver::dpmpp_2m, Solver::dpmpp_2m_sde}) {
    SamplingOptions sample = small_model().sample;
    sample.sampler.solver = solver;
    sample.sampler.eta = 0.5;
    sample.sampler.churn = 4;
    const DrawnTwice drawn(sample);
    expect_same(drawn.trajectory, drawn.drawing, to_string(solver));
  }
}

TEST(LiveDrawing, GuidanceIsThatOfTheProgram) {
  SamplingOptions sample = small_model().sample;
  sample.sampler.solver = Solver::ddpm;
  sample.sampler.variance = Variance::upper;
  sample.guidance = {.scale = 3, .sigma_min = 0.3, .sigma_max = 9, .rescale = 0.6, .clamp = 0.8};
  DrawnTwice drawn(sample);
  expect_same(drawn.trajectory, drawn.drawing, "rescaled");
  sample.guidance = {.scale = 1};
  sample.sampler.variance = Variance::previous;
  const DrawnTwice plain(sample);
  expect_same(plain.trajectory, plain.drawing, "without guidance");
}

struct ChangeCase {
  std::string name;
  Change change;
  DrawingChange live;
};

TEST(LiveDrawing, ChangesDrawTheProgramsPictures) {
  const DrawnTwice drawn;
  const std::string other = "a green square left of a blue disc on dark";
  std::vector<ChangeCase> cases(6);
  cases[0] = {"nothing", {.step = 6}, {.step = 6}};
  cases[1] = {"word",
              {.step = 5, .condition = drawn.model.condition({other, other})},
              {.step = 5, .condition = drawn.live.condition(other)}};
  cases[2] = {"window", {.step = 3, .window = ScaleWindow{-2, 1, 5}}, {.step = 3, .window = GuidanceWindow{-2, 1, 5}}};
  cases[3] = {"block",
              {.step = 8, .block = NoiseBlock{4, 2, 9, 12, Random(5)}},
              {.step = 8, .noise = DrawingChange::Noise{{2, 4, 12, 9}, 5}}};
  cases[4] = {"remaining noise",
              {.step = 4, .scale = 1.5, .remaining_noise = Random(9)},
              {.step = 4, .scale = 1.5, .remaining_seed = 9}};
  const Tensor noise = Random(3).normal(Purpose::explain, 9, {0, 1}, {3, 32, 32});
  cases[5] = {"U-turn",
              {.step = 9, .x = drawn.trajectory.pictures() + drawn.drawing.sigmas()[9] * noise},
              {.step = 9, .turn_seed = 3}};
  for (const ChangeCase& c : cases) {
    Drawing live = drawn.drawing.changed(c.live);
    while (live.advance()) {
    }
    const Trajectory changed = drawn.trajectory.changed(c.change);
    expect_same(changed, live, c.name);
    Drawing again = live.changed({.step = 12, .scale = 4});
    while (again.advance()) {
    }
    expect_same(changed.changed({.step = 12, .scale = 4}), again, c.name + ", then guidance");
  }
}

// Moves, swaps and U-turns only say what x is; the rest is drawn as ever.
TEST(LiveDrawing, MovedNoiseComesBackAndUTurnsStartFromThePicture) {
  const DrawnTwice drawn;
  const auto first_x = [&](const DrawingChange& change) {
    Drawing live = drawn.drawing.changed(change);
    live.advance();
    return tensor_of(live.step(change.step).x, {2, 3, 32, 32});
  };
  const Tensor x = tensor_of(drawn.drawing.step(0).x, {2, 3, 32, 32});
  const Tensor moved = first_x({.step = 0, .move = DrawingChange::Move{{2, 3, 8, 6}, 5, 4}});
  EXPECT_TRUE(torch::equal(moved.slice(2, 4, 10).slice(3, 5, 13), x.slice(2, 3, 9).slice(3, 2, 10)));
  EXPECT_TRUE(torch::allclose(std::get<0>(moved.flatten(2).sort(2)), std::get<0>(x.flatten(2).sort(2))));
  const Tensor swapped = first_x({.step = 0, .swap = DrawingChange::Swap{{1, 2, 4, 5}, 1, 0}});
  EXPECT_TRUE(torch::equal(swapped[0].slice(1, 2, 7).slice(2, 1, 5), x[1].slice(1, 2, 7).slice(2, 1, 5)));
  EXPECT_TRUE(torch::equal(swapped[1].slice(1, 2, 7).slice(2, 1, 5), x[0].slice(1, 2, 7).slice(2, 1, 5)));
  const Tensor pictures = drawn.trajectory.pictures();
  const Tensor noise = Random(3).normal(Purpose::explain, 9, {0, 1}, {3, 32, 32});
  const Tensor turned = first_x({.step = 9, .turn_seed = 3});
  EXPECT_LT((turned - (pictures + drawn.drawing.sigmas()[9] * noise)).abs().mean().item<double>(), 1.0 / 255);
}

TEST(LiveDrawing, ChangesThatDoNotFitAreRefused) {
  const DrawnTwice drawn;
  EXPECT_THROW(drawn.drawing.changed({.step = 20}), ValueError);
  EXPECT_THROW(drawn.drawing.changed({.step = 2, .noise = DrawingChange::Noise{{30, 0, 3, 3}, 0}}), ValueError);
  EXPECT_THROW(drawn.drawing.changed({.step = 2, .swap = DrawingChange::Swap{{0, 0, 3, 3}, 2, 0}}), ValueError);
  SamplingOptions sample = small_model().sample;
  sample.sampler.solver = Solver::euler;
  EXPECT_THROW(DrawnTwice(sample).drawing.changed({.step = 2, .remaining_seed = 1}), ValueError);
}

}  // namespace
}  // namespace noisescope
