#include "noisescope/report/explained_run.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/picture_draw.h"
#include "noisescope/io/config.h"

namespace noisescope {
namespace {

constexpr const char* kAnew = "; make one with 'noisescope sample RUN --record full'";

struct RecordSettings {
  uint64_t seed = 0;
  std::string negative_prompt;
  SamplingOptions sample;
};

/// What sample_run wrote.
RecordSettings settings_of(const RunRecord& record) {
  try {
    const auto json = nlohmann::ordered_json::parse(record.facts.settings);
    const auto text = [&](const char* key) { return json.at(key).get<std::string>(); };
    RecordSettings settings{std::stoull(text("seed")), text("negative_prompt"), {}};
    const char* key = json.contains("sample") ? "sample" : "draw";  // its older name
    read_options_into(config_from_json(nlohmann::ordered_json::parse(text(key)), "record"),
                      settings.sample);
    return settings;
  } catch (const std::exception& error) {
    throw ModelError("[report.recorded_run] expected the settings of 'noisescope sample' in the "
                     "record, got "
                     "others: " + std::string(error.what()) + kAnew);
  }
}

void check_planes(const TextToImage& model, const RunRecord& record) {
  for (const auto& [name, plane] :
       {std::pair{"x", record.x}, std::pair{"denoised", record.denoised}}) {
    if (plane.defined()) continue;
    throw ModelError("[report.recorded_run] expected a record with x and denoised, got one without " +
                     std::string(name) + "; make one with 'noisescope sample RUN --record run'");
  }
  const int64_t side = model.image_size();
  const auto steps = static_cast<int64_t>(record.sigmas.size()) - 1;
  for (const Tensor& plane :
       {record.x, record.denoised, record.conditional, record.unconditional}) {
    if (!plane.defined()) continue;
    check_shape("report.recorded_run", "pictures of the record", plane, {steps, -1, 3, side, side});
  }
  if (record.facts.weights != weights_hash(model)) {
    throw ModelError("[report.recorded_run] expected a record of this run's weights, got one of "
                     "others (" +
                     record.facts.weights + "); name the run that it was drawn from, or record it "
                                            "anew");
  }
}

/// Pictures of the record with the prompt of `picture`, that one first.
std::vector<int64_t> rows_of_prompt(const RunRecord& record, int64_t picture) {
  const std::vector<std::string>& prompts = record.facts.prompts;
  const auto count = static_cast<int64_t>(prompts.size());
  if (picture < 0 || picture >= count) {
    throw ValueError("[report.recorded_run] expected a picture from 0 to "
                     "" + std::to_string(count - 1) +
                     ", got " + std::to_string(picture));
  }
  const std::string& prompt = prompts[static_cast<size_t>(picture)];
  if (prompt.starts_with(kPicturePrompt)) {
    throw ValueError("[report.recorded_run] expected a picture that was drawn from a text, got one "
                     "drawn from " +
                     prompt + "; explain its file with 'noisescope explain --image' and a prompt");
  }
  std::vector<int64_t> rows = {picture};
  for (int64_t row = 0; row < count; ++row) {
    if (row != picture && prompts[static_cast<size_t>(row)] == prompt) rows.push_back(row);
  }
  return rows;
}

/// These rows of a step. Throws NumericError for x or estimates that are not finite, or a branch
/// that is only in part: a branch that was not evaluated is NaN as a whole, and becomes undefined.
SamplerStep rows_of_step(const SamplerStep& step, const Tensor& rows) {
  const auto fail = [&](const char* name) -> NumericError {
    return NumericError("[report.recorded_run] expected finite numbers in " + std::string(name) +
                        " of the record, got NaN or infinity at step "
                        "" + std::to_string(step.index) +
                        "; the file is damaged" + kAnew);
  };
  SamplerStep out = step;
  const auto take = [&](const char* name, Tensor& plane, bool may_lack) {
    if (!plane.defined()) return;
    plane = plane.index_select(0, rows).to(torch::kFloat32);
    const Tensor finite = plane.isfinite();
    if (finite.all().item<bool>()) return;
    if (!may_lack || finite.any().item<bool>()) throw fail(name);
    plane = Tensor();
  };
  take("x", out.x, false);
  take("denoised", out.prediction.denoised, false);
  take("conditional", out.prediction.conditional, true);
  take("unconditional", out.prediction.unconditional, true);
  return out;
}

std::vector<SamplerStep> joined(const std::vector<SamplerStep>& a,
                                const std::vector<SamplerStep>& b) {
  std::vector<SamplerStep> out = a;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto add = [](Tensor& mine, const Tensor& more) {
      mine = mine.defined() && more.defined() ? torch::cat({mine, more}) : Tensor();
    };
    add(out[i].x, b[i].x);
    add(out[i].prediction.denoised, b[i].prediction.denoised);
    add(out[i].prediction.conditional, b[i].prediction.conditional);
    add(out[i].prediction.unconditional, b[i].prediction.unconditional);
  }
  return out;
}

Tensor rows_like(const Tensor& row, int64_t count) { return row.expand({count, -1}); }

/// Guidance whose both branches are evaluated at every step.
GuidanceOptions recording(GuidanceOptions guidance) {
  guidance.both_branches = true;
  return guidance;
}

Predictor predictor_of(const TextToImage& model, const ExplainedRun& run, const std::string& prompt,
                       int64_t count) {
  return guide(model.denoiser(), rows_like(model.condition({prompt}), count),
               rows_like(run.null_condition, count), recording(run.sample.guidance));
}

/// Appends `count` runs with sample numbers that none of the run has.
void add_drawn(const TextToImage& model, ExplainedRun& run, int64_t count, const Control& control) {
  NoiseSource noise = run.noise;
  noise.sample_ids = sample_range(run.noise.sample_ids.front() + 1, count);
  TrajectoryRecorder recorder{RecorderOptions{}};
  const Tensor x = noise.initial(run.pictures.sizes().slice(1)).to(model.device()) * run.sigmas[0];
  const Tensor drawn = run_sampler(predictor_of(model, run, run.prompt, count), x, run.sigmas,
                                   run.sample.sampler, noise, recorder.observer(), control);
  run.steps = joined(run.steps, recorder.steps());
  run.pictures = torch::cat({run.pictures, drawn.to(torch::kCPU)});
  run.noise.sample_ids.insert(run.noise.sample_ids.end(), noise.sample_ids.begin(),
                              noise.sample_ids.end());
  run.added = count;
}

}  // namespace

