#include "noisescope/core/device.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/cpu/Utils.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/version.h>

#include "noisescope/core/error.h"
#include "noisescope/core/format.h"
#include "noisescope/core/threads.h"

namespace noisescope {
namespace {

bool cuda_available() { return at::globalContext().hasCUDA(); }

int64_t cuda_devices() { return static_cast<int64_t>(at::detail::getCUDAHooks().deviceCount()); }

/// Is this the type of a device that a library has registered with torch under this name?
bool is_registered(const std::string& type) {
  return c10::is_privateuse1_backend_registered() && type == c10::get_privateuse1_backend();
}

/// The device of the text; none if torch cannot read it.
std::optional<torch::Device> read_device(const std::string& text) {
  try {
    return torch::Device(text);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

/// Paths of the shared libraries in this process whose file name starts with `prefix`.
std::set<std::string> loaded_libraries(const std::string& prefix) {
  std::set<std::string> paths;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t name = line.rfind('/');
    if (name == std::string::npos || line.compare(name + 1, prefix.size(), prefix) != 0) continue;
    paths.insert(line.substr(line.find('/')));
  }
  return paths;
}

/// The version file beside the torch library that this process really loaded; the compile-time
/// version where there is none (a system-wide build).
std::string torch_runtime_version() {
  const auto libraries = loaded_libraries("libtorch_cpu.so");
  if (libraries.empty()) return TORCH_VERSION;
  const auto folder = std::filesystem::path(*libraries.begin()).parent_path().parent_path();
  std::ifstream file(folder / "version.py");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("__version__")) continue;
    const size_t first = line.find('\''), last = line.rfind('\'');
    if (first != last) return line.substr(first + 1, last - first - 1);
  }
  return TORCH_VERSION;
}

/// "AMD EPYC 9R14", where the system says it.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
    return value == std::string::npos ? "unknown" : line.substr(value);
  }
  return "unknown";
}

int64_t memory_mib() { return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE) / (1 << 20); }

}  // namespace

torch::Device parse_device(const std::string& text) {
  if (text == "auto") return torch::Device(cuda_available() ? torch::kCUDA : torch::kCPU);
  if (text == "cpu") return torch::Device(torch::kCPU);
  const std::string type = text.substr(0, text.find(':'));
  const std::optional<torch::Device> device = read_device(text);
  if (!device || (type != "cuda" && !is_registered(type))) {
    throw ValueError("[core.parse_device] expected cpu, cuda, cuda:N or auto, got '" + text + "'");
  }
  if (type == "cuda" && !cuda_available()) {
    throw ValueError("[core.parse_device] expected a device of this machine, got '" + text +
                     "', but no CUDA device is usable here; try --device cpu, and see "
                     "'noisescope doctor'");
  }
  const c10::DeviceIndex count = c10::impl::VirtualGuardImpl(device->type()).deviceCount();
  if (device->index() >= count) {
    throw ValueError(
        format_text("[core.parse_device] expected {}:N with N below {}, the devices of this machine, got {}", type,
                    int{count}, text));
  }
  return *device;
}

Tensor to_device(const Tensor& tensor, torch::Device device) {
  if (!tensor.is_cpu() || device.is_cpu() || tensor.numel() == 0) return tensor.to(device);
  return tensor.pin_memory().to(device, /*non_blocking=*/true);
}

void configure_process(int64_t threads) {
  if (threads < 0) {
    throw ValueError(format_text("[core.configure_process] expected threads >= 0, got {}", threads));
  }
  if (threads == 0 && !std::getenv("OMP_NUM_THREADS")) {
    follow_machine(usable_cores());
  } else {
    fix_threads(threads == 0 ? at::get_num_threads() : threads);
  }
  at::globalContext().setFlushDenormal(true);
  // Training frees and re-allocates the same large blocks every step; returning them to the system
  // each time costs a page fault per 4 KiB.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

bool has_bfloat16_matrix_units() {
#if defined(__x86_64__)
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    const char* limit = std::getenv(name);
    if (limit && !std::strstr(limit, "AMX") && std::strcmp(limit, "DEFAULT") != 0) return false;
  }
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kAmxBfloat16 = 1U << 22;  // Intel SDM vol. 2A, CPUID, leaf 7
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & kAmxBfloat16) && at::cpu::init_amx();
#else
  return false;
#endif
}

std::vector<std::pair<std::string, std::string>> machine_facts() {
  const auto openmp = loaded_libraries("libgomp");
  return {{"noisescope", NOISESCOPE_VERSION},
          {"torch", torch_runtime_version()},
          {"compiled against torch", TORCH_VERSION},
          {"compiler", "g++ " __VERSION__},
          {"processor", processor()},
          {"cpu capability", at::get_cpu_capability()},
          {"matrix units", has_bfloat16_matrix_units() ? "AMX: training computes in bfloat16" : "none"},
          {"cores", format_text("{} of {}", usable_cores(), std::thread::hardware_concurrency())},
          {"threads", format_text("{}", at::get_num_threads())},
          {"threads follow the machine", follows_machine() ? "yes" : "no"},
          {"openmp", openmp.empty() ? "none" : *openmp.begin()},
          {"allocator", loaded_libraries("libmimalloc").empty() ? "the C library's" : "mimalloc"},
          {"memory", format_text("{} MiB", memory_mib())},
          {"cuda", cuda_available() ? format_text("{} device(s)", cuda_devices()) : "none"}};
}

std::vector<std::string> machine_problems() {
  std::vector<std::string> problems;
  if (!torch_runtime_version().starts_with(TORCH_VERSION)) {
    problems.push_back("compiled against torch " TORCH_VERSION " but running with " + torch_runtime_version() +
                       ": build again with 'make'");
  }
  if (loaded_libraries("libgomp").size() > 1) {
    problems.push_back(
        "two copies of the OpenMP runtime are loaded, which slows every operation: "
        "look at LD_LIBRARY_PATH and LD_PRELOAD");
  }
  if (std::getenv("OMP_NUM_THREADS") && at::get_num_threads() == 1 && usable_cores() > 1) {
    problems.push_back("OMP_NUM_THREADS leaves one of several cores: pass --threads");
  }
  if (memory_mib() < 2048) problems.push_back("less than 2 GiB of memory: training may not fit");
  return problems;
}

}  // namespace noisescope
