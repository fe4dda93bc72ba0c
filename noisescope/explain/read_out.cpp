#include "noisescope/explain/read_out.h"

#include <cmath>

#include <ATen/core/grad_mode.h>

#include "noisescope/clip/clip_model.h"
#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/methods.h"
#include "noisescope/stats/multiple_testing.h"
#include "noisescope/stats/relabelling.h"
#include "noisescope/world/grammar.h"

namespace noisescope::explain {
namespace {

constexpr double kZ95 = 1.959963984540054;  // 97.5 % quantile of the standard normal

/// Trajectories in rows, cells (step, word) in columns: [trajectories, S * V].
Tensor cells(const Tensor& scores) { return scores.transpose(0, 1).flatten(1); }

/// ln (n over k).
double log_choices(int64_t n, int64_t k) {
  const auto f = [](int64_t m) { return std::lgamma(static_cast<double>(m) + 1); };
  return f(n) - f(k) - f(n - k);
}

void check_trajectories(const Tensor& scores, const NullTrajectories& null, double level) {
  check_shape("explain.read_out", null.name.c_str(), null.scores, {scores.size(0), -1, scores.size(2)});
  const int64_t G = scores.size(1), R = null.scores.size(1);
  if (G < 1 || R < 1 || log_choices(G + R, G) + std::log(level) < -1e-9) {
    throw ValueError(
        format_text("[explain.read_out] expected enough trajectories for a p-value of {}, got {} and {} null "
                    "trajectories ({}); draw "
                    "more null ones",
                    level, G, R, null.name));
  }
}

/// Half the 95 % interval of a difference of two means, by each group's own variance where it has one.
Tensor half_width_of(const Tensor& runs, const Tensor& null) {
  const auto rows = [](const Tensor& t) { return static_cast<double>(t.size(0)); };
  const Tensor of_null = null.size(0) > 1 ? null.var(0) : torch::zeros_like(null[0]);
  const Tensor own = runs.size(0) > 1 ? runs.var(0) : of_null;
  return kZ95 * (own / rows(runs) + of_null / rows(null)).sqrt();
}

}  // namespace

SamplerObserver WordTrace::observer() {
  return [this](const SamplerStep& step) {
    const Tensor scores = reader_(step.prediction.denoised);
    check_shape("explain.WordTrace", "scores", scores, {step.x.size(0), -1});
    const auto place = static_cast<size_t>(step.index);
    if (place >= steps_.size()) steps_.resize(place + 1);
    steps_[place].push_back(scores.to(torch::kCPU, torch::kFloat64));
  };
}

Tensor WordTrace::scores() const {
  if (steps_.empty()) throw ValueError("[explain.WordTrace] expected a run, got no step");
  std::vector<Tensor> scores;
  for (const std::vector<Tensor>& passes : steps_) scores.push_back(torch::cat(passes));
  return torch::stack(scores);
}

void describe(Describer& d, ReadOutOptions& options) {
  d("level", options.level, "chance of a false word anywhere in a run", {.min = 0, .max = 1});
  d("permutations", options.permutations, "relabellings of the null", {.min = 1, .max = 1000000});
  d("resolution", options.resolution, "scores closer than this are equal", {.min = 0});
}

Tensor ReadOut::first_step() const {
  // Steps that are shown together with all after them: a product from the end.
  const Tensor kept = shown.to(torch::kInt64).flip({0}).cumprod(0).sum(0);
  return shown.size(0) - kept;
}

ReadOut read_out(const Tensor& scores, const std::vector<NullTrajectories>& nulls, const ReadOutOptions& options,
                 const Random& random) {
  check_shape("explain.read_out", "scores", scores, {-1, -1, -1});
  if (nulls.empty() || !(options.level > 0 && options.level < 1) ||
      options.level * static_cast<double>(options.permutations + 1) < 1) {
    throw ValueError(format_text(
        "[explain.read_out] expected null trajectories, a level in (0, 1) and at least 1 / level - 1 permutations, "
        "got {} kinds, level {} and {} permutations",
        nulls.size(), options.level, options.permutations));
  }
  const std::vector<int64_t> grid = {scores.size(0), scores.size(2)};
  const Tensor runs = cells(scores).to(torch::kCPU, torch::kFloat64);
  ReadOut out;
  std::vector<Tensor> z, difference, half_width, p;
  for (const NullTrajectories& null : nulls) {
    check_trajectories(scores, null, options.level);
    const Tensor others = cells(null.scores).to(torch::kCPU, torch::kFloat64);
    const Relabelled deal =
        relabel_group(runs, others, {options.permutations, random, z.size()}).standardised(options.resolution);
    out.nulls.push_back(null.name);
    z.push_back(deal.observed.view(grid));
    difference.push_back((runs.mean(0) - others.mean(0)).view(grid));
    half_width.push_back(half_width_of(runs, others).view(grid));
    p.push_back(relabelling_max_p(deal.observed, deal.null).view(grid));
  }
  out.z = torch::stack(z);
  out.difference = torch::stack(difference);
  out.half_width = torch::stack(half_width);
  out.p = torch::stack(p).amax(0);
  out.shown = out.p <= options.level;
  return out;
}

void describe(AnswerDescriber& d, const ReadOut& a) {
  d("nulls", a.nulls, "null", "", "kinds of null trajectories");
  d("difference", a.difference, "null step word", "score", "mean over the trajectories less that over the null ones",
    {.names = "nulls", .error = "half_width", .null = 0, .higher = "the word fits better", .is_signed = true});
  d("half_width", a.half_width, "null step word", "score", "difference +- half_width is its 95 % interval");
  d("z", a.z, "null step word", "standard deviations", "of the difference under relabelling",
    {.names = "nulls", .null = 0, .is_signed = true});
  d("p", a.p, "step word", "p-value", "corrected over steps and words, the largest of the nulls");
  d("shown", a.shown, "step word", "", "whether p is at most the level");
  d(
      "first_step", [&] { return a.first_step(); }, "word", "step",
      "from which a word stays shown; the number of steps: never");
}

void describe(AnswerDescriber& d, const WordsShown& a) {
  d("words", a.vocabulary.texts, "word", "", "the words of the prompt and their alternatives");
  d("log_snrs", a.log_snrs, "step", "nats", "noise levels of the steps");
  describe(d, a.found);
}

void describe(Describer& d, ReadOutQuestion& question) {
  d("null_trajectories", question.null_trajectories, "trajectories of each kind to hold those of the prompt against",
    {.min = 19, .max = 100000});
  describe(d, question.options);
}

namespace {

Vocabulary vocabulary_of(const Subject& subject) {
  Vocabulary v;
  for (const PromptContrast& contrast : subject.contrasts) {
    const std::vector<std::string> texts = lone_words(subject.grammar(), contrast);
    for (size_t k = 0; k < texts.size(); ++k) {
      if (std::find(v.texts.begin(), v.texts.end(), texts[k]) != v.texts.end()) continue;
      v.texts.push_back(texts[k]);
      v.said.push_back(int64_t(k) == contrast.true_version);
    }
  }
  return v;
}

/// Scores [S, R, V] of new trajectories under these prompts; "" draws without prompt.
Tensor null_scores(const Subject& subject, const WordReader& reader, const std::vector<std::string>& prompts,
                   const char* name, const Control& control) {
  const Trajectory trajectory = subject.fresh(prompts, name_hash(name));
  WordTrace trace(reader);
  Change change;
  if (prompts.front().empty()) change.scale = 1;
  trajectory.redraw(change, trace.observer(), control);
  return trace.scores();
}

/// Captions of other scenes of the world.
std::vector<std::string> other_prompts(const WorldGrammar& grammar, int64_t count) {
  std::vector<std::string> prompts;
  for (int64_t i = 0; i < count; ++i) {
    prompts.push_back(grammar.say(grammar.full_meaning(grammar.world().draw_scene(Random(1), 0, i))));
  }
  return prompts;
}

WordsShown ask_words(const Subject& subject, const ReadOutQuestion& question, const Control& control) {
  WordsShown out{vocabulary_of(subject), {}, {}};
  const WordReader reader = subject.model.reader(out.vocabulary.texts);
  WordTrace trace(reader);
  const SamplerObserver watch = trace.observer();
  for (const SamplerStep& step : subject.trajectory.steps(control)) {
    watch(step);
    out.log_snrs.push_back(log_snr_of(step.sigma));
  }
  const int64_t count = question.null_trajectories;
  const std::vector<std::string> none(static_cast<size_t>(count), "");
  std::vector<NullTrajectories> nulls = {{"no prompt", null_scores(subject, reader, none, "no prompt", control)}};
  if (const WorldGrammar* grammar = subject.grammar()) {
    nulls.push_back(
        {"other prompts", null_scores(subject, reader, other_prompts(*grammar, count), "other prompts", control)});
  }
  out.found =
      read_out(trace.scores().slice(1, 0, subject.independent()), nulls, question.options, Random(subject.seed));
  return out;
}

int64_t words_cost(const Subject& subject, const ReadOutQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  const int64_t branches = 1 + (subject.grammar() ? sampling.branches() : 0);  // without prompt, under others
  return question.null_trajectories * sampling.steps() * sampling.stages() * branches;
}

}  // namespace

Method read_out_method() {
  return method("read_out", "Which words does the estimate show, from which step on?",
                {.trajectory = true, .words = true, .reader = true}, words_cost, ask_words);
}

}  // namespace noisescope::explain
