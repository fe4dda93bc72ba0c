# noisescope_module(NAME DEPS modules... LIBS targets... CODEC files...)
#
# One folder noisescope/NAME = one static library ns_NAME = one test program NAME_test made of
# tests/NAME/*_test.cpp. CODEC lists the sources that need codec libraries: they are left out where
# NOISESCOPE_CODECS is off.
function(noisescope_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;CODEC" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/noisescope/${name}/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/samplers/*.cpp"
       "${CMAKE_SOURCE_DIR}/noisescope/${name}/explainers/*.cpp")
  if(NOT NOISESCOPE_CODECS)
    foreach(file ${arg_CODEC})
      list(REMOVE_ITEM sources "${CMAKE_SOURCE_DIR}/noisescope/${name}/${file}")
    endforeach()
  endif()
  string(REPLACE "/" "_" flat "${name}")
  list(TRANSFORM arg_DEPS PREPEND ns_ OUTPUT_VARIABLE dependencies)
  add_library(ns_${flat} STATIC ${sources})
  target_include_directories(ns_${flat} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(ns_${flat} PUBLIC ${dependencies} torch::torch ${arg_LIBS} PRIVATE ns_warnings)
  target_precompile_headers(ns_${flat} REUSE_FROM ns_pch)
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
  target_link_libraries(${flat}_test PRIVATE ns_${flat} ns_io ns_testing ns_warnings)
  target_precompile_headers(${flat}_test REUSE_FROM ns_pch)
  target_compile_options(${flat}_test PRIVATE -O1)  # tests wait for libraries, not for themselves
  set_target_properties(${flat}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  # One process per program: loading the torch libraries costs more than most tests.
  # Suites named Slow* carry the label slow; everything else is the default suite.
  add_test(NAME ${flat} COMMAND ${flat}_test --gtest_filter=-Slow* --gtest_brief=1
           WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${flat} PROPERTIES TIMEOUT 600 LABELS fast)
  foreach(file ${tests})
    file(STRINGS "${file}" slow_suites REGEX "^TEST.*\\(Slow")
    if(slow_suites)
      add_test(NAME ${flat}_slow COMMAND ${flat}_test --gtest_filter=Slow* --gtest_brief=1
               WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
      set_tests_properties(${flat}_slow PROPERTIES TIMEOUT 1500 LABELS slow)
      break()
    endif()
  endforeach()
endfunction()
