// The methods, by their ids: of pictures first, then those of a trajectory, which read its steps or draw it again.
#include "noisescope/explain/methods.h"

#include "noisescope/diffusion/process.h"
#include "noisescope/explain/calibration.h"
#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/decision_windows.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/guidance_information.h"
#include "noisescope/explain/guidance_sweep.h"
#include "noisescope/explain/guidance_windows.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/noise_bands.h"
#include "noisescope/explain/noise_sobol.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/noise_transplant.h"
#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/explain/rewind.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/explain/spectral_emergence.h"
#include "noisescope/explain/trajectory_geometry.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/report/explain_report.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// The predictor of inversions: the condition alone, unclamped, since a clamped step has no inverse.
Predictor plain(const DenoiserHandle& denoiser, const Tensor& condition) {
  return guide(denoiser.denoiser, condition, condition, {.scale = 1, .clamp = 0});
}

/// Given pictures as a trajectory of one recorded step, for methods that ask a trajectory for its pictures.
Trajectory recorded(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& condition,
                    const PathNoise& noise) {
  SamplerStep step{.index = 0, .count = 1, .sigma = 1, .sigma_next = 0, .x = pictures, .prediction = {}};
  step.prediction.denoised = pictures;
  return {
      {denoiser.denoiser, {1, 0}, {}, {}}, {condition, condition, pictures, {noise.random, noise.sample_ids}}, {step}};
}

/// A method of the table on a trajectory, or on the pictures of a recorded one.
template <class T>
py::object ask_method(const char* id, const Model& model, const Trajectory& trajectory, const std::string& prompt,
                      const std::vector<PromptContrast>& contrasts, uint64_t seed, const py::dict& keywords,
                      const py::object& progress) {
  SamplingOptions sample = model.sample;
  sample.sampler = trajectory.sampling().sampler;
  const Subject subject{model, prompt,    {}, TrajectoryOrigin::drawn, sample, trajectory,
                        {},    contrasts, {}, trajectory.count(),      seed};
  const Method& method = find_method(id);
  const ConfigNode settings = config_from_json(json_of(keywords), id);
  return ask<T>([&](const Control& control) { return method.ask(subject, settings, control).template as<T>(); },
                progress);
}

/// The model whose every prompt is these rows.
Model rows_model(const DenoiserHandle& denoiser, const Tensor& condition) {
  Model model;
  model.denoiser = denoiser.denoiser;
  model.condition = [condition](const std::vector<std::string>&) { return condition; };
  return model;
}

py::object posterior_uncertainty(const DenoiserHandle& denoiser, const Tensor& pictures, double log_snr,
                                 const Tensor& condition, const PathNoise& noise, const py::dict& keywords,
                                 const py::object& progress) {
  const auto options = options_of<UncertaintyOptions>(keywords, "posterior_uncertainty");
  return ask<UncertaintyAtLevel>(
      [&](const Control& control) {
        const double sigma = sigma_of_log_snr(log_snr);
        const Tensor eps = noise.random.normal(Purpose::explain, 0, noise.sample_ids, pictures.sizes().slice(1));
        const Tensor x = pictures + sigma * eps.to(pictures.options());
        const Tensor level = torch::full({x.size(0)}, sigma, x.options());
        const auto first = [](const Tensor& t) { return t.slice(0, 0, 1); };
        return UncertaintyAtLevel{
            log_snr, x, denoiser.denoiser(first(x), first(level), first(condition)),
            posterior_components({denoiser.denoiser, condition}, {x, level}, options, noise, control)};
      },
      progress);
}

