# The built-in actors and the bundle that is linked into the library. Each line of actors/manifest.txt
# names a folder under actors/, whose C sources (those in folders called `test` or `unit` excepted)
# and those of actors/common make one module. actors/NAME/actor.cmake, if there, may set
#     ACTOR_FLAGS    more flags of the compiler (they come last)
#     ACTOR_SOURCES  sources that lie elsewhere
#     ACTOR_STACK    bytes of stack          ACTOR_PAGES  pages of memory to begin with
# Nothing but the sources and the compiler goes into the bundle: no time, no path.
set(FVM_BUNDLE ${CMAKE_BINARY_DIR}/embedded.car)
file(GLOB common_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/actors/common/*.[ch])
file(STRINGS ${CMAKE_SOURCE_DIR}/actors/manifest.txt manifest_lines REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/actors/manifest.txt)
set(bundle_arguments)
set(bundle_files)
set(FVM_BUILTIN_ACTORS)
foreach(line ${manifest_lines})
  string(REGEX MATCH "^([a-z]+) +([a-z]+)$" matched "${line}")
  if(NOT matched)
    message(FATAL_ERROR "actors/manifest.txt: '${line}' is not a name and a folder")
  endif()
  set(type ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  set(folder ${CMAKE_SOURCE_DIR}/actors/${name})
  unset(ACTOR_FLAGS)
  unset(ACTOR_SOURCES)
  set(ACTOR_STACK 16384)
  set(ACTOR_PAGES 1)
  file(GLOB entry CONFIGURE_DEPENDS ${folder}/*.c) # without one there may be parts, but no actor yet
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.[ch])
  list(FILTER sources EXCLUDE REGEX "/(test|unit)/")
  include(${folder}/actor.cmake OPTIONAL)
  if(entry)
    fvm_add_actor(${name} SOURCES ${sources} ${common_sources} ${ACTOR_SOURCES}
      STACK ${ACTOR_STACK} PAGES ${ACTOR_PAGES}
      QUIET FLAGS -I${CMAKE_SOURCE_DIR}/actors ${ACTOR_FLAGS})
    list(APPEND FVM_BUILTIN_ACTORS ${name})
    file(GLOB units CONFIGURE_DEPENDS ${folder}/unit/*_unit.c) # natively, on the mock kernel
    if(units AND BUILD_TESTING)
      # a unit test that includes an actor's source has it that way
      file(STRINGS ${units} included REGEX "#include \"\\.\\./[a-z]+\\.c\"")
      string(REGEX MATCHALL "[a-z]+\\.c" included "${included}")
      foreach(one ${included})
        list(FILTER sources EXCLUDE REGEX "/${one}$")
      endforeach()
      fvm_add_actor_unit(builtin_${name} ACTOR ${name} SOURCES ${units} ${sources} ${common_sources})
      target_include_directories(unit_builtin_${name} PRIVATE ${CMAKE_SOURCE_DIR}/actors)
    endif()
  else()
    fvm_add_actor(${name} SOURCES ${CMAKE_SOURCE_DIR}/actors/vacant/vacant.c
      FLAGS "-DVACANT_NAME=\"${type}\"")
  endif()
  set(wasm ${CMAKE_BINARY_DIR}/actors/${name}.wasm)
  list(APPEND bundle_arguments ${type} ${wasm})
  list(APPEND bundle_files ${wasm})
endforeach()

# The same with an init actor that installs codes of users, for networks that have them: another root of
# the same CAR (doc/user-actors.md).
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/actors/init/*.[ch])
fvm_add_actor(init_install SOURCES ${sources} ${common_sources}
  QUIET FLAGS -DINSTALL_CODE -I${CMAKE_SOURCE_DIR}/actors)
list(APPEND bundle_arguments -- init ${CMAKE_BINARY_DIR}/actors/init_install.wasm)
list(APPEND bundle_files ${CMAKE_BINARY_DIR}/actors/init_install.wasm)

# The tool that writes it. Not linked with the library, which holds what it makes.
add_executable(fvm-bundle actors/tools/bundle.c src/ipld/cid.c src/ipld/cbor_write.c
  src/base/varint.c src/base/text.c src/crypto/hash.c src/crypto/keccak.c src/base/alloc.c src/base/buf.c
  src/base/err.c)
target_include_directories(fvm-bundle PRIVATE include src)
target_link_libraries(fvm-bundle PRIVATE fvm_options PkgConfig::FVM_DEPS)
set_target_properties(fvm-bundle PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

add_custom_command(OUTPUT ${FVM_BUNDLE}
  COMMAND fvm-bundle ${FVM_BUNDLE} ${bundle_arguments}
  DEPENDS fvm-bundle ${bundle_files} VERBATIM)
add_custom_target(fvm_bundle DEPENDS ${FVM_BUNDLE})
fvm_embed(fvm_core fvm__embedded_car ${FVM_BUNDLE})
add_dependencies(fvm_core fvm_bundle)
