#include <cmath>

#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kTimestepsProse =
    "One axis, several answers to when the picture was decided. Decision curves: the probability of the "
    "words given the picture so far. U-turns: the picture is noised to a level and drawn again from there "
    "without prompt; what it keeps was decided at that level. Guidance: the cumulated share of what the "
    "prompt added along the run. The speciation clock: where the leading direction of the data comes out of "
    "the noise. Curves are rescaled from chance (0) to certainty (1) and averaged over words or factors; the "
    "critical window is where the words go from 10 % to 90 %.";

UTurnOptions u_turn_options(const ExplainContext& context) {
  UTurnOptions options;
  options.steps = 20;
  options.log_snr_end = std::max(context.log_snr_max(), options.log_snrs.back() + 1);
  return options;
}

int64_t turns(const ExplainContext& context) { return 4 * context.request.paths; }

/// From [chance, 1] to [0, 1].
Tensor above_chance(const Tensor& curve, size_t values) {
  const double chance = 1.0 / static_cast<double>(values);
  return (curve - chance) / (1 - chance);
}

/// Mean over words of the decision curves, [N, paths].
Series decided_words(const ExplainContext& context) {
  std::vector<Tensor> curves;
  for (const WordEvidence& word : context.evidence().words) {
    curves.push_back(above_chance(word.model.decision(), word.contrast.values.size()));
  }
  return mean_series("decision curves of the words", context.evidence().words[0].model.log_snrs,
                     torch::stack(curves).mean(0), {0, 1});
}

/// Cumulated share of the guidance information of the run, over the levels that training covered.
Series guided_share(const ExplainContext& context) {
  GuidanceInformationObserver information(context.run.sample.guidance);
  for (const SamplerStep& step : context.run.steps) information.observe(step);
  const GuidanceInformation result = information.result();
  std::vector<double> ends;
  for (const InformationCell& cell : result.cells) {
    if (cell.end <= context.log_snr_max()) ends.push_back(cell.end);
  }
  const Tensor sums = result.profile.slice(0, 0, static_cast<int64_t>(ends.size())).cumsum(0);
  return mean_series("guidance of the run, cumulated", ends, sums / sums.slice(0, -1), {0, 1});
}

UTurns turn_around(const ExplainContext& context) {
  const Tensor picture = context.picture.unsqueeze(0);
  const Tensor own = context.factors.read(picture);
  if ((own < 0).any().item<bool>()) {
    throw ValueError("[report.timesteps] expected a picture that can be read, got one that the reader "
                     "rejects; leave 'timesteps' out of --methods or give --labels");
  }
  const int64_t count = turns(context);
  return u_turns(context.model.denoiser(),
                 picture.expand({count, -1, -1, -1}).contiguous().to(context.model.device()),
                 context.model.null_condition(count),
                 [&](const Tensor& again) { return context.factors.read(again) == own; },
                 u_turn_options(context), Random(context.request.seed), sample_range(0, count),
                 context.control);
}

Series kept_factors(const ExplainContext& context, const UTurns& result) {
  std::vector<Tensor> curves;
  for (size_t f = 0; f < context.factors.factors.size(); ++f) {
    curves.push_back(above_chance(result.kept.select(2, static_cast<int64_t>(f)),
                                  context.factors.factors[f].values.size()));
  }
  return mean_series("kept by U-turns", result.log_snrs, torch::stack(curves).mean(0), {0, 1});
}

/// Where a rising curve first reaches `level`; the last x if it does not.
double reaches(const Series& series, double level) {
  for (size_t i = 0; i < series.y.size(); ++i) {
    if (series.y[i] >= level) return series.x[i];
  }
  return series.x.back();
}

Plot one_axis(const ExplainContext& context) {
  Plot plot;
  plot.title = "When the picture was decided";
  plot.description = "Share decided over the noise level, by several methods on one axis.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "share decided";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(context.config.precondition.schedule);
  return plot;
}

Plot retention_plot(const ExplainContext& context, const UTurns& result) {
  Plot plot = one_axis(context);
  plot.title = "What U-turns keep";
  plot.description = "Share of regenerated pictures that keep each factor, over the turning point.";
  plot.y.label = "kept, read by " + context.factors.reader;
  for (size_t f = 0; f < context.factors.factors.size(); ++f) {
    plot.series.push_back(mean_series(context.factors.factors[f].name, result.log_snrs,
                                      result.kept.select(2, static_cast<int64_t>(f)), {0, 1}));
  }
  return plot;
}

void add_speciation(const ExplainContext& context, Plot& plot, Explained& out) {
  if (context.config.data.kind != DataKind::world) return;
  const World world(context.config.data.world);
  std::vector<Scene> scenes;
  for (int64_t i = 0; i < 1000; ++i) scenes.push_back(world.draw_scene(Random(0), 0, i));
  const double clock = speciation_log_snr(world.render(scenes));
  plot.rules.push_back({true, clock, "speciation"});
  out.json["speciation_log_snr"] = clock;
}

void add_words(const ExplainContext& context, Plot& plot, Explained& out) {
  if (context.contrasts.empty()) return;
  const Series decided = decided_words(context);
  const double from = reaches(decided, 0.1), to = reaches(decided, 0.9);
  plot.windows.push_back({from, to, "critical window"});
  plot.series.push_back(decided);
  out.json["critical_window_log_snr"] = {from, to};
  out.section.numbers.push_back({"critical window", text_of("log-SNR %.1f to %.1f", from, to), "",
                                 "where the words go from 10 % to 90 % of certainty"});
}

void add_u_turns(const ExplainContext& context, Plot& plot, Explained& out,
                 std::string& retention) {
  if (context.factors.factors.empty()) return;
  const UTurns result = turn_around(context);
  plot.series.push_back(kept_factors(context, result));
  retention = render_svg(retention_plot(context, result));
  out.tensors.tensors = {{"kept", result.kept}, {"susceptibility", result.susceptibility}};
  Table table{"The level at which half of what chance leaves open is kept.",
              {"factor", "half-point (log-SNR)", "chance"}, {}};
  for (size_t f = 0; f < context.factors.factors.size(); ++f) {
    const Factor& factor = context.factors.factors[f];
    const double chance = 1.0 / static_cast<double>(factor.values.size());
    const double half = result.half_point(static_cast<int64_t>(f), chance);
    out.json["u_turn_half_points"][factor.name] = half;
    table.rows.push_back({factor.name, std::isnan(half) ? "not reached" : text_of("%.2f", half),
                          text_of("%.2f", chance)});
  }
  out.section.tables.push_back(std::move(table));
}

Explained explain_timesteps(const ExplainContext& context) {
  Explained out{{"Which noise level decided what", kTimestepsProse, {}, {}, {}, {}}};
  Plot plot = one_axis(context);
  std::string retention;
  add_speciation(context, plot, out);
  add_words(context, plot, out);
  add_u_turns(context, plot, out, retention);
  if (context.run.has_both_branches()) plot.series.push_back(guided_share(context));
  out.add_svg("timesteps.svg", render_svg(plot), "Means with 95 % intervals.");
  if (!retention.empty()) {
    out.add_svg("retention.svg", retention,
                text_of("%lld regenerations a level; 95 %% intervals. The exact posterior is the truth "
                        "of these curves only without prompt and with a stochastic sampler, as here.",
                        static_cast<long long>(turns(context))));
  }
  return out;
}

}  // namespace

Explainer timesteps_explainer() {
  return {"timesteps", "Which noise level decided what?", {.factors = true},
          [](const ExplainContext& c) { return u_turn_options(c).cost(turns(c)); },
          explain_timesteps};
}

}  // namespace noisescope
