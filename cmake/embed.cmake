# fvm_embed(TARGET NAME FILE): the bytes of a file as `const uint8_t NAME[]` and `const size_t NAME_len`
# in TARGET, made again when the file changes. A generated C file, since `.incbin` is no portable C.
function(fvm_embed target name file)
  get_filename_component(input ${file} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set(output ${CMAKE_BINARY_DIR}/embed/${name}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DINPUT=${input} -DOUTPUT=${output}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed-file.cmake
    DEPENDS ${input} ${CMAKE_SOURCE_DIR}/cmake/embed-file.cmake
    COMMENT "Embedding ${file}" VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