py::list guidance_windows(const Trajectory& trajectory, const py::list& values, uint64_t seed, const py::dict& keywords,
                          const py::object& progress) {
  const auto options = options_of<GuidanceWindowOptions>(keywords, "guidance_windows");
  std::vector<PictureValue> functions;
  for (const py::handle value : values) {
    if (value.is_none()) {
      functions.push_back(likeness_to_guided);
      continue;
    }
    const auto score = picture_function(py::reinterpret_borrow<py::object>(value), "value");
    functions.push_back([score](const WindowPictures& pictures) { return score(pictures.drawn); });
  }
  const auto found = long_call<std::vector<WindowAttribution>>(
      [&](const Control& control) {
        return attribute_to_windows(trajectory, functions, options, Random(seed), control);
      },
      progress);
  py::list out;
  for (const WindowAttribution& one : found) out.append(answer(one));
  return out;
}

py::object report(const Model& model, const std::string& prompt, const std::string& out,
                  const std::optional<Tensor>& picture, const std::vector<std::string>& words,
                  const std::vector<std::string>& alternatives, const std::vector<std::string>& labels,
                  const std::vector<std::string>& methods, const py::dict& settings, int64_t pictures, int64_t paths,
                  double budget_seconds, uint64_t seed, const py::object& progress) {
  ExplainRequest request;
  request.subject = {.prompt = prompt,
                     .words = words,
                     .alternatives = alternatives,
                     .labels = labels,
                     .picture = picture.value_or(Tensor()),
                     .pictures = pictures,
                     .paths = paths,
                     .seed = seed};
  request.methods = methods;
  request.settings = config_from_json(json_of(settings, "settings"), "settings");
  request.budget_seconds = budget_seconds;
  request.out = out;
  const auto done = long_call<ExplanationReport>(
      [&](const Control& control) { return explanation_report(model, request, control); }, progress);
  return python_of(done.json);
}

void bind_of_pictures(py::module_& m) {
  using Of = DenoiserHandle;
  m.def("evidence", [](const Of& d, const Tensor& pictures, const Tensor& conditions, const Tensor& own,
                       const std::optional<Model>& model, const std::string& kind, const PathNoise& noise,
                       const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<EvidenceOptions>(keywords, "evidence");
    const StepWeight weight = model ? step_weight(model->calibration, options, kind) : StepWeight{};
    return ask<Evidence>(
        [&](const Control& c) {
          return filter_noising_paths(d.denoiser, {pictures, noise}, {conditions, own, weight}, options, c);
        },
        progress);
  });
  m.def("conditioning_locality", [](const Of& d, const Tensor& pictures, const Tensor& conditions, const Tensor& own,
                                    const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<LocalityOptions>(keywords, "conditioning_locality");
    return ask<ConditioningLocality>(
        [&](const Control& c) {
          return conditioning_locality(d.denoiser, {pictures, noise}, {conditions, own}, options, c);
        },
        progress);
  });
  m.def("information_map", [](const Of& d, const Tensor& pictures, const Tensor& condition, const Tensor& references,
                              const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<InformationOptions>(keywords, "information_map");
    return ask<InformationMaps>(
        [&](const Control& c) {
          return information_maps({d.denoiser, condition}, {pictures, noise}, references, options, c);
        },
        progress);
  });
  m.def("u_turn", [](const Of& d, const Tensor& pictures, const Tensor& condition, py::object keeps,
                     const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<UTurnOptions>(keywords, "u_turn");
    const KeepsFactors kept = picture_function(std::move(keeps), "keeps");
    return ask<UTurns>(
        [&](const Control& c) {
          return u_turns({d.denoiser, condition}, {pictures, noise}, kept, options, c);
        },
        progress);
  });
}

