// The studio's page of a model on a device: draws, changes, shows and says why, with the CPU's numbers.
#include "noisescope/studio/studio.h"

#include <cmath>

#include "noisescope/studio/asking.h"
#include "noisescope/studio/drawing.h"
#include "noisescope/studio/exports.h"
#include "noisescope/studio/planes.h"
#include "noisescope/studio/why.h"
#include "tests/standin/device/small_run.h"
#include "tests/standin/device/tested_device.h"

namespace noisescope {
namespace {

using std::chrono::milliseconds;

constexpr const char* kPrompt = "a red square left of a blue disc on dark";

/// A studio that is waited for.
struct WaitedStudio {
  explicit WaitedStudio(torch::Device device)
      : studio(test::small_model(device),
               {.limits = {.branches = 9, .pictures = 3, .steps = 20}, .folder = test::small_run()}) {}

  int64_t wait(int64_t job) {
    for (uint64_t last = 0;;) {
      const JobState state = studio.jobs.of(job).state;
      if (state != JobState::queued && state != JobState::running) return job;
      last = studio.events.after(last, milliseconds(100)).last;
    }
  }
  Branch finished(const Json& branch) {
    wait(studio.tree.of(branch.at("id")).job);
    return studio.tree.of(branch.at("id"));
  }
  Branch drawn() {
    const Json body = {{"prompt", kPrompt},
                       {"pictures", 2},
                       {"seed", 4},
                       {"options", {{"grid.steps", 5}, {"sampler.solver", "dpmpp_2m_sde"}}}};
    return finished(draw(studio, body));
  }

  Studio studio;
};

std::vector<Json> every_change() {
  const Json box = {4, 6, 8, 10};
  return {{{"step", 2}, {"prompt", "a green square left of a blue disc on dark"}},
          {{"step", 1}, {"guidance", 3.0}, {"window", {-3.0, 1.0}}},
          {{"step", 2}, {"noise", {{"box", box}, {"seed", 5}}}},
          {{"step", 0}, {"move", {{"box", box}, {"to", {20, 9}}}}},
          {{"step", 3}, {"swap", {{"box", box}, {"of", 0}, {"picture", 1}}}},
          {{"step", 3}, {"turn", true}, {"seed", 9}},
          {{"step", 1}, {"remaining_seed", 3}}};
}

TEST(StudioOnDevice, DrawsAndChanges) {
  WaitedStudio here(test::tested_device()), on_cpu(torch::kCPU);
  const Branch found = here.drawn(), expected = on_cpu.drawn();
  test::expect_same(found.trajectory->pictures(), expected.trajectory->pictures(), 1e-5);
  for (const Json& body : every_change()) {
    const Branch changed = here.finished(change(here.studio, found.id, body));
    ASSERT_EQ(changed.state, JobState::done) << body << changed.error;
    const Branch wanted = on_cpu.finished(change(on_cpu.studio, expected.id, body));
    test::expect_same(changed.trajectory->pictures(), wanted.trajectory->pictures(), 1e-5, body.dump());
    for (int64_t k = 0; k <= 5; ++k) EXPECT_EQ(state_bytes(changed, k).bytes.size(), size_t{5 * 2 * 32 * 32 * 3});
  }
  EXPECT_EQ(export_of(here.studio, found.id)["pixels"].size(), size_t{2 * 32 * 32 * 3});
  EXPECT_EQ(film_of(here.studio, found.id, 1).substr(0, 4), "RIFF");
  EXPECT_FALSE(report_of(here.studio, {found.id}).empty());
}

TEST(StudioOnDevice, SaysWhyAndAsks) {
  WaitedStudio here(test::tested_device()), on_cpu(torch::kCPU);
  const auto reds_of = [](WaitedStudio& waited) {
    const Branch branch = waited.drawn();
    const int64_t why = waited.wait(start_why(waited.studio, branch.id, {{"paths", 3}, {"words", {"red"}}})["job"]);
    const int64_t asked =
        waited.wait(start_ask(waited.studio, branch.id, {{"method", "trajectory_geometry"}, {"pictures", 2}})["job"]);
    EXPECT_EQ(asked_answer(waited.studio, asked)->json["method"], "trajectory_geometry");
    const int64_t emergence =
        waited.wait(start_emergence(waited.studio, {{"prompt", kPrompt}, {"word", "red"}})["job"]);
    EXPECT_FALSE(emergence_answer(waited.studio, emergence)->at("points").empty());
    return to_json(*why_answer(waited.studio, why))["words"][0]["model"]["total"]["value"].get<double>();
  };
  const double expected = reds_of(on_cpu);
  EXPECT_NEAR(reds_of(here), expected, 1e-5 * test::rounding() * std::max(1.0, std::abs(expected)));
}

}  // namespace
}  // namespace noisescope
