// Marks for loops that are compiled once for each kind of processor, the kind chosen when the program starts.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define NOISESCOPE_EVERY_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NOISESCOPE_EVERY_PROCESSOR
#endif

/// Before a loop: no iteration reads what another one writes.
#if defined(__clang__)
#define NOISESCOPE_NO_OVERLAP _Pragma("clang loop vectorize(assume_safety)")
#else
#define NOISESCOPE_NO_OVERLAP _Pragma("GCC ivdep")
#endif

/// What such a loop calls must become part of it.
#define NOISESCOPE_INLINE [[gnu::always_inline]] inline
