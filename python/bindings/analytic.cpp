// Data whose denoiser, flow, densities and information are known in closed form.
#include "noisescope/diffusion/analytic.h"

#include "python/bindings/bindings.h"

namespace noisescope::python {

void bind_analytic(py::module_& m) {
  py::class_<GaussianData>(m, "GaussianData")
      .def(py::init([](const Tensor& mean, const Tensor& covariance, const std::optional<Tensor>& map) {
        return GaussianData(mean, covariance, map.value_or(Tensor()));
      }))
      .def("denoiser", [](const GaussianData& g) { return DenoiserHandle{g.denoiser()}; })
      .def("flow", &GaussianData::flow)
      .def("information", &GaussianData::information)
      .def("sample", [](const GaussianData& g, uint64_t seed, const std::vector<int64_t>& sample_ids,
                        const std::optional<Tensor>& y) {
        return g.sample(Random(seed), Purpose::explain, sample_ids, y.value_or(Tensor()));
      });
  py::class_<GaussianMixture>(m, "GaussianMixture")
      .def(py::init<const Tensor&, const Tensor&>())
      .def("denoiser", [](const GaussianMixture& g) { return DenoiserHandle{g.denoiser()}; })
      .def("posterior", &GaussianMixture::posterior)
      .def("log_density", &GaussianMixture::log_density);
}

}  // namespace noisescope::python
