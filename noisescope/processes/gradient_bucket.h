// One flat piece of the gradients of an update, on its way between processes.
#pragma once

#include <memory>
#include <vector>

#include "noisescope/processes/group.h"
#include "noisescope/processes/tree_sum.h"

namespace noisescope::processes {

/// Some parameters, their gradients by part of the update, and where those are: taken from a pass (collect), dealt to
/// the processes that add them up (send), added up and handed round (add_up), in the parameters (hand_out).
class GradientBucket {
 public:
  void add(const Tensor& parameter);
  /// After the last parameter: how many processes share the numbers.
  void close(int64_t processes);
  int64_t numbers() const { return numbers_; }
  size_t parameters() const { return slots_.size(); }

  /// Forgets gradients of an earlier pass.
  void forget();
  /// Takes the gradients of a part that is through.
  void collect(int64_t part, int64_t processes);
  /// Deals the slices of this process's sums; nodes_of: how many sums each process has.
  void send(Group& group, const std::vector<int64_t>& nodes_of);
  /// Sums the own slice over all, whose sums are those of `nodes`, and begins to hand it round.
  void add_up(Group& group, const std::vector<Stretch>& nodes);
  /// The sums as gradients; parameters that no pass reached stay without.
  void hand_out(const Group& group);

 private:
  /// Where a parameter's gradient lies in a flat tensor: in the parameter's own memory order.
  struct Slot {
    Tensor parameter;
    int64_t offset = 0;
    Tensor in(const Tensor& flat) const { return flat.as_strided(parameter.sizes(), parameter.strides(), offset); }
  };

  void write_reached(const Tensor& sum) const;

  std::vector<Slot> slots_;
  // Whether a pass of this update reached a parameter: it may in one process and not in another, so that these numbers
  // travel behind the gradients.
  std::vector<float> reached_;
  int64_t numbers_ = 0, slice_ = 0;
  TreeSum sum_;
  Tensor incoming_, total_;
  std::unique_ptr<Pending> pending_;
};

}  // namespace noisescope::processes
