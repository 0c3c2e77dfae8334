# Writes OUT, a header with an identity of what compiled code depends on: every source of the wasm
# layer and of base's headers, and the compiler. Run as a script: cmake -DSOURCE= -DOUT= -DCOMPILER= -P.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE files ${SOURCE}/src/wasm/*.[chS] ${SOURCE}/src/wasm/*.def ${SOURCE}/src/base/*.h)
list(SORT files)
set(all "${COMPILER}")
foreach(file ${files})
  file(SHA256 ${file} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 id "${all}")
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define FVM__CODE_ID \"@id@\"\n" @ONLY)
