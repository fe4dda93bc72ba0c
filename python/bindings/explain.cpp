// Methods that take a denoiser, pictures and conditions, or tensors alone. Every function returns a dict of the
// fields of the C++ result; the package makes objects of them.
#include "noisescope/explain/conditioning_locality.h"
#include "noisescope/explain/evidence.h"
#include "noisescope/explain/information_map.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/posterior_uncertainty.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

using Ids = std::optional<std::vector<int64_t>>;

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
  py::dict out;
  out["log_snrs"] = e.log_snrs;
  out["log_posterior"] = e.log_posterior;
  out["profile"] = e.profile;
  out["compensated"] = e.compensated;
  out["realised"] = e.realised;
  out["decision"] = e.decision();
  out["entropy"] = e.entropy();
  out["entropy_rate"] = e.entropy_rate();
  out["realised_total"] = e.realised_total();
  out["completeness_gap"] = e.completeness_gap();
  out["half_points"] = e.half_points();
  return out;
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
  py::dict out;
  out["edges"] = i.edges;
  out["map"] = i.map;
  out["signed_map"] = i.signed_map;
  out["profile"] = i.profile;
  out["signed_profile"] = i.signed_profile;
  out["kappa"] = i.kappa;
  out["kappa_error"] = i.kappa_error;
  out["total"] = i.total();
  out["signed_total"] = i.signed_total();
  return out;
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
  py::dict out;
  out["log_snrs"] = turns.log_snrs;
  out["kept"] = turns.kept;
  out["susceptibility"] = turns.susceptibility;
  out["retention"] = turns.retention();
  return out;
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
  py::dict out;
  out["log_snrs"] = l.log_snrs;
  out["squared_change"] = l.squared_change;
  out["change"] = l.change;
  out["p"] = l.p;
  out["corrected"] = l.corrected;
  out["dependent"] = l.dependent;
  return out;
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
  py::dict out;
  out["directions"] = c.directions;
  out["variances"] = c.variances;
  return out;
}

/// The predictor of inversions: the condition alone, unclipped, since a clipped step has no inverse.
Predictor plain(const DenoiserHandle& denoiser, const Tensor& condition) {
  return guide(denoiser.denoiser, condition, condition, {.scale = 1, .clip = 0});
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

py::dict test_noise_(const Tensor& noise) {
  const NoiseTests tests = test_noise(noise);
  py::dict out;
  out["names"] = tests.names;
  out["p"] = tests.p;
  out["combined"] = tests.combined;
  out["corrected"] = tests.corrected;
  return out;
}

py::dict seed_shares_(const Tensor& grid) {
  const VarianceShares s = seed_shares(grid);
  py::dict out;
  out["seed"] = s.seed;
  out["prompt"] = s.prompt;
  out["interaction"] = s.interaction;
  out["seed_error"] = s.seed_error;
  out["prompt_error"] = s.prompt_error;
  out["interaction_error"] = s.interaction_error;
  return out;
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
  m.def("test_noise", test_noise_);
  m.def("seed_shares", seed_shares_);
  m.def("speciation_log_snr", &speciation_log_snr);
}

}  // namespace noisescope::python
