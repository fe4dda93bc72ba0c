# Puts the files of web/dist and the engine of pages that carry their model, as they are, into ns_studio: an assembler
# source with .incbin for each, and the table that noisescope/studio/page_files.cpp reads.
enable_language(ASM)
set(page_root "${CMAKE_SOURCE_DIR}/web/dist")
file(GLOB_RECURSE page_files CONFIGURE_DEPENDS "${page_root}/*")
list(APPEND page_files "${CMAKE_SOURCE_DIR}/web/engine.wasm")
set(page_source ".section .rodata\n")
set(page_table "")
set(page_symbols "")
set(page_number 0)
foreach(file ${page_files})
  file(RELATIVE_PATH name "${page_root}" "${file}")
  string(REPLACE "../engine.wasm" "live/engine.wasm" name "${name}")
  set(symbol "noisescope_page_${page_number}")
  string(APPEND page_source ".global ${symbol}\n${symbol}:\n.incbin \"${file}\"\n"
    ".global ${symbol}_end\n${symbol}_end:\n.byte 0\n")
  string(APPEND page_symbols "extern const char ${symbol}, ${symbol}_end;\n")
  string(APPEND page_table "{\"${name}\", &${symbol}, &${symbol}_end},\n")
  math(EXPR page_number "${page_number} + 1")
endforeach()
string(APPEND page_source ".section .note.GNU-stack,\"\",@progbits\n")
set(page_folder "${CMAKE_BINARY_DIR}/studio_page")
file(GENERATE OUTPUT "${page_folder}/page_data.S" CONTENT "${page_source}")
file(GENERATE OUTPUT "${page_folder}/page_symbols.inc" CONTENT "${page_symbols}")
file(GENERATE OUTPUT "${page_folder}/page_table.inc" CONTENT "${page_table}")
set_source_files_properties("${page_folder}/page_data.S" PROPERTIES OBJECT_DEPENDS "${page_files}"
  SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
target_sources(ns_studio PRIVATE "${page_folder}/page_data.S")
set_source_files_properties(studio/page_files.cpp PROPERTIES INCLUDE_DIRECTORIES "${page_folder}"
  SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
# Debian's cpp-httplib is built with these, which change the layout of its classes.
set_source_files_properties(studio/http_server.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON
  COMPILE_DEFINITIONS "CPPHTTPLIB_OPENSSL_SUPPORT;CPPHTTPLIB_ZLIB_SUPPORT;CPPHTTPLIB_BROTLI_SUPPORT")
