// Methods that read tensors alone: noise, grids of attributes, scores and statistics of runs.
#include "noisescope/clip/clip_model.h"
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/explain/noise_sobol.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/explain/smooth_deficit.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "noisescope/stats/multiple_testing.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

py::object read_out_(const Tensor& scores, const std::vector<std::pair<std::string, Tensor>>& nulls, uint64_t seed,
                     const py::dict& keywords) {
  std::vector<NullTrajectories> runs;
  for (const auto& [name, null_scores] : nulls) runs.push_back({name, null_scores});
  return answer(read_out(scores, runs, options_of<ReadOutOptions>(keywords, "read_out"), Random(seed)));
}

double u_turn_half_point(const std::vector<double>& log_snrs, const Tensor& kept, int64_t factor, double chance) {
  return UTurns{log_snrs, kept, {}}.half_point(factor, chance);
}

Tensor share_of_change(const Tensor& change, const Tensor& region) {
  return Counterfactual{{}, {}, change, {}}.share_in(region);
}

}  // namespace

void bind_tensors(py::module_& m) {
  add_options<ReadOutOptions>(m, "read_out", "ReadOutOptions");
  add_options<SmoothDeficitOptions>(m, "smooth_deficit", "SmoothDeficitOptions");
  add_answer<NoiseTests>(m, "NoiseTests");
  add_answer<NoiseStatistics>(m, "NoiseStatistics");
  add_answer<VarianceShares>(m, "VarianceShares");
  add_answer<SobolIndices>(m, "SobolIndices");
  add_answer<ReadOut>(m, "ReadOut");
  add_answer<SmoothDeficit>(m, "SmoothDeficit");
  add_answer<LinearGuidance::Parts>(m, "GuidanceParts");

  m.def("test_noise", [](const Tensor& noise) { return answer(test_noise(noise)); });
  m.def("noise_statistics", [](const Tensor& noise) { return answer(noise_statistics(noise)); });
  m.def("compare_statistics",
        [](const Tensor& statistics, const std::vector<std::string>& names, int64_t permutations, uint64_t seed) {
          return answer(compare_statistics(statistics, names, permutations, Random(seed)));
        });
  m.def("seed_shares", [](const Tensor& grid) { return answer(seed_shares(grid)); });
  m.def("sobol_indices",
        [](const Tensor& a, const Tensor& b, const Tensor& mixed) { return answer(sobol_indices(a, b, mixed)); });
  m.def("speciation_log_snr", &speciation_log_snr);
  m.def("read_out", read_out_);
  m.def("clip_reader", &clip_reader);
  m.def("smooth_deficit", [](const Tensor& noise, const Tensor& pictures, const py::dict& keywords) {
    return answer(smooth_deficit(noise, pictures, options_of<SmoothDeficitOptions>(keywords, "smooth_deficit")));
  });
  m.def("reconstruction_error", &reconstruction_error);
  m.def("inversion_stability", &inversion_stability);
  m.def("holm", &holm);
  m.def("benjamini_hochberg", &benjamini_hochberg);
  m.def("tile_cover", &tile_cover);
  m.def("u_turn_half_point", u_turn_half_point);
  m.def("share_of_change", share_of_change);
  py::class_<LinearGuidance>(m, "LinearGuidance")
      .def(py::init<const Tensor&, const Tensor&>())
      .def(py::init<Tensor, Tensor, Tensor, Tensor>())
      .def("split", [](const LinearGuidance& guidance, const Tensor& x, double sigma, const Tensor& difference) {
        return answer(guidance.split(x, sigma, difference));
      });
}

}  // namespace noisescope::python
