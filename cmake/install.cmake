# make install: headers, the static and the shared library, the program and a pkg-config file.
include(GNUInstallDirs)

# The shared library is the static one whole; what it exports is what public headers mark FVM_API,
# which test/e2e/install.sh compares with `nm`.
if(NOT FVM_SANITIZE AND NOT FVM_FUZZ)
  add_library(fvm_shared SHARED cmake/shared.c)
  set_target_properties(fvm_shared PROPERTIES OUTPUT_NAME fvm VERSION ${PROJECT_VERSION}
    SOVERSION 0 LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/fvm.map)
  target_link_libraries(fvm_shared PRIVATE
    -Wl,--whole-archive fvm_core -Wl,--no-whole-archive
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/fvm.map -Wl,--no-undefined)
  install(TARGETS fvm_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(TARGETS fvm_core ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/fvm DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET fvm)
  install(TARGETS fvm RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
# Man pages and completion of shells, out of the program's own help texts.
if(TARGET fvm AND NOT FVM_SANITIZE AND NOT FVM_FUZZ)
  set(pages ${CMAKE_BINARY_DIR}/man)
  set(shells ${CMAKE_BINARY_DIR}/completion)
  add_custom_command(OUTPUT ${pages}/fvm.1 ${shells}/fvm
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/man.sh $<TARGET_FILE:fvm> ${pages}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${shells}
    COMMAND $<TARGET_FILE:fvm> completion bash > ${shells}/fvm
    COMMAND $<TARGET_FILE:fvm> completion zsh > ${shells}/_fvm
    COMMAND $<TARGET_FILE:fvm> completion fish > ${shells}/fvm.fish
    DEPENDS fvm ${CMAKE_SOURCE_DIR}/cmake/man.sh COMMENT "Man pages" VERBATIM)
  add_custom_target(fvm_man ALL DEPENDS ${pages}/fvm.1 ${shells}/fvm)
  install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(FILES ${shells}/fvm DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${shells}/_fvm DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${shells}/fvm.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
# Written when installing, since the prefix is known only then.
install(CODE "
  set(PROJECT_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  set(CMAKE_INSTALL_FULL_LIBDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}\")
  set(CMAKE_INSTALL_FULL_INCLUDEDIR \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")
  configure_file(\"${CMAKE_SOURCE_DIR}/cmake/fvm.pc.in\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/fvm.pc\" @ONLY)
")

# The SDK, where `fvm actor` looks for it: headers, the library for wasm32, the mock kernel (which needs
# libfvm.a beside it: a link).
if(TARGET fvm_mock)
  install(DIRECTORY ${FVM_SDK_DIR}/include ${FVM_SDK_DIR}/libc
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fvm/sdk)
  install(FILES ${FVM_SDK_LIB} ${FVM_WASM_BUILTINS} $<TARGET_FILE:fvm_mock>
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fvm/sdk/lib)
  install(CODE "
    set(folder \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/fvm/sdk/lib\")
    file(RELATIVE_PATH target \"\${folder}\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libfvm.a\")
    file(CREATE_LINK \"\${target}\" \"\$ENV{DESTDIR}\${folder}/libfvm.a\" SYMBOLIC)
  ")
endif()
