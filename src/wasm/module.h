/* module.h - what a decoded module is made of; shared by decoder, validator, back ends, runtime.
 *
 * Types are letters (store.h). Everything of a module that outlives its making lies in one arena;
 * only the back end's code is apart. A module is immutable once made. */
#ifndef FVM_WASM_MODULE_H
#define FVM_WASM_MODULE_H

#include "base/arena.h"
#include "wasm/store.h"

#define FVM__PAGE_BYTES 65536u
#define FVM__PAGES_MAX 65536u

/* Limits of the reference's validator (engine.md 2, wasmparser 0.236). */
#define FVM__MAX_TYPES 1000000u
#define FVM__MAX_FUNCTIONS 1000000u
#define FVM__MAX_IMPORTS 1000000u
#define FVM__MAX_EXPORTS 1000000u
#define FVM__MAX_GLOBALS 1000000u
#define FVM__MAX_TABLES 100u
#define FVM__MAX_ELEMENT_SEGMENTS 100000u
#define FVM__MAX_DATA_SEGMENTS 100000u
#define FVM__MAX_SEGMENT_ITEMS 10000000u
#define FVM__MAX_NAME_BYTES 100000u
#define FVM__MAX_PARAMS 1000u
#define FVM__MAX_RESULTS 1000u
#define FVM__MAX_LOCALS 50000u
#define FVM__MAX_BR_TABLE 131072u
#define FVM__MAX_TABLE_ELEMENTS 10000000u

#define FVM__NO_INDEX UINT32_MAX

typedef struct fvm__functype {
    const char *params, *results; /* letters, ended by NUL */
    uint32_t n_params, n_results;
    uint32_t same_as; /* index of the first type of the module that is equal to this one */
} fvm__functype;

/** Equal types have equal letters, also across modules. */
bool fvm__functype_eq(const fvm__functype *a, const fvm__functype *b);

/** A function of the index space, imported or defined. The interpreter reads these while it runs,
 *  so what a call needs stands together. */
typedef struct fvm__func_def {
    const void *code; /* the back end's; NULL: imported */
    uint32_t n_params;
    uint32_t n_locals;    /* parameters and the locals in use */
    uint32_t n_zeroed;    /* those of them from n_params to here are zeroed on entry */
    uint32_t frame_bytes; /* virtual: what a call takes of the frame budget, on any back end */
    uint32_t frame_slots; /* what the interpreter uses */
    uint32_t stack_cost;  /* of the limiter; 0 for imports and when unmetered */
    uint32_t code_at;     /* place of the code in the module's, for the back end */
    uint32_t index;
    uint64_t thunk_milligas; /* what entering through the thunk costs; 0 for imports */
    const fvm__functype *type;
    fvm_wasm_host_fn host; /* an import that resolved against the host table */
} fvm__func_def;

typedef struct fvm__limits {
    uint32_t min, max; /* max UINT32_MAX: none */
    bool has_max;
} fvm__limits;

typedef struct fvm__table_def {
    fvm__limits limits;
    char type; /* of elements */
    bool imported;
} fvm__table_def;
typedef struct fvm__memory_def {
    fvm__limits limits;
    bool imported;
} fvm__memory_def;

/** A constant expression, which is one instruction in every feature set that we have. */
typedef enum fvm__const_kind {
    FVM__CONST_VALUE,
    FVM__CONST_GLOBAL,
    FVM__CONST_FUNC, /* ref.func */
} fvm__const_kind;
typedef struct fvm__const_expr {
    fvm__const_kind kind;
    uint32_t index; /* global, or entry in the module's list of references */
    uint64_t value;
} fvm__const_expr;

typedef struct fvm__global_def {
    fvm__const_expr init;
    uint32_t slot; /* of a defined one: its place in the instance */
    char type;
    bool is_mutable, imported;
} fvm__global_def;

typedef struct fvm__import {
    fvm_bytes from, name;
    fvm_wasm_kind kind;
    uint32_t index; /* in the index space of its kind */
} fvm__import;
typedef struct fvm__export_entry {
    fvm_bytes name;
    fvm_wasm_kind kind;
    uint32_t index;
} fvm__export_entry;

