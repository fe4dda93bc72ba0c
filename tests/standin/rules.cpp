#include "tests/standin/rules.h"

#include <set>
#include <string>

#include "tests/standin/counts.h"
#include "tests/standin/memory.h"

namespace noisescope::standin {
namespace {

/// "add" of "aten::add_.Tensor".
std::string base_name(const c10::OperatorHandle& op) {
  std::string name = op.operator_name().name;
  name.erase(0, name.rfind(':') + 1);
  while (name.ends_with('_')) name.pop_back();
  return name;
}

/// Operators whose CUDA kernels take a 0-dimensional CPU tensor among their arguments.
bool takes_numbers(const std::string& name) {
  static const std::set<std::string> names = {
      "add",         "sub",         "rsub",        "mul",         "div",        "floor_divide",   "remainder",
      "fmod",        "pow",         "maximum",     "minimum",     "fmax",       "fmin",           "eq",
      "ne",          "lt",          "le",          "gt",          "ge",         "logical_and",    "logical_or",
      "logical_xor", "bitwise_and", "bitwise_or",  "bitwise_xor", "atan2",      "copysign",       "hypot",
      "xlogy",       "where",       "masked_fill", "fill",        "index_fill", "_index_put_impl"};
  return names.contains(name);
}

bool is_number(const Tensor& tensor, bool operator_takes_numbers) {
  if (!tensor.is_cpu() || tensor.dim() != 0) return false;
  return operator_takes_numbers || tensor.unsafeGetTensorImpl()->is_wrapped_number();
}

/// Places in a tensor, which CUDA's kernels fetch for themselves.
bool is_host_index(const Tensor& tensor, const std::string& name) {
  return (name == "index" || name == "_index_put_impl") && tensor.is_cpu() && tensor.scalar_type() == torch::kInt64;
}

}  // namespace

void check_arguments(const c10::OperatorHandle& op, const std::vector<Tensor>& tensors) {
  TORCH_CHECK(!op.hasTag(at::Tag::nondeterministic_seeded), op.operator_name(),
              ": the stand-in device has no random numbers; draw them on the CPU, where they are addressed");
  const std::string name = base_name(op);
  const bool numbers = takes_numbers(name);
  for (const Tensor& tensor : tensors) {
    if (is_on_device(tensor) || is_number(tensor, numbers)) continue;
    if (is_host_index(tensor, name)) {
      if (name == "index") continue;  // its shape function has copied it already
      count_to_device();
      count_wait();
      continue;
    }
    TORCH_CHECK(false, op.operator_name(), ": expected all tensors to be on the same device, but found ",
                tensor.device(), " (", describe_tensor(tensor), ") beside the stand-in device");
  }
}

bool is_waited_for(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::dynamic_output_shape) || op.hasTag(at::Tag::data_dependent_output);
}

}  // namespace noisescope::standin
