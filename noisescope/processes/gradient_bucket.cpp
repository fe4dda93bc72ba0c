#include "noisescope/processes/gradient_bucket.h"

#include <numeric>
#include <utility>

namespace noisescope::processes {

void GradientBucket::add(const Tensor& parameter) {
  slots_.push_back({parameter, numbers_, false});
  numbers_ += parameter.numel();
}

void GradientBucket::close(int64_t processes) { slice_ = (numbers_ + processes - 1) / processes; }

void GradientBucket::forget() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = Tensor();
}

void GradientBucket::collect(int64_t part, int64_t processes) {
  const torch::NoGradGuard no_grad;
  const auto options = torch::TensorOptions(slots_.front().parameter.dtype()).device(torch::kCPU);
  const Tensor flat = torch::zeros({slice_ * processes}, options);
  for (Slot& slot : slots_) {
    Tensor& gradient = slot.parameter.mutable_grad();
    if (!gradient.defined()) continue;
    slot.in(flat).copy_(gradient);
    slot.reached = true;
    gradient = Tensor();
  }
  sum_.add({part, 1, flat});
}

void GradientBucket::send(Group& group, const std::vector<int64_t>& nodes_of) {
  if (group.is_alone()) return;
  std::vector<Tensor> sums;
  for (const TreeSum::Node& node : sum_.nodes()) sums.push_back(node.sum.view({group.size(), 1, slice_}));
  sum_ = {};
  const Tensor outgoing = torch::cat(sums, 1).flatten();  // [process, node, slice]
  std::vector<int64_t> in_counts, out_counts;
  for (const int64_t nodes : nodes_of) {
    in_counts.push_back(static_cast<int64_t>(sums.size()) * slice_);
    out_counts.push_back(nodes * slice_);
  }
  incoming_ = torch::empty({std::accumulate(out_counts.begin(), out_counts.end(), int64_t{0})}, outgoing.options());
  pending_ = group.begin_deal(incoming_, outgoing, out_counts, in_counts);
}

void GradientBucket::add_up(Group& group, const std::vector<Range>& nodes) {
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
  if (!group.is_alone()) pending_->wait();
  for (Slot& slot : slots_) {
    if (!std::exchange(slot.reached, false)) continue;
    slot.parameter.mutable_grad() = slot.in(total_).to(slot.parameter.device());
  }
}

}  // namespace noisescope::processes
