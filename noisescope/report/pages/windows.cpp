#include "noisescope/world/parser.h"
#include "noisescope/explain/guidance_sweep.h"
#include "noisescope/explain/guidance_windows.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/report/pages/explainers.h"
#include "noisescope/report/figures.h"

namespace noisescope {
namespace {

constexpr const char* kWindowsProse =
    "The run is cut into windows of noise levels, and drawn again with the prompt heard in some of them only, "
    "all noise the same. Knock-out: what is lost when one window is left out. Shapley: what a window adds, "
    "averaged over all orders of adding windows; the values sum to what the whole prompt did. Two values of a "
    "picture: its likeness to the picture drawn with the whole prompt (1 = that picture, 0 = as far from it "
    "as without prompt), and how well it fits the prompt in the eyes of the run's CLIP, which also rewards "
    "painting over at the end; on the two-object world also whether the exact parser finds the prompt true of it. "
    "On the exact world, with the prompt planted in one window, all of both lies "
    "inside it.\n\n"
    "The sweep draws the same noise at several guidance scales: by how much is the energy of each spatial "
    "frequency multiplied?";

constexpr int64_t kPictures = 6;

GuidanceWindowOptions window_options(const ExplainContext& context) {
  return {.windows = std::min<int64_t>(5, static_cast<int64_t>(context.sigmas().size()) - 1)};
}
GuidanceSweepOptions sweep_options() { return {.scales = {0, 2, 4, 8}, .bands = 6}; }

int64_t pictures_of(const ExplainContext& context) {
  return std::min(kPictures, context.run.count());
}

Predictor prompted(const ExplainContext& context, int64_t count, double scale) {
  GuidanceOptions guidance = context.config.sample.guidance;
  guidance.scale = scale;
  const auto row = [&](const Tensor& one) { return one.expand({count, -1}); };
  return guide(context.model.denoiser(), row(context.model.condition({context.request.prompt})),
               context.null_condition(count), guidance);
}

WindowRun window_run(const ExplainContext& context, int64_t count) {
  const RunNoise seeds = run_noise(context, count);
  const Tensor null = context.null_condition(count);
  GuidanceOptions alone = context.config.sample.guidance;
  alone.scale = 1;
  const std::vector<double> sigmas = context.sigmas();
  return {prompted(context, count, context.config.sample.guidance.scale),
          guide(context.model.denoiser(), null, null, alone), seeds.initial * sigmas[0], sigmas,
          context.config.sample.sampler, seeds.noise};
}

/// Cosine of picture and prompt in the run's CLIP.
PictureValue fit_to_prompt(const ExplainContext& context) {
  const WordReader reader = clip_reader(context.model.clip(), {context.request.prompt});
  return [reader](const WindowPictures& pictures) {
    return reader(pictures.drawn).select(1, 0).to(torch::kFloat64);
  };
}

/// Whether the prompt is true of the picture as the exact parser reads it; one that it rejects satisfies
/// nothing.
PictureValue satisfied_prompt(const ExplainContext& context) {
  const World world(context.config.data.world);
  const CaptionMeaning meaning = WorldGrammar(world).parse(context.request.prompt);
  return [meaning, parser = WorldParser(world)](const WindowPictures& pictures) {
    std::vector<double> satisfied;
    for (const ParsedScene& read : parser.parse(pictures.drawn.to(torch::kCPU))) {
      satisfied.push_back(agreement(read, meaning).joint ? 1 : 0);
    }
    return torch::tensor(satisfied, torch::kFloat64);
  };
}

/// One bar a window: the mean over pictures of values [B, K] with its interval.
Series bars(const std::string& name, const Tensor& values) {
  Series series{name, {}, {}};
  for (const Tensor& window : values.unbind(1)) {
    const Estimate e = mean_estimate(window);
    series.y.push_back(e.value);
    series.low.push_back(e.low);
    series.high.push_back(e.high);
  }
  return series;
}

std::string window_plot(const std::string& value, const WindowAttribution& a) {
  Plot plot;
  plot.title = "Which noise levels the prompt worked at: " + value;
  plot.description = "Shapley values and knock-out effects of windows of the noise level.";
  plot.x.label = "window of log-SNR (left: all noise, right: clean)";
  plot.y.label = value;
  for (int64_t k = 0; k < a.windows.count(); ++k) {
    const auto edge = [&](int64_t i) { return std::round(10 * a.windows.edges[size_t(i)]) / 10 + 0.0; };
    plot.categories.push_back(text_of("%.1f to %.1f", edge(k), edge(k + 1)));  // + 0.0: no "-0.0"
  }
  plot.series = {bars("Shapley value", a.shapley.phi), bars("knock-out", a.knock_out.effect),
                 bars("alone", a.knock_out.alone)};
  plot.rules = {{false, 0, ""}};
  return render_svg(plot);
}

std::string sweep_plot(const GuidanceSweep& sweep) {
  Plot plot;
  plot.title = "What guidance amplifies";
  plot.description = "Energy of each band of spatial frequency over that at scale 1.";
  plot.x.label = "band of spatial frequency (0: coarsest)";
  plot.y.label = "energy over that at scale 1";
  plot.y.log = true;
  std::vector<double> bands;
  for (int64_t r = 0; r < sweep.gain.size(2); ++r) bands.push_back(double(r));
  for (size_t g = 0; g < sweep.scales.size(); ++g) {
    plot.series.push_back(mean_series(text_of("scale %g", sweep.scales[g]), bands,
                                      sweep.gain[int64_t(g)].t(), {1e-3, 1e6}));
  }
  plot.rules = {{false, 1, "scale 1"}};
  return render_svg(plot);
}

GuidanceSweep sweep_of(const ExplainContext& context, int64_t count) {
  const RunNoise seeds = run_noise(context, count);
  const std::vector<double> sigmas = context.sigmas();
  return guidance_sweep({[&](double scale) { return prompted(context, count, scale); },
                         seeds.initial * sigmas[0], sigmas, context.config.sample.sampler, seeds.noise},
                        sweep_options(), context.control);
}

Explained explain_windows(const ExplainContext& context) {
  Explained out{{"Where the prompt works", kWindowsProse, {}, {}, {}, {}}};
  const int64_t count = pictures_of(context);
  std::vector<std::pair<std::string, std::string>> values = {
      {"likeness", "likeness to the guided picture"}, {"fit", "fit to the prompt (CLIP cosine)"}};
  std::vector<PictureValue> worth = {likeness_to_guided, fit_to_prompt(context)};
  if (context.config.data.kind == DataKind::world) {
    values.emplace_back("satisfied", "prompt satisfied (exact parser)");
    worth.push_back(satisfied_prompt(context));
  }
  const auto found = attribute_to_windows(
      window_run(context, count), worth, window_options(context),
      Random(context.request.seed), context.control);
  for (size_t v = 0; v < values.size(); ++v) {
    const auto& [name, words] = values[v];
    nlohmann::ordered_json& json = out.json[name];
    json["edges_log_snr"] = found[v].windows.edges;
    for (const Tensor& phi : found[v].shapley.phi.unbind(1)) {
      json["shapley"].push_back(to_json(mean_estimate(phi)));
    }
    for (const Tensor& effect : found[v].knock_out.effect.unbind(1)) {
      json["knock_out"].push_back(to_json(mean_estimate(effect)));
    }
    out.tensors.tensors[name + ".shapley"] = found[v].shapley.phi;
    out.tensors.tensors[name + ".knock_out"] = found[v].knock_out.effect;
    out.add_svg("windows_" + name + ".svg", window_plot(words, found[v]),
                text_of("Means over %lld pictures with 95 %% intervals.", static_cast<long long>(count)));
  }
  const GuidanceSweep sweep = sweep_of(context, count);
  out.tensors.tensors["sweep.gain"] = sweep.gain;
  for (size_t g = 0; g < sweep.scales.size(); ++g) {
    nlohmann::ordered_json json = {{"scale", sweep.scales[g]}};
    for (const Tensor& band : sweep.gain[int64_t(g)].unbind(1)) {
      json["gain"].push_back(to_json(mean_estimate(band)));
    }
    out.json["sweep"].push_back(std::move(json));
  }
  out.add_svg("guidance_sweep.svg", sweep_plot(sweep),
              "Means over pictures with 95 % intervals; the same noise at every scale.");
  return out;
}

int64_t windows_cost(const ExplainContext& context) {
  const auto steps = static_cast<int64_t>(context.sigmas().size()) - 1;
  const int64_t count = pictures_of(context);
  return window_cost(window_options(context), context.sigmas(), context.config.sample.sampler,
                     Random(context.request.seed)).evaluations(count, branches_of(context) == 2) +
         sweep_options().cost(count, steps);
}

}  // namespace

Explainer windows_explainer() {
  return {"windows", "At which noise levels does the prompt work, and what does more guidance amplify?",
          {.run = true}, windows_cost, explain_windows};
}

}  // namespace noisescope
