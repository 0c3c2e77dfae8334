# The SDK for actors: a static library for wasm32, made by clang 19 with custom commands (one project
# of CMake has one C compiler), and fvm_add_actor(), which builds a module with it.
find_program(FVM_WASM_CC clang-19 REQUIRED)
find_program(FVM_WASM_LD wasm-ld-19 REQUIRED)
find_program(FVM_WASM_AR llvm-ar-19 REQUIRED)
execute_process(COMMAND ${FVM_WASM_CC} -print-resource-dir OUTPUT_VARIABLE resources
  OUTPUT_STRIP_TRAILING_WHITESPACE)
find_file(FVM_WASM_BUILTINS libclang_rt.builtins-wasm32.a PATHS ${resources}/lib/wasi
  NO_DEFAULT_PATH REQUIRED)

set(FVM_SDK_DIR ${CMAKE_BINARY_DIR}/sdk)
set(FVM_SDK_LIB ${FVM_SDK_DIR}/lib/libfvm_sdk.a)
# What every C file for wasm32 is compiled with. The default CPU has features that actors may not use.
set(FVM_WASM_CFLAGS --target=wasm32 -mcpu=mvp -mbulk-memory -msign-ext -std=c11 -ffreestanding
  -fno-builtin -fvisibility=hidden -ffunction-sections -fdata-sections
  -DFVM__SLOTS_MAX=64 -Wall -Wextra -Wconversion -Wshadow -Wvla $<$<BOOL:${FVM_WERROR}>:-Werror>)
set(FVM_WASM_INCLUDES -I${CMAKE_SOURCE_DIR}/sdk/include -I${CMAKE_SOURCE_DIR}/include
  -I${CMAKE_SOURCE_DIR}/src -isystem ${CMAKE_SOURCE_DIR}/sdk/libc)

# Compiles SOURCE to OBJECT for wasm32. BEFORE: files that must be there first.
function(fvm_wasm_compile object source)
  cmake_parse_arguments(arg "" "" "FLAGS;BEFORE" ${ARGN})
  get_filename_component(folder ${object} DIRECTORY)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND ${CMAKE_C_COMPILER_LAUNCHER} ${FVM_WASM_CC} ${FVM_WASM_CFLAGS} ${FVM_WASM_INCLUDES}
      ${arg_FLAGS} -MD -MF ${object}.d -c ${source} -o ${object}
    DEPENDS ${source} ${arg_BEFORE} DEPFILE ${object}.d VERBATIM COMMAND_EXPAND_LISTS)
endfunction()

