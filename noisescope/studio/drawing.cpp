#include "noisescope/studio/drawing.h"

#include <chrono>

#include "noisescope/core/format.h"
#include "noisescope/studio/changes.h"
#include "noisescope/studio/copy_text.h"
#include "noisescope/studio/refusal.h"

namespace noisescope::studio {
namespace {

using DrawClock = std::chrono::steady_clock;

/// Writes to a branch and tells its listeners.
void update(Studio& studio, int64_t id, const std::function<void(Branch&)>& write) {
  if (studio.tree.update(id, write)) studio.events.add("branch", branch_json(studio, studio.tree.of(id)));
}

/// The trajectory that a branch is, its steps told as they come.
Trajectory draw_steps(Studio& studio, const Branch& branch, const Control& control) {
  const SamplerObserver see = [&](const SamplerStep& step) {
    control.throw_if_stopped("studio.draw");
    studio.tree.update(branch.id, [&](Branch& b) { b.steps.push_back(step); });
    studio.events.add("state", {{"branch", branch.id}, {"state", step.index}});
  };
  const DrawRequest& asked = branch.request;
  if (!branch.change()) {
    const std::vector<std::string> prompts(static_cast<size_t>(asked.pictures), asked.prompt);
    return draw_trajectory(studio.model, {prompts, asked.negative_prompt, asked.seed, 0}, asked.sample)
        .changed({}, see, control);
  }
  const Trajectory parent = *studio.tree.of(branch.parent).trajectory;
  const Change change = change_of(*branch.change(), studio.model, parent);
  studio.tree.update(branch.id,
                     [&](Branch& b) { b.steps.assign(parent.steps().begin(), parent.steps().begin() + change.step); });
  return parent.changed(change, see, control);
}

void draw_branch(Studio& studio, int64_t id, const Control& control) {
  const auto begin = DrawClock::now();
  update(studio, id, [](Branch& b) { b.state = JobState::running; });
  const Trajectory drawn = draw_steps(studio, studio.tree.of(id), control);
  const std::chrono::duration<double> seconds = DrawClock::now() - begin;
  update(studio, id, [&](Branch& b) {
    b.steps = drawn.steps();
    b.trajectory = std::make_shared<const Trajectory>(drawn);
    b.seconds = seconds.count();
    b.state = JobState::done;
  });
  studio.events.add("state", {{"branch", id}, {"state", drawn.sampling().steps()}});
}

/// Puts a branch into the tree and its drawing into the queue.
Json enter(Studio& studio, Branch branch) {
  const int64_t id = studio.tree.add(std::move(branch));
  const auto ended = [&studio, id](const Job& job) {
    if (job.state == JobState::done) return;
    update(studio, id, [&](Branch& b) {
      b.state = job.state;
      b.error = job.error;
    });
  };
  try {
    const int64_t job = studio.jobs.add(
        JobKind::draw, id, [&studio, id](int64_t, const Control& c) { draw_branch(studio, id, c); }, ended);
    update(studio, id, [&](Branch& b) { b.job = job; });
  } catch (...) {
    studio.tree.remove(id);
    throw;
  }
  return branch_json(studio, studio.tree.of(id));
}

std::string shown_state(JobState state) { return state == JobState::running ? "drawing" : to_string(state); }

Json timesteps_json(const std::vector<double>& sigmas, const ScheduleOptions& options) {
  const Schedule schedule(options);
  Json list = Json::array();
  for (const double sigma : sigmas) list.push_back(sigma > 0 ? schedule.timestep(sigma) : 0.0);
  return list;
}

}  // namespace

Json draw(Studio& studio, const Json& body) {
  if (!studio.options.waiting.empty()) throw NotNow("[studio.draw] " + studio.options.waiting);
  Branch branch;
  branch.request = read_draw(body, studio.model.sample, studio.options.limits);
  check_prompt(studio.model, branch.request.prompt);
  check_prompt(studio.model, branch.request.negative_prompt);
  branch.prompt = branch.request.prompt;
  branch.recipe = Json::array({body});
  branch.sigmas = sampling_of(studio.model, branch.request.sample).sigmas;
  branch.guidance = branch.request.sample.guidance.scale;
  return enter(studio, std::move(branch));
}

Json change(Studio& studio, int64_t parent_id, const Json& body) {
  const Branch parent = studio.tree.of(parent_id);
  if (!parent.trajectory) throw NotNow("[studio.change] expected a finished branch; wait until it is drawn");
  const ChangeRequest asked =
      read_change(body, studio.options.limits, studio.model.side(), parent.request.pictures, parent.step_count());
  if (asked.prompt) check_prompt(studio.model, *asked.prompt);
  if (asked.step < parent.from) {
    throw ValueError(
        format_text("[studio.change] expected a step from {} on, where this branch begins, got {}; change "
                    "its parent before that",
                    parent.from, asked.step));
  }
  Branch branch;
  branch.parent = parent_id;
  branch.request = parent.request;
  branch.prompt = asked.prompt.value_or(parent.prompt);
  branch.changes = parent.changes;
  branch.changes.push_back(asked);
  branch.what = describe_change(asked, parent.prompt);
  branch.recipe = parent.recipe;
  branch.recipe.push_back(body);
  branch.from = asked.step;
  branch.sigmas = parent.sigmas;
  branch.guidance = asked.guidance && !asked.window ? *asked.guidance : parent.guidance;
  return enter(studio, std::move(branch));
}

Json rename(Studio& studio, int64_t branch, const Json& body) {
  const std::string name = read_name(body);
  studio.tree.of(branch);  // throws where it is gone
  update(studio, branch, [&](Branch& b) { b.name = name; });
  return branch_json(studio, studio.tree.of(branch));
}

Json remove(Studio& studio, int64_t branch) {
  const std::vector<int64_t> gone = studio.tree.remove(branch);
  for (const int64_t id : gone) studio.jobs.cancel_of(id);
  studio.events.add("deleted", {{"branches", gone}});
  return {{"deleted", gone}};
}

Json branch_json(const Studio& studio, const Branch& branch) {
  return {{"id", branch.id},
          {"parent", branch.parent ? Json(branch.parent) : Json()},
          {"name", branch.name},
          {"state", shown_state(branch.state)},
          {"error", branch.error},
          {"job", branch.job},
          {"prompt", branch.prompt},
          {"negative_prompt", branch.request.negative_prompt},
          {"seed", branch.request.seed},
          {"pictures", branch.request.pictures},
          {"from", branch.from},
          {"steps", branch.step_count()},
          {"drawn", branch.states() - 1},
          {"log_snrs", log_snrs_json(branch.sigmas)},
          {"timesteps", timesteps_json(branch.sigmas, studio.model.schedule)},
          {"guidance", branch.guidance},
          {"solver", to_string(branch.request.sample.sampler.solver)},
          {"change", branch.change() ? branch.recipe.back() : Json()},
          {"what", branch.what},
          {"seconds", branch.seconds},
          {"recipe", branch.recipe},
          {"command", command_text(branch, studio.options.argument)},
          {"python", python_text(branch, studio.options.python)}};
}

Json branches_json(const Studio& studio) {
  Json list = Json::array();
  for (const Branch& branch : studio.tree.all()) list.push_back(branch_json(studio, branch));
  return {{"branches", list}};
}

}  // namespace noisescope::studio
