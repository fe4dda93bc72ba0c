// Loops over samples on torch's own threads.
#pragma once

#include <cstdint>
#include <functional>

namespace noisescope {

/// Calls body(0) .. body(count - 1), each once, on as many threads as torch uses now. The body must not throw and must
/// not call torch. (at::parallel_for works in a header, hence on one thread unless it is compiled with OpenMP, which
/// would bring a second runtime into the process.)
void for_each_in_parallel(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace noisescope
