#include "noisescope/world/grammar.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/run/word_contrasts.h"
#include "noisescope/viz/heat_map.h"

namespace noisescope {
namespace {

constexpr const char* kWordsProse =
    "The run's own CLIP reads the estimate of the clean picture at every step, over the words of the prompt and "
    "their alternatives. A score alone says nothing, since a reader likes some words for any picture: the runs of "
    "this prompt are held against runs without prompt and, on the two-object world, under other prompts. Only "
    "words that stand out of each are shown (max-T permutation test over all words and steps at 5 %). On the "
    "exact world the right colour words are found in every case, no wrong one, and any word at all in .5 % of runs "
    "without prompt. A word that is not shown is not absent: CLIP may hardly tell it from its alternatives.";

/// Runs of each kind without the prompt; with 19, a single run can reach p = 1 / 20.
int64_t null_count(const ExplainContext& context) {
  return std::max<int64_t>(19, 3 * context.request.pictures);
}

struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<bool> own;           // said by the prompt
};

Vocabulary vocabulary_of(const ExplainContext& context) {
  Vocabulary v;
  for (const PromptContrast& contrast : context.contrasts) {
    const std::vector<std::string> texts = lone_words(context.config, contrast);
    for (size_t k = 0; k < texts.size(); ++k) {
      if (std::find(v.texts.begin(), v.texts.end(), texts[k]) != v.texts.end()) continue;
      v.texts.push_back(texts[k]);
      v.own.push_back(int64_t(k) == contrast.own);
    }
  }
  return v;
}

/// Scores [S, R, V] of runs under these prompts; "" draws without prompt.
Tensor null_scores(const ExplainContext& context, const WordReader& reader,
                   const std::vector<std::string>& prompts, uint64_t seed) {
  const auto count = static_cast<int64_t>(prompts.size());
  const bool null = prompts.front().empty();
  GuidanceOptions guidance = context.config.sample.guidance;
  if (null) guidance.scale = 1;
  const Tensor none = context.null_condition(count);
  const Tensor condition = null ? none : context.model.condition(prompts);
  const NoiseSource noise{Random(context.request.seed ^ seed), sample_range(0, count)};
  const std::vector<double> sigmas = context.sigmas();
  WordTrace trace(reader);
  run_sampler(guide(context.model.denoiser(), condition, none, guidance),
              noise.initial(context.picture.sizes()).to(context.model.device()) * sigmas[0], sigmas,
              context.config.sample.sampler, noise, trace.observer(), context.control);
  return trace.scores();
}

/// Captions of other scenes of the world.
std::vector<std::string> other_prompts(const ExplainContext& context) {
  const World world(context.config.data.world);
  const WorldGrammar grammar{world};
  std::vector<std::string> prompts;
  for (int64_t i = 0; i < null_count(context); ++i) {
    prompts.push_back(grammar.say(grammar.full_meaning(world.draw_scene(Random(1), 0, i))));
  }
  return prompts;
}

std::vector<NullRuns> null_runs(const ExplainContext& context, const WordReader& reader) {
  const std::vector<std::string> none(static_cast<size_t>(null_count(context)), "");
  std::vector<NullRuns> nulls = {
      {"no prompt", null_scores(context, reader, none, name_hash("no prompt"))}};
  if (has_vocabulary(context.config)) {
    nulls.push_back({"other prompts", null_scores(context, reader, other_prompts(context),
                                                  name_hash("other prompts"))});
  }
  return nulls;
}

/// Runs that count as one each: those of an inversion all end in the same picture, so only the first does.
int64_t independent_runs(const ExplainContext& context) {
  return context.is_inverted() ? 1 : context.run.count();
}

ReadOut read_run(const ExplainContext& context, const Vocabulary& vocabulary) {
  const WordReader reader = clip_reader(context.model.clip(), vocabulary.texts);
  WordTrace trace(reader);
  for (const SamplerStep& step : context.run.steps) trace.observer()(step);
  return read_out(trace.scores().slice(1, 0, independent_runs(context)), null_runs(context, reader), {}, Random(context.request.seed));
}

/// The z of words that are shown, words down, steps across; the rest gray.
std::string shown_map(const ExplainContext& context, const Vocabulary& vocabulary,
                      const ReadOut& found) {
  HeatMap map;
  map.title = "Words that the estimate shows";
  map.description = "Standard scores of words against null runs over the steps of the run.";
  map.values = std::get<0>(found.z.min(0)).masked_fill(~found.shown, std::nan("")).t().contiguous();
  for (const SamplerStep& step : context.run.steps) {  // every fourth level is named
    map.x_names.push_back(step.index % 4 == 0 ? text_of("%.1f", log_snr_of(step.sigma)) : "");
  }
  map.x.label = "log-SNR of the noise level (left: all noise, right: clean)";
  map.y_names = vocabulary.texts;
  map.value_label = "z against null runs";
  return render_svg(map);
}

Explained explain_words(const ExplainContext& context) {
  Explained out{{"Which words the estimate shows, and when", kWordsProse, {}, {}, {}, {}}};
  const Vocabulary vocabulary = vocabulary_of(context);
  const ReadOut found = read_run(context, vocabulary);
  Table table{"Words shown at the end.", {"word", "in the prompt", "shown from log-SNR", "cosine above runs without prompt"}, {}};
  const Tensor first = found.first_step();
  const auto steps = found.shown.size(0);
  for (size_t v = 0; v < vocabulary.texts.size(); ++v) {
    const auto from = first[int64_t(v)].item<int64_t>();
    const double above = found.difference[0][steps - 1][int64_t(v)].item<double>();
    const double half = found.half_width[0][steps - 1][int64_t(v)].item<double>();
    nlohmann::ordered_json json = {{"text", vocabulary.texts[v]},
                                   {"in_prompt", static_cast<bool>(vocabulary.own[v])},
                                   {"shown", from < steps},
                                   {"cosine_above_no_prompt", to_json(Estimate{above, above - half, above + half,
                                                                          independent_runs(context)})}};
    if (from < steps) {
      const double log_snr = log_snr_of(context.run.steps[size_t(from)].sigma);
      json["from_log_snr"] = log_snr;
      table.rows.push_back({vocabulary.texts[v], vocabulary.own[v] ? "yes" : "no",
                            text_of("%.1f", log_snr), text_of("%.3f +- %.3f", above, half)});
    }
    out.json["words"].push_back(std::move(json));
  }
  out.section.tables.push_back(std::move(table));
  out.tensors.tensors = {{"z", found.z}, {"p", found.p}};
  if (found.shown.any().item<bool>()) {
    out.add_svg("words.svg", shown_map(context, vocabulary, found),
                text_of("%lld runs of the prompt against %lld of each kind without it; gray: not "
                        "significant.", static_cast<long long>(independent_runs(context)),
                        static_cast<long long>(null_count(context))));
  }
  return out;
}

int64_t words_cost(const ExplainContext& context) {
  const auto steps = static_cast<int64_t>(context.sigmas().size()) - 1;
  return null_count(context) * steps * (has_vocabulary(context.config) ? 1 + branches_of(context) : 1);
}

}  // namespace

Explainer words_explainer() {
  return {"words", "Which words does the estimate show, from which step on?", {.run = true, .words = true}, words_cost,
          explain_words};
}

}  // namespace noisescope
