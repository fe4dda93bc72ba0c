#!/bin/sh
# Builds web/engine.wasm, the live session of noisescope/live as WebAssembly: SIMD, one thread, no generated
# JavaScript. Needs emscripten (Debian: apt-get install emscripten) and the headers of {fmt} and nlohmann/json that the
# program is built with. Usage: tools/live/build_wasm.sh [OUT.wasm]
set -eu
cd "$(dirname "$0")/../.."
out=${1:-web/engine.wasm}
fmt=$(.venv/bin/python -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')/include/fmt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only these two: the rest of /usr/include is for another machine.
mkdir "$work/include" "$work/objects"
ln -s "$fmt" "$work/include/fmt"
ln -s /usr/include/nlohmann "$work/include/nlohmann"

sources="noisescope/live/*.cpp noisescope/core/error.cpp noisescope/core/format.cpp noisescope/core/options.cpp
  noisescope/core/philox.cpp noisescope/io/config.cpp noisescope/io/safetensors_header.cpp
  noisescope/stats/student_t.cpp noisescope/nn/norm_kernels.cpp noisescope/nn/unet_plan.cpp
  noisescope/clip/clip_options.cpp noisescope/clip/text/tokenizer.cpp noisescope/clip/text/clean_text.cpp
  noisescope/clip/text/text_repair.cpp noisescope/clip/text/html_entities.cpp noisescope/clip/text/unicode.cpp
  noisescope/clip/text/byte_level.cpp noisescope/clip/text/byte_pairs.cpp noisescope/model/prompt_contrast.cpp"
fast="pixel_product layers norm_kernels solver"  # where the time goes; everything else is to be small
flags="-include tools/live/older_library.h -std=c++20 -msimd128 -fwasm-exceptions -DNDEBUG -Wno-inline-namespace-reopened-noninline"
for source in $sources; do
  level=-Os
  case " $fast " in *" $(basename "$source" .cpp) "*) level=-O3 ;; esac
  # shellcheck disable=SC2086
  em++ $flags $level -I. -isystem "$work/include" -c "$source" -o "$work/objects/$(echo "$source" | tr / _).o"
done

mkdir -p "$(dirname "$out")"
# shellcheck disable=SC2086
em++ $flags -O3 "$work"/objects/*.o -o "$out" --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sFILESYSTEM=0 \
  -sINITIAL_MEMORY=64MB -sMALLOC=emmalloc \
  -sEXPORTED_FUNCTIONS=_noisescope_room,_noisescope_load,_noisescope_call,_noisescope_bytes,_noisescope_bytes_length
chmod 644 "$out"
ls -l "$out"