# The library. Its own sources and the host's ipld are bitcode, so that an actor's link optimises over
# all of it; the C library's functions are not, since code generation makes calls to them.
file(GLOB sdk_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/src/*.c)
include(${CMAKE_SOURCE_DIR}/sdk/sources.cmake)
# There is a second one without words for who debugs (FVM_NO_MESSAGES), for the built-in actors.
set(FVM_SDK_QUIET_LIB ${FVM_SDK_DIR}/obj/libfvm_sdk_quiet.a)
set(sdk_objects)
foreach(source ${FVM_SDK_SHARED_SOURCES})
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${source})
  set(object ${FVM_SDK_DIR}/obj/${name}.o)
  fvm_wasm_compile(${object} ${source} FLAGS -Oz -flto)
  list(APPEND sdk_objects ${object})
endforeach()
set(object ${FVM_SDK_DIR}/obj/string.o)
fvm_wasm_compile(${object} ${CMAKE_SOURCE_DIR}/sdk/libc/string.c FLAGS -Oz)
list(APPEND sdk_objects ${object})
set(sdk_quiet_objects ${sdk_objects})
foreach(source ${sdk_sources})
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${source})
  set(object ${FVM_SDK_DIR}/obj/${name}.o)
  fvm_wasm_compile(${object} ${source} FLAGS -Oz -flto)
  list(APPEND sdk_objects ${object})
  set(object ${FVM_SDK_DIR}/obj/quiet/${name}.o)
  fvm_wasm_compile(${object} ${source} FLAGS -Oz -flto -DFVM_NO_MESSAGES)
  list(APPEND sdk_quiet_objects ${object})
endforeach()
function(fvm_wasm_archive library)
  add_custom_command(OUTPUT ${library}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${FVM_SDK_DIR}/lib
    COMMAND ${CMAKE_COMMAND} -E rm -f ${library}
    COMMAND ${FVM_WASM_AR} rcsD ${library} ${ARGN}
    DEPENDS ${ARGN} VERBATIM)
endfunction()
fvm_wasm_archive(${FVM_SDK_LIB} ${sdk_objects})
fvm_wasm_archive(${FVM_SDK_QUIET_LIB} ${sdk_quiet_objects})
add_custom_target(fvm_sdk ALL DEPENDS ${FVM_SDK_LIB} ${FVM_SDK_QUIET_LIB})

# The SDK's folder as `fvm actor` uses it, here and installed: include, libc, lib.
file(COPY ${FVM_WASM_BUILTINS} DESTINATION ${FVM_SDK_DIR}/lib)
file(GLOB sdk_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/include/fvm/*.h
  ${CMAKE_SOURCE_DIR}/sdk/include/fvm/actor/*.h)
set(sdk_copies)
macro(sdk_copy from to)
  add_custom_command(OUTPUT ${FVM_SDK_DIR}/${to}
    COMMAND ${CMAKE_COMMAND} -E copy ${from} ${FVM_SDK_DIR}/${to} DEPENDS ${from} VERBATIM)
  list(APPEND sdk_copies ${FVM_SDK_DIR}/${to})
endmacro()
foreach(header ${sdk_headers})
  file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR}/sdk/include ${header})
  sdk_copy(${header} include/${name})
endforeach()
foreach(name address base big blockstore cid)
  sdk_copy(${CMAKE_SOURCE_DIR}/include/fvm/${name}.h include/fvm/${name}.h)
endforeach()
foreach(name base/util ipld/amt ipld/bitfield ipld/hamt ipld/kamt)
  sdk_copy(${CMAKE_SOURCE_DIR}/src/${name}.h include/${name}.h)
endforeach()
sdk_copy(${CMAKE_SOURCE_DIR}/sdk/libc/string.h libc/string.h)
add_custom_target(fvm_sdk_headers ALL DEPENDS ${sdk_copies})

# The mock kernel and the SDK compiled natively, for unit tests of actors.
file(GLOB mock_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sdk/mock/*.c)
add_library(fvm_mock STATIC ${mock_sources} ${sdk_sources})
target_include_directories(fvm_mock PUBLIC ${CMAKE_SOURCE_DIR}/sdk/include)
target_link_libraries(fvm_mock PUBLIC fvm_core)
set_target_properties(fvm_mock PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${FVM_SDK_DIR}/lib)
add_custom_command(TARGET fvm_mock POST_BUILD COMMAND ${CMAKE_COMMAND} -E create_symlink
  $<TARGET_FILE:fvm_core> ${FVM_SDK_DIR}/lib/libfvm.a VERBATIM)

# The tool that numbers methods. Not linked with the library, which may come to hold actors itself.
add_executable(fvm-frc42 sdk/tools/frc42.c src/cli/cmd_actor_frc42.c src/crypto/hash.c
  src/crypto/keccak.c src/base/alloc.c src/base/buf.c src/base/err.c)
target_include_directories(fvm-frc42 PRIVATE include src)
target_link_libraries(fvm-frc42 PRIVATE fvm_options PkgConfig::FVM_DEPS)
set_target_properties(fvm-frc42 PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# fvm_add_actor(NAME SOURCES file... [FLAGS flag...] [STACK bytes] [PAGES n] [QUIET])
# QUIET leaves out the words of fvm_abort, also the library's.
# builds ${CMAKE_BINARY_DIR}/actors/NAME.wasm; the target is actor_NAME. FLAGS come after -Oz -flto, so
# that -O2 wins; a source's property FVM_WASM_FLAGS comes after these. STACK (default 16384) lies below
# the static data: overflowing it traps.
function(fvm_add_actor name)
  cmake_parse_arguments(arg "QUIET" "STACK;PAGES" "SOURCES;FLAGS" ${ARGN})
  set(library ${FVM_SDK_LIB})
  if(arg_QUIET)
    set(library ${FVM_SDK_QUIET_LIB})
    list(APPEND arg_FLAGS -DFVM_NO_MESSAGES)
  endif()
  if(NOT arg_STACK)
    set(arg_STACK 16384)
  endif()
  if(NOT arg_PAGES)
    set(arg_PAGES 1)
  endif()
  set(folder ${CMAKE_BINARY_DIR}/actors)
  set(wasm ${folder}/${name}.wasm)
  set(numbers ${folder}/obj/${name}/frc42.h)
  set(sources)
  foreach(source ${arg_SOURCES})
    get_filename_component(source ${source} ABSOLUTE)
    list(APPEND sources ${source})
  endforeach()
  add_custom_command(OUTPUT ${numbers}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}/obj/${name}
    COMMAND fvm-frc42 ${numbers} ${sources}
    COMMAND ${CMAKE_COMMAND} -E touch ${numbers}
    DEPENDS fvm-frc42 ${sources} VERBATIM)
  set(objects)
  foreach(source ${sources})
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${source})
    string(REPLACE "../" "" path ${path}) # sources outside the tree
    if(NOT source MATCHES "\\.h$")
      set(object ${folder}/obj/${name}/${path}.o)
      get_source_file_property(own_flags ${source} FVM_WASM_FLAGS)
      if(NOT own_flags)
        set(own_flags)
      endif()
      fvm_wasm_compile(${object} ${source} FLAGS -Oz -flto -include ${numbers} ${arg_FLAGS} ${own_flags}
        BEFORE ${numbers})
      list(APPEND objects ${object})
    endif()
  endforeach()
  math(EXPR memory "${arg_PAGES} * 65536")
  add_custom_command(OUTPUT ${wasm}
    COMMAND ${FVM_WASM_LD} --no-entry --gc-sections --strip-all --stack-first --lto-O2
      -z stack-size=${arg_STACK} --initial-memory=${memory} ${objects} ${library}
      ${FVM_WASM_BUILTINS} -o ${wasm}
    DEPENDS ${objects} ${library} VERBATIM)
  add_custom_target(actor_${name} ALL DEPENDS ${wasm})
  add_dependencies(actor_${name} fvm_sdk)
endfunction()

# fvm_add_actor_unit(NAME SOURCES file...): a native program of an actor's sources and a unit test with
# the mock kernel, and a test that runs it.
function(fvm_add_actor_unit name)
  cmake_parse_arguments(arg "" "ACTOR" "SOURCES" ${ARGN})
  add_executable(unit_${name} ${arg_SOURCES})
  target_compile_options(unit_${name} PRIVATE
    -include ${CMAKE_BINARY_DIR}/actors/obj/${arg_ACTOR}/frc42.h)
  add_dependencies(unit_${name} actor_${arg_ACTOR})
  target_link_libraries(unit_${name} PRIVATE fvm_mock)
  set_target_properties(unit_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/sdk)
  add_test(NAME unit_${name} COMMAND unit_${name})
  set_tests_properties(unit_${name} PROPERTIES LABELS sdk)
endfunction()
