// The processes that work on one job together: who they are, how they talk, how they end.
//
// They are started by torchrun (or anything that sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT) and talk through
// torch's own engine, c10d, over Gloo. All make the same calls in the same order. A process that fails says so to the
// others; one that dies or hangs is noticed, and the others end with a message that names it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "noisescope/core/tensor.h"

namespace noisescope::processes {

/// Another process failed, died, or cannot be reached.
struct ProcessError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where a process stands among those that were started together.
struct Place {
  int64_t rank = 0, size = 1;
  int64_t local_size = 1;  // processes on this machine
  std::string host;        // of the rendezvous
  int64_t port = 0;
  bool served = false;  // somebody else (torchrun) serves the rendezvous
  std::string attempt;  // of an elastic restart: tells the keys of one start from those of another
};

/// torchrun's environment; nothing where WORLD_SIZE is unset or 1. Throws ConfigError naming the variable that is
/// missing or wrong.
std::optional<Place> place_from_environment();

/// A transfer that is under way. `wait` before its tensors are read or written; throws ProcessError.
class Pending {
 public:
  virtual ~Pending() = default;
  virtual void wait() = 0;
};

class Group {
 public:
  virtual ~Group() = default;

  /// This process and no other.
  static std::shared_ptr<Group> alone();
  /// Waits until all have joined, at most 25 s. Throws ProcessError naming who is missing, or the port that is in use.
  static std::shared_ptr<Group> join(const Place& place);

  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;
  /// Does this process write and speak? Process 0 does.
  bool leads() const { return rank() == 0; }
  bool is_alone() const { return size() == 1; }

  /// Overwrites `tensor` with that of process 0: of the same shape and dtype everywhere, on any device.
  virtual void share_first(const Tensor& tensor) = 0;
  /// What process 0 hands over.
  virtual std::string from_first(const std::string& bytes) = 0;
  /// What each hands over, by rank; short texts.
  virtual std::vector<std::string> from_each(const std::string& text) = 0;
  /// [size, ...]: a CPU tensor of each, all of one shape and dtype.
  virtual Tensor gather(const Tensor& mine) = 0;

  /// Begins to fill `out` with `in` of each, by rank: flat float32 tensors, out.numel() = size * in.numel().
  virtual std::unique_ptr<Pending> begin_gather(Tensor out, Tensor in) = 0;
  /// Begins to deal: `in` holds in_counts[r] numbers for each process r, `out` gets out_counts[r] from each.
  virtual std::unique_ptr<Pending> begin_deal(Tensor out, Tensor in, std::vector<int64_t> out_counts,
                                              std::vector<int64_t> in_counts) = 0;

  /// Tells the others that this process ends with an error, so that theirs can name it.
  virtual void fail(const std::string& message) noexcept = 0;
  /// Ends the work together: from here on the others may end. Process 0 waits for all.
  virtual void leave() = 0;
};

/// [sum of counts, ...]: rows of all processes, in order, on the CPU; counts[r]: the rows of process r, on its own
/// device. Throws ShapeError if `mine` has others.
Tensor gather_rows(Group& group, const Tensor& mine, const std::vector<int64_t>& counts);

/// Throws ModelError, on every process, if `facts` (name and value of each line) of one process are not those of
/// process 0, naming it and what differs.
void agree(Group& group, const std::string& what, const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace noisescope::processes
