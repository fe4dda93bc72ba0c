#include "noisescope/nn/orthogonalizers.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>

#include <ATen/Parallel.h>

#include "noisescope/core/parallel.h"
#include "noisescope/nn/orthogonal_kernel.h"

namespace noisescope::nn {
namespace {

bool has_channels_last(const Tensor& tensor) {
  return tensor.dim() == 4 && tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
}

/// [O, ...] as a matrix [O, N], its columns in the order of memory: the orthogonal part does not ask for their order.
Tensor as_matrix(const Tensor& tensor) {
  return (has_channels_last(tensor) ? tensor.permute({0, 2, 3, 1}) : tensor).flatten(1);
}

/// The matrix of as_matrix(tensor) as a tensor of its shape again.
Tensor as_shaped(const Tensor& matrix, const Tensor& tensor) {
  if (!has_channels_last(tensor)) return matrix.reshape(tensor.sizes());
  return matrix.reshape(tensor.permute({0, 2, 3, 1}).sizes()).permute({0, 3, 1, 2});
}

/// Root mean square 1 / sqrt(longer side) of an orthonormal part -> rms.
double scale_of(const Tensor& matrix, double rms) {
  return rms * std::sqrt(static_cast<double>(std::max(matrix.size(0), matrix.size(1))));
}

std::vector<Tensor> by_kernel(const std::vector<Tensor>& tensors, double rms) {
  std::vector<Tensor> matrices, parts;
  for (const Tensor& tensor : tensors) {
    matrices.push_back(as_matrix(tensor).contiguous());
    parts.push_back(torch::empty_like(matrices.back()));
  }
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return matrices[a].numel() > matrices[b].numel(); });
  std::atomic<size_t> next = 0;  // largest first, to whichever thread is free
  for_each_in_parallel(at::get_num_threads(), [&](int64_t) {
    for (size_t k = next++; k < order.size(); k = next++) {
      const Tensor& matrix = matrices[order[k]];
      orthogonal_part(matrix.data_ptr<float>(), matrix.size(0), matrix.size(1),
                      static_cast<float>(scale_of(matrix, rms)), parts[order[k]].data_ptr<float>());
    }
  });
  for (size_t i = 0; i < tensors.size(); ++i) parts[i] = as_shaped(parts[i], tensors[i]);
  return parts;
}

}  // namespace

Tensor orthogonalizers(const Tensor& grams, int64_t steps) {
  check_shape("nn.orthogonalizers", "grams", grams, {-1, -1, grams.dim() == 3 ? grams.size(1) : -1});
  const Tensor square_norm = grams.diagonal(0, 1, 2).sum(-1).clamp_min(1e-19).view({-1, 1, 1});
  Tensor gram = grams / square_norm;
  Tensor product = square_norm.rsqrt();  // of all factors, which commute with each other and the Gram matrix
  for (int64_t step = 0; step < steps; ++step) {
    Tensor factor = torch::baddbmm(gram, gram, gram, MuonQuintic::cubic, MuonQuintic::quintic);
    factor.diagonal(0, 1, 2).add_(MuonQuintic::linear);
    product = step == 0 ? product * factor : torch::bmm(product, factor);
    if (step + 1 < steps) gram = torch::bmm(torch::bmm(factor, gram), factor);
  }
  return product;
}

std::vector<Tensor> orthogonal_parts_composed(const std::vector<Tensor>& tensors, double rms) {
  std::map<int64_t, std::vector<size_t>> by_shorter_side;
  std::vector<Tensor> wide, parts(tensors.size());
  for (const Tensor& tensor : tensors) {
    const Tensor matrix = as_matrix(tensor);
    wide.push_back(matrix.size(0) <= matrix.size(1) ? matrix : matrix.mT());
    by_shorter_side[wide.back().size(0)].push_back(wide.size() - 1);
  }
  for (const auto& [side, members] : by_shorter_side) {
    std::vector<Tensor> grams;
    for (const size_t i : members) grams.push_back(torch::mm(wide[i], wide[i].mT()));
    const Tensor turns = orthogonalizers(torch::stack(grams));
    for (size_t k = 0; k < members.size(); ++k) {
      const Tensor& matrix = wide[members[k]];
      const Tensor part = torch::mm(turns[static_cast<int64_t>(k)] * scale_of(matrix, rms), matrix);
      const bool tall = tensors[members[k]].size(0) != side;
      parts[members[k]] = as_shaped(tall ? part.mT() : part, tensors[members[k]]);
    }
  }
  return parts;
}

std::vector<Tensor> orthogonal_parts(const std::vector<Tensor>& tensors, double rms) {
  const auto fits = [](const Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat32; };
  const bool all_fit = std::all_of(tensors.begin(), tensors.end(), fits);
  return all_fit ? by_kernel(tensors, rms) : orthogonal_parts_composed(tensors, rms);
}

}  // namespace noisescope::nn
