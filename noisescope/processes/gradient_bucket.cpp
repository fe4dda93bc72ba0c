#include "noisescope/processes/gradient_bucket.h"

#include <numeric>

namespace noisescope::processes {

void GradientBucket::add(const Tensor& parameter) {
  slots_.push_back({parameter, numbers_});
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
  const auto options = torch::TensorOptions(slots_.front().parameter.dtype()).device(torch::kCPU);
  const Tensor flat = torch::zeros({slice_ * processes}, options);
  const Tensor reached = flat.narrow(0, numbers_, static_cast<int64_t>(slots_.size()));
  for (size_t k = 0; k < slots_.size(); ++k) {
    Tensor& gradient = slots_[k].parameter.mutable_grad();
    if (!gradient.defined()) continue;
    slots_[k].in(flat).copy_(gradient);
    reached[static_cast<int64_t>(k)].fill_(1);
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
  if (!group.is_alone()) pending_->wait();
  const Tensor reached = total_.narrow(0, numbers_, static_cast<int64_t>(slots_.size()));
  for (size_t k = 0; k < slots_.size(); ++k) {
    if (reached[static_cast<int64_t>(k)].item<double>() == 0) continue;
    slots_[k].parameter.mutable_grad() = slots_[k].in(total_).to(slots_[k].parameter.device());
  }
}

}  // namespace noisescope::processes
