#include "noisescope/diffusion/schedule.h"

#include <cmath>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

const nlohmann::json& golden() {
  std::ifstream file(NOISESCOPE_SOURCE_DIR "/tests/golden/schedulers.json");
  static const nlohmann::json json = nlohmann::json::parse(file);
  return json;
}

ScheduleOptions options_of(ScheduleKind type, int64_t timesteps) {
  ScheduleOptions options;
  options.kind = type;
  options.timesteps = timesteps;
  return options;
}

TEST(Schedule, AlphaBarsEqualDiffusers) {
  for (const auto& [name, table] : golden()["schedules"].items()) {
    const size_t split = name.rfind('_');
    const auto type = parse_enum<ScheduleKind>(name.substr(0, split));
    const Schedule schedule(options_of(type, std::stoll(name.substr(split + 1))));
    for (size_t i = 0; i < table["t"].size(); ++i) {
      const double expected = table["alpha_bar"][i];
      const double actual = schedule.alpha_bar(table["t"][i].get<int64_t>());
      // diffusers keeps the cosine betas in float32: an absolute error of 1e-7 of 1 - beta.
      EXPECT_NEAR(actual, expected, 2e-7 + 1e-6 * expected) << name << " place " << i;
    }
  }
}

// arXiv:2006.11239, section 4: T = 1000 from 1e-4 to 0.02 leaves a KL of 1e-5 to the prior.
TEST(Schedule, LinearEndsAtTheKnownSignalLevel) {
  const Schedule schedule(options_of(ScheduleKind::linear, 1000));
  EXPECT_DOUBLE_EQ(schedule.beta(1), 1e-4);
  EXPECT_DOUBLE_EQ(schedule.beta(1000), 0.02);
  EXPECT_NEAR(schedule.alpha_bar(1000), 4.0358e-5, 1e-9);
  EXPECT_NEAR(schedule.sigma(1), std::sqrt(1e-4 / (1 - 1e-4)), 1e-12);
  EXPECT_NEAR(schedule.log_snr(500), -2 * std::log(schedule.sigma(500)), 1e-12);
}

TEST(Schedule, LinearAsGivenLeavesSignalAtFewTimestepsAndRescaledDoesNot) {
  EXPECT_NEAR(Schedule(options_of(ScheduleKind::linear, 400)).alpha_bar(400), 0.0175, 5e-4);
  for (const int64_t timesteps : {21, 50, 400, 4000}) {
    const Schedule schedule(options_of(ScheduleKind::linear_rescaled, timesteps));
    EXPECT_LT(schedule.alpha_bar(timesteps), 1e-4) << timesteps;
  }
}

// arXiv:2305.08891, algorithm 1: nothing is left at T, and t = 1 stays as it was.
TEST(Schedule, ZeroTerminalSnrEndsInPureNoiseAtAnyT) {
  for (const int64_t timesteps : {2, 10, 20, 300, 1000}) {
    const Schedule schedule(options_of(ScheduleKind::zero_terminal_snr, timesteps));
    const Schedule linear(options_of(ScheduleKind::linear, timesteps));
    EXPECT_NEAR(schedule.alpha_bar(timesteps), 0, 1e-18);
    EXPECT_NEAR(schedule.alpha_bar(1), linear.alpha_bar(1), 1e-14);
    EXPECT_NEAR(schedule.sigma(timesteps), Schedule::kSigmaLimit, 1e-9);
  }
}

TEST(Schedule, SigmaRisesAndTimestepInvertsIt) {
  for (const auto& [type, name] : enum_names(ScheduleKind{})) {
    const Schedule schedule(options_of(type, 100));
    for (int64_t t = 1; t <= 100; ++t) {
      EXPECT_GT(schedule.sigma(t), t > 1 ? schedule.sigma(t - 1) : 0.0) << name << " t " << t;
      EXPECT_NEAR(schedule.timestep(schedule.sigma(t)), static_cast<double>(t), 1e-9) << name << " t " << t;
    }
    const double between = std::sqrt(schedule.sigma(40) * schedule.sigma(41));
    EXPECT_NEAR(schedule.timestep(between), 40.5, 1e-9) << name;
    EXPECT_EQ(schedule.timestep(1e-9), 1.0) << name;
    EXPECT_EQ(schedule.timestep(1e9), 100.0) << name;
  }
}

TEST(Schedule, OneTimestepIsASchedule) {
  const Schedule schedule(options_of(ScheduleKind::cosine, 1));
  EXPECT_NEAR(schedule.beta(1), 0.999, 1e-12);
  EXPECT_EQ(schedule.timestep(0.3), 1.0);
}