bool ExplainedRun::has_both_branches() const {
  return std::all_of(steps.begin(), steps.end(), [](const SamplerStep& step) {
    return step.prediction.conditional.defined() && step.prediction.unconditional.defined();
  });
}

Tensor ExplainedRun::initial(int64_t count) const {
  return steps.front().x.slice(0, 0, count) / steps.front().sigma;
}

bool injects_noise(const SamplerOptions& o) {
  return o.solver == Solver::ddpm || o.solver == Solver::dpmpp_2m_sde ||
         (o.solver == Solver::ddim && o.eta > 0) || (o.solver == Solver::heun && o.churn > 0);
}

ExplainedRun draw_run(const TextToImage& model, const RunConfig& config, const std::string& prompt,
                      int64_t count, uint64_t seed, const Control& control) {
  ExplainedRun run;
  run.prompt = prompt;
  run.sigmas = sampling_sigmas(config.sample.grid, config.precondition.schedule);
  run.sample = config.sample;
  run.noise = {Random(seed), sample_range(0, count)};
  run.null_condition = model.null_condition(1)[0];
  TrajectoryRecorder recorder{RecorderOptions{}};
  const std::vector<std::string> prompts(static_cast<size_t>(count), prompt);
  run.pictures = draw(model, {prompts, "", seed, 0}, run.sigmas, config.sample.sampler,
                      recording(config.sample.guidance), count, recorder.observer(), control);
  run.steps = recorder.steps();
  return run;
}

