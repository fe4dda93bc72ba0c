// Branches: the trajectories that the page has asked for, a tree. The thread of the jobs writes what it draws, requests
// read what is there; every access is under one lock, and tensors that were handed out are never written again.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "noisescope/diffusion/trajectory.h"
#include "noisescope/studio/job_queue.h"
#include "noisescope/studio/request.h"

namespace noisescope::studio {

struct Branch {
  int64_t id = 0;
  int64_t parent = 0;  // 0: a first one
  int64_t job = 0;     // that draws it
  std::string name = {}, prompt = {}, what = {};
  DrawRequest request = {};                 // of the first branch above it, or of itself
  std::vector<ChangeRequest> changes = {};  // of the branches above it, then its own
  Json recipe = Json::array();              // the bodies that made it, the first branch's first
  int64_t from = 0;                         // its first own step
  std::vector<double> sigmas = {};          // [S + 1]
  double guidance = 1;
  JobState state = JobState::queued;
  std::string error = {};
  double seconds = 0;
  std::vector<SamplerStep> steps = {};                // drawn so far, those of the parent included
  std::shared_ptr<const Trajectory> trajectory = {};  // when done

  /// What makes it another than its parent; nullptr for a first one.
  const ChangeRequest* change() const { return changes.empty() ? nullptr : &changes.back(); }
  int64_t step_count() const { return static_cast<int64_t>(sigmas.size()) - 1; }
  /// States that can be looked at: 0 .. the number returned, less one.
  int64_t states() const { return static_cast<int64_t>(steps.size()) + (trajectory ? 1 : 0); }
};

/// log-SNR of its states, null for the finished picture.
Json log_snrs_json(const std::vector<double>& sigmas);

class BranchTree {
 public:
  explicit BranchTree(const Limits& limits) : limits_(limits) {}

  /// Gives it an id. Throws NotNow where there are too many, or the steps of all would take too many bytes.
  int64_t add(Branch branch);
  /// A copy, its tensors shared. Throws NotThere.
  Branch of(int64_t id) const;
  std::vector<Branch> all() const;
  /// Changes one under the lock; does nothing where it is gone. Returns whether it was there.
  bool update(int64_t id, const std::function<void(Branch&)>& write);
  /// With its children; the ids of all that went. Throws NotThere.
  std::vector<int64_t> remove(int64_t id);

 private:
  void check_room(const Branch& branch) const;

  Limits limits_;
  mutable std::mutex mutex_;
  std::map<int64_t, Branch> branches_;
  int64_t last_ = 0;
};

}  // namespace noisescope::studio
