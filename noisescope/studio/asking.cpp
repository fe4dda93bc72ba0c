#include "noisescope/studio/asking.h"

#include "noisescope/core/format.h"
#include "noisescope/studio/refusal.h"
#include "noisescope/studio/training.h"

namespace noisescope::studio {
namespace {

Branch finished_branch(const Studio& studio, int64_t id) {
  Branch branch = studio.tree.of(id);
  if (!branch.trajectory) throw NotNow("[studio.ask] expected a finished branch; wait until it is drawn");
  return branch;
}

/// The answer, or why there is none.
template <class T>
std::shared_ptr<const T> answered(const Studio& studio, int64_t id, std::shared_ptr<const T> found) {
  if (found) return found;
  const Job job = studio.jobs.of(id);
  if (job.state == JobState::queued || job.state == JobState::running) {
    throw NotNow(format_text("[studio.answers] job {} is still at work", id));
  }
  throw NotThere(format_text("[studio.answers] job {} has no such answer: it {}", id,
                             job.error.empty() ? to_string(job.state) : "failed: " + job.error));
}

/// The picture of a prompt that the studio's own model draws: of its run's seed.
Tensor example_picture(const Studio& studio, const std::string& prompt, const Control& control) {
  return draw_trajectory(studio.model, {{prompt}, "", 0, 0}, studio.model.sample)
      .redraw({}, {}, control)[0]
      .to(torch::kCPU);
}

}  // namespace

Json start_why(Studio& studio, int64_t id, const Json& body) {
  const Branch branch = finished_branch(studio, id);
  const Question question = read_question(body, branch.request.pictures);
  const auto work = [&studio, branch, question](int64_t job, const Control& control) {
    studio.results.keep(job, why_of(studio.model, branch, question, control));
  };
  return {{"job", studio.jobs.add(JobKind::why, id, work)}};
}

Json start_sweep(Studio& studio, int64_t id, const Json& body) {
  const Branch branch = finished_branch(studio, id);
  const SweepRequest request = read_sweep(body, studio.options.limits, studio.model.side(), branch.request.pictures,
                                          branch.from, branch.step_count());
  if (request.change && request.change->prompt) check_prompt(studio.model, *request.change->prompt);
  const auto work = [&studio, branch, request](int64_t job, const Control& control) {
    studio.results.keep(job, sweep(studio.model, branch, request, control));
  };
  return {{"job", studio.jobs.add(JobKind::sweep, id, work)}};
}

Json start_ask(Studio& studio, int64_t id, const Json& body) {
  const Branch branch = finished_branch(studio, id);
  const Question question = read_question(body, branch.request.pictures);
  costs_json(studio.model, branch, question, 0);  // refuses what is no question
  const auto work = [&studio, branch, question](int64_t job, const Control& control) {
    studio.results.keep(job, ask(studio.model, branch, question, control));
  };
  return {{"job", studio.jobs.add(JobKind::ask, id, work)}};
}

Json start_emergence(Studio& studio, const Json& body) {
  if (!studio.options.folder) throw NotThere("[studio.training] this model has no run folder");
  if (!studio.options.waiting.empty()) throw NotNow("[studio.training] " + studio.options.waiting);
  const auto [prompt, word] = read_emergence(body, studio.options.limits);
  const auto work = [&studio, prompt = prompt, word = word](int64_t job, const Control& control) {
    const Tensor picture = example_picture(studio, prompt, control);
    studio.results.keep(job,
                        emergence_json(*studio.options.folder, picture, prompt, word, studio.model.device, control));
  };
  return {{"job", studio.jobs.add(JobKind::training, 0, work)}};
}

Json costs(const Studio& studio, int64_t id, const Json& body) {
  const Branch branch = finished_branch(studio, id);
  return costs_json(studio.model, branch, read_question(body, branch.request.pictures), studio.seconds_per_evaluation);
}

std::shared_ptr<const Why> why_answer(const Studio& studio, int64_t job) {
  return answered(studio, job, studio.results.why(job));
}

std::shared_ptr<const Sweep> sweep_answer(const Studio& studio, int64_t job) {
  return answered(studio, job, studio.results.sweep(job));
}

std::shared_ptr<const Asked> asked_answer(const Studio& studio, int64_t job) {
  return answered(studio, job, studio.results.asked(job));
}

std::shared_ptr<const Json> emergence_answer(const Studio& studio, int64_t job) {
  return answered(studio, job, studio.results.json(job));
}

}  // namespace noisescope::studio
