#include "noisescope/explain/metric/faithfulness.h"
#include "noisescope/explain/metric/localisation.h"
#include "noisescope/explain/metric/removal.h"
#include "noisescope/explain/metric/robustness.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// "noise", a number, or (denoiser, null condition [B, D]): how pixels are taken out.
Removal removal_of(const py::object& removal, uint64_t seed, int64_t pictures) {
  if (py::isinstance<py::str>(removal)) {
    if (removal.cast<std::string>() == "noise") return replace_by_noise(Random(seed), sample_range(0, pictures));
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
  py::dict out;
  out["shares"] = c.shares;
  out["insertion"] = c.insertion;
  out["deletion"] = c.deletion;
  out["area_between"] = c.area_between();
  return out;
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
  py::dict out;
  out["map"] = curves(f.map);
  out["random"] = curves(f.random);
  out["edges"] = curves(f.edges);
  out["constant"] = curves(f.constant);
  return out;
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
  py::dict out;
  out["max"] = s.max;
  out["mean"] = s.mean;
  return out;
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
}

}  // namespace noisescope::python
