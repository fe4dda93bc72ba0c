// Blocks of the initial noise that take the object along that they lie under, on the `fine` world.
#include "noisescope/explain/noise_transplant.h"
#include "noisescope/stats/estimate_of.h"
#include "noisescope/verify/check.h"
#include "noisescope/verify/world_trajectory.h"

namespace noisescope::verify {

VerifyRows check_noise_transplant(const VerifyContext& context) {
  const WorldTrajectory runs(context, context.n(400, 160));
  const int64_t count = runs.batch.size();
  const NoiseSource donors{Random(context.options.seed + 1), sample_range(0, count)};
  const auto find = [&](const Tensor& pictures) { return context.seen(&Seams::masks, runs.left_objects(pictures)); };
  const Transplant t = noise_transplant(runs.trajectory, donors.initial(runs.trajectory.image_shape(), torch::kDouble),
                                        find, {}, context.control);
  const Tensor moved = t.moved().to(torch::kDouble), control = t.moved_by_control().to(torch::kDouble);
  const int64_t n = moved.size(0);
  const double p = sign_test_p(moved - control);
  const std::string method = "noise_transplant", subject = context.exact_fine.name;
  return {{method, subject, "object follows its block: share over that of a random block", Direction::at_least, 5,
           share_ratio(moved.sum().item<int64_t>(), n, control.sum().item<int64_t>(), n)},
          {method,
           subject,
           "object follows its block: p of a sign test",
           Direction::at_most,
           0.01,
           {p, p, p, n},
           p_value_reversal(p, 0.01)}};
}

}  // namespace noisescope::verify
