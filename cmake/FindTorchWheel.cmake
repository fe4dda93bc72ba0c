# Finds the shared libraries of a PyTorch wheel and makes the imported target torch::torch.
#
# Not find_package(Torch): the config of a CUDA wheel wants a CUDA toolkit at configure time, which a
# program that only calls the device-independent API does not need. Works with CPU and CUDA wheels.
#
# Input:  TORCH_WHEEL_DIR (the site-packages/torch folder); found through .venv, then python3.
# Output: torch::torch, TORCH_WHEEL_DIR, TORCH_WHEEL_VERSION
if(NOT TORCH_WHEEL_DIR)
  foreach(python "${CMAKE_SOURCE_DIR}/.venv/bin/python" python3)
    execute_process(
      # find_spec locates the package without importing it, which would take seconds.
      COMMAND ${python} -c
        "import importlib.util as u, pathlib; s = u.find_spec('torch'); print(pathlib.Path(s.origin).parent if s else '')"
      OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(found)
      set(TORCH_WHEEL_DIR "${found}" CACHE PATH "site-packages/torch of the wheel to build against")
      break()
    endif()
  endforeach()
endif()
if(NOT EXISTS "${TORCH_WHEEL_DIR}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "No PyTorch wheel found. Run 'make setup', or pass "
                      "-DTORCH_WHEEL_DIR=<...>/site-packages/torch")
endif()

file(STRINGS "${TORCH_WHEEL_DIR}/version.py" version_line REGEX "^__version__")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" TORCH_WHEEL_VERSION "${version_line}")
if(TORCH_WHEEL_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "torch ${TORCH_WHEEL_VERSION} in ${TORCH_WHEEL_DIR} is too old; 2.11 or newer is needed")
endif()
message(STATUS "torch ${TORCH_WHEEL_VERSION} in ${TORCH_WHEEL_DIR}")

if(NOT TARGET torch::torch)
  add_library(torch::torch INTERFACE IMPORTED)
  target_include_directories(torch::torch SYSTEM INTERFACE
    "${TORCH_WHEEL_DIR}/include" "${TORCH_WHEEL_DIR}/include/torch/csrc/api/include")
  target_link_directories(torch::torch INTERFACE "${TORCH_WHEEL_DIR}/lib")
  target_link_libraries(torch::torch INTERFACE torch torch_cpu c10)
  # The CUDA libraries register themselves when loaded and export nothing that we call, so the linker
  # would drop them. Their own dependencies (cudart, cudnn) are resolved by their rpath at run time.
  if(EXISTS "${TORCH_WHEEL_DIR}/lib/libtorch_cuda.so")
    target_link_options(torch::torch INTERFACE
      -Wl,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--as-needed)
  endif()
  target_link_options(torch::torch INTERFACE
    -Wl,--allow-shlib-undefined)
  if(NOT SKBUILD)  # a wheel of ours finds torch beside itself, not where it was built
    target_link_options(torch::torch INTERFACE "-Wl,-rpath,${TORCH_WHEEL_DIR}/lib")
  endif()
  target_compile_definitions(torch::torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
endif()
set(TorchWheel_FOUND TRUE)
