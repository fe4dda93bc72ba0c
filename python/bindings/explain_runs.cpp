// Methods that watch or repeat a sampling run.
#include <memory>

#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/guidance_sweep.h"
#include "noisescope/explain/guidance_windows.h"
#include "noisescope/explain/noise_sobol.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/noise_transplant.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/explain/rewind.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/explain/trajectory_geometry.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// All of a sampling run of B pictures: what is repeated, altered and watched.
struct RunSetup {
  Denoiser denoiser;
  Tensor condition, null_condition;  // [B, D]
  Tensor initial;                    // [B, C, H, W] standard normal
  std::vector<double> sigmas;
  SamplerOptions sampler;
  GuidanceOptions guidance;
  NoiseSource noise;

  Predictor predictor(const GuidanceOptions& options) const {
    return guide(denoiser, condition, null_condition, options);
  }
  Tensor start() const { return initial * sigmas.front(); }
  Tensor draw(const SamplerObserver& observer, const Control& control) const {
    return run_sampler(predictor(guidance), start(), sigmas, sampler, noise, observer, control);
  }
  DrawPictures drawer(const Control& control) const {
    return picture_drawer({denoiser, null_condition[0], guidance, sigmas, sampler}, control);
  }
};

RunSetup setup_of(const DenoiserHandle& denoiser, const Tensor& condition, const Tensor& null_condition,
                  const std::vector<int64_t>& image_shape, const std::vector<double>& sigmas, uint64_t seed,
                  const std::optional<std::vector<int64_t>>& sample_ids, const py::dict& sampler,
                  const py::dict& guidance) {
  const NoiseSource noise{Random(seed), ids_or_range(sample_ids, condition.size(0))};
  return {denoiser.denoiser, condition, null_condition.expand_as(condition), noise.initial(image_shape), sigmas,
          options_of<SamplerOptions>(sampler, "sampler"), options_of<GuidanceOptions>(guidance, "guidance"), noise};
}

py::dict guidance_information_(const RunSetup& run, const std::optional<Tensor>& masks, const py::object& progress) {
  GuidanceInformationObserver watch(run.guidance, masks.value_or(Tensor()));
  RunSetup both = run;
  both.guidance.both_branches = true;
  py::dict out;
  out["pictures"] =
      long_call<Tensor>([&](const Control& control) { return both.draw(watch.observer(), control); }, progress);
  const GuidanceInformation g = watch.result();
  out["unit"] = to_string(g.unit);
  out["covered_share"] = g.covered_share;
  out["map"] = g.map;
  out["profile"] = g.profile;
  out["total"] = g.total();
  out["half_points"] = g.half_points();
  std::vector<double> log_snrs;
  for (const InformationCell& cell : g.cells) log_snrs.push_back(cell.log_snr);
  out["log_snrs"] = log_snrs;
  if (masks) out["regions"] = g.regions;
  return out;
}

py::dict guidance_anatomy_(const RunSetup& run, int64_t bands, const py::object& progress) {
  GuidanceAnatomyObserver watch(bands);
  RunSetup both = run;
  both.guidance.both_branches = true;
  py::dict out;
  out["pictures"] =
      long_call<Tensor>([&](const Control& control) { return both.draw(watch.observer(), control); }, progress);
  const GuidanceAnatomy a = watch.result();
  out["log_snrs"] = a.log_snrs;
  out["norm"] = a.norm;
  out["cosine"] = a.cosine;
  out["parallel_share"] = a.parallel_share;
  out["bands"] = a.bands;
  return out;
}

py::list attribute_to_windows_(const RunSetup& run, const py::list& values, uint64_t seed, const py::dict& keywords,
                               const py::object& progress) {
  const auto options = options_of<GuidanceWindowOptions>(keywords, "attribute_to_windows");
  std::vector<PictureValue> functions;
  for (const py::handle value : values) {
    if (value.is_none()) {
      functions.push_back(likeness_to_guided);
      continue;
    }
    const auto score = picture_function(py::reinterpret_borrow<py::object>(value), "value");
    functions.push_back([score](const WindowPictures& pictures) { return score(pictures.drawn); });
  }
  GuidanceOptions without = run.guidance;
  without.scale = 0;
  const WindowRun window_run{run.predictor(run.guidance), run.predictor(without), run.start(),
                             run.sigmas, run.sampler, run.noise};
  const auto found = long_call<std::vector<WindowAttribution>>(
      [&](const Control& control) {
        return attribute_to_windows(window_run, functions, options, Random(seed), control);
      },
      progress);
  py::list out;
  for (const WindowAttribution& a : found) {
    py::dict one;
    one["edges"] = a.windows.edges;
    one["knock_out"] = a.knock_out.effect;
    one["alone"] = a.knock_out.alone;
    one["shapley"] = a.shapley.phi;
    out.append(one);
  }
  return out;
}