void bind_of_noise_levels(py::module_& m) {
  using Of = DenoiserHandle;
  m.def("posterior_uncertainty", posterior_uncertainty);
  m.def("posterior_components", [](const Of& d, const Tensor& x, const Tensor& sigma, const Tensor& condition,
                                   const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<UncertaintyOptions>(keywords, "posterior_components");
    return ask<PosteriorComponents>(
        [&](const Control& c) {
          return posterior_components({d.denoiser, condition}, {x, sigma}, options, noise, c);
        },
        progress);
  });
  m.def("spectral_emergence", [](const Of& d, const Tensor& pictures, const Tensor& condition, double log_snr_max,
                                 const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    Model model = rows_model(d, condition);
    model.log_snr_max = log_snr_max;
    return ask_method<EmergenceOfPictures>("spectral_emergence", model, recorded(d, pictures, condition, noise), "", {},
                                           noise.random.seed(), keywords, progress);
  });
  m.def("decision_windows", [](const Model& model, const Tensor& pictures, const std::string& prompt,
                               const std::vector<std::string>& words, const std::vector<std::string>& alternatives,
                               const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    const Tensor condition = model.condition({prompt}).expand({pictures.size(0), -1});
    return ask_method<DecisionWindows>(
        "decision_windows", model, recorded({model.denoiser}, pictures, condition, noise), prompt,
        contrasts_of(model, prompt, words, alternatives), noise.random.seed(), keywords, progress);
  });
}

void bind_inversions(py::module_& m) {
  using Of = DenoiserHandle;
  m.def("inversion", [](const Of& d, const Tensor& pictures, const Tensor& condition, const std::optional<Model>& model,
                        const PathNoise& noise, const py::dict& keywords, const py::object& progress) {
    Model of = rows_model(d, condition);
    if (model) std::tie(of.sample, of.schedule) = std::tie(model->sample, model->schedule);
    return ask_method<InversionOfPictures>("inversion", of, recorded(d, pictures, condition, noise), "", {},
                                           noise.random.seed(), keywords, progress);
  });
  m.def("invert_ddim", [](const Of& d, const Tensor& pictures, const Tensor& condition,
                          const std::vector<double>& sigmas, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<DdimInversionOptions>(keywords, "invert_ddim");
    return long_call<Tensor>(
        [&](const Control& c) { return invert_ddim(plain(d, condition), pictures, sigmas, options, c); }, progress);
  });
  m.def("invert_edit_friendly",
        [](const Of& d, const Tensor& pictures, const Tensor& condition, const std::vector<double>& sigmas,
           const PathNoise& noise, const py::object& progress) {
          return ask<EditFriendlyInversion>(
              [&](const Control& c) {
                return invert_edit_friendly(plain(d, condition), {pictures, noise}, sigmas, {}, c);
              },
              progress);
        });
  m.def("replay", [](const Of& d, const Tensor& condition, const std::vector<double>& sigmas, const Tensor& states,
                     const Tensor& noises, const Tensor& remainder, int64_t first_step, const py::object& progress) {
    const EditFriendlyInversion inversion{sigmas, states, noises, remainder};
    return long_call<Tensor>(
        [&](const Control& c) { return replay(plain(d, condition), inversion, first_step, {}, c); }, progress);
  });
}

