#include "noisescope/diffusion/trajectory.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/analytic.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "tests/diffusion/small_trajectory.h"

namespace noisescope {
namespace {

constexpr int64_t kSteps = 4;

Tensor one_hot(std::vector<int64_t> blobs) {
  return torch::eye(3, torch::kFloat64).index_select(0, torch::tensor(blobs)).to(torch::kFloat32);
}

/// Five pictures of three blobs, under one prompt each; the evaluations of its denoiser are counted.
struct Blobs {
  GaussianMixture data{torch::eye(3, 8), torch::full({3, 8}, 0.05)};
  std::shared_ptr<int64_t> evaluations = std::make_shared<int64_t>(0);
  Sampling sampling;
  TrajectoryStart start;

  explicit Blobs(const SamplerOptions& sampler = {.solver = Solver::ddpm}, double scale = 1, int64_t pass_size = 128) {
    const Denoiser counting = [exact = data.denoiser(), evaluations = evaluations](const Tensor& x, const Tensor& sigma,
                                                                                   const Tensor& condition) {
      *evaluations += x.size(0);
      return exact(x, sigma, condition);
    };
    sampling = {counting, {10, 3, 1, 0.3, 0}, sampler, {.scale = scale}, pass_size};
    const NoiseSource noise{Random(1), {4, 1, 9, 2, 7}};
    start = {one_hot({0, 1, 2, 1, 0}), torch::ones({1, 3}), noise.initial({2, 2, 2}), noise};
  }
  Trajectory trajectory() const { return {sampling, start}; }