TEST(Schedule, RefusesWhatIsUndefined) {
  for (const int64_t timesteps : {1, 19, 20}) {  // a rescaled beta would reach 1
    EXPECT_THROW(Schedule(options_of(ScheduleKind::linear_rescaled, timesteps)), ValueError);
  }
  EXPECT_NO_THROW(Schedule(options_of(ScheduleKind::linear_rescaled, 21)));
  EXPECT_THROW(Schedule(options_of(ScheduleKind::zero_terminal_snr, 1)), ValueError);
  EXPECT_THROW(Schedule(options_of(ScheduleKind::linear, 0)), ValueError);
  EXPECT_THROW(Schedule({ScheduleKind::linear, 10, 0.0, 0.02}), ValueError);
  EXPECT_THROW(Schedule({ScheduleKind::linear, 10, 0.1, 0.02}), ValueError);
  EXPECT_THROW(Schedule({ScheduleKind::linear, 10, 0.1, 1.0}), ValueError);
  const Schedule schedule(options_of(ScheduleKind::linear, 10));
  EXPECT_THROW(schedule.beta(0), ValueError);
  EXPECT_THROW(schedule.sigma(11), ValueError);
  EXPECT_EQ(schedule.alpha_bar(0), 1.0);
}

TEST(Schedule, ZeroTerminalSnrRefusesEpsNetworksOnly) {
  const ScheduleOptions zero = options_of(ScheduleKind::zero_terminal_snr, 100);
  EXPECT_THROW(check_compatible(zero, Parametrization::eps), ValueError);
  EXPECT_NO_THROW(check_compatible(zero, Parametrization::v));
  EXPECT_NO_THROW(check_compatible(zero, Parametrization::edm));
  EXPECT_NO_THROW(check_compatible({}, Parametrization::eps));
}

TEST(Grid, SpacingsEqualDiffusers) {
  const ScheduleOptions linear = options_of(ScheduleKind::linear, 1000);
  const Schedule schedule(linear);
  for (const auto& [name, timesteps] : golden()["spacings"].items()) {
    const size_t split = name.rfind('_');
    GridOptions grid;
    grid.kind = parse_enum<GridKind>(name.substr(0, split));
    grid.steps = std::stoll(name.substr(split + 1));
    const std::vector<double> sigmas = sampling_sigmas(grid, linear);
    ASSERT_EQ(sigmas.size(), timesteps.size() + 1) << name;
    for (size_t i = 0; i < timesteps.size(); ++i) {
      EXPECT_DOUBLE_EQ(sigmas[i], schedule.sigma(timesteps[i].get<int64_t>())) << name << " " << i;
    }
  }
}

// arXiv:2206.00364, equation 5.
TEST(Grid, KarrasEquation5) {
  GridOptions grid;
  grid.steps = 5;
  const std::vector<double> sigmas = sampling_sigmas(grid);
  const double low = std::pow(0.002, 1 / 7.0);
  const double high = std::pow(80.0, 1 / 7.0);
  for (size_t i = 0; i < 5; ++i) {
    const double expected = std::pow(high + static_cast<double>(i) / 4 * (low - high), 7.0);
    EXPECT_NEAR(sigmas[i], expected, 1e-12 * expected);
  }
  EXPECT_NEAR(sigmas[0], 80, 1e-10);
  EXPECT_NEAR(sigmas[4], 0.002, 1e-14);
}

TEST(Grid, LogSnrIsUniform) {
  GridOptions grid;
  grid.kind = GridKind::log_snr;
  grid.steps = 9;
  const std::vector<double> sigmas = sampling_sigmas(grid);
  for (size_t i = 1; i < 9; ++i) {
    EXPECT_NEAR(std::log(sigmas[i - 1] / sigmas[i]), std::log(40000.0) / 8, 1e-12);
  }
}

TEST(Grid, EveryGridFallsStrictlyToZero) {
  for (const auto& [schedule_type, schedule_name] : enum_names(ScheduleKind{})) {
    const ScheduleOptions schedule = options_of(schedule_type, 60);
    for (const auto& [type, name] : enum_names(GridKind{})) {
      for (const int64_t steps : {1, 2, 3, 7, 30, 59, 60}) {
        GridOptions grid;
        grid.kind = type;
        grid.steps = steps;
        const std::vector<double> sigmas = sampling_sigmas(grid, schedule);
        ASSERT_EQ(sigmas.size(), static_cast<size_t>(steps) + 1);
        EXPECT_EQ(sigmas.back(), 0.0);
        for (size_t i = 1; i < sigmas.size(); ++i) {
          EXPECT_LT(sigmas[i], sigmas[i - 1]) << schedule_name << " " << name << " " << steps;
        }
      }
    }
  }
}

TEST(Grid, RefusesWhatIsNoGrid) {
  const auto with = [](GridKind type, int64_t steps, double low, double high, double rho) {
    return GridOptions{type, steps, low, high, rho};
  };
  EXPECT_THROW(sampling_sigmas(with(GridKind::karras, 0, 0.002, 80, 7)), ValueError);
  EXPECT_THROW(sampling_sigmas(with(GridKind::karras, 5, 0, 80, 7)), ValueError);
  EXPECT_THROW(sampling_sigmas(with(GridKind::log_snr, 5, 2, 1, 7)), ValueError);
  EXPECT_THROW(sampling_sigmas(with(GridKind::karras, 5, 0.002, 80, 0)), ValueError);
  EXPECT_THROW(sampling_sigmas(with(GridKind::trailing, 1001, 0.002, 80, 7)), ValueError);
}

}  // namespace
}  // namespace noisescope
