# Each test/unit/test_*.c and test/property/prop_*.c is one program; each test/fuzz/fuzz_*.c is a
# libFuzzer target, or, without FVM_FUZZ, a test that runs over its corpus. All run from the source
# root. `ctest -L unit|property|fuzz` picks a kind.
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(GMP REQUIRED IMPORTED_TARGET gmp) # the model that big.c is compared with

add_library(fvm_test_support STATIC test/test.c test/test_main.c)
target_include_directories(fvm_test_support PUBLIC test)
target_link_libraries(fvm_test_support PUBLIC fvm_core PkgConfig::CMOCKA PkgConfig::GMP)

set(FVM_TEST_ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1")
function(fvm_register name label)
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 600
    ENVIRONMENT "${FVM_TEST_ENVIRONMENT}")
endfunction()

foreach(kind unit property)
  file(GLOB sources CONFIGURE_DEPENDS test/unit/test_*.c test/property/prop_*.c)
  list(FILTER sources INCLUDE REGEX "/test/${kind}/")
  foreach(source ${sources})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    # constructors register the tests, so the object of main must come in whole
    target_link_libraries(${name} PRIVATE fvm_test_support fvm_cli)
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/${kind})
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    fvm_register(${name} ${kind})
  endforeach()
endforeach()

file(GLOB fuzzers CONFIGURE_DEPENDS test/fuzz/fuzz_*.c)
foreach(source ${fuzzers})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "^fuzz_" "" corpus ${name})
  add_executable(${name} ${source} test/test.c test/fuzz/fail.c)
  target_include_directories(${name} PRIVATE test)
  target_link_libraries(${name} PRIVATE fvm_cli)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/fuzz)
  if(FVM_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE test/fuzz/driver.c)
    add_test(NAME ${name} COMMAND ${name} test/fuzz/corpus/${corpus}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    fvm_register(${name} fuzz)
  endif()
endforeach()

# Tests in C that use message vectors.
file(GLOB sources CONFIGURE_DEPENDS test/vectors/test_*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE fvm_test_support fvm_cli)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/vectors)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(${name} unit)
endforeach()

