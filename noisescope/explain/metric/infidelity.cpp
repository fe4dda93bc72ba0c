#include "noisescope/explain/metric/infidelity.h"

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/explain/answer.h"

namespace noisescope::explain {

Infidelity infidelity(const PictureScore& score, const Tensor& pictures, const Tensor& maps,
                      const Tensor& perturbations) {
  const torch::NoGradGuard no_grad;
  const char* where = "explain.infidelity";
  check_shape(where, "pictures", pictures, {-1, -1, -1, -1});
  check_shape(where, "maps", maps, {pictures.size(0), -1, pictures.size(2), pictures.size(3)});
  check_shape(where, "perturbations", perturbations,
              {-1, pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3)});
  if (perturbations.size(0) < 1) {
    throw ValueError("[explain.infidelity] expected at least one perturbation, got none");
  }
  const Tensor sample = torch::arange(pictures.size(0), torch::dtype(torch::kInt64).device(pictures.device()));
  const auto scored = [&](const Tensor& some) { return score(some, sample).to(torch::kFloat64); };
  const Tensor whole = scored(pictures);
  std::vector<Tensor> said, done;
  for (int64_t n = 0; n < perturbations.size(0); ++n) {
    const Tensor d = perturbations[n].to(pictures.options());
    said.push_back((d * maps).sum({1, 2, 3}, false, torch::kFloat64));
    done.push_back(whole - scored(pictures - d));
  }
  const Tensor a = torch::stack(said).cpu(), b = torch::stack(done).cpu();
  const Tensor aa = a.square().mean(0), ab = (a * b).mean(0);
  const Tensor factor = torch::where(aa > 0, ab / aa, torch::zeros_like(aa));
  return {(a - b).square().mean(0), (factor * a - b).square().mean(0)};
}

void describe(AnswerDescriber& d, const Infidelity& a) {
  d("raw", a.raw, "picture", "score squared", "of the map as it is; 0 is perfect");
  d("scaled", a.scaled, "picture", "score squared", "of the map times the factor that suits its picture best");
}

}  // namespace noisescope::explain
