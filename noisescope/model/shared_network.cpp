#include "noisescope/model/shared_network.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "noisescope/io/config.h"
#include "noisescope/nn/conditional_network.h"
#include "noisescope/nn/module_state.h"
#include "noisescope/nn/tap.h"
#include "noisescope/processes/tree_sum.h"

namespace noisescope::model {
namespace {

/// A process is dealt at least so many: for fewer the matrix libraries have other kernels (below 4 on one processor,
/// below 11 on another), whose sums round otherwise than those of the whole batch.
constexpr int64_t kFewestRows = 16;

/// What process 0 asks the others for.
enum Task : int64_t { kEnd, kNetwork, kEvaluate };

/// Task, rows, width of a condition, and the shape of a picture.
constexpr int64_t kHeaderNumbers = 6;
using Header = std::array<int64_t, kHeaderNumbers>;

Header share_header(Group& group, const Header& mine = {}) {
  const Tensor numbers = torch::empty({kHeaderNumbers}, torch::kInt64);
  std::copy(mine.begin(), mine.end(), numbers.data_ptr<int64_t>());
  group.share_first(numbers);
  Header header;
  std::copy_n(numbers.const_data_ptr<int64_t>(), kHeaderNumbers, header.begin());
  return header;
}

void share_weights(Group& group, const torch::nn::Module& network) {
  for (const auto& entry : module_state(network)) group.share_first(entry.second);
}

/// What a network is asked, in one flat tensor.
struct Question {
  Tensor x, noise_label, condition;

  Tensor packed() const {
    return torch::cat({x.flatten(), noise_label.flatten(), condition.flatten()}).to(torch::kCPU);
  }
  static Question unpacked(const Tensor& flat, const Header& header) {
    const int64_t rows = header[1], width = header[2], numbers = header[3] * header[4] * header[5];
    const std::vector<Tensor> parts = flat.split_with_sizes({rows * numbers, rows, rows * width});
    return {parts[0].view({rows, header[3], header[4], header[5]}), parts[1], parts[2].view({rows, width})};
  }
  Question rows(const Stretch& range) const {
    const auto of = [&](const Tensor& tensor) { return tensor.slice(0, range.first, range.end); };
    return {of(x), of(noise_label), of(condition)};
  }
  Question on(torch::Device device) const { return {x.to(device), noise_label.to(device), condition.to(device)}; }
};

/// The answer to all rows, of which each process finds its own.
Tensor answer_together(Group& group, ConditionalNetwork& network, const Question& question, torch::Device device) {
  const int64_t rows = question.x.size(0);
  const int64_t helpers = std::clamp(rows / kFewestRows, int64_t{1}, group.size());
  std::vector<int64_t> counts(static_cast<size_t>(group.size()), 0);
  for (int64_t rank = 0; rank < helpers; ++rank)
    counts[static_cast<size_t>(rank)] = share_of(rows, rank, helpers).count();
  Tensor own = torch::empty_like(question.x.slice(0, 0, 0));
  if (group.rank() < helpers) {
    const Question mine = question.rows(share_of(rows, group.rank(), helpers)).on(device);
    own = network.forward(mine.x, mine.noise_label, mine.condition);
  }
  return gather_rows(group, own, counts);
}

bool stays_here(const Tensor& x, const Tensor& noise_label, const Tensor& condition) {
  const auto plain = [](const Tensor& tensor) { return tensor.scalar_type() == torch::kFloat32; };
  return torch::GradMode::is_enabled() || nn::detail::innermost_tap_scope != nullptr || x.size(0) < 2 * kFewestRows ||
         !plain(x) || !plain(noise_label) || !plain(condition);
}

}  // namespace

TextToImage share_network(const TextToImage& model, const std::shared_ptr<Group>& group) {
  if (group->is_alone()) return model;
  share_header(*group, {kNetwork});
  group->from_first(to_json(model.options().network).dump());
  share_weights(*group, *model.network());
  const NetworkPtr network = model.network();
  const torch::Device device = model.device();
  return model.with_forward([network, group, device](const Tensor& x, const Tensor& label, const Tensor& condition) {
    if (stays_here(x, label, condition)) return network->forward(x, label, condition);
    share_header(*group, {kEvaluate, x.size(0), condition.size(1), x.size(1), x.size(2), x.size(3)});
    const Question question{x, label, condition};
    group->share_first(question.packed());
    return answer_together(*group, *network, question, device).to(device);
  });
}

void serve_evaluations(Group& group, torch::Device device) {
  const torch::NoGradGuard no_grad;
  NetworkPtr network;
  for (Header header = share_header(group); header[0] != kEnd; header = share_header(group)) {
    if (header[0] == kNetwork) {
      UNetOptions options;
      read_options_into(config_from_json(nlohmann::json::parse(group.from_first("")), "the network of process 0"),
                        options);
      network = make_network(options);
      share_weights(group, *network);
      network->to(device);
      network->eval();
    } else {
      const int64_t numbers = header[1] * (header[3] * header[4] * header[5] + 1 + header[2]);
      const Tensor flat = torch::empty({numbers});
      group.share_first(flat);
      answer_together(group, *network, Question::unpacked(flat, header), device);
    }
  }
}

void end_evaluations(Group& group) {
  if (!group.is_alone()) share_header(group, {kEnd});
}

}  // namespace noisescope::model
