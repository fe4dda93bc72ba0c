// Block transplant: is the place of an object decided by the initial noise that lies under it? The block of
// x_T under an object of one picture is pasted into the x_T of another one at the same place; does the object
// move there? (Blocks of initial noise that draw an object to them: Mao, Wang & Aizawa 2023,
// arXiv:2305.03382.) A transplanted x_T is Gaussian noise like any other: no network sees what it does not
// know.
//
// The control pastes a block of new noise of the same size at the same place: what any change there does.
#pragma once

#include <functional>

#include "noisescope/core/options.h"
#include "noisescope/diffusion/trajectory.h"

namespace noisescope::explain {

class AnswerDescriber;

struct TransplantOptions {
  int64_t halo_px = 1;   // the block is the object's bounding box and this much around it
  double overlap = 0.5;  // IoU with the donor's object from which the object counts as being there

  /// Sampler steps for `pairs` pairs.
  int64_t cost(int64_t pairs, int64_t steps) const { return 4 * pairs * steps; }
};
void describe(Describer& d, TransplantOptions& options);

/// The pixels of the object in question in each of B pictures: bool [B, H, W], none where it is not found.
using FindObject = std::function<Tensor(const Tensor& pictures)>;

/// B pairs; IoU of the object with the donor's object, [B] float64 on the CPU.
struct Transplant {
  Tensor before;   // in the recipient as it was
  Tensor after;    // with the donor's block
  Tensor control;  // with a random block at the same place
  double overlap = 0.5;

  /// Pairs that can tell: the donor has the object and the recipient's was not there before, [B] bool.
  Tensor eligible() const { return before < overlap; }
  /// Whether the object came to the donor's place, of eligible pairs, [n] bool.
  Tensor moved() const { return after.index({eligible()}) >= overlap; }
  Tensor moved_by_control() const { return control.index({eligible()}) >= overlap; }
};

/// Pair b: the block under the object of the picture that first noise b of `donors` [B, C, H, W] gives (in
/// units of its deviation) is pasted into the first noise of picture b of `recipients`; prompts and the noise of
/// the steps are the recipients' for both. Throws ValueError for options out of range, ShapeError.
Transplant noise_transplant(const Trajectory& recipients, const Tensor& donors, const FindObject& find,
                            const TransplantOptions& options, const Control& control = {});

/// The bounding boxes of masks [B, H, W] bool with `halo_px` around them, cut at the border: [B, H, W] bool.
Tensor bounding_blocks(const Tensor& masks, int64_t halo_px);

void describe(AnswerDescriber& d, const Transplant& answer);

/// Pairs of new trajectories of the prompt; the object is the left one.
struct TransplantQuestion {
  int64_t pairs = 24;
  TransplantOptions options;
};
void describe(Describer& d, TransplantQuestion& question);

}  // namespace noisescope::explain