void bind_of_trajectories(py::module_& m) {
  using Of = Trajectory;
  m.def("guidance_information", [](const Of& t, const std::optional<Tensor>& masks, const py::object& progress) {
    return ask<GuidanceInformation>(
        [&](const Control& c) {
          GuidanceInformationObserver watch(t.sampling().guidance, masks.value_or(Tensor()));
          for (const SamplerStep& step : t.steps(c)) watch.observe(step);
          return watch.result();
        },
        progress);
  });
  m.def("guidance_anatomy", [](const Of& t, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<GuidanceAnatomyOptions>(keywords, "guidance_anatomy");
    return ask<GuidanceAnatomy>(
        [&](const Control& c) {
          GuidanceAnatomyObserver watch(options.bands);
          for (const SamplerStep& step : t.steps(c)) watch.observe(step);
          return watch.result();
        },
        progress);
  });
  m.def("trajectory_geometry", [](const Of& t, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<TrajectoryGeometryOptions>(keywords, "trajectory_geometry");
    return ask<TrajectoryGeometry>(
        [&](const Control& c) { return trajectory_geometry(t.steps(c), t.pictures(c).cpu(), options.tolerance); },
        progress);
  });
  m.def("noise_bands", [](const Of& t, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<NoiseBandsOptions>(keywords, "noise_bands");
    return ask<NoiseBands>([&](const Control& c) { return noise_bands(t.steps(c), options.bands); }, progress);
  });
  m.def("noise_tests", [](const Of& t, const py::object& progress) {
    const Model model = rows_model({t.sampling().denoiser}, t.condition());
    return ask_method<NoiseOfTrajectory>("noise_tests", model, t, "", {}, 0, {}, progress);
  });
  m.def("prediction_tests", [](const Of& t, uint64_t seed, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<PredictionTestOptions>(keywords, "prediction_tests");
    return ask<PredictionTests>(
        [&](const Control& c) {
          return test_predictions({t.sampling().denoiser, t.condition()}, t.steps(c), options, Random(seed), c);
        },
        progress);
  });
  m.def("word_scores", [](const Of& t, py::object reader, const py::object& progress) {
    WordTrace trace(picture_function(std::move(reader), "reader"));
    const SamplerObserver watch = trace.observer();
    run_long(
        [&](const Control& c) {
          for (const SamplerStep& step : t.steps(c)) watch(step);
        },
        progress);
    return trace.scores();
  });
}

/// What draws the trajectory again, changed.
void bind_of_redraws(py::module_& m) {
  using Of = Trajectory;
  m.def("guidance_windows", guidance_windows);
  m.def("guidance_sweep", [](const Of& t, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<GuidanceSweepOptions>(keywords, "guidance_sweep");
    return ask<GuidanceSweep>([&](const Control& c) { return guidance_sweep(t, options, c); }, progress);
  });
  m.def("counterfactual", [](const Of& t, const Tensor& altered, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<CounterfactualOptions>(keywords, "counterfactual");
    return ask<Counterfactual>([&](const Control& c) { return counterfactual(t, altered, options, c); }, progress);
  });
  m.def("rewind", [](const Of& t, const Change& change, const py::object& progress) {
    return ask<Rewound>([&](const Control& c) { return rewind(t, change, c); }, progress);
  });
  m.def("noise_sobol", [](const Of& t, py::object scores, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<NoiseSobolOptions>(keywords, "noise_sobol");
    const ScorePictures score = picture_function(std::move(scores), "scores");
    return ask<NoiseSobol>([&](const Control& c) { return noise_sobol(t, score, options, c); }, progress);
  });
  m.def("attribute_grid", [](const Of& t, py::object scores, const Tensor& conditions, const py::object& progress) {
    const ScorePictures score = picture_function(std::move(scores), "scores");
    return long_call<Tensor>([&](const Control& c) { return attribute_grid(t, score, conditions, c); }, progress);
  });
  m.def("noise_tiles", [](const Of& t, const py::dict& keywords, const py::object& progress) {
    const auto options = options_of<NoiseTilesOptions>(keywords, "noise_tiles");
    return ask<NoiseTiles>([&](const Control& c) { return noise_tiles(t, options, c); }, progress);
  });
  m.def("noise_transplant",
        [](const Of& t, py::object find, const Tensor& donors, const py::dict& keywords, const py::object& progress) {
          const auto options = options_of<TransplantOptions>(keywords, "noise_transplant");
          const FindObject objects = mask_function(std::move(find), "find");
          return ask<Transplant>([&](const Control& c) { return noise_transplant(t, donors, objects, options, c); },
                                 progress);
        });
}

