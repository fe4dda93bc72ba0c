// Words over trajectories on the `demo` world, read out of the estimates against null trajectories.
#include <algorithm>
#include <functional>

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"

namespace noisescope::verify {
namespace {

constexpr const char* kReadOut = "read_out";
constexpr int64_t kWordsSeeds = 16;        // trajectories of one prompt
constexpr int64_t kNullTrajectories = 72;  // of each kind
constexpr int64_t kReadOutSteps = 12;
constexpr uint64_t kPrompted = 1, kUnprompted = 2, kPermuted = 3, kNewUnprompted = 4;  // seeds: no two runs share noise

/// One text for each value of each word: left and right colours, left and right shapes, backgrounds.
struct WordList {
  std::vector<std::string> texts;
  std::vector<std::vector<int64_t>> of_scene;  // [B]: the texts that are true of the scene
  int64_t colours = 0;                         // the first so many are colours

  explicit WordList(const SceneBatch& batch) {
    of_scene.resize(static_cast<size_t>(batch.size()));
    add(batch, batch.world.colour_count(), [](CaptionMeaning& m) { return &m.left.colour; });
    add(batch, batch.world.colour_count(), [](CaptionMeaning& m) { return &m.right.colour; });
    colours = static_cast<int64_t>(texts.size());
    add(batch, batch.world.shape_count(), [](CaptionMeaning& m) { return &m.left.shape; });
    add(batch, batch.world.shape_count(), [](CaptionMeaning& m) { return &m.right.shape; });
    add(batch, batch.world.background_count(), [](CaptionMeaning& m) { return &m.background; });
  }

 private:
  void add(const SceneBatch& batch, int64_t count, const std::function<int64_t*(CaptionMeaning&)>& field) {
    for (int64_t value = 0; value < count; ++value) {
      CaptionMeaning meaning;
      meaning.ordered = true;
      *field(meaning) = value;
      for (size_t b = 0; b < batch.scenes.size(); ++b) {
        if (is_true(meaning, batch.scenes[b])) of_scene[b].push_back(int64_t(texts.size()));
      }
      texts.push_back(batch.grammar.say(meaning));
    }
  }
};

/// Scores [S, B, V] of one run for each caption; "" draws without prompt.
Tensor read_runs(const Model& subject, const std::vector<std::string>& captions, const std::vector<std::string>& texts,
                 uint64_t seed, const Control& control) {
  const auto count = static_cast<int64_t>(captions.size());
  const Tensor condition = subject.condition(captions);
  const NoiseSource noise{Random(seed), sample_range(0, count)};
  const auto sigmas = sampling_sigmas(
      {GridKind::log_snr, kReadOutSteps, sigma_of_log_snr(std::min(3.0, subject.log_snr_max)), 90, 7.0});
  WordTrace trace(subject.reader(texts));
  GuidanceOptions unguided;
  unguided.clamp = 0;
  run_sampler(guide(subject.denoiser, condition, condition, unguided),
              noise.initial({3, kWorldImagePx, kWorldImagePx}, torch::kFloat64) * sigmas[0], {sigmas, {}, noise},
              trace.observer(), control);
  return trace.scores();
}

std::vector<std::string> repeated(const std::string& caption, int64_t count) {
  return std::vector<std::string>(static_cast<size_t>(count), caption);
}

/// Runs that had no reason to show a word, [S, runs, V].
struct NullPool {
  Tensor unprompted;
  Tensor permuted;  // under the prompts of other scenes

