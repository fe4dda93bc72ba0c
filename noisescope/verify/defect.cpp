#include "noisescope/verify/defect.h"

#include <ATen/ops/roll.h>

#include "noisescope/core/error.h"
#include "noisescope/core/options.h"

namespace noisescope {

const std::vector<Defect>& defects() {
  static const std::vector<Defect> list = {
      {"shifted-prompt", "what the prompt adds to the estimate lands 3 pixels to the right",
       "evidence filtering", "colour map"},
      {"swapped-branches", "the full prompt and its reference change places", "information map",
       "signed total of the colour word"},
      {"overstated-prompt", "the network overstates by 1.5 what the prompt adds", "calibration",
       "kappa"},
      {"misread-noise-level", "the denoiser is told half the noise level", "evidence filtering",
       "decision curve of the colour word"},
      {"one-step-off", "the filter is shown each picture with the noise level of the next one",
       "evidence filtering", "decision curve of the colour word"},
      {"guidance-overwritten", "a run said to be at scale 1 is drawn at scale 8",
       "guidance information", "total of the phrase"},
  };
  return list;
}

void check_defect_name(const std::string& name) {
  std::vector<std::string> names;
  for (const Defect& defect : defects()) {
    if (defect.name == name) return;
    names.push_back(defect.name);
  }
  if (name.empty()) return;
  throw ValueError("[verify] expected one of the defects " + join(names) + ", got '" + name + "'");
}

namespace {

/// The null condition for each row of a batch.
Tensor repeated(const Tensor& null_condition, const Tensor& condition) {
  return null_condition.expand_as(condition);
}

}  // namespace

Denoiser shift_prompt(Denoiser denoiser, Tensor null_condition, int64_t pixels) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor null = denoiser(x, sigma, repeated(null_condition, condition));
    return null + at::roll(denoiser(x, sigma, condition) - null, {pixels}, {3});
  };
}

Denoiser amplify_prompt(Denoiser denoiser, Tensor null_condition, double factor) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    const Tensor null = denoiser(x, sigma, repeated(null_condition, condition));
    return null + factor * (denoiser(x, sigma, condition) - null);
  };
}

Denoiser misread_noise_level(Denoiser denoiser, double factor) {
  return [=](const Tensor& x, const Tensor& sigma, const Tensor& condition) {
    return denoiser(x, factor * sigma, condition);
  };
}

}  // namespace noisescope
