#include "noisescope/diffusion/sampler.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/diffusion/samplers/ddim.h"
#include "noisescope/diffusion/samplers/ddpm.h"
#include "noisescope/diffusion/samplers/dpmpp_2m.h"
#include "noisescope/diffusion/samplers/dpmpp_2m_sde.h"
#include "noisescope/diffusion/samplers/euler.h"
#include "noisescope/diffusion/samplers/heun.h"

namespace noisescope::diffusion {
namespace {

using samplers::Method;
using samplers::Step;

std::unique_ptr<Method> make_method(const SamplerOptions& options) {
  check_options("diffusion.run_sampler", options);
  switch (options.solver) {
    case Solver::ddpm:
      return std::make_unique<samplers::Ddpm>(options.variance);
    case Solver::ddim:
      return std::make_unique<samplers::Ddim>(options.eta);
    case Solver::euler:
      return std::make_unique<samplers::Euler>();
    case Solver::heun:
      return std::make_unique<samplers::Heun>(options);
    case Solver::dpmpp_2m:
      return std::make_unique<samplers::Dpmpp2m>();
    case Solver::dpmpp_2m_sde:
      return std::make_unique<samplers::Dpmpp2mSde>();
  }
  throw ValueError("[diffusion.run_sampler] expected a solver, got an unknown one");
}

void check_sigmas(const std::vector<double>& sigmas) {
  const auto refuse = [](const std::string& got) {
    throw ValueError(
        "[diffusion.run_sampler] expected at least two finite noise levels, strictly "
        "decreasing and ending in 0, got " +
        got + "; sampling_sigmas() makes them");
  };
  if (sigmas.size() < 2) refuse(format_text("{} of them", sigmas.size()));
  for (size_t i = 0; i < sigmas.size(); ++i) {
    const bool falls = i == 0 || sigmas[i] < sigmas[i - 1];
    if (!std::isfinite(sigmas[i]) || !falls) {
      refuse(format_text("{} at place {}", sigmas[i], i));
    }
  }
  if (sigmas.back() != 0) refuse(format_text("{} at the end", sigmas.back()));
}

void check_state(const Tensor& x, const NoiseSource& noise, const Method& method) {
  check_shape("diffusion.run_sampler", "x", x, {-1, -1, -1, -1});
  if (!x.is_floating_point()) {
    throw ShapeError("[diffusion.run_sampler] expected x of a floating dtype, got " + describe_tensor(x));
  }
  if (method.is_stochastic() && static_cast<int64_t>(noise.sample_ids.size()) != x.size(0)) {
    throw ValueError(format_text("[diffusion.run_sampler] expected one sample id for each of {} images, got {}",
                                 x.size(0), noise.sample_ids.size()));
  }
}

/// Watches that the state stays finite. A NaN spreads, so on a GPU it is enough to look at the end, once:
/// reading each step's answer at once would make the host wait for the device.
class FiniteWatch {
 public:
  void see(const Tensor& x, int64_t index) {
    if (x.is_cpu()) return check(x.sum(), index);
    sums_.push_back(x.sum());
  }
  void finish() const {
    if (sums_.empty()) return;
    const Tensor sums = torch::stack(sums_).to(torch::kCPU);
    for (int64_t i = 0; i < sums.size(0); ++i) check(sums[i], i);
  }

 private:
  static void check(const Tensor& sum, int64_t index) {
    if (std::isfinite(sum.item<double>())) return;
    throw NumericError(
        format_text("[diffusion.run_sampler] expected finite images, "
                    "got NaN or infinity after step {} of the solver",
                    index + 1));
  }
  std::vector<Tensor> sums_;  // of states on a device
};

/// The rows of `sample_ids` of one step of NoiseSource::given.
Tensor given_noise(const Tensor& given, uint64_t step, const std::vector<int64_t>& sample_ids, torch::IntArrayRef chw) {
  const int64_t known = given.dim() == 5 ? given.size(1) : 0;
  const bool all = std::all_of(sample_ids.begin(), sample_ids.end(), [&](int64_t id) { return id >= 0 && id < known; });
  if (!all || step >= static_cast<uint64_t>(given.size(0)) || given.sizes().slice(2) != chw) {
    throw ValueError(format_text("[diffusion.NoiseSource] expected given noise for step {} of all samples, got {}",
                                 step, describe_tensor(given)));
  }
  const Tensor rows = torch::tensor(sample_ids, torch::kInt64).to(given.device());
  return given[static_cast<int64_t>(step)].index_select(0, rows);
}

}  // namespace

void describe(Describer& d, SamplerOptions& options) {
  d("solver", options.solver, "sampling algorithm");
  d("eta", options.eta, "ddim: 0 deterministic, 1 = ddpm with posterior variance", {.min = 0, .max = 1});
  d("variance", options.variance, "ddpm: posterior (beta-tilde), upper (beta) or previous (beta of the next step)");
  d("churn", options.churn, "heun: S_churn, noise added back per run; 0 = deterministic", {.min = 0});
  d("churn_sigma_min", options.churn_sigma_min, "heun: churn from this noise level ...", {.min = 0});
  d("churn_sigma_max", options.churn_sigma_max, "heun: ... up to this one", {.min = 0});
  d("churn_noise", options.churn_noise, "heun: S_noise, deviation of the noise added back", {.min = 0});
}

Tensor NoiseSource::initial(torch::IntArrayRef chw, torch::Dtype dtype) const {
  return random.normal(Purpose::initial_noise, 0, sample_ids, chw, dtype);
}

Tensor NoiseSource::step(uint64_t step, torch::IntArrayRef chw, torch::Dtype dtype) const {
  const uint64_t number = first_step + step;
  if (given.defined()) return given_noise(given, number, sample_ids, chw).to(dtype);
  const Random own = random_of_step ? random_of_step(number) : random;
  return own.normal(Purpose::step_noise, number, sample_ids, chw, dtype);
}

Tensor run_sampler(const Predictor& predict, Tensor x, const SamplerRun& run, const SamplerObserver& observer,
                   const Control& control) {
  const at::NoGradGuard no_grad;
  const auto& [sigmas, options, noise, before] = run;
  check_sigmas(sigmas);
  const std::unique_ptr<Method> method = make_method(options);
  check_state(x, noise, *method);
  if (before.denoised.defined()) method->recall(before.denoised, std::log(before.sigma / sigmas.front()));
  const auto count = static_cast<int64_t>(sigmas.size()) - 1;
  FiniteWatch watch;
  for (int64_t i = 0; i < count; ++i) {
    control.throw_if_stopped("diffusion.run_sampler");
    const auto place = static_cast<size_t>(i);
    const double sigma_after = i + 1 < count ? sigmas[place + 2] : 0;
    Step step{i, count, sigmas[place], sigmas[place + 1], sigma_after, x, Tensor(), &predict, &noise};
    method->prepare(step);
    const Prediction prediction = predict(step.x, torch::full({x.size(0)}, step.sigma, x.options()));
    if (observer) observer({i, count, step.sigma, step.sigma_next, step.x, prediction});
    step.denoised = prediction.denoised;
    x = method->advance(step);
    watch.see(x, i);
    control.report({"sample", static_cast<double>(i + 1), static_cast<double>(count), "steps", ""});
  }
  watch.finish();
  return x;
}

}  // namespace noisescope::diffusion
