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

py::dict curves(const PerturbationCurves& c) {
  return py::dict("shares"_a = c.shares, "insertion"_a = c.insertion, "deletion"_a = c.deletion,
                  "area_between"_a = c.area_between());
}

py::dict faithfulness_(py::object score, const py::object& removal, const Tensor& pictures, const Tensor& maps,
                       uint64_t seed, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<PerturbationOptions>(keywords, "faithfulness");
  const PictureScore scores = score_of(std::move(score));
  const Removal remove = removal_of(removal, seed, pictures.size(0));
  const auto f = long_call<Faithfulness>(
      [&](const Control& control) {
        return faithfulness(scores, remove, pictures, maps, options, Random(seed),
                            sample_range(0, pictures.size(0)), control);
      },
      progress);
  return py::dict("map"_a = curves(f.map), "random"_a = curves(f.random), "edges"_a = curves(f.edges),
                  "constant"_a = curves(f.constant));
}

Tensor pixel_flipping_(py::object score, const py::object& removal, const Tensor& pictures, const Tensor& maps,
                       uint64_t seed, const py::dict& keywords, const py::object& progress) {
  const auto options = options_of<FlippingOptions>(keywords, "pixel_flipping");
  const PictureScore scores = score_of(std::move(score));
  const Removal remove = removal_of(removal, seed, pictures.size(0));
  return long_call<Tensor>(
      [&](const Control& control) { return pixel_flipping(scores, remove, pictures, maps, options, control); },
      progress);
}

py::dict sensitivity_(py::object maps_of, const Tensor& pictures, double radius, int64_t draws, uint64_t seed,
                      const py::object& progress) {
  const auto kept = keep(std::move(maps_of));
  const MapsOf maps = [kept](const Tensor& x) { return call_tensor(*kept, "maps_of", {x}); };
  const auto s = long_call<Sensitivity>(
      [&](const Control&) {
        return sensitivity(maps, pictures,
                           uniform_perturbations(radius, draws, pictures.sizes().slice(1), Random(seed),
                                                 sample_range(0, pictures.size(0))));
      },
      progress);
  return py::dict("max"_a = s.max, "mean"_a = s.mean);
}

py::dict infidelity_(py::object score, const Tensor& pictures, const Tensor& maps, const Tensor& perturbations,
                     const py::object& progress) {
  const PictureScore scores = score_of(std::move(score));
  const auto i = long_call<Infidelity>(
      [&](const Control&) { return infidelity(scores, pictures, maps, perturbations); }, progress);
  return py::dict("raw"_a = i.raw, "scaled"_a = i.scaled);
}

/// maps(denoiser) of Python as maps of a network of this run.
MapsOfNetwork maps_of_network(const RunHandle& run, py::object maps) {
  const auto kept = keep(std::move(maps));
  return [&run, kept](const NetworkPtr& network) {
    const py::gil_scoped_acquire gil;
    return returned_tensor((*kept)(DenoiserHandle{run.model.with_network(network).denoiser()}), "maps");
  };
}

py::dict randomised(const std::function<WeightRandomisation(const Control&)>& work, const py::object& progress) {
  const auto r = long_call<WeightRandomisation>(work, progress);
  return py::dict("layers"_a = r.layers, "correlation"_a = r.correlation, "own_correlation"_a = r.own_correlation);
}

py::dict randomise_all_(const RunHandle& run, py::object maps, int64_t shuffles, uint64_t seed,
                        const py::object& progress) {
  const MapsOfNetwork of = maps_of_network(run, std::move(maps));
  return randomised(
      [&](const Control&) { return randomise_all(run.model.network(), of, Random(seed), shuffles); }, progress);
}

py::dict randomise_cascade_(const RunHandle& run, py::object maps, uint64_t seed, const py::object& progress) {
  const MapsOfNetwork of = maps_of_network(run, std::move(maps));
  return randomised([&](const Control&) { return randomise_cascade(run.model.network(), of, Random(seed)); },
                    progress);
}

}  // namespace

void bind_metric(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<PerturbationOptions>(table, "faithfulness");
  add_options<FlippingOptions>(table, "pixel_flipping");

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
