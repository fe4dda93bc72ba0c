#include "noisescope/studio/branch.h"

#include <algorithm>

#include "noisescope/core/format.h"
#include "noisescope/diffusion/process.h"
#include "noisescope/studio/refusal.h"

namespace noisescope::studio {
namespace {

NotThere no_branch(int64_t id) {
  return NotThere(format_text("[studio.branches] there is no branch {}; it may have been deleted", id));
}

/// Four planes of float32 a step, as Trajectory keeps them; the steps before `from` are the parent's. One that stopped
/// early holds what it drew, any other all that it has or will have.
int64_t bytes_of(const Branch& branch, int64_t numbers) {
  const bool stopped = branch.state == JobState::cancelled || branch.state == JobState::failed;
  const int64_t steps = stopped ? static_cast<int64_t>(branch.steps.size()) : branch.step_count();
  return std::max<int64_t>(0, steps - branch.from) * branch.request.pictures * numbers * 4 * 4;
}

}  // namespace

Json log_snrs_json(const std::vector<double>& sigmas) {
  Json list = Json::array();
  for (const double sigma : sigmas) list.push_back(sigma > 0 ? Json(log_snr_of(sigma)) : Json());
  return list;
}

void BranchTree::check_room(const Branch& branch) const {
  if (static_cast<int64_t>(branches_.size()) >= limits_.branches) {
    throw NotNow(format_text("[studio.branches] expected fewer than {} branches; delete some", limits_.branches));
  }
  int64_t numbers = 1;
  for (const int64_t size : limits_.image_shape) numbers *= size;
  int64_t bytes = bytes_of(branch, numbers);
  for (const auto& [id, other] : branches_) bytes += bytes_of(other, numbers);
  if (bytes > limits_.bytes) {
    throw NotNow(
        format_text("[studio.branches] expected the steps of all branches in {} MiB, got {} with this one; delete "
                    "some, or draw fewer pictures or steps",
                    limits_.bytes >> 20, bytes >> 20));
  }
}

int64_t BranchTree::add(Branch branch) {
  const std::lock_guard lock(mutex_);
  check_room(branch);
  branch.id = ++last_;
  branches_.emplace(branch.id, std::move(branch));
  return last_;
}

Branch BranchTree::of(int64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = branches_.find(id);
  if (found == branches_.end()) throw no_branch(id);
  return found->second;
}

std::vector<Branch> BranchTree::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Branch> all;
  for (const auto& [id, branch] : branches_) all.push_back(branch);
  return all;
}

bool BranchTree::update(int64_t id, const std::function<void(Branch&)>& write) {
  const std::lock_guard lock(mutex_);
  const auto found = branches_.find(id);
  if (found == branches_.end()) return false;
  write(found->second);
  return true;
}

std::vector<int64_t> BranchTree::remove(int64_t id) {
  const std::lock_guard lock(mutex_);
  if (!branches_.contains(id)) throw no_branch(id);
  std::vector<int64_t> gone = {id};
  for (const auto& [child, branch] : branches_) {  // children have larger ids than their parents
    if (std::find(gone.begin(), gone.end(), branch.parent) != gone.end()) gone.push_back(child);
  }
  for (const int64_t one : gone) branches_.erase(one);
  return gone;
}

}  // namespace noisescope::studio
