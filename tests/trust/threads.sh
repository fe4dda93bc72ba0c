#!/bin/sh
# The threads of prefetch, jobs, events and server under ThreadSanitizer: cmake --build build --target threads_tsan, then
# this. LibTorch is not instrumented: what its own memory functions are seen to do is left out of account, and it gets one
# thread. Without randomised addresses, which this sanitizer does not bear.
set -eu
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1 suppressions=tests/trust/tsan.supp ${TSAN_OPTIONS:-}"
exec setarch "$(uname -m)" -R "${NOISESCOPE_BUILD:-build}/tests/threads_tsan" "$@"
