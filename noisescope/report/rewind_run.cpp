#include "noisescope/report/rewind_run.h"

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/prompt_contrast.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/report/factors.h"
#include "noisescope/report/figures.h"
#include "noisescope/report/text_of.h"
#include "noisescope/viz/panels.h"

namespace noisescope {
namespace {

using Json = nlohmann::ordered_json;

ExplainedRun run_of(const TextToImage& model, const RunConfig& config, const RewindRequest& request,
                    const Control& control) {
  if (!request.record) {
    if (request.prompt.empty()) {
      throw ValueError("[report.rewind_run] expected a record or a prompt to draw a run of, got "
                       "neither");
    }
    return draw_run(model, config, request.prompt, request.count, request.seed, control);
  }
  ExplainedRun run = recorded_run(model, config, *request.record, request.picture, 1, control);
  if (request.prompt.empty() || request.prompt == run.prompt) return run;
  throw ValueError("[report.rewind_run] expected the prompt of picture "
                   "" + std::to_string(request.picture) +
                   ", '" + run.prompt + "', got '" + request.prompt +
                   "'; what the prompt is to become is --to-prompt");
}

int64_t step_of(const ExplainedRun& run, const RewindRequest& request) {
  if (!request.log_snr) return request.step;
  for (const SamplerStep& step : run.steps) {
    if (log_snr_of(step.sigma) >= *request.log_snr) return step.index;
  }
  throw ValueError(text_of("[report.rewind_run] expected a log-SNR that the run reaches, at most "
                           "%.2f, got %.2f",
                           log_snr_of(run.steps.back().sigma), *request.log_snr));
}

/// The prompt of the altered arm; the run's own where it stays.
std::string altered_prompt(const ExplainedRun& run, const RewindRequest& request) {
  if (!request.new_prompt.empty() && !request.word.empty()) {
    throw ValueError("[report.rewind_run] expected a new prompt or a word to replace, got both");
  }
  if (!request.new_prompt.empty()) return request.new_prompt;
  if (request.word.empty()) return run.prompt;
  const PromptContrast contrast =
      contrast_prompts(run.prompt, request.word, {request.replacement});
  return contrast.prompts[static_cast<size_t>(1 - contrast.own)];
}

/// The alteration, and the same as JSON and in words.
struct Change {
  Alteration alteration;
  Json json = Json::object();
  std::vector<std::string> words;
};

void change_prompt(const TextToImage& model, const ExplainedRun& run, const RewindRequest& request,
                   Change& change) {
  const std::string prompt = altered_prompt(run, request);
  if (prompt == run.prompt) return;
  change.alteration.condition = model.condition({prompt}).expand({run.count(), -1});
  change.json["prompt"] = prompt;
  change.words.push_back("the prompt becomes \"" + prompt + "\"");
}

void change_block(const RewindRequest& request, Change& change) {
  const std::vector<int64_t>& box = request.block;
  if (box.empty()) return;
  if (box.size() != 4) {
    throw ValueError("[report.rewind_run] expected a block as top, left, height, width, got " +
                     std::to_string(box.size()) + " numbers");
  }
  change.alteration.block = {box[0], box[1], box[2], box[3], Random(request.noise_seed)};
  change.json["block"] = {{"top", box[0]}, {"left", box[1]}, {"height", box[2]}, {"width", box[3]},
                          {"noise_seed", request.noise_seed}};
  change.words.push_back(text_of("%lld x %lld pixels of noise at (%lld, %lld) are drawn anew",
                                 static_cast<long long>(box[2]), static_cast<long long>(box[3]),
                                 static_cast<long long>(box[0]), static_cast<long long>(box[1])));
}

void change_noise(const ExplainedRun& run, const RewindRequest& request, Change& change) {
  if (!request.new_noise) return;
  if (!injects_noise(run.sample.sampler)) {
    throw ValueError("[report.rewind_run] expected a sampler that injects noise, got " +
                     to_string(run.sample.sampler.solver) +
                     ", whose steps have none to change; draw the run with "
                     "draw.sampler.solver=ddpm");
  }
  change.alteration.remaining_noise = Random(request.noise_seed);
  change.json["noise_seed"] = request.noise_seed;
  change.words.push_back("the noise of the remaining steps is drawn anew");
}

Change change_of(const TextToImage& model, const ExplainedRun& run, const RewindRequest& request) {
  Change change;
  change.alteration.step = step_of(run, request);
  change_prompt(model, run, request, change);
  if (request.scale) {
    change.alteration.scale = request.scale;
    change.json["scale"] = *request.scale;
    change.words.push_back(text_of("guidance goes from %g to "
                                   "%g", run.sample.guidance.scale, *request.scale));
  }
  change_block(request, change);
  change_noise(run, request, change);
  if (!change.words.empty()) return change;
  throw ValueError("[report.rewind_run] expected something to change, got the run as it was; name a "
                   "prompt, a "
                   "word, a guidance scale, a block or new noise");
}

std::string value_name(const Factor& factor, int64_t value) {
  return value < 0 ? "unreadable" : factor.values[static_cast<size_t>(value)];
}

/// Pictures in which a factor changed, of those that can be read in both arms.
Json changed_share(const Tensor& before, const Tensor& after) {
  const Tensor readable = (before >= 0) & (after >= 0);
  const auto n = readable.sum().item<int64_t>();
  if (n == 0) return {{"value", nullptr}, {"n", 0}};
  return to_json(wilson((readable & (before != after)).sum().item<int64_t>(), n));
}

void add_factors(const FactorReader& factors, const Rewound& rewound, RewindResult& out) {
  if (factors.factors.empty()) return;
  const Tensor before = factors.read(rewound.unaltered), after = factors.read(rewound.altered);
  Json& json = out.json["factors"];
  json["reader"] = factors.reader;
  for (size_t f = 0; f < factors.factors.size(); ++f) {
    const auto at = static_cast<int64_t>(f);
    const Factor& factor = factors.factors[f];
    const std::string from = value_name(factor, before[0][at].item<int64_t>());
    const std::string to = value_name(factor, after[0][at].item<int64_t>());
    json["before"][factor.name] = from;
    json["after"][factor.name] = to;
    json["changed_share"][factor.name] = changed_share(before.select(1, at), after.select(1, at));
    out.lines.push_back(text_of("  %-14s ", factor.name.c_str()) + from +
                        (from == to ? ", as before" : " -> " + to));
  }
}

/// The value of one picture, the mean with its interval of several.
Json mean_json(const Tensor& values) {
  if (values.size(0) >= 2) return to_json(mean_estimate(values));
  return {{"value", values.item<double>()}, {"n", 1}};
}

std::string divergence_plot(const RunConfig& config, const ExplainedRun& run,
                            const Rewound& rewound, int64_t from) {
  Plot plot;
  plot.title = "When the two runs part";
  plot.description = "Root mean square difference of the clean estimates of both runs, step by "
                     "step.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "difference of the estimates";
  plot.y.min = 0;
  plot.y.unit = "pixel units";
  plot.second_x = timestep_axis(config.precondition.schedule);
  std::vector<double> x;
  for (size_t i = static_cast<size_t>(from); i < run.steps.size(); ++i) {
    x.push_back(log_snr_of(run.steps[i].sigma));
  }
  if (run.count() >= 2) {
    plot.series = {mean_series("", x, rewound.divergence, {0, 1e300})};
  } else {
    const Tensor one = rewound.divergence.select(1, 0).contiguous();
    const double* first = one.const_data_ptr<double>();
    plot.series = {{"", x, {first, first + one.numel()}}};
  }
  return render_svg(plot);
}

void write_pictures(const RunConfig& config, const ExplainedRun& run, const Rewound& rewound,
                    int64_t from, const std::filesystem::path& folder, RewindResult& out) {
  const auto keep = [&](const char* name) {
    out.files.push_back(folder / name);
    return out.files.back();
  };
  const Tensor before = rewound.unaltered[0].cpu(), after = rewound.altered[0].cpu();
  const Tensor& change = rewound.change[0];
  const SamplerStep& start = run.steps[static_cast<size_t>(from)];
  write_png(keep("before.png"), tensor_to_image(before));
  write_png(keep("after.png"), tensor_to_image(after));
  write_png(keep("difference.png"), color_image(change, ColorMap::sequential, value_range(change)));
  const Tensor noisy = start.x[0] / std::sqrt(1 + start.sigma * start.sigma);
  write_png(keep("rewind.png"),
            panel_rows({{"", {picture_panel(noisy, text_of("both from step %lld on",
                                                           static_cast<long long>(from))),
                              picture_panel(before, "unaltered"), picture_panel(after, "altered"),
                              map_panel(change, "what changed", "squared change")}}}));
  write_file_atomic(keep("divergence.svg"), divergence_plot(config, run, rewound, from));
  write_safetensors(keep("rewind.safetensors"),
                    {{{"before", rewound.unaltered.cpu()}, {"after", rewound.altered.cpu()},
                      {"change", rewound.change}, {"divergence", rewound.divergence}}, {}});
}

}  // namespace

RewindResult rewind_run(const TextToImage& model, const RunConfig& config, const RunFolder& folder,
                        const RewindRequest& request, const Control& control) {
  const FactorReader factors = factors_of(model, config, request.labels);
  const ExplainedRun run = run_of(model, config, request, control);
  const Change change = change_of(model, run, request);
  const int64_t from = change.alteration.step;
  const Rewound rewound = rewind(rewindable(model, run), change.alteration, control);
  const double log_snr = log_snr_of(run.steps[static_cast<size_t>(from)].sigma);
  RewindResult out;
  out.json = {{"run", to_string(run.origin)}, {"prompt", run.prompt},
              {"seed", run.noise.random.seed()}, {"pictures", run.count()}, {"step", from},
              {"steps", run.steps.size()}, {"log_snr", log_snr}, {"altered", change.json}};
  out.json["mean_squared_change"] = mean_json(rewound.change.mean({1, 2}));
  out.json["unaltered_off_original"] =
      mean_json(reconstruction_error(run.pictures, rewound.unaltered.cpu()));
  out.lines.push_back(text_of("from step %lld of %zu on (log-SNR "
                              "%.2f):", static_cast<long long>(from),
                              run.steps.size(), log_snr));
  for (const std::string& words : change.words) out.lines.push_back("  " + words);
  out.lines.push_back(text_of("changed: %.4f a pixel (mean square over the picture)",
                              rewound.change[0].mean().item<double>()));
  add_factors(factors, rewound, out);
  const std::filesystem::path place = request.out.empty() ? folder.rewind() : request.out;
  make_folder(place);
  write_pictures(config, run, rewound, from, place, out);
  out.files.push_back(place / "rewind.json");
  write_file_atomic(out.files.back(), out.json.dump(2));
  return out;
}

}  // namespace noisescope
