#include "noisescope/processes/gradient_sum.h"

#include <utility>

#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/processes/gradient_bucket.h"

namespace noisescope::processes {
namespace {

using NodePtr = decltype(torch::autograd::impl::grad_accumulator(Tensor()));
using torch::autograd::variable_list;

constexpr int64_t kBucketNumbers = 1 << 19;  // 2 MiB of float32

}  // namespace

class GradientSum::Buckets {
 public:
  Buckets(std::shared_ptr<Group> group, std::vector<Tensor> parameters, int64_t parts)
      : group_(std::move(group)), own_(share_of(parts, group_->rank(), group_->size())) {
    for (int64_t rank = 0; rank < group_->size(); ++rank) {
      const std::vector<Stretch> nodes = tree_nodes(share_of(parts, rank, group_->size()));
      nodes_of_.push_back(static_cast<int64_t>(nodes.size()));
      nodes_.insert(nodes_.end(), nodes.begin(), nodes.end());
    }
    deal(std::move(parameters));
  }

  ~Buckets() {
    for (const auto& [node, key] : hooks_) node->del_post_hook(key);
  }

  const Stretch& own() const { return own_; }

  void begin_part(int64_t part) {
    part_ = part;
    next_ = 0;
    in_part_ = true;
    ready_.assign(buckets_.size(), 0);
    for (GradientBucket& bucket : buckets_) bucket.forget();
  }

  /// A gradient is there; passes of others (of an explanation, say) are none of ours.
  void reach(size_t bucket) {
    if (!in_part_) return;
    ++ready_[bucket];
    while (next_ < buckets_.size() && ready_[next_] == buckets_[next_].parameters()) pass_on();
  }

  void end_part() {
    while (next_ < buckets_.size()) pass_on();
    in_part_ = false;
  }

  void finish() {
    for (GradientBucket& bucket : buckets_) bucket.add_up(*group_, nodes_);
    for (GradientBucket& bucket : buckets_) bucket.hand_out(*group_);
  }

 private:
  void deal(std::vector<Tensor> parameters);
  void pass_on();

  std::shared_ptr<Group> group_;
  Stretch own_;
  std::vector<int64_t> nodes_of_;  // by process
  std::vector<Stretch> nodes_;     // of all
  std::vector<GradientBucket> buckets_;
  std::vector<std::pair<NodePtr, uintptr_t>> hooks_;
  std::vector<size_t> ready_;  // parameters whose gradient is there, by bucket
  size_t next_ = 0;            // buckets go in order, on all processes
  int64_t part_ = 0;
  bool in_part_ = false;
};

void GradientSum::Buckets::deal(std::vector<Tensor> parameters) {
  for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
    if (buckets_.empty() || buckets_.back().numbers() >= kBucketNumbers) buckets_.emplace_back();
    buckets_.back().add(*parameter);
    const NodePtr node = torch::autograd::impl::grad_accumulator(*parameter);
    const auto reached = [this, bucket = buckets_.size() - 1](const variable_list& outputs, const variable_list&) {
      reach(bucket);
      return outputs;
    };
    hooks_.emplace_back(node, node->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(reached)));
  }
  for (GradientBucket& bucket : buckets_) bucket.close(group_->size());
}

/// The next bucket is through with this part; with the last of the own parts it is sent off.
void GradientSum::Buckets::pass_on() {
  GradientBucket& bucket = buckets_[next_++];
  bucket.collect(part_, group_->size());
  if (part_ == own_.end - 1) bucket.send(*group_, nodes_of_);
}

GradientSum::GradientSum(std::shared_ptr<Group> group, std::vector<Tensor> parameters, int64_t parts) {
  if (parts < group->size()) {
    throw ValueError(format_text("[processes.GradientSum] expected at least one part for each of {} processes, got {}",
                                 group->size(), parts));
  }
  if (parts == 1) {
    only_ = std::move(parameters);
  } else {
    buckets_ = std::make_unique<Buckets>(std::move(group), std::move(parameters), parts);
  }
}

GradientSum::~GradientSum() = default;
Stretch GradientSum::own() const { return buckets_ ? buckets_->own() : Stretch{0, 1}; }

void GradientSum::begin_part(int64_t part) {
  for (Tensor& parameter : only_) parameter.mutable_grad() = Tensor();
  if (buckets_) buckets_->begin_part(part);
}

void GradientSum::end_part() {
  if (buckets_) buckets_->end_part();
}

void GradientSum::finish() {
  if (buckets_) buckets_->finish();
}

}  // namespace noisescope::processes
