# noisescope_module(NAME [TORCH_BOUND] DEPS modules... LIBS targets... CODEC files...)
#
# One folder noisescope/NAME = one static library ns_NAME = one test program NAME_test made of
# tests/NAME/*_test.cpp. CODEC lists the sources that need codec libraries: they are left out where
# NOISESCOPE_CODECS is off. TORCH_BOUND modules spend their time inside torch and compile faster with -O1.
function(noisescope_module name)
  cmake_parse_arguments(arg "TORCH_BOUND" "" "DEPS;LIBS;CODEC" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/noisescope/${name}/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/samplers/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/text/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/folder/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/pages/*.cpp")
  if(NOT NOISESCOPE_CODECS)
    foreach(file ${arg_CODEC})
      list(REMOVE_ITEM sources "${CMAKE_SOURCE_DIR}/noisescope/${name}/${file}")
    endforeach()
  endif()
  string(REPLACE "/" "_" flat "${name}")
  list(TRANSFORM arg_DEPS PREPEND ns_ OUTPUT_VARIABLE dependencies)
  add_library(ns_${flat} STATIC ${sources})
  target_include_directories(ns_${flat} PUBLIC
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include>")
  target_compile_features(ns_${flat} PUBLIC cxx_std_20)
  target_link_libraries(ns_${flat} PUBLIC ${dependencies} torch::torch ${arg_LIBS} PRIVATE ns_warnings)
  target_precompile_headers(ns_${flat} REUSE_FROM ns_pch)
  if(arg_TORCH_BOUND)
    target_compile_options(ns_${flat} PRIVATE -O1)
  endif()
  set_target_properties(ns_${flat} PROPERTIES EXPORT_NAME ${flat})  # noisescope::diffusion to who finds the package
  install(TARGETS ns_${flat} EXPORT noisescope COMPONENT cpp)
  noisescope_tests(${name})
endfunction()

function(noisescope_tests name)
  string(REPLACE "/" "_" flat "${name}")
  file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${name}/*_test.cpp")
  if(NOT NOISESCOPE_TESTS OR NOT tests)
    return()
  endif()
  add_executable(${flat}_test ${tests})
  # Golden results are safetensors, so every test may read them.
  target_link_libraries(${flat}_test PRIVATE ns_${flat} ns_io ns_testing ns_pch_test ns_warnings)
  target_precompile_headers(${flat}_test REUSE_FROM ns_pch_test)
  set_target_properties(${flat}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  # One process per program: loading the torch libraries costs more than most tests.
  # Suites named Slow* carry the label slow; everything else is the default suite. They run side by side with one thread
  # each, which does more work a minute, but for those of the modules with loops over threads: these do not spin while
  # they wait for each other, which beside other programs takes several times as long.
  add_test(NAME ${flat} COMMAND ${flat}_test --gtest_filter=-Slow* --gtest_brief=1
           WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${flat} PROPERTIES TIMEOUT 600 LABELS fast)
  if(name MATCHES "^(core|stats|nn|diffusion|world|processes|explain)$")
    set_tests_properties(${flat} PROPERTIES PROCESSORS 2 ENVIRONMENT "OMP_WAIT_POLICY=PASSIVE")
  else()
    set_tests_properties(${flat} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1")
  endif()
  foreach(file ${tests})
    file(STRINGS "${file}" slow_suites REGEX "^TEST.*\\(Slow")
    if(slow_suites)
      add_test(NAME ${flat}_slow COMMAND ${flat}_test --gtest_filter=Slow* --gtest_brief=1
               WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
      set_tests_properties(${flat}_slow PROPERTIES TIMEOUT 1500 LABELS slow COST 400  # the longest first
        ENVIRONMENT "OMP_NUM_THREADS=1")
      break()
    endif()
  endforeach()
endfunction()
