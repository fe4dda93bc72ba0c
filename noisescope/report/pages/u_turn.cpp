#include "noisescope/explain/u_turn.h"

#include <cmath>

#include "noisescope/core/format.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/pages/pages.h"

namespace noisescope::report {
namespace {

constexpr const char* kTimestepsProse =
    "One axis, several answers to when the picture was decided. Decision curves: the probability of the "
    "words given the picture so far. U-turns: the picture is noised to a level and drawn again from there "
    "without prompt; what it keeps was decided at that level. Guidance: the cumulated share of what the "
    "prompt added along the run. The speciation clock: where the leading direction of the data comes out of "
    "the noise. Curves are rescaled from chance (0) to certainty (1) and averaged over words or factors; the "
    "critical window is where the words go from 10 % to 90 %.";

/// From [chance, 1] to [0, 1].
Tensor above_chance(const Tensor& curve, size_t values) {
  const double chance = 1.0 / static_cast<double>(values);
  return (curve - chance) / (1 - chance);
}

/// Mean over words of the decision curves, [N, paths].
Series decided_words(const Subject& subject, const Named<Evidence>& words) {
  std::vector<Tensor> curves;
  for (size_t k = 0; k < words.answers.size(); ++k) {
    curves.push_back(above_chance(words.answers[k].decision(), subject.contrasts[k].values.size()));
  }
  return mean_series("decision curves of the words", words.answers[0].log_snrs, torch::stack(curves).mean(0), {0, 1});
}

/// Cumulated share of the guidance information of the run, over the levels that training covered.
Series guided_share(const Subject& subject) {
  GuidanceInformationObserver information(subject.sample.guidance);
  for (const SamplerStep& step : subject.trajectory.steps()) information.observe(step);
  const GuidanceInformation result = information.result();
  std::vector<double> ends;
  for (const InformationCell& cell : result.cells) {
    if (cell.end <= subject.model.log_snr_max) ends.push_back(cell.end);
  }
  const Tensor sums = result.profile.slice(0, 0, static_cast<int64_t>(ends.size())).cumsum(0);
  return mean_series("guidance of the run, cumulated", ends, sums / sums.slice(0, -1), {0, 1});
}

Series kept_factors(const Subject& subject, const UTurns& result) {
  std::vector<Tensor> curves;
  for (size_t f = 0; f < subject.factors.factors.size(); ++f) {
    curves.push_back(
        above_chance(result.kept.select(2, static_cast<int64_t>(f)), subject.factors.factors[f].values.size()));
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

Plot one_axis(const Subject& subject) {
  Plot plot;
  plot.title = "When the picture was decided";
  plot.description = "Share decided over the noise level, by several methods on one axis.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "share decided";
  plot.y.min = 0;
  plot.y.max = 1;
  plot.second_x = timestep_axis(subject.model.schedule);
  return plot;
}

Plot retention_plot(const Subject& subject, const UTurns& result) {
  Plot plot = one_axis(subject);
  plot.title = "What U-turns keep";
  plot.description = "Share of regenerated pictures that keep each factor, over the turning point.";
  plot.y.label = "kept, read by " + subject.factors.reader;
  for (size_t f = 0; f < subject.factors.factors.size(); ++f) {
    plot.series.push_back(mean_series(subject.factors.factors[f].name, result.log_snrs,
                                      result.kept.select(2, static_cast<int64_t>(f)), {0, 1}));
  }
  return plot;
}

void add_speciation(const Subject& subject, Plot& plot, Page& out) {
  if (!subject.grammar()) return;
  const World& world = subject.grammar()->world();
  std::vector<Scene> scenes;
  for (int64_t i = 0; i < 1000; ++i) scenes.push_back(world.draw_scene(Random(0), 0, i));
  const double clock = speciation_log_snr(world.render(scenes));
  plot.rules.push_back({true, clock, "speciation"});
  out.json["speciation_log_snr"] = clock;
}

void add_words(const PageContext& context, Plot& plot, Page& out) {
  const Answer* evidence = context.subject.contrasts.empty() ? nullptr : context.other("evidence");
  if (!evidence) return;
  const Series decided = decided_words(context.subject, evidence->as<Named<Evidence>>());
  const double from = reaches(decided, 0.1), to = reaches(decided, 0.9);
  plot.windows.push_back({from, to, "critical window"});
  plot.series.push_back(decided);
  out.json["critical_window_log_snr"] = {from, to};
  out.section.numbers.push_back({"critical window", format_text("log-SNR {:.1f} to {:.1f}", from, to), "",
                                 "where the words go from 10 % to 90 % of certainty"});
}

Table half_points(const Subject& subject, const UTurns& result, Page& out) {
  Table table{
      "The level at which half of what chance leaves open is kept.", {"factor", "half-point (log-SNR)", "chance"}, {}};
  for (size_t f = 0; f < subject.factors.factors.size(); ++f) {
    const Factor& factor = subject.factors.factors[f];
    const double chance = 1.0 / static_cast<double>(factor.values.size());
    const double half = result.half_point(static_cast<int64_t>(f), chance);
    out.json["u_turn_half_points"][factor.name] = half;
    table.rows.push_back(
        {factor.name, std::isnan(half) ? "not reached" : format_text("{:.2f}", half), format_text("{:.2f}", chance)});
  }
  return table;
}

}  // namespace

Page u_turn_page(const PageContext& context) {
  const Subject& subject = context.subject;
  const auto& result = context.answer.as<UTurns>();
  Page out{{"Which noise level decided what", kTimestepsProse, {}, {}, {}, {}}};
  Plot plot = one_axis(subject);
  add_speciation(subject, plot, out);
  add_words(context, plot, out);
  plot.series.push_back(kept_factors(subject, result));
  out.section.tables.push_back(half_points(subject, result, out));
  if (subject.trajectory.has_both_branches()) plot.series.push_back(guided_share(subject));
  out.add_svg("timesteps.svg", render_svg(plot), "Means with 95 % intervals.");
  out.add_svg("retention.svg", render_svg(retention_plot(subject, result)),
              format_text("{} regenerations at each level; 95 % intervals. The exact posterior is the truth of these "
                          "curves only without prompt and with a stochastic sampler, as here.",
                          result.kept.size(1)));
  return out;
}

}  // namespace noisescope::report
