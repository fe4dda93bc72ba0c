#include "noisescope/diffusion/guidance.h"
#include "noisescope/diffusion/precondition.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/diffusion/sampler.h"
#include "noisescope/diffusion/schedule.h"
#include "noisescope/diffusion/trajectory_recorder.h"

#include "noisescope/core/error.h"
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

/// What one step shows to a Python observer.
py::dict step_dict(const SamplerStep& step) {
  return py::dict("index"_a = step.index, "count"_a = step.count, "sigma"_a = step.sigma,
                  "sigma_next"_a = step.sigma_next, "x"_a = tensor_or_none(step.x),
                  "denoised"_a = tensor_or_none(step.prediction.denoised),
                  "conditional"_a = tensor_or_none(step.prediction.conditional),
                  "unconditional"_a = tensor_or_none(step.prediction.unconditional));
}

SamplerObserver observer_of(const py::object& function) {
  if (function.is_none()) return {};
  const auto kept = keep(function);
  return [kept](const SamplerStep& step) {
    const py::gil_scoped_acquire gil;
    (*kept)(step_dict(step));
  };
}

Tensor sample(const DenoiserHandle& denoiser, const Tensor& x, const Tensor& condition,
              const Tensor& null_condition, const std::vector<double>& sigmas, uint64_t seed,
              const std::optional<std::vector<int64_t>>& sample_ids, const std::optional<Tensor>& given,
              const py::dict& sampler, const py::dict& guidance, const py::object& observer,
              const py::object& progress) {
  const auto solver = options_of<SamplerOptions>(sampler, "sampler");
  const Predictor predict = guide(denoiser.denoiser, condition, null_condition,
                                  options_of<GuidanceOptions>(guidance, "guidance"));
  NoiseSource noise{Random(seed), ids_or_range(sample_ids, x.size(0))};
  if (given) noise.given = *given;
  const SamplerObserver watch = observer_of(observer);
  return long_call<Tensor>(
      [&](const Control& control) { return run_sampler(predict, x, sigmas, solver, noise, watch, control); }, progress);
}

py::dict schedule(const py::dict& options) {
  const Schedule table(options_of<ScheduleOptions>(options, "schedule"));
  Tensor betas = torch::empty({table.timesteps()}, torch::kFloat64), bars = torch::empty_like(betas);
  for (int64_t t = 1; t <= table.timesteps(); ++t) {
    betas[t - 1] = table.beta(t);
    bars[t - 1] = table.alpha_bar(t);
  }
  return py::dict("beta"_a = betas, "alpha_bar"_a = bars, "sigma"_a = ((1 - bars) / bars).sqrt());
}

}  // namespace

void bind_diffusion(py::module_& m) {
  py::dict table = m.attr("options");
  add_options<ScheduleOptions>(table, "schedule");
  add_options<GridOptions>(table, "sampling_sigmas");
  add_options<SamplerOptions>(table, "sampler");
  add_options<GuidanceOptions>(table, "guidance");
  add_options<PreconditionOptions>(table, "precondition");

  py::class_<DenoiserHandle>(m, "Denoiser", "D(x, sigma, condition): the estimate of x_0, [B, C, H, W]; sigma [B], "
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
  m.def("initial_noise", [](const std::vector<int64_t>& shape, uint64_t seed, int64_t first_sample) {
    if (shape.size() != 4) throw ValueError("[initial_noise] expected a shape [B, C, H, W]");
    return NoiseSource{Random(seed), sample_range(first_sample, shape[0])}.initial(
        {shape[1], shape[2], shape[3]});
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
