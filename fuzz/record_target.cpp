// Records of sampling runs: a safetensors file whose tensors and texts must fit each other.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "noisescope/core/error.h"
#include "noisescope/model/trajectory_record.h"

namespace noisescope {
namespace {

void check_record(const TrajectoryRecord& record) {
  const auto pictures = static_cast<int64_t>(record.facts.prompts.size());
  const auto steps = static_cast<int64_t>(record.sigmas.size()) - 1;
  if (static_cast<int64_t>(record.facts.sample_ids.size()) != pictures || steps < 1) std::abort();
  for (const Tensor& plane : {record.x, record.denoised, record.conditional, record.unconditional}) {
    if (plane.defined() && (plane.dim() != 5 || plane.size(0) != steps || plane.size(1) != pictures)) std::abort();
  }
  if (static_cast<int64_t>(steps_of(record).size()) != steps) std::abort();
}

}  // namespace
}  // namespace noisescope

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace noisescope;
  static const int file = memfd_create("record", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  try {
    check_record(load_record(path));
  } catch (const FormatError&) {
  } catch (const ModelError&) {
  }
  return 0;
}