py::dict trajectory_(const RunSetup& run, double tolerance, const py::object& progress) {
  TrajectoryRecorder recorder({});
  py::dict out;
  const auto pictures =
      long_call<Tensor>([&](const Control& control) { return run.draw(recorder.observer(), control); }, progress);
  const TrajectoryGeometry t = trajectory_geometry(recorder.steps(), pictures, tolerance);
  out["pictures"] = pictures;
  out["log_snrs"] = t.log_snrs;
  out["plane_energy"] = t.plane_energy;
  out["angle"] = t.angle;
  out["turning"] = t.turning;
  out["speed"] = t.speed;
  out["commitment"] = t.commitment;
  return out;
}

py::dict counterfactual_(const RunSetup& run, const Tensor& altered, const py::dict& keywords,
                         const py::object& progress) {
  const auto options = options_of<CounterfactualOptions>(keywords, "draw_counterfactual");
  const auto c = long_call<Counterfactual>(
      [&](const Control& control) {
        return draw_counterfactual(run.drawer(control), run.initial, run.condition, altered, run.noise, options);
      },
      progress);
  return py::dict("pictures"_a = c.pictures, "altered"_a = c.altered, "change"_a = c.change, "changed"_a = c.changed);
}

py::dict noise_sobol_(const RunSetup& run, py::object scores, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<NoiseSobolOptions>(keywords, "noise_sobol");
  const ScorePictures score = picture_function(std::move(scores), "scores");
  const auto s = long_call<NoiseSobol>(
      [&](const Control& control) {
        return noise_sobol(run.drawer(control), score, run.initial, run.condition, run.noise,
                           static_cast<int64_t>(run.sigmas.size()) - 1, options, control);
      },
      progress);
  return py::dict("first_steps"_a = s.first_steps, "first"_a = s.indices.first, "total"_a = s.indices.total,
                  "first_error"_a = s.indices.first_error, "total_error"_a = s.indices.total_error);
}

py::dict noise_tiles_(const RunSetup& run, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<NoiseTilesOptions>(keywords, "noise_tiles");
  const auto t = long_call<NoiseTiles>(
      [&](const Control& control) {
        return noise_tiles(run.drawer(control), run.initial, run.condition, run.noise, options, control);
      },
      progress);
  return py::dict("pictures"_a = t.pictures, "effect"_a = t.effect, "importance"_a = t.importance(),
                  "locality"_a = t.locality());
}

py::dict guidance_sweep_(const RunSetup& run, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<GuidanceSweepOptions>(keywords, "guidance_sweep");
  const auto at_scale = [&](double scale) {
    GuidanceOptions guidance = run.guidance;
    guidance.scale = scale;
    return run.predictor(guidance);
  };
  const auto s = long_call<GuidanceSweep>(
      [&](const Control& control) {
        return guidance_sweep({at_scale, run.start(), run.sigmas, run.sampler, run.noise}, options, control);
      },
      progress);
  return py::dict("scales"_a = s.scales, "gain"_a = s.gain, "reference"_a = s.reference);
}

py::dict transplant_blocks_(const RunSetup& run, py::object find, const Tensor& donors, const py::dict& keywords,
                            const py::object& progress) {
  const auto options = options_of<TransplantOptions>(keywords, "transplant_blocks");
  const FindObject objects = mask_function(std::move(find), "find");
  const auto t = long_call<Transplant>(
      [&](const Control& control) {
        return transplant_blocks(run.drawer(control), objects, donors, run.initial, run.condition, run.noise, options);
      },
      progress);
  return py::dict("before"_a = t.before, "after"_a = t.after, "control"_a = t.control, "eligible"_a = t.eligible(),
                  "moved"_a = t.moved(), "moved_by_control"_a = t.moved_by_control());
}

