#include "noisescope/core/parallel.h"

#include <ATen/TensorIterator.h>

#include "noisescope/core/tensor.h"

namespace noisescope {

void for_each_in_parallel(int64_t count, const std::function<void(int64_t)>& body) {
  if (count <= 1) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  // An iterator over the numbers themselves: the library shares its elements out among its threads.
  thread_local Tensor all;
  if (!all.defined() || all.size(0) < count) all = torch::arange(count, torch::kInt64);
  const Tensor numbers = all.narrow(0, 0, count);
  at::TensorIterator iterator = at::TensorIteratorConfig().add_output(numbers).add_const_input(numbers).build();
  iterator.for_each(
      [&](char** data, const int64_t* strides, int64_t inner, int64_t outer) {
        for (int64_t i = 0; i < inner * outer; ++i) {
          const char* number = data[1] + (i % inner) * strides[1] + (i / inner) * strides[3];
          body(*reinterpret_cast<const int64_t*>(number));
        }
      },
      /*grain_size=*/1);
}

}  // namespace noisescope
