// Asks mimalloc to keep what was freed for ten seconds: training frees and takes the same blocks in every step, and
// memory that went back to the system meanwhile costs a page fault per 4 KiB.
#include <mimalloc.h>

namespace {

constexpr long kMilliseconds = 10'000;

#if MI_MALLOC_VERSION >= 210
constexpr mi_option_t kDelay = mi_option_purge_delay;
#else
constexpr mi_option_t kDelay = mi_option_decommit_delay;
#endif

// By default: what the environment says (MIMALLOC_DECOMMIT_DELAY) goes before.
[[maybe_unused]] const bool asked = (mi_option_set_default(kDelay, kMilliseconds), true);

}  // namespace
