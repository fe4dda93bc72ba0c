#include "noisescope/core/tensor.h"

#include <sstream>
#include <vector>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"

namespace noisescope {
namespace {

std::string sizes_text(const std::vector<int64_t>& sizes) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i) out << ", ";
    if (sizes[i] < 0) {
      out << "any";
    } else {
      out << sizes[i];
    }
  }
  out << ']';
  return out.str();
}

}  // namespace

std::string describe_tensor(const Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  return sizes_text(tensor.sizes().vec()) + " " + std::string(tensor.dtype().name());
}

void check_shape(const char* where, const char* name, const Tensor& tensor, std::initializer_list<int64_t> sizes) {
  bool fits = tensor.defined() && tensor.dim() == static_cast<int64_t>(sizes.size());
  int64_t axis = 0;
  for (int64_t size : sizes) {
    if (!fits) break;
    fits = size < 0 || tensor.size(axis) == size;
    ++axis;
  }
  if (fits) return;
  throw ShapeError(
      format_text("[{}] expected {} of shape {}, got {}", where, name, sizes_text(sizes), describe_tensor(tensor)));
}

void check_dtype(const char* where, const char* name, const Tensor& tensor, torch::Dtype dtype) {
  if (tensor.defined() && tensor.scalar_type() == dtype) return;
  throw ShapeError(
      format_text("[{}] expected {} of dtype {}, got {}", where, name, c10::toString(dtype), describe_tensor(tensor)));
}

Tensor per_sample(const Tensor& values, int64_t dims) {
  check_shape("core.per_sample", "values", values, {-1});
  if (dims < 1) throw ShapeError("[core.per_sample] expected samples along a first dimension, got a single number");
  std::vector<int64_t> sizes(static_cast<size_t>(dims), 1);
  sizes[0] = values.size(0);
  return values.view(sizes);
}

}  // namespace noisescope
