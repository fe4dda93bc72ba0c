#include "noisescope/explain/noise_transplant.h"

#include <limits>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

void check_options(const TransplantOptions& options) {
  if (options.halo_px < 0 || !(options.overlap > 0 && options.overlap <= 1)) {
    throw ValueError("[explain.transplant_blocks] expected halo_px >= 0 and overlap in (0, 1], got " +
                     std::to_string(options.halo_px) + " and " + std::to_string(options.overlap));
  }
}

/// From the first to the last true of each row, and `halo` around: [B, N] bool.
Tensor spanned(const Tensor& hits, int64_t halo) {
  const Tensor place = torch::arange(hits.size(1), hits.device()).expand_as(hits);
  const Tensor first = place.masked_fill(~hits, hits.size(1)).amin(1, true);
  const Tensor last = place.masked_fill(~hits, -1).amax(1, true);
  return (place >= first - halo) & (place <= last + halo) & (last >= 0);
}

/// |a and b| / |a or b| of each pair of masks [B, H, W]; NaN where the first is empty: no donor's object.
Tensor overlap_of(const Tensor& donor, const Tensor& mask) {
  const Tensor both = (donor & mask).sum({1, 2}).to(torch::kFloat64);
  const Tensor either = (donor | mask).sum({1, 2}).to(torch::kFloat64);
  const Tensor overlap = both / either;
  return torch::where(donor.flatten(1).any(1), overlap,
                      torch::full_like(overlap, std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace

void describe(Describer& d, TransplantOptions& options) {
  d("halo_px", options.halo_px, "pixels of noise around the object that go with it",
    {.min = 0, .max = 4096});
  d("overlap", options.overlap, "IoU from which the object counts as being there",
    {.min = 1e-6, .max = 1});
}

Tensor bounding_blocks(const Tensor& masks, int64_t halo_px) {
  check_shape("explain.bounding_blocks", "masks", masks, {-1, -1, -1});
  return spanned(masks.any(2), halo_px).unsqueeze(2) & spanned(masks.any(1), halo_px).unsqueeze(1);
}

Transplant transplant_blocks(const DrawPictures& draw, const FindObject& find, const Tensor& donors,
                             const Tensor& recipients, const Tensor& condition,
                             const NoiseSource& noise, const TransplantOptions& options) {
  const torch::NoGradGuard no_grad;
  check_options(options);
  const auto count = static_cast<int64_t>(noise.sample_ids.size());
  check_shape("explain.transplant_blocks", "donors", donors, {count, -1, -1, -1});
  check_shape("explain.transplant_blocks", "recipients", recipients,
              {count, donors.size(1), donors.size(2), donors.size(3)});
  const auto objects = [&](const Tensor& initial) {
    return find(draw(initial, condition, noise)).to(torch::kCPU);
  };
  const Random anew(noise.random.seed() ^ name_hash("noise_transplant"));
  const Tensor fresh = anew.normal(Purpose::explain, 0, noise.sample_ids, donors.sizes().slice(1),
                                   donors.scalar_type()).to(donors.device());
  const Tensor donor = objects(donors);
  const Tensor block =
      bounding_blocks(donor, options.halo_px).unsqueeze(1).to(donors.device());
  const auto with_block = [&](const Tensor& source) {
    return overlap_of(donor, objects(torch::where(block, source, recipients)));
  };
  return {overlap_of(donor, objects(recipients)), with_block(donors), with_block(fresh),
          options.overlap};
}

}  // namespace noisescope