typedef enum fvm__segment_mode {
    FVM__SEGMENT_ACTIVE,
    FVM__SEGMENT_PASSIVE,
    FVM__SEGMENT_DECLARED,
} fvm__segment_mode;
typedef struct fvm__elem_segment {
    fvm__segment_mode mode;
    char type;
    uint32_t table;
    fvm__const_expr offset;
    uint32_t count;
    const fvm__const_expr *items; /* NULL: function indices in `refs` */
    const uint32_t *refs;         /* entries of the module's list of references */
} fvm__elem_segment;
typedef struct fvm__data_segment {
    fvm__segment_mode mode;
    fvm__const_expr offset;
    fvm_bytes bytes;
} fvm__data_segment;

/** A function that is referred to, as a value. Metered functions are referred to through their
 *  thunk, except by ref.func, which the reference's limiter leaves alone (engine.md 4). */
typedef struct fvm__ref_def {
    uint32_t func;
    bool thunked;
} fvm__ref_def;

struct fvm__funcref;
/** How the code of a back end is run and freed. */
typedef struct fvm__runner {
    /** Runs the code of a function with its frame at `fp`, where the arguments are and the results
     *  will be. `entry` holds gas and limits before and after. */
    fvm_err (*run)(fvm_wasm_instance *entry, const struct fvm__funcref *ref, uint64_t *fp);
    /** Frees the code of a module, if there is any. */
    void (*code_free)(fvm_wasm_module *module);
} fvm__runner;

struct fvm_wasm_module {
    const fvm_allocator *alloc;
    _Atomic uint32_t holds;  /* its maker's and those of pooled instances; free lets go of one */
    _Atomic uint32_t pooled; /* those of them that are of pooled instances */
    bool profiled;           /* its code tells of calls: FVM_WASM_BACKEND_PROFILE */
    bool writes_tables;      /* has an instruction that changes a table */
    fvm_arena arena;
    fvm_wasm_rules rules;
    const fvm_wasm_host_table *hosts;

    fvm__functype *types;
    uint32_t n_types;
    fvm__func_def *funcs; /* imports first */
    uint32_t n_funcs, n_func_imports;
    fvm__table_def *tables;
    uint32_t n_tables, n_table_imports;
    fvm__memory_def *memories;
    uint32_t n_memories, n_memory_imports;
    fvm__global_def *globals;
    uint32_t n_globals, n_global_imports;
    fvm__import *imports;
    uint32_t n_imports;
    fvm__export_entry *exports;
    uint32_t *exports_by_name; /* indexes of exports, sorted by name */
    uint32_t n_exports;
    fvm__elem_segment *elems;
    uint32_t n_elems;
    fvm__data_segment *datas;
    uint32_t n_datas;
    fvm__ref_def *refs;
    uint32_t n_refs;
    uint32_t start;  /* or FVM__NO_INDEX */
    bool unlinkable; /* imports something that no host offers under these rules */

    const struct fvm__runner *runner; /* of the back end that made it */
    void *code;                       /* the back end's */
    size_t code_bytes;
    uint32_t enter_at;       /* where compiled code is entered from C */
    bool guarded;            /* accesses count on guard pages: memories must have them (guard.h) */
    uint32_t bounds_trap_at; /* where a fault of such an access goes on */
};

/** The export of a name, or NULL. */
const fvm__export_entry *fvm__module_find_export(const fvm_wasm_module *module, fvm_bytes name);

static inline bool fvm__is_metered(const fvm_wasm_rules *rules)
{
    return rules->metering != FVM_WASM_UNMETERED;
}
static inline bool fvm__is_ref(char type)
{
    return type == FVM_WASM_LETTER_FUNCREF || type == FVM_WASM_LETTER_EXTERNREF;
}

/** A module is constant to its users; what counts its holds is not part of that. */
static inline fvm_wasm_module *fvm__module_unconst(const fvm_wasm_module *module)
{
    return (fvm_wasm_module *)(uintptr_t)module;
}
static inline void fvm__module_retain(const fvm_wasm_module *module)
{
    fvm__module_unconst(module)->holds++;
}
#endif