py::dict test_predictions_(const RunSetup& run, uint64_t seed, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<PredictionTestOptions>(keywords, "test_predictions");
  TrajectoryRecorder recorder({.denoised = false, .conditional = false, .unconditional = false});
  const auto t = long_call<PredictionTests>(
      [&](const Control& control) {
        run.draw(recorder.observer(), control);
        return test_predictions(run.denoiser, recorder.steps(), run.condition, options, Random(seed));
      },
      progress);
  std::vector<double> log_snrs;
  for (const SamplerStep& step : recorder.steps()) log_snrs.push_back(log_snr_of(step.sigma));
  return py::dict("names"_a = t.names, "log_snrs"_a = log_snrs, "z"_a = t.z, "p"_a = t.p,
                  "corrected"_a = t.corrected);
}

/// Scores [S, B, V] of the clean estimates of every step.
Tensor word_scores_(const RunSetup& run, py::object reader, const py::object& progress) {
  WordTrace trace(picture_function(std::move(reader), "reader"));
  run_long([&](const Control& control) { run.draw(trace.observer(), control); }, progress);
  return trace.scores();
}

Tensor attribute_grid_(const RunSetup& run, py::object scores, const Tensor& conditions, const py::object& progress) {
  const ScorePictures score = picture_function(std::move(scores), "scores");
  return long_call<Tensor>(
      [&](const Control& control) {
        return attribute_grid(run.drawer(control), score, run.initial, conditions, run.noise, control);
      },
      progress);
}

py::dict rewind_(const RunSetup& run, int64_t step, const std::optional<Tensor>& condition,
                 const std::optional<double>& scale, const std::optional<std::vector<int64_t>>& block,
                 const std::optional<uint64_t>& remaining_noise, uint64_t block_seed, const py::object& progress) {
  Alteration alteration{.step = step, .condition = condition.value_or(Tensor()), .scale = scale};
  if (block) {
    if (block->size() != 4) throw ValueError("[rewind] expected a block (top, left, height, width)");
    alteration.block = NoiseBlock{(*block)[0], (*block)[1], (*block)[2], (*block)[3], Random(block_seed)};
  }
  if (remaining_noise) alteration.remaining_noise = Random(*remaining_noise);
  TrajectoryRecorder recorder({});
  const auto r = long_call<Rewound>(
      [&](const Control& control) {
        run.draw(recorder.observer(), control);
        return rewind({run.denoiser, run.condition, run.null_condition, run.guidance, run.sampler, run.noise,
                       recorder.steps()},
                      alteration, control);
      },
      progress);
  return py::dict("unaltered"_a = r.unaltered, "altered"_a = r.altered, "change"_a = r.change,
                  "divergence"_a = r.divergence);
}

}  // namespace

void bind_explain_runs(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<GuidanceWindowOptions>(table, "attribute_to_windows");
  add_options<CounterfactualOptions>(table, "draw_counterfactual");
  add_options<NoiseSobolOptions>(table, "noise_sobol");
  add_options<NoiseTilesOptions>(table, "noise_tiles");
  add_options<GuidanceSweepOptions>(table, "guidance_sweep");
  add_options<TransplantOptions>(table, "transplant_blocks");
  add_options<PredictionTestOptions>(table, "test_predictions");

  py::class_<RunSetup>(m, "SamplingRun")
      .def(py::init(&setup_of))
      .def_readonly("initial", &RunSetup::initial)
      .def_readonly("sigmas", &RunSetup::sigmas)
      .def("draw",
           [](const RunSetup& run, const py::object& progress) {
             return long_call<Tensor>([&](const Control& control) { return run.draw({}, control); }, progress);
           })
      .def("guidance_information", guidance_information_)
      .def("guidance_anatomy", guidance_anatomy_)
      .def("attribute_to_windows", attribute_to_windows_)
      .def("trajectory_geometry", trajectory_)
      .def("draw_counterfactual", counterfactual_)
      .def("noise_sobol", noise_sobol_)
      .def("noise_tiles", noise_tiles_)
      .def("guidance_sweep", guidance_sweep_)
      .def("transplant_blocks", transplant_blocks_)
      .def("test_predictions", test_predictions_)
      .def("word_scores", word_scores_)
      .def("attribute_grid", attribute_grid_)
      .def("rewind", rewind_);
}

}  // namespace noisescope::python
