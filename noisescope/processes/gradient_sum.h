// Gradients of the parts of one update, summed over parts and processes in one fixed order.
#pragma once

#include <memory>
#include <vector>

#include "noisescope/processes/group.h"
#include "noisescope/processes/tree_sum.h"

namespace noisescope::processes {

/// An update's images are cut into `parts`; each process runs backward passes for its own (`own()`), one after the
/// other, between `begin_part` and `end_part`. `finish` leaves in every process the sum over all parts in `.grad`,
/// summed along one tree (tree_sum.h): the same bits however many processes share the parts. Parameters are dealt into
/// buckets in the order in which backward passes reach them (last first); a bucket is sent off while the pass goes on,
/// its sum is made where its slice belongs and sent back (reduce-scatter and all-gather: 2 (N - 1) / N times the
/// parameters a process and update, if parts are a power of 2).
///
/// Each process sums on the parameters' device, and what it sends passes through the CPU; one process alone waits for
/// no device.
class GradientSum {
 public:
  /// Parameters of one floating-point dtype. Throws ValueError for fewer parts than processes.
  GradientSum(std::shared_ptr<Group> group, std::vector<Tensor> parameters, int64_t parts);
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  /// The parts that this process runs.
  Stretch own() const;

  /// Forgets gradients; the next backward pass is that of this part.
  void begin_part(int64_t part);
  void end_part();
  /// Throws ProcessError if another process is lost; gradients are then undefined.
  void finish();

 private:
  class Buckets;
  std::unique_ptr<Buckets> buckets_;
  std::vector<Tensor> only_;  // where there is one part: its gradients are the sum
};

}  // namespace noisescope::processes
