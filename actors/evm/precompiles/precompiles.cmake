# The EVM's precompiles: for size, whatever the interpreter is compiled for. What must be fast is
# unrolled by hand (unroll.h), and gas counts instructions, not cycles.
file(GLOB precompile_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/actors/evm/precompiles/*.c)
set_source_files_properties(${precompile_sources} PROPERTIES
  FVM_WASM_FLAGS "-Oz;-isystem;${BLST_DIR}")
