// Methods that take a denoiser, pictures and conditions. Every function returns a dict of the fields of the C++
// result; the package makes objects of them.
#include "noisescope/diffusion/trajectory_recorder.h"
#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/explain/spectral_emergence.h"
#include "noisescope/explain/u_turn.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

using Ids = std::optional<std::vector<int64_t>>;

constexpr EvidenceOptions kEmergenceOptions{.steps = 32};  // curves, not sums: fewer levels will do

PathNoise path_noise(uint64_t seed, const Ids& ids, const Tensor& pictures) {
  return {Random(seed), ids_or_range(ids, pictures.size(0))};
}

py::dict filter_noising_paths_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& conditions,
                               const Tensor& own, uint64_t seed, const Ids& ids, const py::dict& keywords,
                               const py::object& progress) {
  const auto options = options_of<EvidenceOptions>(keywords, "filter_noising_paths");
  const PathNoise noise = path_noise(seed, ids, pictures);
  const auto e = long_call<Evidence>(
      [&](const Control& control) {
        return filter_noising_paths(denoiser.denoiser, pictures, {conditions, own}, options, noise, control);
      },
      progress);
  return py::dict("log_snrs"_a = e.log_snrs, "log_posterior"_a = e.log_posterior, "profile"_a = e.profile,
                  "compensated"_a = e.compensated, "realised"_a = e.realised, "decision"_a = e.decision(),
                  "entropy"_a = e.entropy(), "entropy_rate"_a = e.entropy_rate(),
                  "realised_total"_a = e.realised_total(), "completeness_gap"_a = e.completeness_gap(),
                  "half_points"_a = e.half_points());
}

py::dict information_maps_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& condition,
                           const Tensor& references, uint64_t seed, const Ids& ids, const py::dict& keywords,
                           const py::object& progress) {
  const auto options = options_of<InformationOptions>(keywords, "information_maps");
  const auto i = long_call<InformationMaps>(
      [&](const Control& control) {
        return information_maps(denoiser.denoiser, pictures, condition, references, options, Random(seed),
                                ids_or_range(ids, pictures.size(0)), control);
      },
      progress);
  return py::dict("edges"_a = i.edges, "map"_a = i.map, "signed_map"_a = i.signed_map, "profile"_a = i.profile,
                  "signed_profile"_a = i.signed_profile, "kappa"_a = i.kappa, "kappa_error"_a = i.kappa_error,
                  "total"_a = i.total(), "signed_total"_a = i.signed_total());
}

py::dict u_turns_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& condition, py::object keeps,
                  uint64_t seed, const Ids& ids, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<UTurnOptions>(keywords, "u_turns");
  const KeepsFactors kept = picture_function(std::move(keeps), "keeps");
  const auto turns = long_call<UTurns>(
      [&](const Control& control) {
        return u_turns(denoiser.denoiser, pictures, condition, kept, options, Random(seed),
                       ids_or_range(ids, pictures.size(0)), control);
      },
      progress);
  return py::dict("log_snrs"_a = turns.log_snrs, "kept"_a = turns.kept, "susceptibility"_a = turns.susceptibility,
                  "retention"_a = turns.retention());
}

py::dict conditioning_locality_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& conditions,
                                const Tensor& own, uint64_t seed, const Ids& ids, const py::dict& keywords,
                                const py::object& progress) {
  const auto options = options_of<LocalityOptions>(keywords, "conditioning_locality");
  const PathNoise noise = path_noise(seed, ids, pictures);
  const auto l = long_call<ConditioningLocality>(
      [&](const Control& control) {
        return conditioning_locality(denoiser.denoiser, pictures, {conditions, own}, options, noise, control);
      },
      progress);
  return py::dict("log_snrs"_a = l.log_snrs, "squared_change"_a = l.squared_change, "change"_a = l.change,
                  "p"_a = l.p, "corrected"_a = l.corrected, "dependent"_a = l.dependent);
}

py::dict posterior_components_(const DenoiserHandle& denoiser, const Tensor& x, const Tensor& sigma,
                               const Tensor& condition, uint64_t seed, const Ids& ids, const py::dict& keywords,
                               const py::object& progress) {
  const auto options = options_of<UncertaintyOptions>(keywords, "posterior_components");
  const auto c = long_call<PosteriorComponents>(
      [&](const Control& control) {
        return posterior_components(denoiser.denoiser, x, sigma, condition, options, Random(seed),
                                    ids_or_range(ids, x.size(0)), control);
      },
      progress);
  return py::dict("directions"_a = c.directions, "variances"_a = c.variances);
}

