#include "noisescope/report/rewind_run.h"

#include <cmath>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/rewind.h"
#include "noisescope/io/codec/image_file.h"
#include "noisescope/io/file.h"
#include "noisescope/io/image_tensor.h"
#include "noisescope/io/safetensors.h"
#include "noisescope/model/factors.h"
#include "noisescope/model/prompt_contrast.h"
#include "noisescope/report/figures.h"
#include "noisescope/stats/estimate.h"
#include "noisescope/viz/panels.h"

namespace noisescope::report {
namespace {

using Json = nlohmann::ordered_json;

RecordedTrajectory run_of(const Model& model, const RewindRequest& request, const Control& control) {
  if (!request.record) {
    if (request.prompt.empty()) {
      throw ValueError("[report.rewind_run] expected a record or a prompt to draw a trajectory of, got neither");
    }
    const std::vector<std::string> prompts(static_cast<size_t>(request.count), request.prompt);
    return {request.prompt, model.sample, draw_trajectory(model, {prompts, "", request.seed, 0}, model.sample)};
  }
  RecordedTrajectory run = read_trajectory(model, *request.record, request.picture, 1, control);
  if (request.prompt.empty() || request.prompt == run.prompt) return run;
  throw ValueError(
      format_text("[report.rewind_run] expected the prompt of picture {}, '{}', got '{}'; what the prompt is to become "
                  "is --to-prompt",
                  request.picture, run.prompt, request.prompt));
}

int64_t step_of(const RecordedTrajectory& run, const RewindRequest& request) {
  if (!request.log_snr) return request.step;
  for (const SamplerStep& step : run.trajectory.steps()) {
    if (log_snr_of(step.sigma) >= *request.log_snr) return step.index;
  }
  throw ValueError(
      format_text("[report.rewind_run] expected a log-SNR that the run reaches, at most {:.2f}, got {:.2f}",
                  log_snr_of(run.trajectory.steps().back().sigma), *request.log_snr));
}

/// The prompt of the altered arm; the run's own where it stays.
std::string altered_prompt(const RecordedTrajectory& run, const RewindRequest& request) {
  if (!request.new_prompt.empty() && !request.word.empty()) {
    throw ValueError("[report.rewind_run] expected a new prompt or a word to replace, got both");
  }
  if (!request.new_prompt.empty()) return request.new_prompt;
  if (request.word.empty()) return run.prompt;
  const PromptContrast contrast = contrast_prompts(run.prompt, request.word, {request.replacement});
  return contrast.prompts[static_cast<size_t>(1 - contrast.true_version)];
}

/// The change, and the same as JSON and in words.
struct Described {
  Change change;
  Json json = Json::object();
  std::vector<std::string> words;
};

void change_prompt(const Model& model, const RecordedTrajectory& run, const RewindRequest& request,
                   Described& described) {
  const std::string prompt = altered_prompt(run, request);
  if (prompt == run.prompt) return;
  described.change.condition = model.condition({prompt}).expand({run.trajectory.count(), -1});
  described.json["prompt"] = prompt;
  described.words.push_back("the prompt becomes \"" + prompt + "\"");
}

void change_block(const RewindRequest& request, Described& described) {
  const std::vector<int64_t>& box = request.block;
  if (box.empty()) return;
  if (box.size() != 4) {
    throw ValueError(
        format_text("[report.rewind_run] expected a block as top, left, height, width, got {} numbers", box.size()));
  }
  described.change.block = {box[0], box[1], box[2], box[3], Random(request.noise_seed)};
  described.json["block"] = {
      {"top", box[0]}, {"left", box[1]}, {"height", box[2]}, {"width", box[3]}, {"noise_seed", request.noise_seed}};
  described.words.push_back(
      format_text("{} x {} pixels of noise at ({}, {}) are drawn anew", box[2], box[3], box[0], box[1]));
}

void change_noise(const RecordedTrajectory& run, const RewindRequest& request, Described& described) {
  if (!request.new_noise) return;
  if (!injects_noise(run.sample.sampler)) {
    throw ValueError("[report.rewind_run] expected a sampler that injects noise, got " +
                     to_string(run.sample.sampler.solver) +
                     ", whose steps have none to change; draw the run with "
                     "sample.sampler.solver=ddpm");
  }
  described.change.remaining_noise = Random(request.noise_seed);
  described.json["noise_seed"] = request.noise_seed;
  described.words.push_back("the noise of the remaining steps is drawn anew");
}

Described described_change(const Model& model, const RecordedTrajectory& run, const RewindRequest& request) {
  Described described;
  described.change.step = step_of(run, request);
  change_prompt(model, run, request, described);
  if (request.scale) {
    described.change.scale = request.scale;
    described.json["scale"] = *request.scale;
    described.words.push_back(
        format_text("guidance goes from {:g} to {:g}", run.sample.guidance.scale, *request.scale));
  }
  change_block(request, described);
  change_noise(run, request, described);
  if (!described.words.empty()) return described;
  throw ValueError(
      "[report.rewind_run] expected something to change, got the run as it was; name a "
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
    out.lines.push_back(format_text("  {:<14} ", factor.name) + from + (from == to ? ", as before" : " -> " + to));
  }
}

/// The value of one picture, the mean with its interval of several.
Json mean_json(const Tensor& values) {
  if (values.size(0) >= 2) return to_json(mean_estimate(values));
  return {{"value", values.item<double>()}, {"n", 1}};
}

std::string divergence_plot(const Model& model, const RecordedTrajectory& run, const Rewound& rewound, int64_t from) {
  Plot plot;
  plot.title = "When the two runs part";
  plot.description =
      "Root mean square difference of the clean estimates of both runs, step by "
      "step.";
  plot.x.label = kLogSnrLabel;
  plot.y.label = "difference of the estimates";
  plot.y.min = 0;
  plot.y.unit = "pixel units";
  plot.second_x = timestep_axis(model.schedule);
  std::vector<double> x;
  for (size_t i = static_cast<size_t>(from); i < run.trajectory.steps().size(); ++i) {
    x.push_back(log_snr_of(run.trajectory.steps()[i].sigma));
  }
  if (run.trajectory.count() >= 2) {
    plot.series = {mean_series("", x, rewound.divergence, {0, 1e300})};
  } else {
    const Tensor one = rewound.divergence.select(1, 0).contiguous();
    const double* first = one.const_data_ptr<double>();
    plot.series = {{"", x, {first, first + one.numel()}}};
  }
  return render_svg(plot);
}

void write_pictures(const Model& model, const RecordedTrajectory& run, const Rewound& rewound, int64_t from,
                    RewindResult& out) {
  const auto keep = [&](const char* name) {
    out.files.push_back(out.folder / name);
    return out.files.back();
  };
  const Tensor before = rewound.unaltered[0].cpu(), after = rewound.altered[0].cpu();
  const Tensor& change = rewound.change[0];
  const SamplerStep& start = run.trajectory.steps()[static_cast<size_t>(from)];
  write_png(keep("before.png"), tensor_to_image(before));
  write_png(keep("after.png"), tensor_to_image(after));
  write_png(keep("difference.png"), colour_image(change, ColourMap::sequential, value_range(change)));
  const Tensor noisy = start.x[0] / std::sqrt(1 + start.sigma * start.sigma);
  write_png(
      keep("rewind.png"),
      panel_rows({{"",
                   {picture_panel(noisy, format_text("both from step {} on", from)), picture_panel(before, "unaltered"),
                    picture_panel(after, "altered"), map_panel(change, "what changed", "squared change")}}}));
  write_file_atomic(keep("divergence.svg"), divergence_plot(model, run, rewound, from));
  write_safetensors(keep("rewind.safetensors"), {{{"before", rewound.unaltered.cpu()},
                                                  {"after", rewound.altered.cpu()},
                                                  {"change", rewound.change},
                                                  {"divergence", rewound.divergence}},
                                                 {}});
}

}  // namespace

RewindResult rewind_run(const Model& model, const RewindRequest& request, const Control& control) {
  const FactorReader factors = factors_of(model, request.labels);
  const RecordedTrajectory run = run_of(model, request, control);
  const Trajectory& trajectory = run.trajectory;
  const Described described = described_change(model, run, request);
  const int64_t from = described.change.step;
  const Rewound rewound = rewind(trajectory, described.change, control);
  const double log_snr = log_snr_of(trajectory.sampling().sigmas[static_cast<size_t>(from)]);
  RewindResult out;
  out.folder = request.out;
  out.json = {{"origin", request.record ? "recorded" : "drawn"},
              {"prompt", run.prompt},
              {"seed", trajectory.noise().random.seed()},
              {"pictures", trajectory.count()},
              {"step", from},
              {"steps", trajectory.sampling().steps()},
              {"log_snr", log_snr},
              {"altered", described.json}};
  out.json["mean_squared_change"] = mean_json(rewound.change.mean({1, 2}));
  out.json["unaltered_off_original"] =
      mean_json(reconstruction_error(trajectory.pictures().cpu(), rewound.unaltered.cpu()));
  out.lines.push_back(
      format_text("from step {} of {} on (log-SNR {:.2f}):", from, trajectory.sampling().steps(), log_snr));
  for (const std::string& words : described.words) out.lines.push_back("  " + words);
  out.lines.push_back(format_text("changed: {:.4f} per pixel (squared, summed over channels, mean over the picture)",
                                  rewound.change[0].mean().item<double>()));
  add_factors(factors, rewound, out);
  make_folder(out.folder);
  write_pictures(model, run, rewound, from, out);
  out.files.push_back(out.folder / "rewind.json");
  write_file_atomic(out.files.back(), out.json.dump(2));
  return out;
}

}  // namespace noisescope::report
