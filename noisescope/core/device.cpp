#include "noisescope/core/device.h"

#include <malloc.h>

#include <sstream>
#include <thread>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/version.h>

#include "noisescope/core/error.h"

namespace noisescope {
namespace {

bool cuda_available() { return at::globalContext().hasCUDA(); }

}  // namespace

torch::Device parse_device(const std::string& text) {
  if (text == "auto") return torch::Device(cuda_available() ? torch::kCUDA : torch::kCPU);
  if (text == "cpu") return torch::Device(torch::kCPU);
  const bool cuda = text == "cuda" || text.rfind("cuda:", 0) == 0;
  if (!cuda) {
    throw ValueError("[core.parse_device] expected cpu, cuda, cuda:N or auto, got '" + text + "'");
  }
  if (!cuda_available()) {
    throw ValueError("[core.parse_device] expected a device of this machine, got '" + text +
                     "', but no CUDA device is usable here; try --device cpu, and see "
                     "'noisescope doctor'");
  }
  return torch::Device(text);
}

void configure_process(int64_t threads) {
  if (threads < 0) {
    throw ValueError("[core.configure_process] expected threads >= 0, got " +
                     std::to_string(threads));
  }
  const auto cores = static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  at::set_num_threads(static_cast<int>(threads == 0 ? cores : threads));
  at::globalContext().setFlushDenormal(true);
  // Training frees and re-allocates the same large blocks every step; returning them to the system
  // each time costs a page fault per 4 KiB.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
}

std::string machine_facts() {
  std::ostringstream out;
  out << "torch: " << TORCH_VERSION << '\n'
      << "cpu capability: " << at::get_cpu_capability() << '\n'
      << "threads: " << at::get_num_threads() << " of " << std::thread::hardware_concurrency()
      << " cores\n"
      << "cuda: " << (cuda_available() ? "available" : "not available") << '\n';
  return out.str();
}

}  // namespace noisescope
