#include "tests/standin/memory.h"

#include <execinfo.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>

#include <ATen/EmptyTensor.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

namespace noisescope::standin {
namespace {

constexpr size_t kReserved = size_t{1} << 44;  // bytes of addresses; each is given once, so there are many
constexpr size_t kAlignment = 512;             // as of CUDA's allocator

const c10::Device kDevice{c10::kPrivateUse1, 0};

/// Behind an address: the host memory, and who frees it.
struct Block {
  void* host = nullptr;
  c10::DataPtr owner;
};

void free_block(void* context) { delete static_cast<Block*>(context); }

void say(std::string_view text) {
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

const char* reserved_begin = nullptr;
struct sigaction other_faults {};

void report_fault(int signal, siginfo_t* info, void* context) {
  const auto* address = static_cast<const char*>(info->si_addr);
  if (address >= reserved_begin && address < reserved_begin + kReserved) {
    say("the host read or wrote memory of the stand-in device, from:\n");
    void* calls[64];
    backtrace_symbols_fd(calls, backtrace(calls, 64), STDERR_FILENO);
    _exit(139);
  }
  sigaction(SIGSEGV, &other_faults, nullptr);  // to whom it concerns, when the same instruction faults again
  static_cast<void>(signal);
  static_cast<void>(context);
}

/// Addresses that nobody may use.
const char* reserve() {
  void* begin = mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  TORCH_CHECK(begin != MAP_FAILED, "the stand-in device could not reserve its addresses: ", std::strerror(errno));
  reserved_begin = static_cast<const char*>(begin);
  struct sigaction action {};
  action.sa_sigaction = report_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &other_faults);
  return reserved_begin;
}

/// An address for so many bytes, never given before.
void* next_address(size_t bytes) {
  static const char* const begin = reserve();
  static std::atomic<size_t> used = 0;
  const size_t at = used.fetch_add((bytes + kAlignment - 1) / kAlignment * kAlignment);
  TORCH_CHECK(at + bytes <= kReserved, "the stand-in device has given all of its addresses");
  return const_cast<char*>(begin + at);
}

c10::DataPtr on_device(size_t bytes, void* host, c10::DataPtr owner) {
  if (bytes == 0) return {nullptr, kDevice};
  return {next_address(bytes), new Block{host, std::move(owner)}, free_block, kDevice};
}

class DeviceAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    c10::DataPtr host = c10::GetCPUAllocator()->allocate(bytes);
    void* memory = host.get();
    return on_device(bytes, memory, std::move(host));
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void*, const void*, size_t) const override {
    TORCH_CHECK(false, "the stand-in device copies by _copy_from alone");
  }
};

/// Pinned memory by its start. Never destroyed: tensors may live until the end of the process.
struct Pinned {
  std::mutex mutex;
  std::set<const void*> starts;
};
Pinned& pinned() {
  static Pinned& one = *new Pinned;
  return one;
}

void free_pinned(void* memory) {
  {
    const std::lock_guard lock(pinned().mutex);
    pinned().starts.erase(memory);
  }
  c10::free_cpu(memory);
}

class PinnedAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = c10::alloc_cpu(bytes);
    if (memory != nullptr) {
      const std::lock_guard lock(pinned().mutex);
      pinned().starts.insert(memory);
    }
    return {memory, memory, free_pinned, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return free_pinned; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

}  // namespace

c10::Allocator& device_allocator() {
  static DeviceAllocator one;
  return one;
}

c10::Allocator& pinned_allocator() {
  static PinnedAllocator one;
  return one;
}

bool is_pinned(const void* address) {
  const std::lock_guard lock(pinned().mutex);
  return pinned().starts.contains(address);
}

c10::DispatchKeySet device_keys() {
  // Module::to() puts parameters on another device if torch counts both as dense, and it does not count PrivateUse1.
  // Beside it HPU makes them dense; operators are dispatched by the higher of the two.
  return c10::DispatchKeySet({c10::DispatchKey::PrivateUse1, c10::DispatchKey::HPU});
}

bool is_on_device(const Tensor& tensor) { return tensor.defined() && tensor.device().type() == c10::kPrivateUse1; }

Tensor host_view(const Tensor& tensor) {
  const auto options = tensor.options().device(c10::kCPU);
  if (tensor.numel() == 0) return at::empty_strided(tensor.sizes(), tensor.strides(), options);
  const auto* block = static_cast<const Block*>(tensor.storage().data_ptr().get_context());
  TORCH_CHECK(block != nullptr, "a tensor of the stand-in device has lost its memory");
  char* first = static_cast<char*>(block->host) + tensor.storage_offset() * tensor.element_size();
  Tensor view = at::from_blob(first, tensor.sizes(), tensor.strides(), options);
  view._set_conj(tensor.is_conj());
  view._set_neg(tensor.is_neg());
  return view;
}

void grow(const Tensor& tensor, size_t bytes) {
  c10::StorageImpl& storage = *tensor.storage().unsafeGetStorageImpl();
  if (storage.nbytes() >= bytes) return;
  c10::DataPtr larger = device_allocator().allocate(bytes);
  const auto* before = static_cast<const Block*>(storage.data_ptr().get_context());
  if (before != nullptr) std::memcpy(static_cast<Block*>(larger.get_context())->host, before->host, storage.nbytes());
  storage.set_data_ptr_noswap(std::move(larger));
  storage.set_nbytes(bytes);
}

Tensor adopted(const Tensor& result) {
  const Tensor host = result.resolve_conj().resolve_neg();
  auto* keeper = new c10::Storage(host.storage());
  c10::DataPtr owner(
      keeper, keeper, [](void* kept) { delete static_cast<c10::Storage*>(kept); }, c10::kCPU);
  const size_t bytes = host.storage().nbytes();
  c10::Storage storage(c10::Storage::use_byte_size_t(), bytes,
                       on_device(bytes, host.storage().mutable_data(), std::move(owner)), &device_allocator(),
                       /*resizable=*/true);
  Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), device_keys(), host.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
  return tensor;
}

}  // namespace noisescope::standin
