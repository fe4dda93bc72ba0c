#include "noisescope/explain/metric/baseline_maps.h"
#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/explain/metric/infidelity.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/metric/randomisation.h"
#include "noisescope/explain/metric/removal.h"
#include "noisescope/explain/metric/sensitivity.h"
#include "python/bindings/bindings.h"
#include "python/bindings/run_handle.h"

namespace noisescope::python {
namespace {

/// "noise", a number, or (denoiser, null condition [B, D]): how pixels are taken out.
Removal removal_of(const py::object& removal, uint64_t seed, int64_t pictures) {
  if (py::isinstance<py::str>(removal)) {
    if (removal.equal(py::str("noise"))) return replace_by_noise(Random(seed), sample_range(0, pictures));
  } else if (py::isinstance<py::float_>(removal) || py::isinstance<py::int_>(removal)) {
    return replace_by(removal.cast<double>());
  } else if (py::isinstance<py::tuple>(removal) && py::len(removal) == 2) {
    const auto pair = removal.cast<std::pair<DenoiserHandle, Tensor>>();
    return refill(pair.first.denoiser, pair.second, {}, Random(seed), sample_range(0, pictures));
  }
  throw ValueError("[removal] expected 'noise', a value, or (denoiser, condition) to refill with, got " +
                   std::string(py::str(removal)));
}

PictureScore score_of(py::object function) {
  const auto kept = keep(std::move(function));
  return [kept](const Tensor& pictures, const Tensor& sample) {
    return call_tensor(*kept, "score", {pictures, sample});
  };
}

py::dict faithfulness_(py::object score, const py::object& removal, const Tensor& pictures, const Tensor& maps,
                       uint64_t seed, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<PerturbationOptions>(keywords, "faithfulness");
  const Perturbation perturbation{pictures, score_of(std::move(score)), removal_of(removal, seed, pictures.size(0))};
  const PathNoise noise{Random(seed), sample_range(0, pictures.size(0))};
  const auto f = long_call<Faithfulness>(
      [&](const Control& control) { return faithfulness(perturbation, maps, options, noise, control); }, progress);
  return py::dict("map"_a = answer(f.map), "random"_a = answer(f.random), "edges"_a = answer(f.edges),
                  "constant"_a = answer(f.constant));
}

Tensor pixel_flipping_(py::object score, const py::object& removal, const Tensor& pictures, const Tensor& maps,
                       uint64_t seed, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<FlippingOptions>(keywords, "pixel_flipping");
  const Perturbation perturbation{pictures, score_of(std::move(score)), removal_of(removal, seed, pictures.size(0))};
  return long_call<Tensor>([&](const Control& control) { return pixel_flipping(perturbation, maps, options, control); },
                           progress);
}

py::object sensitivity_(py::object maps_of, const Tensor& pictures, double radius, int64_t draws, uint64_t seed,
                        const py::object& progress) {
  const auto kept = keep(std::move(maps_of));
  const MapsOf maps = [kept](const Tensor& x) { return call_tensor(*kept, "maps_of", {x}); };
  return ask<Sensitivity>(
      [&](const Control&) {
        return sensitivity(maps, pictures,
                           uniform_perturbations(radius, draws, pictures.sizes().slice(1), Random(seed),
                                                 sample_range(0, pictures.size(0))));
      },
      progress);
}

py::object infidelity_(py::object score, const Tensor& pictures, const Tensor& maps, const Tensor& perturbations,
                       const py::object& progress) {
  const PictureScore scores = score_of(std::move(score));
  return ask<Infidelity>([&](const Control&) { return infidelity(scores, pictures, maps, perturbations); }, progress);
}

/// maps(denoiser) of Python as maps of a network of this run.
MapsOfNetwork maps_of_network(const RunHandle& run, py::object maps) {
  const auto kept = keep(std::move(maps));
  return [&run, kept](const NetworkPtr& network) {
    const py::gil_scoped_acquire gil;
    return returned_tensor((*kept)(DenoiserHandle{run.network.with_network(network).denoiser()}), "maps");
  };
}

py::object randomise_all_(const RunHandle& run, py::object maps, int64_t shuffles, uint64_t seed,
                          const py::object& progress) {
  const MapsOfNetwork of = maps_of_network(run, std::move(maps));
  return ask<WeightRandomisation>(
      [&](const Control&) { return randomise_all(run.network.network(), of, Random(seed), shuffles); }, progress);
}

py::object randomise_cascade_(const RunHandle& run, py::object maps, uint64_t seed, const py::object& progress) {
  const MapsOfNetwork of = maps_of_network(run, std::move(maps));
  return ask<WeightRandomisation>(
      [&](const Control&) { return randomise_cascade(run.network.network(), of, Random(seed)); }, progress);
}

}  // namespace

void bind_metric(py::module_& m) {
  add_options<PerturbationOptions>(m, "faithfulness", "PerturbationOptions");
  add_options<FlippingOptions>(m, "pixel_flipping", "FlippingOptions");
  add_answer<PerturbationCurves>(m, "PerturbationCurves");
  add_answer<Sensitivity>(m, "Sensitivity");
  add_answer<Infidelity>(m, "Infidelity");
  add_answer<WeightRandomisation>(m, "WeightRandomisation");

  m.def("pointing_game", &pointing_game);
  m.def("localisation_auc", &localisation_auc);
  m.def("iou", &iou);
  m.def("best_iou", &best_iou);
  m.def("relevance_mass", &relevance_mass);
  m.def("relevance_rank", &relevance_rank);
  m.def("faithfulness", faithfulness_);
  m.def("pixel_flipping", pixel_flipping_);
  m.def("sensitivity", sensitivity_);
  m.def("infidelity", infidelity_);
  m.def("randomise_all", randomise_all_);
  m.def("randomise_cascade", randomise_cascade_);
  m.def("own_part", &own_part);
  m.def("edge_maps", &edge_maps);
  m.def("random_maps", [](int64_t height, int64_t width, const std::vector<int64_t>& sample_ids, uint64_t seed) {
    return random_maps(height, width, Random(seed), sample_ids);
  });
}

}  // namespace noisescope::python