# The commands about blocks and the engine, from the outside.
if(TARGET fvm)
  foreach(name store_cli store_kill wasm_cli profile_cli wallet_cli completion_cli client_cli chain_cli
      node_cli genesis_cli)
    add_test(NAME e2e-${name} COMMAND test/e2e/${name}.sh ${CMAKE_BINARY_DIR}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    fvm_register(e2e-${name} e2e)
  endforeach()
endif()

# The installed copy, used as a stranger would: examples in C, Go and Python, symbols, ABI.
if(TARGET fvm_shared)
  add_test(NAME e2e-install COMMAND test/e2e/install.sh ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(e2e-install e2e)
endif()
if(NOT FVM_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  add_test(NAME e2e-bundle_twice COMMAND test/e2e/bundle_twice.sh ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(e2e-bundle_twice e2e)
endif()
# A million calls; sanitizers keep memory of their own.
if(NOT FVM_SANITIZE)
  add_executable(test_million test/e2e/test_million.c)
  target_link_libraries(test_million PRIVATE fvm_test_support)
  set_target_properties(test_million PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/e2e)
  add_test(NAME million-calls COMMAND test_million WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(million-calls e2e)
endif()

# Actors that a Rust compiler makes of the published SDK, where that compiler is installed.
add_executable(test_rust_actors test/e2e/rust_actors/test_rust_actors.c)
target_link_libraries(test_rust_actors PRIVATE fvm_test_support)
set_target_properties(test_rust_actors PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/e2e)
add_test(NAME rust-actors
  COMMAND test/e2e/rust_actors/test.sh ${CMAKE_SOURCE_DIR}/build $<TARGET_FILE:test_rust_actors>
    $<TARGET_FILE:fvm> WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
fvm_register(rust-actors e2e)
set_tests_properties(rust-actors PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1500
  RESOURCE_LOCK rust-actors)
# Message vectors, for people who have them beside the source tree; elsewhere the tests say that they
# are skipped. `ctest -L vectors`.
set(FVM_VECTORS ${CMAKE_SOURCE_DIR}/../shared/vectors CACHE PATH "Folder of the message vectors")
set(limited limited-space)
if(FVM_SANITIZE) # their shadow memory needs terabytes of it
  set(limited)
endif()
foreach(name golden-kernel golden-emit golden-trace ${limited})
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/test/vectors/${name} $<TARGET_FILE:fvm>
    ${FVM_VECTORS}/golden-kernel WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(${name} vectors)
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1500)
endforeach()
add_test(NAME golden-embedded COMMAND ${CMAKE_SOURCE_DIR}/test/vectors/golden-embedded
  $<TARGET_FILE:fvm> ${FVM_VECTORS}/golden-mainnet WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
fvm_register(golden-embedded vectors)
set_tests_properties(golden-embedded PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 1500)
add_test(NAME command COMMAND ${CMAKE_SOURCE_DIR}/test/vectors/command $<TARGET_FILE:fvm>
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
fvm_register(command vectors)
add_subdirectory(test/evm)
# The core suite and the comparison with V8; see their folders.
if(NOT FVM_FUZZ)
  add_subdirectory(test/wasm)
  add_subdirectory(test/diff)
endif()

# Actors of the SDK in the machine.
fvm_add_actor(tries SOURCES test/sdk/tries_actor.c)
file(GLOB sources CONFIGURE_DEPENDS test/sdk/test_*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE fvm_test_support fvm_mock fvm_cli)
  add_dependencies(${name} actor_hello actor_counter actor_store actor_upper actor_tries)
  target_compile_definitions(${name} PRIVATE ACTORS_DIR="${CMAKE_BINARY_DIR}/actors")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/sdk)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(${name} sdk)
endforeach()

# The EVM's precompiles: an actor that is nothing else, in the machine and natively with the mock kernel.
fvm_add_actor(precompiles SOURCES test/evm/precompiles_actor.c ${precompile_sources})
# Natively, bls12.c carries a blst of its own, whose names must not meet those of the library's.
set(bls12 ${CMAKE_SOURCE_DIR}/actors/evm/precompiles/bls12.c)
add_library(fvm_bls12 OBJECT ${bls12})
target_include_directories(fvm_bls12 PRIVATE sdk/include include src)
target_include_directories(fvm_bls12 SYSTEM PRIVATE ${BLST_DIR})
target_link_libraries(fvm_bls12 PRIVATE fvm_options)
target_compile_options(fvm_bls12 PRIVATE -ffunction-sections)
find_program(FVM_OBJCOPY objcopy REQUIRED)
set(bls12_object ${CMAKE_BINARY_DIR}/bls12_own.o)
add_custom_command(OUTPUT ${bls12_object}
  COMMAND ${FVM_OBJCOPY} --wildcard --keep-global-symbol=fvm__pre_* $<TARGET_OBJECTS:fvm_bls12>
    ${bls12_object}
  DEPENDS fvm_bls12 $<TARGET_OBJECTS:fvm_bls12> VERBATIM)
set(native_sources ${precompile_sources})
list(REMOVE_ITEM native_sources ${bls12})
add_library(fvm_precompiles STATIC ${native_sources} ${bls12_object})
target_link_libraries(fvm_precompiles PUBLIC fvm_mock)
target_link_options(fvm_precompiles PUBLIC -Wl,--gc-sections)
file(GLOB sources CONFIGURE_DEPENDS test/evm/test_precompiles*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source} test/evm/precompiles_actor.c)
  target_link_libraries(${name} PRIVATE fvm_test_support fvm_precompiles fvm_cli)
  add_dependencies(${name} actor_precompiles actor_evm)
  target_include_directories(${name} PRIVATE test/sdk)
  target_include_directories(${name} SYSTEM PRIVATE ${BLST_INCLUDE})
  target_compile_definitions(${name} PRIVATE ACTORS_DIR="${CMAKE_BINARY_DIR}/actors")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/evm)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(${name} evm)
endforeach()
add_executable(fuzz_precompiles test/evm/fuzz_precompiles.c test/evm/precompiles_actor.c test/test.c
  test/fuzz/fail.c)
target_include_directories(fuzz_precompiles PRIVATE test)
target_include_directories(fuzz_precompiles SYSTEM PRIVATE ${BLST_INCLUDE})
target_link_libraries(fuzz_precompiles PRIVATE fvm_precompiles PkgConfig::GMP)
set_target_properties(fuzz_precompiles PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/fuzz)
if(FVM_FUZZ)
  target_link_options(fuzz_precompiles PRIVATE -fsanitize=fuzzer)
else()
  target_sources(fuzz_precompiles PRIVATE test/fuzz/driver.c)
  add_test(NAME fuzz_precompiles COMMAND fuzz_precompiles test/fuzz/corpus/precompiles
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(fuzz_precompiles fuzz)
endif()
if(NOT FVM_FUZZ)
  add_test(NAME sdk-cpp COMMAND ${FVM_WASM_CC} -x c++ -std=c++17 --target=wasm32 -mcpu=mvp
    -mbulk-memory -msign-ext -fno-exceptions -fno-rtti -Wall -Wextra -Werror -fsyntax-only
    -I${FVM_SDK_DIR}/include -isystem ${FVM_SDK_DIR}/libc test/sdk/header_check.cpp
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(sdk-cpp sdk)
  add_test(NAME sdk-workflow COMMAND test/sdk/workflow $<TARGET_FILE:fvm> ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(sdk-workflow sdk)
  add_test(NAME sdk-tutorial COMMAND test/sdk/tutorial $<TARGET_FILE:fvm> ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(sdk-tutorial sdk)
  if(FVM_SANITIZE MATCHES thread) # unit tests are made with AddressSanitizer, which does not mix
    set_property(TEST sdk-workflow sdk-tutorial APPEND PROPERTY ENVIRONMENT FVM_NO_UNIT=1)
  endif()
endif()

# The built-in actors in the machine: ours, and beside them mainnet's v18 where that bundle is imported.
fvm_add_actor(puppet SOURCES test/actors/puppet.c FLAGS -DPUPPET_NAME="miner")
fvm_add_actor(puppet_power SOURCES test/actors/puppet.c FLAGS -DPUPPET_NAME="power")
add_library(fvm_twin STATIC test/actors/twin.c test/actors/coverage.c test/actors/draw.c
  test/actors/draw_evm.c)
target_include_directories(fvm_twin PUBLIC test/actors)
target_compile_definitions(fvm_twin PUBLIC ACTORS_DIR="${CMAKE_BINARY_DIR}/actors")
target_link_libraries(fvm_twin PUBLIC fvm_test_support fvm_cli)
add_dependencies(fvm_twin actor_puppet actor_puppet_power)
file(GLOB sources CONFIGURE_DEPENDS test/actors/test_*.c test/actors/prop_builtin_*.c)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_include_directories(${name} PRIVATE actors)
  add_dependencies(${name} actor_counter)
  target_link_libraries(${name} PRIVATE fvm_twin)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/actors)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(${name} actors)
endforeach()
# Their parameters, fuzzed natively: each actor's sources with an entry point of its own.
set(params_objects)
foreach(name system init cron account multisig paych reward placeholder ethaccount eam evm)
  file(GLOB sources CONFIGURE_DEPENDS actors/${name}/*.c)
  add_library(params_${name} OBJECT ${sources})
  target_compile_options(params_${name} PRIVATE -DFVM_NO_MESSAGES -Dinvoke=entry_${name}
    -include ${CMAKE_BINARY_DIR}/actors/obj/${name}/frc42.h)
  target_include_directories(params_${name} PRIVATE actors actors/evm)
  target_link_libraries(params_${name} PRIVATE fvm_mock)
  add_dependencies(params_${name} actor_${name})
  list(APPEND params_objects $<TARGET_OBJECTS:params_${name}>)
endforeach()
file(GLOB sources CONFIGURE_DEPENDS actors/common/*.c)
add_executable(fuzz_params test/actors/fuzz_params.c ${params_objects} ${sources}
  test/evm/precompiles_double.c test/test.c test/fuzz/fail.c)
target_include_directories(fuzz_params PRIVATE test actors actors/evm)
target_link_libraries(fuzz_params PRIVATE fvm_mock)
set_target_properties(fuzz_params PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/fuzz)
if(FVM_FUZZ)
  target_link_options(fuzz_params PRIVATE -fsanitize=fuzzer)
else()
  target_sources(fuzz_params PRIVATE test/fuzz/driver.c)
  add_test(NAME fuzz_params COMMAND fuzz_params test/fuzz/corpus/params
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  fvm_register(fuzz_params fuzz)
endif()

# What they cost, with the bars; `make bench BENCH=actors` shows it.
add_executable(actors_cost bench/actors/cost.c test/actors/twin.c test/test.c test/fuzz/fail.c)
target_include_directories(actors_cost PRIVATE test test/actors)
target_link_libraries(actors_cost PRIVATE fvm_cli)
target_compile_definitions(actors_cost PRIVATE ACTORS_DIR="${CMAKE_BINARY_DIR}/actors"
  COST_HEX="${CMAKE_SOURCE_DIR}/bench/actors/cost.hex")
add_dependencies(actors_cost actor_hello actor_puppet actor_puppet_power)
set_target_properties(actors_cost PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
add_test(NAME actors-cost COMMAND actors_cost WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
fvm_register(actors-cost actors)
set_tests_properties(actors-cost PROPERTIES SKIP_RETURN_CODE 77)
add_executable(prop_wide test/actors/prop_wide.c actors/common/wide.c)
target_include_directories(prop_wide PRIVATE actors)
target_link_libraries(prop_wide PRIVATE fvm_test_support fvm_mock)
set_target_properties(prop_wide PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/actors)
add_test(NAME prop_wide COMMAND prop_wide WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
fvm_register(prop_wide actors)
add_subdirectory(${CMAKE_SOURCE_DIR}/test/ethereum ${CMAKE_BINARY_DIR}/test-ethereum)
add_subdirectory(${CMAKE_SOURCE_DIR}/test/solidity ${CMAKE_BINARY_DIR}/test-solidity)
add_subdirectory(${CMAKE_SOURCE_DIR}/test/clients ${CMAKE_BINARY_DIR}/test-clients)
