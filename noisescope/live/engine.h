// The live session behind plain C functions: what WebAssembly exports to a page. No exception leaves them.
#pragma once

#include <cstdint>

extern "C" {

/// Room for `bytes` bytes, to write a file or a request into; the caller hands it to load or call, which free it.
void* noisescope_room(uint32_t bytes);

/// Opens the live file in `file`, in place of any other. Returns "" or why it cannot be read.
const char* noisescope_load(char* file, uint32_t bytes);

/// Answers a request (live/session.h), JSON {"call": name, ...members}. Returns JSON: the answer, or {"error": text}.
const char* noisescope_call(char* request, uint32_t bytes);

/// The bytes of the last state or map.
const char* noisescope_bytes();
uint32_t noisescope_bytes_length();

}  // extern "C"