/// The predictor of inversions: the condition alone, unclipped, since a clipped step has no inverse.
Predictor plain(const DenoiserHandle& denoiser, const Tensor& condition) {
  return guide(denoiser.denoiser, condition, condition, {.scale = 1, .clamp = 0});
}

Tensor invert_ddim_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& condition,
                    const std::vector<double>& sigmas, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<DdimInversionOptions>(keywords, "invert_ddim");
  return long_call<Tensor>(
      [&](const Control& control) {
        return invert_ddim(plain(denoiser, condition), pictures, sigmas, options, control);
      },
      progress);
}

EditFriendlyInversion invert_edit_friendly_(const DenoiserHandle& denoiser, const Tensor& pictures,
                                            const Tensor& condition, const std::vector<double>& sigmas,
                                            uint64_t seed, const Ids& ids, const py::object& progress) {
  const PathNoise noise = path_noise(seed, ids, pictures);
  return long_call<EditFriendlyInversion>(
      [&](const Control& control) {
        return invert_edit_friendly(plain(denoiser, condition), pictures, sigmas, noise, {}, control);
      },
      progress);
}

/// Coherence of the estimates along noising paths with the pictures, and what their spectrum predicts.
py::dict spectral_emergence_(const DenoiserHandle& denoiser, const Tensor& pictures, const Tensor& condition,
                             int64_t bands, uint64_t seed, const Ids& ids, const py::dict& keywords,
                             const py::object& progress) {
  const auto options = options_of<EvidenceOptions>(keywords, "spectral_emergence", kEmergenceOptions);
  const PathNoise noise = path_noise(seed, ids, pictures);
  const Tensor spectrum = band_spectrum(pictures, bands);
  TrajectoryRecorder recorder({.x = false, .conditional = false, .unconditional = false});
  run_long(
      [&](const Control& control) {
        observe_noising_path(plain(denoiser, condition), pictures, options, noise, recorder.observer(), control);
      },
      progress);
  const SpectralEmergence s = spectral_emergence(recorder.steps(), pictures, bands);
  return py::dict("log_snrs"_a = s.log_snrs, "coherence"_a = s.coherence, "measured"_a = s.measured,
                  "predicted"_a = predicted_emergence(spectrum), "spectrum"_a = spectrum);
}

}  // namespace

void bind_explain(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<EvidenceOptions>(table, "filter_noising_paths");
  add_options<InformationOptions>(table, "information_maps");
  add_options<UTurnOptions>(table, "u_turns");
  add_options<LocalityOptions>(table, "conditioning_locality");
  add_options<UncertaintyOptions>(table, "posterior_components");
  add_options<DdimInversionOptions>(table, "invert_ddim");
  add_options<EvidenceOptions>(table, "spectral_emergence", kEmergenceOptions);

  m.def("filter_noising_paths", filter_noising_paths_);
  m.def("information_maps", information_maps_);
  m.def("u_turns", u_turns_);
  m.def("conditioning_locality", conditioning_locality_);
  m.def("posterior_components", posterior_components_);
  m.def("invert_ddim", invert_ddim_);
  py::class_<EditFriendlyInversion>(m, "EditFriendlyInversion",
                                    "S steps: sigmas [S + 1], states [S, B, C, H, W], noises [S - 1, ...], remainder.")
      .def_readonly("sigmas", &EditFriendlyInversion::sigmas)
      .def_readonly("states", &EditFriendlyInversion::states)
      .def_readonly("noises", &EditFriendlyInversion::noises)
      .def_readonly("remainder", &EditFriendlyInversion::remainder);
  m.def("invert_edit_friendly", invert_edit_friendly_);
  m.def("replay", [](const DenoiserHandle& denoiser, const Tensor& condition, const EditFriendlyInversion& inversion,
                     int64_t first_step, const py::object& progress) {
    return long_call<Tensor>(
        [&](const Control& control) {
          return replay(plain(denoiser, condition), inversion, first_step, {}, control);
        },
        progress);
  });
  m.def("spectral_emergence", spectral_emergence_);
}

}  // namespace noisescope::python
