// The operators of the stand-in device: memory and views by torch's own functions, everything else by one fallback that
// checks, counts and computes by the CPU's kernels on the memory behind the device's addresses.
#include <vector>

#include <ATen/EmptyTensor.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_local_scalar_dense.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_as_complex_native.h>
#include <ATen/ops/view_as_real_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include "tests/standin/counts.h"
#include "tests/standin/memory.h"
#include "tests/standin/rules.h"

namespace noisescope::standin {
namespace {

using c10::IValue;
using torch::jit::Stack;

// --- The fallback.

void append_tensors(const IValue& value, std::vector<Tensor>& tensors) {
  const auto add = [&](const Tensor& tensor) {
    if (tensor.defined()) tensors.push_back(tensor);
  };
  if (value.isTensor()) {
    add(value.toTensor());
  } else if (value.isTensorList()) {
    for (const Tensor& tensor : value.toTensorVector()) add(tensor);
  } else if (value.isOptionalTensorList()) {
    for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector()) add(tensor.value_or(Tensor()));
  }
}

Tensor seen_by_kernel(const Tensor& tensor) { return is_on_device(tensor) ? host_view(tensor) : tensor; }

/// The argument as the CPU's kernel takes it.
IValue seen_by_kernel(const IValue& value) {
  if (value.isTensor()) return seen_by_kernel(value.toTensor());
  if (value.isDevice()) return c10::Device(c10::kCPU);
  if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& tensor : value.toTensorVector()) list.push_back(seen_by_kernel(tensor));
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> list;
    for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector()) {
      list.push_back(tensor ? std::optional(seen_by_kernel(*tensor)) : std::nullopt);
    }
    return list;
  }
  return value;
}

/// Views of empty parts grow, too, into the memory that they are views of.
void give_shape(const Tensor& tensor, c10::IntArrayRef sizes, std::optional<c10::MemoryFormat> format = {}) {
  if (tensor.sizes() == sizes) return;
  auto* target = tensor.unsafeGetTensorImpl();
  target->set_sizes_contiguous(sizes);
  if (format) target->empty_tensor_restride(*format);
  grow(tensor, static_cast<size_t>((tensor.storage_offset() + tensor.numel()) * tensor.element_size()));
}

/// An output that was handed in empty has its shape now.
void take_shape(const Tensor& output, const Tensor& host) {
  if (output.sizes() == host.sizes()) return;
  TORCH_CHECK(output.numel() == 0,
              "the stand-in device was given an output of the wrong size: ", describe_tensor(output), ", expected ",
              describe_tensor(host));
  give_shape(output, host.sizes());
  const at::AutoDispatchBelowADInplaceOrView guard;
  host_view(output).copy_(host);
}

/// The argument that a result is, by their common alias set; -1 for a result of its own.
int64_t argument_of(const c10::FunctionSchema& schema, const c10::Argument& result) {
  if (result.alias_info() == nullptr) return -1;
  TORCH_CHECK(result.alias_info()->isWrite(), schema.operator_name(),
              ": a view that the stand-in device does not know");
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (alias != nullptr && *alias == *result.alias_info()) return static_cast<int64_t>(i);
  }
  TORCH_CHECK(false, schema.operator_name(), ": a result that is no argument");
}

IValue on_device(const IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? adopted(value.toTensor()) : value;
  if (!value.isTensorList()) return value;
  c10::List<Tensor> list;
  for (const Tensor& tensor : value.toTensorVector()) list.push_back(adopted(tensor));
  return list;
}

void check_and_count(const c10::OperatorHandle& op, const Stack& arguments) {
  std::vector<Tensor> tensors;
  for (const IValue& value : arguments) append_tensors(value, tensors);
  check_arguments(op, tensors);
  count_launch();
  if (is_waited_for(op)) count_wait();
}

void run_on_device(const c10::OperatorHandle& op, Stack* stack) {
  const c10::FunctionSchema& schema = op.schema();
  const Stack given(stack->end() - static_cast<ptrdiff_t>(schema.arguments().size()), stack->end());
  check_and_count(op, given);
  Stack hosts;
  for (const IValue& value : given) hosts.push_back(seen_by_kernel(value));
  stack->resize(stack->size() - given.size());
  const size_t first = stack->size();
  stack->insert(stack->end(), hosts.begin(), hosts.end());
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  for (size_t i = 0; i < given.size(); ++i) {
    const c10::AliasInfo* alias = schema.arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite() && given[i].isTensor()) {
      take_shape(given[i].toTensor(), hosts[i].toTensor());
    }
  }
  for (size_t k = 0; k < schema.returns().size(); ++k) {
    const int64_t argument = argument_of(schema, schema.returns()[k]);
    IValue& result = (*stack)[first + k];
    result = argument >= 0 ? given[static_cast<size_t>(argument)] : on_device(result);
  }
}

