// Methods that read tensors alone: noise, grids of attributes, scores and statistics of runs.
#include "noisescope/clip/clip_model.h"
#include "noisescope/explain/counterfactual.h"
#include "noisescope/explain/guidance_anatomy.h"
#include "noisescope/explain/inversion.h"
#include "noisescope/stats/multiple_testing.h"
#include "noisescope/explain/noise_tests.h"
#include "noisescope/explain/noise_tiles.h"
#include "noisescope/explain/prediction_tests.h"
#include "noisescope/model/prompt_contrast.h"
#include "noisescope/explain/read_out.h"
#include "noisescope/explain/seed_share.h"
#include "noisescope/explain/smooth_deficit.h"
#include "noisescope/stats/sobol.h"
#include "noisescope/explain/speciation.h"
#include "noisescope/explain/u_turn.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

py::dict test_noise_(const Tensor& noise) {
  const NoiseTests tests = test_noise(noise);
  return py::dict("names"_a = tests.names, "p"_a = tests.p, "combined"_a = tests.combined,
                  "corrected"_a = tests.corrected);
}

py::dict seed_shares_(const Tensor& grid) {
  const VarianceShares s = seed_shares(grid);
  return py::dict("seed"_a = s.seed, "prompt"_a = s.prompt, "interaction"_a = s.interaction,
                  "seed_error"_a = s.seed_error, "prompt_error"_a = s.prompt_error,
                  "interaction_error"_a = s.interaction_error);
}

py::dict sobol_indices_(const Tensor& a, const Tensor& b, const Tensor& mixed) {
  const SobolIndices s = sobol_indices(a, b, mixed);
  return py::dict("first"_a = s.first, "total"_a = s.total, "first_error"_a = s.first_error,
                  "total_error"_a = s.total_error);
}

py::dict noise_statistics_(const Tensor& noise) {
  const NoiseStatistics s = noise_statistics(noise);
  return py::dict("names"_a = s.names, "values"_a = s.values);
}

py::dict compare_statistics_(const Tensor& statistics, const std::vector<std::string>& names, int64_t permutations,
                             uint64_t seed) {
  const PredictionTests t = compare_statistics(statistics, names, permutations, Random(seed));
  return py::dict("names"_a = t.names, "z"_a = t.z, "p"_a = t.p, "corrected"_a = t.corrected);
}

py::dict read_out_(const Tensor& scores, const std::vector<std::pair<std::string, Tensor>>& nulls, uint64_t seed,
                   const py::dict& keywords) {
  std::vector<NullRuns> runs;
  for (const auto& [name, null_scores] : nulls) runs.push_back({name, null_scores});
  const ReadOut r = read_out(scores, runs, options_of<ReadOutOptions>(keywords, "read_out"), Random(seed));
  return py::dict("nulls"_a = r.nulls, "z"_a = r.z, "difference"_a = r.difference, "half_width"_a = r.half_width,
                  "p"_a = r.p, "shown"_a = r.shown, "first_step"_a = r.first_step());
}

py::dict smooth_deficit_(const Tensor& noise, const Tensor& pictures, const py::dict& keywords) {
  const SmoothDeficit s =
      smooth_deficit(noise, pictures, options_of<SmoothDeficitOptions>(keywords, "smooth_deficit"));
  return py::dict("smooth"_a = s.smooth, "log_ratio"_a = s.log_ratio);
}

double u_turn_half_point(const std::vector<double>& log_snrs, const Tensor& kept, int64_t factor, double chance) {
  return UTurns{log_snrs, kept, {}}.half_point(factor, chance);
}

Tensor share_of_change(const Tensor& change, const Tensor& region) {
  return Counterfactual{{}, {}, change, {}}.share_in(region);
}

py::dict contrast_prompts_(const std::string& prompt, const std::string& word,
                           const std::vector<std::string>& alternatives) {
  const PromptContrast c = contrast_prompts(prompt, word, alternatives);
  return py::dict("word"_a = c.word, "values"_a = c.values, "prompts"_a = c.prompts, "own"_a = c.own,
                  "position"_a = c.position);
}

py::dict split_(const LinearGuidance& guidance, const Tensor& x, double sigma, const Tensor& difference) {
  const LinearGuidance::Parts p = guidance.split(x, sigma, difference);
  return py::dict("mean_shift"_a = p.mean_shift, "positive"_a = p.positive, "negative"_a = p.negative,
                  "residual"_a = p.residual);
}

}  // namespace

void bind_explain_tensors(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<ReadOutOptions>(table, "read_out");
  add_options<SmoothDeficitOptions>(table, "smooth_deficit");

  m.def("test_noise", test_noise_);
  m.def("noise_statistics", noise_statistics_);
  m.def("compare_statistics", compare_statistics_);
  m.def("seed_shares", seed_shares_);
  m.def("sobol_indices", sobol_indices_);
  m.def("speciation_log_snr", &speciation_log_snr);
  m.def("read_out", read_out_);
  m.def("clip_reader", &clip_reader);
  m.def("smooth_deficit", smooth_deficit_);
  m.def("reconstruction_error", &reconstruction_error);
  m.def("inversion_stability", &inversion_stability);
  m.def("holm", &holm);
  m.def("benjamini_hochberg", &benjamini_hochberg);
  m.def("tile_cover", &tile_cover);
  m.def("u_turn_half_point", u_turn_half_point);
  m.def("share_of_change", share_of_change);
  m.def("contrast_prompts", contrast_prompts_);
  m.def("words_of", &words_of);
  py::class_<LinearGuidance>(m, "LinearGuidance")
      .def(py::init<const Tensor&, const Tensor&>())
      .def(py::init<Tensor, Tensor, Tensor, Tensor>())
      .def("split", split_);
}

}  // namespace noisescope::python
