#include "noisescope/processes/gradient_bucket.h"

#include <numeric>
#include <utility>

namespace noisescope::processes {

void GradientBucket::add(const Tensor& parameter) {
  slots_.push_back({parameter, numbers_});
  reached_.push_back(0);
  numbers_ += parameter.numel();
}

void GradientBucket::close(int64_t processes) {
  const int64_t length = numbers_ + static_cast<int64_t>(slots_.size());
  slice_ = (length + processes - 1) / processes;
}

void GradientBucket::forget() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = Tensor();
}

void GradientBucket::collect(int64_t part, int64_t processes) {
  const torch::NoGradGuard no_grad;
  const Tensor flat = torch::zeros({slice_ * processes}, slots_.front().parameter.options().requires_grad(false));
  for (size_t k = 0; k < slots_.size(); ++k) {
    Tensor& gradient = slots_[k].parameter.mutable_grad();
    if (!gradient.defined()) continue;
    slots_[k].in(flat).copy_(gradient);
    reached_[k] = 1;
    gradient = Tensor();
  }
  sum_.add({part, 1, flat});
}

/// Behind the gradients of the first sum, [process, slice].
void GradientBucket::write_reached(const Tensor& sum) const {
  for (size_t k = 0; k < reached_.size(); ++k) {
    const int64_t at = numbers_ + static_cast<int64_t>(k);
    sum[at / slice_][at % slice_].fill_(reached_[k]);
  }
}

void GradientBucket::send(Group& group, const std::vector<int64_t>& nodes_of) {
  if (group.is_alone()) return;
  std::vector<Tensor> sums;
  for (const TreeSum::Node& node : sum_.nodes()) sums.push_back(node.sum.view({group.size(), 1, slice_}));
  sum_ = {};
  const Tensor outgoing = torch::cat(sums, 1).to(torch::kCPU);  // [process, node, slice]
  write_reached(outgoing.select(1, 0));
  std::vector<int64_t> in_counts, out_counts;
  for (const int64_t nodes : nodes_of) {
    in_counts.push_back(static_cast<int64_t>(sums.size()) * slice_);
    out_counts.push_back(nodes * slice_);
  }
  incoming_ = torch::empty({std::accumulate(out_counts.begin(), out_counts.end(), int64_t{0})}, outgoing.options());
  pending_ = group.begin_deal(incoming_, outgoing.flatten(), out_counts, in_counts);
}

void GradientBucket::add_up(Group& group, const std::vector<Stretch>& nodes) {
  if (group.is_alone()) {
    total_ = sum_.take();
    return;
  }
  pending_->wait();
  for (size_t k = 0; k < nodes.size(); ++k) {
    const Tensor slice = incoming_.narrow(0, static_cast<int64_t>(k) * slice_, slice_);
    sum_.add({nodes[k].first, nodes[k].count(), slice});
  }
  total_ = torch::empty({group.size() * slice_}, incoming_.options());
  pending_ = group.begin_gather(total_, sum_.take());
}

void GradientBucket::hand_out(const Group& group) {
  if (!group.is_alone()) {
    pending_->wait();
    const Tensor reached = total_.narrow(0, numbers_, static_cast<int64_t>(slots_.size()));
    for (size_t k = 0; k < slots_.size(); ++k) reached_[k] = reached[static_cast<int64_t>(k)].item<float>();
  }
  for (size_t k = 0; k < slots_.size(); ++k) {
    if (std::exchange(reached_[k], 0) == 0) continue;
    slots_[k].parameter.mutable_grad() = slots_[k].in(total_).to(slots_[k].parameter.device());
  }
}

}  // namespace noisescope::processes