  /// What the sampler gives from the start under these settings.
  static Tensor sampled(const Sampling& sampling, const TrajectoryStart& start) {
    const Tensor null = start.null_condition.expand_as(start.condition);
    return run_sampler(guide(sampling.denoiser, start.condition, null, sampling.guidance),
                       start.initial * sampling.sigmas[0], {sampling.sigmas, sampling.sampler, start.noise});
  }
};

bool same(const Tensor& a, const Tensor& b) { return torch::allclose(a, b, 1e-5, 1e-6); }

TEST(Trajectory, IsRunSampler) {
  for (const Solver solver : {Solver::ddpm, Solver::ddim, Solver::heun, Solver::dpmpp_2m}) {
    for (const double scale : {1.0, 2.5}) {
      const Blobs blobs({.solver = solver}, scale);
      const Tensor expected = Blobs::sampled(blobs.sampling, blobs.start);
      EXPECT_TRUE(same(blobs.trajectory().pictures(), expected)) << to_string(solver) << scale;
      EXPECT_TRUE(torch::equal(blobs.trajectory().redraw(), expected)) << to_string(solver) << scale;
    }
  }
}

// A picture depends on its own noise and prompt alone, so passes of any size give the same.
TEST(Trajectory, PassesDoNotShow) {
  const Tensor whole = Blobs().trajectory().redraw();
  for (const int64_t pass_size : {1, 2, 5}) {
    EXPECT_TRUE(same(Blobs({.solver = Solver::ddpm}, 1, pass_size).trajectory().redraw(), whole)) << pass_size;
  }
}

TEST(Trajectory, StepsAreEvaluatedOnceInBothBranchesAndSharedByCopies) {
  const Blobs blobs;
  const Trajectory trajectory = blobs.trajectory(),
                   copy = trajectory;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(*blobs.evaluations, 0);
  EXPECT_TRUE(copy.has_both_branches());
  EXPECT_EQ(*blobs.evaluations, 2 * 5 * kSteps);
  EXPECT_EQ(trajectory.steps().size(), size_t(kSteps));
  EXPECT_TRUE(torch::equal(trajectory.pictures(), copy.pictures()));
  EXPECT_EQ(trajectory.rows({1, 3}).steps()[2].x.size(0), 2);
  EXPECT_EQ(*blobs.evaluations, 2 * 5 * kSteps);
  trajectory.redraw({.step = 3});
  EXPECT_EQ(*blobs.evaluations, 2 * 5 * kSteps + 5);
}

TEST(Sampling, KnowsWhatARunCosts) {
  for (const Solver solver : {Solver::ddpm, Solver::heun, Solver::dpmpp_2m}) {
    for (const double scale : {1.0, 2.0}) {
      const Blobs blobs({.solver = solver}, scale);
      blobs.trajectory().redraw();
      const int64_t last = solver == Solver::heun ? blobs.sampling.branches() : 0;  // which needs no corrector
      EXPECT_EQ(*blobs.evaluations, 5 * (blobs.sampling.evaluations() - last)) << to_string(solver) << scale;
    }
  }
}

TEST(Trajectory, StepsOfACopyAreThoseOfTheOriginal) {
  const Blobs blobs;
  const Trajectory trajectory = blobs.trajectory();
  const Trajectory copy = trajectory;  // NOLINT(performance-unnecessary-copy-initialization)
  trajectory.steps();
  copy.steps();
  EXPECT_EQ(*blobs.evaluations, 2 * 5 * kSteps);
}

TEST(Trajectory, RowsAreTheWhole) {
  const std::vector<int64_t> rows = {3, 0, 3};
  const Tensor at = torch::tensor(rows);
  const Trajectory known = Blobs().trajectory(), unknown = Blobs().trajectory();
  const Tensor expected = known.pictures().index_select(0, at);
  EXPECT_TRUE(torch::equal(known.rows(rows).pictures(), expected));
  EXPECT_TRUE(same(unknown.rows(rows).pictures(), expected));
  EXPECT_TRUE(same(unknown.rows(rows).redraw(), expected));
  for (size_t i = 0; i < size_t(kSteps); ++i) {
    const SamplerStep step = known.rows(rows).steps()[i], whole = known.steps()[i];
    EXPECT_EQ(step.sigma, whole.sigma);
    EXPECT_TRUE(torch::equal(step.x, whole.x.index_select(0, at))) << i;
    EXPECT_TRUE(torch::equal(step.prediction.unconditional, whole.prediction.unconditional.index_select(0, at))) << i;
  }
}

// Two pictures of one prompt and one noise whose null conditions differ: with guidance they must differ.
TEST(Trajectory, EveryPictureKeepsItsOwnNullCondition) {
  Blobs blobs({.solver = Solver::ddim}, 2);
  blobs.start.null_condition = one_hot({1, 2, 0, 0, 2});
  const Trajectory trajectory = blobs.trajectory();
  EXPECT_FALSE(same(trajectory.redraw(), Blobs({.solver = Solver::ddim}, 2).trajectory().redraw()));
  for (int64_t row = 0; row < 5; ++row) {
    TrajectoryStart alone = blobs.start;
    for (Tensor* t : {&alone.condition, &alone.null_condition, &alone.initial}) *t = t->slice(0, row, row + 1);
    alone.noise = rows_of(blobs.start.noise, {row});
    const Tensor expected = Blobs::sampled(blobs.sampling, alone);
    EXPECT_TRUE(same(trajectory.redraw().slice(0, row, row + 1), expected)) << row;
    EXPECT_TRUE(same(trajectory.pictures().slice(0, row, row + 1), expected)) << row;
    EXPECT_TRUE(same(trajectory.rows({row}).redraw(), expected)) << row;
  }
  blobs.sampling.pass_size = 2;
  EXPECT_TRUE(same(blobs.trajectory().redraw(), trajectory.redraw()));
}

TEST(TrajectoryChange, OfThePromptScaleAndNoiseIsTheOtherRun) {
  const Blobs blobs({.solver = Solver::ddpm}, 2);
  const Trajectory trajectory = blobs.trajectory();
  const auto sampled = [&](auto alter) {
    Sampling sampling = blobs.sampling;
    TrajectoryStart start = blobs.start;
    alter(sampling, start);
    return Blobs::sampled(sampling, start);
  };
  const Tensor condition = one_hot({2, 2, 0, 1, 1}),
               initial = Random(8).normal(Purpose::explain, 0, sample_range(0, 5), {2, 2, 2});
  EXPECT_TRUE(torch::equal(trajectory.redraw({.condition = condition}),
                           sampled([&](auto&, auto& start) { start.condition = condition; })));
  EXPECT_TRUE(torch::equal(trajectory.redraw({.scale = 0.5}),
                           sampled([&](auto& sampling, auto&) { sampling.guidance.scale = 0.5; })));
  EXPECT_TRUE(torch::equal(trajectory.redraw({.initial = initial}),
                           sampled([&](auto&, auto& start) { start.initial = initial; })));
  const NoiseSource other{Random(3), {8, 0, 2, 5, 5}};
  EXPECT_TRUE(
      torch::equal(trajectory.redraw({.noise = other}), sampled([&](auto&, auto& start) { start.noise = other; })));
  EXPECT_TRUE(torch::equal(trajectory.redraw({.remaining_noise = Random(99)}),
                           sampled([&](auto&, auto& start) { start.noise.random = Random(99); })));
}

TEST(TrajectoryChange, ThatChangesNothingGivesTheSamePictures) {
  for (const Solver solver :
       {Solver::ddpm, Solver::ddim, Solver::euler, Solver::heun, Solver::dpmpp_2m, Solver::dpmpp_2m_sde}) {
    const Blobs blobs({.solver = solver}, 2, 3);  // passes of three pictures
    const Trajectory trajectory = blobs.trajectory();
    const Tensor own = trajectory.redraw();
    for (int64_t step = 0; step < kSteps; ++step) {
      EXPECT_TRUE(same(trajectory.redraw({.step = step}), own)) << to_string(solver) << step;
      EXPECT_TRUE(same(trajectory.redraw({.step = step,
                                          .condition = blobs.start.condition,
                                          .scale = 2,
                                          .prompted = [](double) { return true; },
                                          .noise = blobs.start.noise,
                                          .remaining_noise = Random(1)}),
                       own))
          << to_string(solver) << step;
    }
  }
}

// From step 2 on the first steps stay: x of step 2 is seen again, and the noise of later steps is of their own number.
TEST(TrajectoryChange, FromAStepOnStartsFromItsX) {
  const Blobs blobs;
  const Trajectory trajectory = blobs.trajectory();
  std::vector<SamplerStep> seen;
  trajectory.redraw({.step = 2, .condition = one_hot({1, 1, 1, 1, 1})},
                    [&](const SamplerStep& step) { seen.push_back(step); });
  ASSERT_EQ(seen.size(), size_t(kSteps - 2));
  EXPECT_TRUE(torch::equal(seen[0].x, trajectory.steps()[2].x));
  EXPECT_EQ(seen[0].sigma, 1);
  EXPECT_EQ(seen[1].sigma_next, 0);
}

TEST(TrajectoryChange, OfTheWindowIsHeardThereAlone) {
  const Blobs blobs({.solver = Solver::ddim}, 3);
  const Trajectory trajectory = blobs.trajectory();
  const double middle = log_snr_of(2.0);  // between the levels 3 and 1
  std::vector<bool> heard;
  const auto listens = [&](double log_snr) {
    heard.push_back(log_snr > middle);
    return heard.back();
  };
  const Predictor with = trajectory.predictor(), without = trajectory.unprompted();
  const Predictor expected = [&](const Tensor& x, const Tensor& sigma) {
    return sigma[0].item<double>() < 2 ? with(x, sigma) : without(x, sigma);
  };
  EXPECT_TRUE(torch::equal(trajectory.redraw({.prompted = listens}),
                           run_sampler(expected, trajectory.initial() * 10,
                                       {blobs.sampling.sigmas, blobs.sampling.sampler, blobs.start.noise})));
  EXPECT_EQ(heard, (std::vector<bool>{false, false, true, true}));
}

TEST(TrajectoryChange, OfRemainingNoiseLeavesTheStepsBefore) {
  const Trajectory trajectory = Blobs().trajectory();
  const Tensor own = trajectory.redraw();
  EXPECT_GT(
      (trajectory.redraw({.step = 1, .remaining_noise = Random(99)}) - own).abs().amax({1, 2, 3}).min().item<double>(),
      0);
  EXPECT_TRUE(same(trajectory.redraw({.step = 3, .remaining_noise = Random(99)}), own));  // the last step adds none
}

// Independent pixels: a block moves its own pixels alone, by sigma eps about the estimate.
TEST(TrajectoryChange, OfABlockIsNewNoiseAboutTheEstimate) {
  const Blobs blobs({.solver = Solver::ddim});
  const Trajectory trajectory = blobs.trajectory();
  const NoiseBlock block{0, 1, 2, 1, Random(5)};
  Tensor seen;
  trajectory.redraw({.step = 2, .block = block}, [&](const SamplerStep& step) {
    if (!seen.defined()) seen = step.x.clone();
  });
  const SamplerStep& step = trajectory.steps()[2];
  const Tensor eps = block.random.normal(Purpose::explain, 2, blobs.start.noise.sample_ids, {2, 2, 1});
  Tensor expected = step.x.clone();
  expected.slice(3, 1, 2) = step.prediction.denoised.slice(3, 1, 2) + 1.0 * eps;
  EXPECT_TRUE(same(seen, expected));
}

// What redraw() goes through is a trajectory: its pictures are the redrawn ones, its first steps the parent's, its
// steps have both branches, and it is changed again from where it is.
TEST(ChangedTrajectory, IsWhatRedrawGoesThrough) {
  const Blobs blobs({.solver = Solver::ddpm}, 2);
  const Trajectory trajectory = blobs.trajectory();
  const Tensor x = Random(8).normal(Purpose::explain, 1, sample_range(0, 5), {2, 2, 2});
  const std::vector<Change> changes = {{},
                                       {.step = 2, .condition = one_hot({2, 2, 0, 1, 1})},
                                       {.step = 1, .scale = 0.5},
                                       {.step = 1, .window = ScaleWindow{-3, 3, 5}},
                                       {.step = 2, .x = x},
                                       {.step = 0, .x = x * 10},
                                       {.step = 1, .remaining_noise = Random(99)},
                                       {.step = 2, .block = NoiseBlock{0, 1, 2, 1, Random(5)}}};
  for (size_t k = 0; k < changes.size(); ++k) {
    std::vector<int64_t> seen;
    const Trajectory changed =
        trajectory.changed(changes[k], [&](const SamplerStep& step) { seen.push_back(step.index); });
    EXPECT_TRUE(same(changed.pictures(), trajectory.redraw(changes[k]))) << k;
    EXPECT_EQ(seen, sample_range(changes[k].step, kSteps - changes[k].step)) << k;
    EXPECT_TRUE(changed.has_both_branches()) << k;
    for (int64_t i = 0; i < changes[k].step; ++i) {
      EXPECT_TRUE(torch::equal(changed.steps()[size_t(i)].x, trajectory.steps()[size_t(i)].x)) << k;
    }
    // Sampled again as it is, it gives itself: prompt, guidance and noise went with it.
    EXPECT_TRUE(same(changed.redraw({.step = changes[k].step}), changed.pictures())) << k;
    EXPECT_TRUE(same(changed.redraw({.step = 3}), changed.pictures())) << k;
  }
}

TEST(ChangedTrajectory, IsChangedAgain) {
  const Trajectory trajectory = Blobs({.solver = Solver::ddim}, 2).trajectory();
  const Tensor other = one_hot({2, 2, 0, 1, 1});
  const Trajectory twice = trajectory.changed({.step = 1, .condition = other}).changed({.step = 2, .scale = 4.0});
  EXPECT_TRUE(torch::equal(twice.condition(), other));
  EXPECT_TRUE(
      same(twice.pictures(), trajectory.changed({.step = 1, .condition = other}).redraw({.step = 2, .scale = 4.0})));
  EXPECT_FALSE(same(twice.pictures(), trajectory.redraw({.step = 2, .scale = 4.0})));
}

// A window holds its ends, the last one counts, and outside the trajectory's own scale does.
TEST(TrajectoryChange, OfGuidanceInAWindowActsThereAlone) {
  const Blobs blobs({.solver = Solver::ddim}, 3);  // levels 10, 3, 1, .3
  const Trajectory trajectory = blobs.trajectory();
  const auto at = [&](const std::vector<double>& scales) {
    const Predictor mixed = [&](const Tensor& x, const Tensor& sigma) {
      const std::vector<double>& sigmas = blobs.sampling.sigmas;
      const auto level = std::find_if(sigmas.begin(), sigmas.end(),
                                      [&](double s) { return std::abs(s - sigma[0].item<double>()) < 1e-6; });
      return trajectory.predictor({.scale = scales[size_t(level - sigmas.begin())]})(x, sigma);
    };
    return run_sampler(mixed, trajectory.initial() * 10,
                       {blobs.sampling.sigmas, blobs.sampling.sampler, blobs.start.noise});
  };
  const ScaleWindow middle{log_snr_of(3), log_snr_of(1), 6}, late{log_snr_of(1), 9, 0};
  EXPECT_TRUE(same(trajectory.redraw({.window = middle}), at({3, 6, 6, 3})));
  EXPECT_TRUE(same(trajectory.changed({.window = middle}).redraw({.window = late}), at({3, 6, 0, 0})));
  EXPECT_TRUE(same(trajectory.changed({.window = middle}).redraw({.scale = 2}), at({2, 2, 2, 2})));
  EXPECT_EQ(trajectory.changed({.window = middle}).sampling().branches(), 2);
  EXPECT_THROW(trajectory.redraw({.window = ScaleWindow{1, -1, 2}}), ValueError);
}

// A second-order solver remembers the step before, which is all else that stays the same.
TEST(ChangedTrajectory, GoesOnWithTheSolversHistory) {
  const Trajectory trajectory = Blobs({.solver = Solver::dpmpp_2m}, 2).trajectory();
  EXPECT_TRUE(same(trajectory.changed({.step = 2}).pictures(), trajectory.pictures()));
  EXPECT_TRUE(same(trajectory.changed({.step = 2, .x = trajectory.steps()[2].x}).pictures(), trajectory.pictures()));
}

TEST(ChangedTrajectory, RefusesWhatItCannotHold) {
  const Trajectory trajectory = Blobs().trajectory();
  EXPECT_THROW(trajectory.changed({.prompted = [](double) { return true; }}), ValueError);
  EXPECT_THROW(trajectory.changed({.step = 1, .noise = NoiseSource{Random(3), {8, 0, 2, 5, 5}}}), ValueError);
  EXPECT_THROW(trajectory.changed({.step = 4}), ValueError);
  EXPECT_THROW(trajectory.changed({.x = torch::zeros({5, 2, 3, 3})}), ShapeError);
}

TEST(Trajectory, JoinedHoldsBothWithTheirSteps) {
  const Blobs blobs;
  const Trajectory whole = blobs.trajectory();
  const Trajectory both = joined(whole.rows({0, 2}), whole.rows({4, 3}));
  const Tensor at = torch::tensor({0, 2, 4, 3});
  EXPECT_EQ(both.count(), 4);
  EXPECT_EQ(both.noise().sample_ids, (std::vector<int64_t>{4, 9, 7, 2}));
  EXPECT_TRUE(same(both.pictures(), whole.pictures().index_select(0, at)));
  EXPECT_TRUE(same(both.redraw(), whole.redraw().index_select(0, at)));
  EXPECT_TRUE(
      same(both.steps()[1].prediction.unconditional, whole.steps()[1].prediction.unconditional.index_select(0, at)));
}

TEST(Trajectory, RefusesToJoinNoiseOfTwoSeeds) {
  const Trajectory one = Blobs().trajectory();
  TrajectoryStart other{one.condition(), one.null_condition(), one.initial(), one.noise()};
  other.noise.random = Random(one.noise().random.seed() + 1);
  EXPECT_THROW(joined(one, Trajectory(one.sampling(), other)), ValueError);
}

/// The steps of a trajectory without what `drop` takes away.
template <class Drop>
Trajectory recorded(const Trajectory& trajectory, const Drop& drop, const Tensor& remainder = {}) {
  std::vector<SamplerStep> steps = trajectory.steps();
  for (SamplerStep& step : steps) drop(step);
  return {trajectory.sampling(),
          {trajectory.condition(), trajectory.null_condition(), trajectory.initial(), trajectory.noise()},
          steps,
          remainder};
}

TEST(RecordedTrajectory, IsNotEvaluatedAgain) {
  const Blobs blobs;
  const Trajectory drawn = blobs.trajectory();
  const Trajectory read = recorded(drawn, [](SamplerStep&) {});
  *blobs.evaluations = 0;
  EXPECT_TRUE(torch::equal(read.pictures(), drawn.pictures()));
  EXPECT_TRUE(torch::equal(read.rows({2}).pictures(), drawn.pictures().slice(0, 2, 3)));
  EXPECT_EQ(*blobs.evaluations, 0);
  const Trajectory partly = recorded(drawn, [](SamplerStep& step) { step.prediction.unconditional = Tensor(); });
  EXPECT_FALSE(partly.has_both_branches());
  EXPECT_FALSE(joined(partly.rows({0}), drawn.rows({1})).has_both_branches());
}

TEST(TrajectoryRecorder, JoinsThePassesOfARun) {
  const Trajectory drawn = Blobs().trajectory();
  Sampling sampling = drawn.sampling();
  sampling.pass_size = 2;
  const Trajectory in_passes(sampling, {drawn.condition(), drawn.null_condition(), drawn.initial(), drawn.noise()});
  TrajectoryRecorder recorder{RecorderOptions{}};
  in_passes.redraw({}, recorder.observer());
  ASSERT_EQ(recorder.steps().size(), drawn.steps().size());
  for (size_t i = 0; i < drawn.steps().size(); ++i) {
    EXPECT_TRUE(same(recorder.steps()[i].x, drawn.steps()[i].x));
    EXPECT_TRUE(same(recorder.steps()[i].prediction.denoised, drawn.steps()[i].prediction.denoised));
  }
  const int64_t whole = TrajectoryRecorder::required_bytes({}, drawn.sampling().steps(), drawn.initial());
  TrajectoryRecorder small{{.max_bytes = whole - 1}};
  EXPECT_THROW(in_passes.redraw({}, small.observer()), ValueError);
}

TEST(RecordedTrajectory, RefusesToJoinRemainders) {
  const Trajectory drawn = Blobs().trajectory();
  const Trajectory inverted = recorded(
      drawn, [](SamplerStep&) {}, torch::ones_like(drawn.initial()));
  EXPECT_THROW(joined(drawn, inverted), ValueError);
}

TEST(RecordedTrajectory, RemainderIsAddedToEveryPicture) {
  const Trajectory drawn = Blobs().trajectory();
  const Tensor remainder = torch::arange(40, torch::kFloat32).view({5, 2, 2, 2});
  const Trajectory read = recorded(
      drawn, [](SamplerStep&) {}, remainder);
  EXPECT_TRUE(same(read.pictures(), drawn.pictures() + remainder));
  EXPECT_TRUE(same(read.redraw({.step = 1}), drawn.redraw({.step = 1}) + remainder));
  EXPECT_TRUE(same(read.rows({3}).redraw(), (drawn.redraw() + remainder).slice(0, 3, 4)));
}

TEST(RecordedTrajectory, RefusesWhatItCannotStandOn) {
  const Trajectory drawn = Blobs().trajectory();
  const Trajectory no_x = recorded(drawn, [](SamplerStep& step) { step.x = Tensor(); });
  EXPECT_NO_THROW(no_x.redraw());
  EXPECT_THROW(no_x.redraw({.step = 1}), ValueError);
  const Trajectory spoiled = recorded(drawn, [](SamplerStep& step) { step.x = step.x * std::nan(""); });
  try {
    spoiled.redraw({.step = 1});
    ADD_FAILURE() << "no error";
  } catch (const NumericError& error) {  // not that of the sampler, which comes too late to blame the record
    EXPECT_NE(std::string(error.what()).find("recorded images"), std::string::npos) << error.what();
  }
  const Trajectory no_estimate = recorded(drawn, [](SamplerStep& step) { step.prediction.denoised = Tensor(); });
  EXPECT_THROW(no_estimate.redraw({.block = NoiseBlock{0, 0, 1, 1, Random(1)}}), ValueError);
  EXPECT_NO_THROW(no_estimate.rows({1, 0}).redraw({.step = 1}));
  EXPECT_THROW(no_estimate.pictures(), ValueError);
  EXPECT_THROW(recorded(drawn, [](SamplerStep& step) { step.index = 0; }), ValueError);
}

TEST(Trajectory, RefusesWhatDoesNotFit) {
  const Blobs blobs;
  const auto made = [&](auto spoil) {
    Sampling sampling = blobs.sampling;
    TrajectoryStart start = blobs.start;
    spoil(sampling, start);
    return Trajectory(sampling, start);
  };
  EXPECT_THROW(made([](auto& s, auto&) { s.pass_size = 0; }), ValueError);
  EXPECT_THROW(made([](auto& s, auto&) { s.sigmas = {1}; }), ValueError);
  EXPECT_THROW(made([](auto& s, auto&) { s.sigmas = {1, 2, 0}; }).redraw(), ValueError);
  EXPECT_THROW(made([](auto&, auto& s) { s.condition = s.condition.slice(0, 1); }), ShapeError);
  EXPECT_THROW(made([](auto&, auto& s) { s.null_condition = torch::ones({3, 3}); }), ShapeError);
  EXPECT_THROW(made([](auto&, auto& s) { s.null_condition = torch::ones({1, 2}); }), ShapeError);
  EXPECT_THROW(made([](auto&, auto& s) { s.noise.sample_ids = {1, 2}; }).redraw(), std::exception);
}

TEST(TrajectoryChange, RefusesWhatIsNotInTheTrajectory) {
  const Trajectory trajectory = Blobs().trajectory();
  const Tensor condition = one_hot({0, 1});
  EXPECT_THROW(trajectory.redraw({.step = kSteps}), ValueError);
  EXPECT_THROW(trajectory.redraw({.step = -1}), ValueError);
  EXPECT_THROW(trajectory.redraw({.condition = condition}), ShapeError);
  EXPECT_THROW(trajectory.redraw({.initial = torch::zeros({4, 2, 2, 2})}), ShapeError);
  EXPECT_THROW(trajectory.redraw({.step = 1, .initial = trajectory.initial()}), ValueError);
  EXPECT_THROW(trajectory.redraw({.block = NoiseBlock{0, 1, 1, 2, Random(1)}}), ValueError);
  EXPECT_THROW(trajectory.redraw({.block = NoiseBlock{0, 0, 0, 1, Random(1)}}), ValueError);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(trajectory.redraw({}, {}, {{}, stop.get_token()}), Interrupted);
}

// 512 MiB hold 3 steps of 4 x 11.2 million numbers at most: refused before anything is evaluated twice.
TEST(Trajectory, StepsThatTakeTooMuchMemoryAreRefused) {
  int64_t evaluations = 0;
  const Denoiser denoiser = [&](const Tensor& x, const Tensor&, const Tensor&) {
    ++evaluations;
    return x;
  };
  const Tensor condition = torch::zeros({1, 1});
  const Tensor initial = torch::zeros({1, 1, 1, 1}).expand({1, 3, 2000, 2000});
  const Trajectory trajectory({denoiser, {3, 2, 1, 0}, {.solver = Solver::ddim}, {.clamp = 0}},
                              {condition, condition, initial, {}});
  EXPECT_THROW(trajectory.steps(), ValueError);
  EXPECT_LE(evaluations, 1);
}

TEST(SmallTrajectories, AreWhatTheySay) {
  const NoiseSource noise{Random(4), {7, 2}};
  const Tensor initial = noise.initial({1, 2, 2}, torch::kFloat64), condition = torch::tensor({{1.0}, {5.0}});
  const Denoiser draw = [](const Tensor& x, const Tensor&, const Tensor& c) { return x + per_sample(c.squeeze(1)); };
  EXPECT_TRUE(
      torch::allclose(one_step(draw, initial, condition, noise).redraw(), initial + per_sample(condition.squeeze(1))));
  const Tensor z = noise.step(0, {1, 2, 2}, torch::kFloat64);
  EXPECT_TRUE(torch::allclose(two_steps(draw, initial, condition, noise).redraw(),
                              2 * initial + std::sqrt(0.75) * z + per_sample(condition.squeeze(1))));
}

}  // namespace
}  // namespace noisescope
