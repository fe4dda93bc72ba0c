#include <cmath>

#include "noisescope/explain/information_map.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"
#include "noisescope/run/word_contrasts.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

constexpr const char* kInformationProse =
    "The information identity (Kong et al. 2024): half the squared difference of the noises predicted with "
    "the full prompt and with a reference, over all noise levels, on noisy versions of this picture. The "
    "reference is no prompt, or the prompt with one word left open. The signed form compares the errors of "
    "both predictions instead, has the same mean, and may be negative. Words are asked one at a time; their "
    "numbers do not add up to the whole.\n\nFor an exact denoiser these are nats. A trained network's errors "
    "at low noise are multiplied by the signal-to-noise ratio, and its totals can exceed what a prompt can "
    "say at all: the bound stands beside every number. kappa is the weight of guidance that fits best at a "
    "level: 1 for an exact denoiser, below it the network overclaims. Where a total exceeds its bound, trust "
    "evidence filtering.";

/// Within the levels that training covered: beyond them the identity only measures the network's errors.
InformationOptions information_options(const ExplainContext& context) {
  InformationOptions options;
  options.draws = 16;
  options.log_snr_max = context.log_snr_max();
  return options;
}

/// The full prompt, then each word left open.
struct Question {
  std::string name;
  std::string reference;  // "" is no prompt
  double bound;           // nats; 0: unknown
};

std::vector<Question> questions_of(const ExplainContext& context) {
  std::vector<Question> questions = {{"the whole prompt", "", prompt_entropy(context.config)}};
  for (const PromptContrast& c : context.contrasts) {
    questions.push_back({c.word, prompt_without(context.config, c),
                         std::log(static_cast<double>(c.values.size()))});
  }
  return questions;
}

Tensor references_of(const ExplainContext& context, const std::vector<Question>& questions) {
  const int64_t paths = context.request.paths;
  std::vector<Tensor> rows;
  for (const Question& q : questions) {
    rows.push_back(q.reference.empty() ? context.model.null_condition(paths)
                                       : context.model.condition({q.reference}).expand({paths, -1}));
  }
  return torch::stack(rows);
}

std::string rate_curves(const ExplainContext& context, const std::vector<Question>& questions,
                        const InformationMaps& maps) {
  Plot plot;
  plot.title = "Information by noise level";
  plot.description = "Nats per unit of log-SNR, for the prompt and for each word.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "information per unit of log-SNR";
  plot.y.unit = "nats";
  plot.second_x = timestep_axis(context.config.precondition.schedule);
  std::vector<double> middle;
  for (size_t i = 1; i < maps.edges.size(); ++i) {
    middle.push_back((maps.edges[i - 1] + maps.edges[i]) / 2);
  }
  const double width = maps.edges[1] - maps.edges[0];
  for (size_t r = 0; r < questions.size(); ++r) {
    plot.series.push_back(mean_series(questions[r].name, middle,
                                      maps.profile[static_cast<int64_t>(r)] / width, {0, 1e300}));
  }
  return render_svg(plot);
}

Image information_panels(const ExplainContext& context, const std::vector<Question>& questions,
                         const InformationMaps& maps) {
  std::vector<PanelRow> rows;
  for (size_t r = 0; r < questions.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    rows.push_back({questions[r].name,
                    {picture_panel(context.picture, "the picture"),
                     map_panel(maps.map[at].mean(0), "information", "nats a pixel"),
                     signed_panel(maps.signed_map[at].mean(0), "signed", "nats a pixel")}});
  }
  return panel_rows(rows);
}

Explained explain_information(const ExplainContext& context) {
  const std::vector<Question> questions = questions_of(context);
  const int64_t paths = context.request.paths;
  const torch::Device device = context.model.device();
  const InformationMaps maps = information_maps(
      context.model.denoiser(),
      context.picture.to(device).unsqueeze(0).expand({paths, -1, -1, -1}).contiguous(),
      context.model.condition({context.request.prompt}).expand({paths, -1}),
      references_of(context, questions), information_options(context), Random(context.request.seed),
      sample_range(0, paths), context.control);
  Explained out{{"How many nats the prompt and its words say", kInformationProse, {}, {}, {}, {}}};
  Table table{"A total above its bound is impossible: there the network overclaims.",
              {"what", "information (nats)", "95 % interval", "signed (nats)", "bound (nats)",
               "median kappa", "verdict"}, {}};
  for (size_t r = 0; r < questions.size(); ++r) {
    const auto at = static_cast<int64_t>(r);
    const Estimate total = mean_estimate(maps.total()[at]);
    const Estimate signed_total = mean_estimate(maps.signed_total()[at]);
    const double kappa = std::get<0>(maps.kappa[at].nanmedian(0)).item<double>();
    const double bound = questions[r].bound;
    const bool over = bound > 0 && total.low > bound;
    out.json["questions"].push_back({{"what", questions[r].name},
                                     {"reference", questions[r].reference},
                                     {"information_nats", to_json(total)},
                                     {"signed_nats", to_json(signed_total)},
                                     {"median_kappa", kappa},
                                     {"bound_nats", bound},
                                     {"exceeds_bound", over}});
    table.rows.push_back({questions[r].name, text_of("%.2f", total.value), interval_text(total),
                          text_of("%.2f", signed_total.value),
                          bound > 0 ? text_of("%.2f", bound) : "unknown", text_of("%.2f", kappa),
                          over ? "overclaims: trust the evidence" : "possible"});
  }
  out.section.tables.push_back(std::move(table));
  out.tensors.tensors = {{"map", maps.map}, {"signed_map", maps.signed_map},
                         {"profile", maps.profile}, {"kappa", maps.kappa}};
  out.add_png("information.png", information_panels(context, questions, maps),
              "Information maps of the prompt and of each word", "Mean over the noise draws.");
  out.add_svg("information_rate.svg", rate_curves(context, questions, maps),
              "Mean and 95 % interval over independent sets of draws.");
  return out;
}

}  // namespace

Explainer information_explainer() {
  return {"information", "How many nats do the prompt and its words say about each pixel?", {},
          [](const ExplainContext& c) {
            return information_options(c).cost(c.request.paths,
                                     static_cast<int64_t>(c.contrasts.size()) + 1);
          },
          explain_information};
}

}  // namespace noisescope