  std::vector<NullTrajectories> nulls() const { return {{"no prompt", unprompted}, {"permuted prompts", permuted}}; }
};

NullPool draw_null_pool(const VerifyContext& context, const Model& subject, const std::vector<std::string>& texts) {
  const uint64_t seed = 10 * context.options.seed;
  const std::vector<std::string> others =
      contrastable_scenes(context.demo.world(), context.options.seed + 1, kNullTrajectories).captions();
  return {read_runs(subject, repeated("", kNullTrajectories), texts, seed + kUnprompted, context.control),
          read_runs(subject, others, texts, seed + kPermuted, context.control)};
}

/// The null trajectories of one prompt.
std::vector<NullTrajectories> nulls_of(const VerifyContext& context, const Model& subject, const NullPool& pool,
                                       const std::vector<std::string>& texts, const std::string& prompt) {
  const auto prompted = [&] {
    return read_runs(subject, repeated(prompt, kNullTrajectories), texts, 10 * context.options.seed + kUnprompted,
                     context.control);
  };
  return context.seen(&Seams::null_trajectories, {pool.nulls(), prompted}).runs;
}

/// How many of so many words were shown.
struct Count {
  int64_t shown = 0, words = 0;
  void add(const Tensor& flags) {
    shown += flags.sum().item<int64_t>();
    words += flags.numel();
  }
  Estimate share() const { return wilson(shown, words); }
};

/// Colour words shown at the end of runs of B prompts, kWordsSeeds runs each: right ones and wrong ones.
VerifyRows prompted_rows(const VerifyContext& context, const Model& subject, const SceneBatch& batch,
                         const WordList& vocabulary, const NullPool& pool) {
  std::vector<std::string> prompts;
  for (const std::string& caption : batch.captions()) prompts.insert(prompts.end(), kWordsSeeds, caption);
  const Tensor scores =
      read_runs(subject, prompts, vocabulary.texts, 10 * context.options.seed + kPrompted, context.control);
  Count right, wrong;
  for (int64_t b = 0; b < batch.size(); ++b) {
    const auto place = static_cast<size_t>(b);
    const std::vector<NullTrajectories> nulls =
        nulls_of(context, subject, pool, vocabulary.texts, prompts[place * kWordsSeeds]);
    const ReadOut words =
        read_out(scores.narrow(1, b * kWordsSeeds, kWordsSeeds), nulls, {}, Random(context.options.seed + place));
    Tensor named = torch::zeros({words.shown.size(1)}, torch::kBool);
    for (const int64_t v : vocabulary.of_scene[place]) named[v] = true;
    const auto colours = [&](const Tensor& t) { return t.narrow(0, 0, vocabulary.colours); };
    right.add(colours(words.shown[-1]).masked_select(colours(named)));
    wrong.add(colours(words.shown[-1]).masked_select(~colours(named)));
  }
  return {{kReadOut, subject.name, "right colour words shown at the end, 16 trajectories a prompt", Direction::at_least,
           0.8, right.share()},
          {kReadOut, subject.name, "wrong colour words shown at the end", Direction::at_most, 0.05, wrong.share()}};
}

/// Groups of new runs without prompt, each read as those of a prompt are: the groups are the independent units.
VerifyRows null_rows(const VerifyContext& context, const Model& subject, const WordList& vocabulary,
                     const NullPool& pool) {
  const int64_t groups = context.n(100, 40);
  const std::vector<std::string> none = repeated("", groups * kWordsSeeds);
  const Tensor scores =
      read_runs(subject, none, vocabulary.texts, 10 * context.options.seed + kNewUnprompted, context.control);
  std::vector<double> words;
  int64_t any = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const ReadOut out = read_out(scores.narrow(1, g * kWordsSeeds, kWordsSeeds), pool.nulls(), {.permutations = 399},
                                 Random(context.options.seed + static_cast<uint64_t>(g)));
    const Tensor shown = out.shown.any(0);  // [V]: at any step
    words.push_back(shown.to(torch::kFloat64).mean().item<double>());
    any += shown.any().item<bool>();
  }
  return {{kReadOut, subject.name, "false words on null trajectories, share of all words", Direction::at_most, 0.05,
           mean_estimate(torch::tensor(words, torch::kFloat64))},
          {kReadOut, subject.name, "null trajectories that show any word at any step", Direction::at_most, 0.05,
           wilson(any, groups)}};
}

/// The network read by who had no part in it: its own encoder is also what it was trained to please.
Model read_apart(const VerifyContext& context) {
  Model subject = *context.trained;
  subject.reader = context.exact_demo.reader;
  subject.name += ", exact reader";
  return subject;
}

}  // namespace

VerifyRows check_read_out(const VerifyContext& context) {
  const SceneBatch batch = contrastable_scenes(context.demo.world(), context.options.seed, context.n(40, 12));
  const WordList vocabulary(batch);
  std::vector<Model> subjects = {context.exact_demo};
  if (context.trained) {
    subjects.push_back(*context.trained);
    subjects.push_back(read_apart(context));
  }
  VerifyRows rows;
  for (const Model& subject : subjects) {
    const NullPool pool = draw_null_pool(context, subject, vocabulary.texts);
    append(rows, prompted_rows(context, subject, batch, vocabulary, pool));
    append(rows, null_rows(context, subject, vocabulary, pool));
  }
  return rows;
}

}  // namespace noisescope::verify
