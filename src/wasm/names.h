/* names.h - names of functions, from the custom section "name" (WebAssembly core, appendix: custom
 * sections). They change nothing; a section that breaks its format names what it names before that. */
#ifndef FVM_WASM_NAMES_H
#define FVM_WASM_NAMES_H

#include "base/util.h"

typedef struct fvm_wasm_name {
    uint32_t func;
    fvm_bytes text; /* UTF-8, within the wasm */
} fvm_wasm_name;
typedef struct fvm_wasm_names {
    fvm_wasm_name *names; /* by rising function */
    uint32_t count, cap;
    const fvm_allocator *alloc;
} fvm_wasm_names;

/** Reads the names of a module, which may be any bytes; views into them. FVM_ERR_NOMEM. */
FVM_NODISCARD fvm_err fvm_wasm_names_read(fvm_wasm_names *names, fvm_bytes wasm,
                                          const fvm_allocator *alloc);
void fvm_wasm_names_deinit(fvm_wasm_names *names);
/** The name of a function; len 0: none. */
fvm_bytes fvm_wasm_names_func(const fvm_wasm_names *names, uint32_t func);

/** The first name under which a function is exported; len 0: none. */
fvm_bytes fvm_wasm_export_name(fvm_bytes wasm, uint32_t func);

/** The content of the first section with that id (of custom sections: the first one called `name`,
 *  without the name). False when there is none. */
bool fvm_wasm_section(fvm_bytes wasm, fvm_bytes *content, uint8_t id, const char *name);
#endif
