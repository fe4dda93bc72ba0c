#include "noisescope/explain/read_out.h"

#include "noisescope/core/format.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/viz/heat_map.h"

namespace noisescope::report {
namespace {

constexpr const char* kWordsProse =
    "The model's reader (the run's own CLIP) reads the estimate of the clean picture at every step, over the words of "
    "the prompt and "
    "their alternatives. A score alone says nothing, since a reader likes some words for any picture: the runs of "
    "this prompt are held against runs without prompt and, on the two-object world, under other prompts. Only "
    "words that stand out of each are shown (max-T permutation test over all words and steps at 5 %). On the "
    "exact world the right colour words are found in every case, no wrong one, and any word at all in .5 % of runs "
    "without prompt. A word that is not shown is not absent: CLIP may hardly tell it from its alternatives.";

/// The z of words that are shown, words down, steps across; the rest gray.
std::string shown_map(const WordsShown& answer) {
  const ReadOut& found = answer.found;
  HeatMap map;
  map.title = "Words that the estimate shows";
  map.description = "Standard scores of words against null trajectories over the steps of the trajectory.";
  map.values = std::get<0>(found.z.min(0)).masked_fill(~found.shown, std::nan("")).t().contiguous();
  for (size_t i = 0; i < answer.log_snrs.size(); ++i) {  // every fourth level is named
    map.x_names.push_back(i % 4 == 0 ? format_text("{:.1f}", answer.log_snrs[i]) : "");
  }
  map.x.label = "log-SNR of the noise level (left: all noise, right: clean)";
  map.y_names = answer.vocabulary.texts;
  map.value_label = "z against null trajectories";
  return render_svg(map);
}

}  // namespace

Page read_out_page(const PageContext& context) {
  const auto& answer = context.answer.as<WordsShown>();
  const Vocabulary& vocabulary = answer.vocabulary;
  const ReadOut& found = answer.found;
  Page out{{"Which words the estimate shows, and when", kWordsProse, {}, {}, {}, {}}};
  Table table{"Words shown at the end.",
              {"word", "in the prompt", "shown from log-SNR", "score above trajectories without prompt"},
              {}};
  const Tensor first = found.first_step();
  const auto steps = found.shown.size(0);
  for (size_t v = 0; v < vocabulary.texts.size(); ++v) {
    const auto from = first[int64_t(v)].item<int64_t>();
    const double above = found.difference[0][steps - 1][int64_t(v)].item<double>();
    const double half = found.half_width[0][steps - 1][int64_t(v)].item<double>();
    nlohmann::ordered_json json = {{"text", vocabulary.texts[v]},
                                   {"in_prompt", static_cast<bool>(vocabulary.said[v])},
                                   {"shown", from < steps},
                                   {"cosine_above_no_prompt", to_json(Estimate{above, above - half, above + half,
                                                                               context.subject.independent()})}};
    if (from < steps) {
      const double log_snr = answer.log_snrs[size_t(from)];
      json["from_log_snr"] = log_snr;
      table.rows.push_back({vocabulary.texts[v], vocabulary.said[v] ? "yes" : "no", format_text("{:.1f}", log_snr),
                            format_text("{:.3f} +- {:.3f}", above, half)});
    }
    out.json["words"].push_back(std::move(json));
  }
  out.section.tables.push_back(std::move(table));
  if (found.shown.any().item<bool>()) {
    const int64_t nulls = options_of<ReadOutQuestion>(context.settings).null_trajectories;
    out.add_svg("words.svg", shown_map(answer),
                format_text("{} trajectories of the prompt against {} of each kind without it; gray: not significant.",
                            context.subject.independent(), nulls));
  }
  return out;
}

}  // namespace noisescope::report