void add_tables(py::module_& m) {
  add_options<EvidenceOptions>(m, "evidence", "EvidenceOptions");
  add_options<InformationOptions>(m, "information_map", "InformationOptions");
  add_options<UTurnOptions>(m, "u_turn", "UTurnOptions");
  add_options<LocalityOptions>(m, "conditioning_locality", "LocalityOptions");
  add_options<UncertaintyOptions>(m, "posterior_uncertainty", "UncertaintyOptions");
  add_options<SpectralEmergenceOptions>(m, "spectral_emergence", "SpectralEmergenceOptions");
  add_options<InversionOptions>(m, "inversion", "InversionOptions");
  add_options<DdimInversionOptions>(m, "invert_ddim", "DdimInversionOptions");
  add_options<DecisionWindowsOptions>(m, "decision_windows", "DecisionWindowsOptions");
  add_options<GuidanceAnatomyOptions>(m, "guidance_anatomy", "GuidanceAnatomyOptions");
  add_options<NoiseBandsOptions>(m, "noise_bands", "NoiseBandsOptions");
  add_options<TrajectoryGeometryOptions>(m, "trajectory_geometry", "TrajectoryGeometryOptions");
  add_options<PredictionTestOptions>(m, "prediction_tests", "PredictionTestOptions");
  add_options<GuidanceWindowOptions>(m, "guidance_windows", "GuidanceWindowOptions");
  add_options<GuidanceSweepOptions>(m, "guidance_sweep", "GuidanceSweepOptions");
  add_options<CounterfactualOptions>(m, "counterfactual", "CounterfactualOptions");
  add_options<NoiseSobolOptions>(m, "noise_sobol", "NoiseSobolOptions");
  add_options<NoiseTilesOptions>(m, "noise_tiles", "NoiseTilesOptions");
  add_options<TransplantOptions>(m, "noise_transplant", "TransplantOptions");

  GuidanceInformation with_regions;
  with_regions.regions = torch::empty({0});
  NoiseOfTrajectory with_injected;
  with_injected.injected.emplace();
  add_answer<Evidence>(m, "Evidence");
  add_answer<InformationMaps>(m, "InformationMaps");
  add_answer<UTurns>(m, "UTurns");
  add_answer<ConditioningLocality>(m, "ConditioningLocality");
  add_answer<UncertaintyAtLevel>(m, "UncertaintyAtLevel");
  add_answer<PosteriorComponents>(m, "PosteriorComponents");
  add_answer<EmergenceOfPictures>(m, "EmergenceOfPictures");
  add_answer<InversionOfPictures>(m, "InversionOfPictures");
  add_answer<EditFriendlyInversion>(m, "EditFriendlyInversion");
  add_answer<DecisionWindows>(m, "DecisionWindows");
  add_answer(m, "GuidanceInformation", with_regions);
  add_answer<GuidanceAnatomy>(m, "GuidanceAnatomy");
  add_answer<NoiseBands>(m, "NoiseBands");
  add_answer<TrajectoryGeometry>(m, "TrajectoryGeometry");
  add_answer(m, "NoiseOfTrajectory", with_injected);
  add_answer<PredictionTests>(m, "PredictionTests");
  add_answer<WindowAttribution>(m, "WindowAttribution");
  add_answer<GuidanceSweep>(m, "GuidanceSweep");
  add_answer<Counterfactual>(m, "Counterfactual");
  add_answer<Rewound>(m, "Rewound");
  add_answer<NoiseSobol>(m, "NoiseSobol");
  add_answer<NoiseTiles>(m, "NoiseTiles");
  add_answer<Transplant>(m, "Transplant");
}

}  // namespace

void bind_explain(py::module_& m) {
  add_tables(m);
  py::class_<PathNoise>(m, "PathNoise").def(py::init([](uint64_t seed, const std::vector<int64_t>& sample_ids) {
    return PathNoise{Random(seed), sample_ids};
  }));
  bind_of_pictures(m);
  bind_of_noise_levels(m);
  bind_inversions(m);
  bind_of_trajectories(m);
  bind_of_redraws(m);
  m.def("report", report);
  m.def("list_methods", [] { return python_of(list_methods()); });
}

}  // namespace noisescope::python
