/* store.h - the general side of the engine: externs that instances share, references, introspection.
 *
 * The kernel needs none of this (wasm.h is its seam). The core test suite, the differential fuzzer
 * and `fvm wasm run` do: there modules import functions, memories, tables and globals of each other.
 *
 * Values are u64: i32 and f32 zero extended, i64 and f64 as their bits, references as opaque words
 * of which 0 is null. An externref is any word but 0 that the host likes (for the suite's
 * `ref.extern n` pass n + 1). A funcref is made by the engine only. */
#ifndef FVM_WASM_STORE_H
#define FVM_WASM_STORE_H

#include "wasm/wasm.h"

#define FVM_WASM_REF_NULL UINT64_C(0)

/* Letters of the types, as they stand in `params` and `results` strings. */
#define FVM_WASM_LETTER_I32 'i'
#define FVM_WASM_LETTER_I64 'l'
#define FVM_WASM_LETTER_F32 'f'
#define FVM_WASM_LETTER_F64 'd'
#define FVM_WASM_LETTER_FUNCREF 'r'
#define FVM_WASM_LETTER_EXTERNREF 'e'

/** The type of an import or export. */
typedef struct fvm_wasm_extern_type {
    fvm_wasm_kind kind;
    const char *params, *results; /* FUNC: letters */
    char value;                   /* GLOBAL: its type; TABLE: its element type */
    bool is_mutable;              /* GLOBAL */
    bool has_max;                 /* TABLE, MEMORY */
    uint32_t min, max;            /* TABLE: elements; MEMORY: pages */
} fvm_wasm_extern_type;

/* --- what a module imports and exports; strings and names live as long as the module ---------- */

size_t fvm_wasm_module_import_count(const fvm_wasm_module *module);
size_t fvm_wasm_module_export_count(const fvm_wasm_module *module);
/** Import `at`, in the module's order. Any out parameter may be NULL. False past the end. */
bool fvm_wasm_module_import_at(const fvm_wasm_module *module, fvm_bytes *from, fvm_bytes *name,
                               fvm_wasm_extern_type *type, size_t at);
/** Export `at`, in the module's order, with its index in the index space of its kind. */
bool fvm_wasm_module_export_at(const fvm_wasm_module *module, fvm_bytes *name,
                               fvm_wasm_extern_type *type, uint32_t *index, size_t at);

/* --- externs ---------------------------------------------------------------------------------- */

/** Something that one instance has and another can import. It belongs to the instance that made
 *  it, which must outlive every use: free instances of one store together, the newest first. An
 *  instance whose instantiation trapped may have put its functions into a shared table: keep it. */
typedef struct fvm_wasm_extern {
    fvm_wasm_kind kind;
    void *object; /* NULL: none */
} fvm_wasm_extern;

/** As fvm_wasm_instance_new, with `externs` for the imports in order (`count` of them, or 0 and
 *  NULL). A function whose object is NULL is taken from the module's host table. Kinds and types
 *  are checked: FVM_ERR_WASM_LINK with `detail` ("unknown import", "incompatible import type").
 *  Functions and what can hold them are shared only between instances of one back end. */
FVM_NODISCARD fvm_err fvm_wasm_instance_new_with(fvm_wasm_instance **out, fvm_wasm_context *context,
                                                 const fvm_wasm_module *module, void *host,
                                                 const fvm_wasm_limiter *limiter, int64_t milligas,
                                                 const fvm_wasm_extern *externs, size_t count,
                                                 char *detail);
/** An export as an extern; false when there is none of that name. */
bool fvm_wasm_instance_extern(const fvm_wasm_instance *instance, fvm_wasm_extern *out,
                              fvm_bytes name);
/** The extern at an index of its kind's index space, exported or not; false past its end. */
bool fvm_wasm_instance_extern_at(const fvm_wasm_instance *instance, fvm_wasm_extern *out,
                                 fvm_wasm_kind kind, uint32_t index);
/** The type of an extern as it is now (min: the current size). */
fvm_wasm_extern_type fvm_wasm_extern_type_of(fvm_wasm_extern ext);

/** Calls a function extern. `results` has room for max(parameters, results) values. Errors as
 *  fvm_wasm_instance_call; why it trapped: fvm_wasm_context_trap. Inside fvm_wasm_context_run. */
FVM_NODISCARD fvm_err fvm_wasm_extern_call(fvm_wasm_context *context, uint64_t *results,
                                           fvm_wasm_extern func, const uint64_t *args);
/** The trap of the latest call or instantiation on this context. */
fvm_wasm_trap fvm_wasm_context_trap(const fvm_wasm_context *context);

/** A function extern as a funcref value, to pass as an argument. */
uint64_t fvm_wasm_extern_funcref(fvm_wasm_extern func);
/** The function behind a funcref; object NULL for null. */
fvm_wasm_extern fvm_wasm_funcref_extern(uint64_t ref);

uint64_t fvm_wasm_global_get(fvm_wasm_extern global);
void fvm_wasm_global_set(fvm_wasm_extern global, uint64_t value); /* ignores mutability */
fvm_wasm_memory fvm_wasm_memory_of(fvm_wasm_extern memory);
uint32_t fvm_wasm_table_size(fvm_wasm_extern table);
/** An element; FVM_WASM_REF_NULL past the end. */
uint64_t fvm_wasm_table_get(fvm_wasm_extern table, uint32_t index);
#endif
