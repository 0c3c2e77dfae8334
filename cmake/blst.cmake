# BLS12-381: blst, as C and assembly out of its crate (which carries them unaltered). PORTABLE means
# that it chooses between its two x86-64 code paths when it runs, not that it goes without assembly.
set(BLST_VERSION 0.3.15)
set(BLST_SHA256 4fd49896f12ac9b6dcd7a5998466b9b58263a695a3dd1ecc1aaca2e12a90b080)
set(BLST_DIR ${CMAKE_SOURCE_DIR}/.cache/crates/blst-${BLST_VERSION})
execute_process(
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/fetch-crate.sh blst ${BLST_VERSION} ${BLST_SHA256} ${BLST_DIR}
  RESULT_VARIABLE blst_result)
if(NOT blst_result EQUAL 0)
  message(FATAL_ERROR "the sources of blst are missing (scripts/fetch-crate.sh)")
endif()
add_library(blst OBJECT ${BLST_DIR}/blst/src/server.c ${BLST_DIR}/blst/build/assembly.S)
target_compile_definitions(blst PRIVATE __BLST_PORTABLE__)
target_compile_options(blst PRIVATE -O2 -fno-builtin -Wno-unused-function
  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-mno-avx>)
set(BLST_INCLUDE ${BLST_DIR}/blst/bindings)
