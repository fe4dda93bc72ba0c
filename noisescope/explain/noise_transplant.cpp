#include "noisescope/explain/noise_transplant.h"

#include <limits>

#include <ATen/core/grad_mode.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/explain/methods.h"
#include "noisescope/world/parser.h"

namespace noisescope::explain {
namespace {

void check_options(const TransplantOptions& options) {
  if (options.halo_px < 0 || !(options.overlap > 0 && options.overlap <= 1)) {
    throw ValueError(
        format_text("[explain.noise_transplant] expected halo_px >= 0 and overlap in (0, 1], got {} and {}",
                    options.halo_px, options.overlap));
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
  d("halo_px", options.halo_px, "pixels of noise around the object that go with it", {.min = 0, .max = 4096});
  d("overlap", options.overlap, "IoU from which the object counts as being there", {.min = 1e-6, .max = 1});
}

Tensor bounding_blocks(const Tensor& masks, int64_t halo_px) {
  check_shape("explain.bounding_blocks", "masks", masks, {-1, -1, -1});
  return spanned(masks.any(2), halo_px).unsqueeze(2) & spanned(masks.any(1), halo_px).unsqueeze(1);
}

Transplant noise_transplant(const Trajectory& recipients, const Tensor& donors, const FindObject& find,
                            const TransplantOptions& options, const Control& control) {
  const torch::NoGradGuard no_grad;
  check_options(options);
  const Tensor& own = recipients.initial();
  check_shape("explain.noise_transplant", "donors", donors,
              {recipients.count(), own.size(1), own.size(2), own.size(3)});
  const NoiseSource& noise = recipients.noise();
  const auto objects = [&](const Tensor& initial) {
    return find(recipients.redraw({.initial = initial}, {}, {{}, control.stop})).to(torch::kCPU);
  };
  const Random anew(noise.random.seed() ^ name_hash("noise_transplant"));
  const Tensor fresh = anew.normal(Purpose::explain, 0, noise.sample_ids, donors.sizes().slice(1), donors.scalar_type())
                           .to(donors.device());
  const Tensor donor = objects(donors);
  const Tensor block = bounding_blocks(donor, options.halo_px).unsqueeze(1).to(donors.device());
  const auto with_block = [&](const Tensor& source) {
    return overlap_of(donor, objects(torch::where(block, source, own)));
  };
  return {overlap_of(donor, objects(own)), with_block(donors), with_block(fresh), options.overlap};
}

void describe(AnswerDescriber& d, const Transplant& a) {
  d("before", a.before, "pair", "IoU",
    "of the object with the donor's, in the recipient as it was; NaN: the donor has none");
  d("after", a.after, "pair", "IoU", "with the donor's block of noise; NaN: the donor has none");
  d("control", a.control, "pair", "IoU", "with a random block at the same place; NaN: the donor has none");
  d(
      "eligible", [&] { return a.eligible(); }, "pair", "", "whether a pair can tell");
  d(
      "moved", [&] { return a.moved(); }, "eligible", "", "whether the object came to the donor's place");
  d(
      "moved_by_control", [&] { return a.moved_by_control(); }, "eligible", "", "the same with a random block");
}

void describe(Describer& d, TransplantQuestion& question) {
  d("pairs", question.pairs, "pairs of new trajectories", {.min = 1, .max = 100000});
  describe(d, question.options);
}

namespace {

/// The pixels of the left object; none where the picture cannot be read.
FindObject left_object(const World& world) {
  return [world, parser = WorldParser(world)](const Tensor& pictures) {
    std::vector<Scene> scenes;
    std::vector<bool> rejected;
    for (const ParsedScene& read : parser.parse(pictures.to(torch::kCPU))) {
      scenes.push_back(read.scene);
      rejected.push_back(read.rejected);
    }
    Tensor masks = world.object_masks(scenes).select(1, 0).clone();
    for (size_t i = 0; i < rejected.size(); ++i) {
      if (rejected[i]) masks[static_cast<int64_t>(i)].fill_(false);
    }
    return masks;
  };
}

Transplant ask_transplant(const Subject& subject, const TransplantQuestion& question, const Control& control) {
  const int64_t pairs = question.pairs;
  const Trajectory all = subject.fresh(2 * pairs);
  const Trajectory first = all.rows(sample_range(0, pairs));
  const Trajectory recipients(
      first.sampling(), {first.condition(), first.null_condition(), all.initial().slice(0, pairs), first.noise()});
  return noise_transplant(recipients, first.initial(), left_object(subject.grammar()->world()), question.options,
                          control);
}

int64_t transplant_cost(const Subject& subject, const TransplantQuestion& question) {
  const Sampling& sampling = subject.trajectory.sampling();
  return sampling.branches() * sampling.stages() * question.options.cost(question.pairs, sampling.steps());
}

}  // namespace

Method noise_transplant_method() {
  return method("noise_transplant", "Does an object follow the first noise that lies under it?",
                {.trajectory = true, .world = true}, transplant_cost, ask_transplant);
}

}  // namespace noisescope::explain