// --- Memory and copies.

Tensor empty(c10::IntArrayRef sizes, std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
             std::optional<c10::Device>, std::optional<bool>, std::optional<c10::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &device_allocator(), device_keys(), c10::dtype_or_default(dtype), format);
}

Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides, std::optional<c10::ScalarType> dtype,
                     std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(sizes, strides, &device_allocator(), device_keys(),
                                           c10::dtype_or_default(dtype));
}

const Tensor& resize_(const Tensor& self, c10::IntArrayRef sizes, std::optional<c10::MemoryFormat> format) {
  give_shape(self, sizes, format);
  return self;  // NOLINT(bugprone-return-const-ref-from-parameter): torch's own form
}

/// The host waits for what it reads, and for what is read of it unless that is pinned and it said that it would not.
Tensor copy_from(const Tensor& source, const Tensor& target, bool non_blocking) {
  const bool from_device = is_on_device(source), on_device = is_on_device(target);
  if (from_device && on_device) {
    count_launch();
  } else {
    from_device ? count_to_host() : count_to_device();
    if (!non_blocking || !(from_device ? target : source).is_pinned()) count_wait();
  }
  const at::AutoDispatchBelowADInplaceOrView guard;
  seen_by_kernel(target).copy_(seen_by_kernel(source));
  return target;
}

c10::Scalar local_scalar(const Tensor& self) {
  count_to_host();
  count_wait();
  const at::AutoDispatchBelowADInplaceOrView guard;
  return at::_local_scalar_dense(host_view(self));
}

// --- Convolutions, which torch asks devices for by names of their own.

void check_convolution(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    TORCH_CHECK(!tensor.defined() || is_on_device(tensor),
                "convolution: expected all tensors to be on the same device, but found ", tensor.device(), " (",
                describe_tensor(tensor), ") beside the stand-in device");
  }
  count_launch();
}

Tensor convolution(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias,
                   c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
                   c10::IntArrayRef output_padding, int64_t groups) {
  const Tensor added = bias.value_or(Tensor());
  check_convolution({input, weight, added});
  const at::AutoDispatchBelowADInplaceOrView guard;
  return adopted(at::convolution(host_view(input), host_view(weight), seen_by_kernel(added), stride, padding, dilation,
                                 transposed, output_padding, groups));
}

using ThreeTensors = std::tuple<Tensor, Tensor, Tensor>;

ThreeTensors convolution_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                  c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation,
                                  bool transposed, c10::IntArrayRef output_padding, int64_t groups,
                                  std::array<bool, 3> wanted) {
  check_convolution({gradient, input, weight});
  const at::AutoDispatchBelowADInplaceOrView guard;
  const int64_t channels = transposed ? weight.size(1) * groups : weight.size(0);
  const auto [dx, dweight, dbias] =
      at::convolution_backward(host_view(gradient), host_view(input), host_view(weight), c10::IntArrayRef{channels},
                               stride, padding, dilation, transposed, output_padding, groups, wanted);
  const auto own = [](const Tensor& tensor) { return tensor.defined() ? adopted(tensor) : tensor; };
  return {own(dx), own(dweight), own(dbias)};
}

}  // namespace

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_device>()); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("resize_", resize_);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
  m.impl("unfold", at::native::unfold);
  m.impl("view_as_real", at::native::view_as_real);
  m.impl("view_as_complex", at::native::view_as_complex);
  m.impl("_copy_from", copy_from);
  m.impl("_local_scalar_dense", local_scalar);
  m.impl("convolution_overrideable", convolution);
  m.impl("convolution_backward_overrideable", convolution_backward);
  // CUDA has a kernel for it, so that what torch would compose of others does not come into it.
  m.impl("native_group_norm", torch::CppFunction::makeFromBoxedFunction<&run_on_device>());
}

}  // namespace noisescope::standin