ExplainedRun recorded_run(const TextToImage& model, const RunConfig& config,
                          const RunRecord& record, int64_t picture, int64_t count, const Control& control) {
  const std::vector<int64_t> rows = rows_of_prompt(record, picture);
  check_planes(model, record);
  const RecordSettings settings = settings_of(record);
  ExplainedRun run;
  run.origin = RunOrigin::recorded;
  run.prompt = record.facts.prompts[static_cast<size_t>(picture)];
  run.sigmas = sampling_sigmas(settings.sample.grid, config.precondition.schedule);
  run.sample = settings.sample;
  run.noise = {Random(settings.seed), {}};
  for (const int64_t row : rows) {
    run.noise.sample_ids.push_back(record.facts.sample_ids[static_cast<size_t>(row)]);
  }
  run.null_condition = settings.negative_prompt.empty()
                           ? model.null_condition(1)[0]
                           : model.condition({settings.negative_prompt})[0];
  if (run.sigmas.size() != record.sigmas.size()) {
    throw ModelError("[report.recorded_run] expected " + std::to_string(run.sigmas.size() - 1) +
                     " steps, as the settings of the record say, got " +
                     std::to_string(record.sigmas.size() - 1) + kAnew);
  }
  for (const SamplerStep& step : steps_of(record)) {
    run.steps.push_back(rows_of_step(step, torch::tensor(rows, torch::kInt64)));
  }
  // Every solver ends with its last estimate: the step to sigma = 0 leaves nothing of x.
  run.pictures = run.steps.back().prediction.denoised;
  if (run.count() < 2 && count > 1) add_drawn(model, run, count - 1, control);
  return run;
}

void check_picture(const TextToImage& model, const Tensor& picture) {
  const int64_t side = model.image_size();
  if (picture.dim() == 3 && picture.size(0) == 3 && picture.size(1) == side && picture.size(2) == side) return;
  const std::string size = std::to_string(side);
  throw ShapeError("[report.check_picture] expected a picture of " + size + " x " + size +
                   " pixels, the size that the model draws, got " + describe_tensor(picture) +
                   "; scale it to that size, or explain it with a model of its own");
}

ExplainedRun inverted_run(const TextToImage& model, const RunConfig& config,
                          const std::string& prompt, const Tensor& picture, int64_t count, uint64_t seed,
                          const Control& control) {
  check_picture(model, picture);
  ExplainedRun run;
  run.origin = RunOrigin::inverted;
  run.prompt = prompt;
  run.sample = config.sample;
  run.sample.sampler = {.solver = Solver::ddpm};
  run.sample.guidance.clamp = 0;
  run.sigmas = sampling_sigmas(config.sample.grid, config.precondition.schedule);
  run.null_condition = model.null_condition(1)[0];
  const Tensor pictures =
      picture.to(model.device(), torch::kFloat32).expand({count, -1, -1, -1}).contiguous();
  TrajectoryRecorder recorder{RecorderOptions{}};
  const EditFriendlyInversion found =
      invert_edit_friendly(predictor_of(model, run, prompt, count), pictures, run.sigmas,
                           {Random(seed), sample_range(0, count)}, recorder.observer(), control);
  run.pictures = pictures.to(torch::kCPU);
  run.steps = recorder.steps();
  run.noise = {Random(seed), sample_range(0, count)};
  run.noise.given = found.noises;
  run.remainder = found.remainder.to(torch::kCPU);
  return run;
}

RecordedRun rewindable(const TextToImage& model, const ExplainedRun& run) {
  const auto rows = [&](const Tensor& row) { return rows_like(row, run.count()); };
  return {model.denoiser(), rows(model.condition({run.prompt})), rows(run.null_condition),
          run.sample.guidance, run.sample.sampler, run.noise, run.steps};
}

Tensor draw_again(const TextToImage& model, const ExplainedRun& run, const std::string& prompt,
                  const Control& control) {
  const torch::NoGradGuard no_grad;
  const Tensor drawn =
      run_sampler(predictor_of(model, run, prompt, run.count()),
                  run.steps.front().x.to(model.device()), run.sigmas, run.sample.sampler, run.noise,
                  {}, control).to(torch::kCPU);
  return run.remainder.defined() ? drawn + run.remainder : drawn;
}

}  // namespace noisescope
