#include "noisescope/diffusion/guidance.h"
#include "noisescope/diffusion/precondition.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/diffusion/trajectory_recorder.h"

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "python/bindings/bindings.h"

namespace noisescope::python {
namespace {

/// A Python function of (x, sigma, condition) as a denoiser; its answer must be a picture like x.
Denoiser denoiser_of(py::object function) {
  const auto kept = keep(std::move(function));
  return [kept](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor answer = call_tensor(*kept, "denoiser", {x, sigma, condition});
    if (answer.sizes() != x.sizes()) {
      throw ShapeError("[denoiser] expected an estimate like x, " + describe_tensor(x) + ", got " +
                       describe_tensor(answer) + " from the Python function");
    }
    return answer.to(x.device(), x.scalar_type());
  };
}

Network network_of(py::object function) {
  const auto kept = keep(std::move(function));
  return [kept](const Tensor& x, const Tensor& label, const Tensor& condition) {
    return call_tensor(*kept, "network", {x, label, condition});
  };
}

Tensor call_denoiser(const DenoiserHandle& self, const Tensor& x, const Tensor& sigma, const Tensor& condition) {
  check_shape("Denoiser", "x", x, {-1, -1, -1, -1});
  check_shape("Denoiser", "sigma", sigma, {x.size(0)});
  check_shape("Denoiser", "condition", condition, {x.size(0), -1});
  const py::gil_scoped_release release;
  const torch::NoGradGuard no_grad;
  return self.denoiser(x, sigma, condition);
}

Tensor sample(const DenoiserHandle& denoiser, const Tensor& x, const Tensor& condition, const Tensor& null_condition,
              const std::vector<double>& sigmas, uint64_t seed, const std::optional<std::vector<int64_t>>& sample_ids,
              const std::optional<Tensor>& given, const py::dict& sampler, const py::dict& guidance,
              const py::object& observer, const py::object& progress) {
  const auto solver = options_of<SamplerOptions>(sampler, "sampler");
  const Predictor predict =
      guide(denoiser.denoiser, condition, null_condition, options_of<GuidanceOptions>(guidance, "guidance"));
  NoiseSource noise{Random(seed), ids_or_range(sample_ids, x.size(0))};
  if (given) noise.given = *given;
  const SamplerObserver watch = observer_of(observer);
  return long_call<Tensor>(
      [&](const Control& control) {
        return run_sampler(predict, x, {sigmas, solver, noise}, watch, control);
      },
      progress);
}

struct ScheduleTables {
  Tensor beta, alpha_bar, sigma;  // [T] float64
};

void describe(AnswerDescriber& d, const ScheduleTables& a) {
  d("sigma", a.sigma, "timestep", "pixel units", "noise level sqrt((1 - alpha_bar) / alpha_bar)");
  d("beta", a.beta, "timestep", "", "variance that a step adds");
  d("alpha_bar", a.alpha_bar, "timestep", "", "share of the signal's variance");
}

py::object schedule(const py::dict& options) {
  const Schedule table(options_of<ScheduleOptions>(options, "schedule"));
  Tensor betas = torch::empty({table.timesteps()}, torch::kFloat64), bars = torch::empty_like(betas);
  for (int64_t t = 1; t <= table.timesteps(); ++t) {
    betas[t - 1] = table.beta(t);
    bars[t - 1] = table.alpha_bar(t);
  }
  return answer(ScheduleTables{betas, bars, ((1 - bars) / bars).sqrt()});
}

/// What an observer sees is its own: it cannot change the run.
py::object copy_or_none(const Tensor& tensor) { return tensor_or_none(tensor.defined() ? tensor.clone() : tensor); }

/// What long calls say on the way.
void bind_reports(py::module_& m) {
  py::class_<Progress>(m, "Progress", "One report of a long call: `done` of `total` (0: unknown) `unit`s of a `task`.")
      .def_readonly("task", &Progress::task)
      .def_readonly("done", &Progress::done)
      .def_readonly("total", &Progress::total)
      .def_readonly("unit", &Progress::unit)
      .def_readonly("detail", &Progress::detail);
  py::class_<SamplerStep>(m, "Step",
                          "One step of a sampling run, from sigma to sigma_next: x [B, C, H, W] and its clean "
                          "estimates; None where a branch was not evaluated.")
      .def_readonly("index", &SamplerStep::index)
      .def_readonly("count", &SamplerStep::count)
      .def_readonly("sigma", &SamplerStep::sigma)
      .def_readonly("sigma_next", &SamplerStep::sigma_next)
      .def_property_readonly("log_snr", [](const SamplerStep& s) { return log_snr_of(s.sigma); })
      .def_property_readonly("x", [](const SamplerStep& s) { return copy_or_none(s.x); })
      .def_property_readonly("denoised", [](const SamplerStep& s) { return copy_or_none(s.prediction.denoised); })
      .def_property_readonly("conditional", [](const SamplerStep& s) { return copy_or_none(s.prediction.conditional); })
      .def_property_readonly("unconditional",
                             [](const SamplerStep& s) { return copy_or_none(s.prediction.unconditional); });
}

}  // namespace

void bind_diffusion(py::module_& m) {
  add_options<ScheduleOptions>(m, "schedule", "ScheduleOptions");
  add_options<GridOptions>(m, "sampling_sigmas", "GridOptions");
  add_options<SamplerOptions>(m, "sampler", "SamplerOptions");
  add_options<GuidanceOptions>(m, "guidance", "GuidanceOptions");
  add_options<PreconditionOptions>(m, "precondition", "PreconditionOptions");
  add_answer<ScheduleTables>(m, "ScheduleTables");

  bind_reports(m);
  py::class_<DenoiserHandle>(m, "Denoiser",
                             "D(x, sigma, condition): the estimate of x_0, [B, C, H, W]; sigma [B], "
                             "condition [B, D].")
      .def(py::init([](py::object function) { return DenoiserHandle{denoiser_of(std::move(function))}; }))
      .def("__call__", call_denoiser, py::arg("x"), py::arg("sigma"), py::arg("condition"));
  m.def("precondition", [](py::object network, const py::dict& options) {
    return DenoiserHandle{
        precondition(network_of(std::move(network)), options_of<PreconditionOptions>(options, "precondition"))};
  });
  m.def("schedule", schedule);
  m.def("sampling_sigmas", [](const py::dict& grid, const py::dict& schedule) {
    return sampling_sigmas(options_of<GridOptions>(grid, "sampling_sigmas"),
                           options_of<ScheduleOptions>(schedule, "schedule"));
  });
  m.def("initial_noise",
        [](const std::vector<int64_t>& shape, uint64_t seed, const std::optional<std::vector<int64_t>>& sample_ids) {
          if (shape.size() != 4) throw ValueError("[initial_noise] expected a shape [B, C, H, W]");
          const NoiseSource noise{Random(seed), ids_or_range(sample_ids, shape[0])};
          if (int64_t(noise.sample_ids.size()) != shape[0]) {
            throw ValueError(
                format_text("[initial_noise] expected {} sample_ids, got {}", shape[0], noise.sample_ids.size()));
          }
          return noise.initial({shape[1], shape[2], shape[3]});
        });
  m.def("add_noise", &add_noise);
  m.def("vp_from_ve", &vp_from_ve);
  m.def("ve_from_vp", &ve_from_vp);
  m.def("noise_of", &noise_of);
  m.def("x0_from_eps", &x0_from_eps);
  m.def("v_from_x0", &v_from_x0);
  m.def("x0_from_v", &x0_from_v);
  m.def("score_from_x0", &score_from_x0);
  m.def("x0_from_score", &x0_from_score);
  m.def("sample", sample);
}

}  // namespace noisescope::python
