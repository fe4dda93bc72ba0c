# noisescope_use_mimalloc(program): malloc of mimalloc in place of the C library's, in libraries too, where it is installed.
# A training step of the demo's network allocates 600 tensors; it takes 1.15 to 1.2 times as long with glibc's malloc.
find_library(MIMALLOC mimalloc)
if(MIMALLOC AND NOT CMAKE_CXX_FLAGS MATCHES "fsanitize")
  add_library(noisescope_allocator OBJECT "${CMAKE_SOURCE_DIR}/apps/allocator.cpp")
endif()

function(noisescope_use_mimalloc program)
  if(TARGET noisescope_allocator)
    target_sources(${program} PRIVATE $<TARGET_OBJECTS:noisescope_allocator>)
    target_link_libraries(${program} PRIVATE ${MIMALLOC})
  endif()
endfunction()
