/* wasm.h - the WebAssembly engine as the kernel sees it: modules, instances, calls, traps.
 *
 * The engine knows nothing of Filecoin. What differs between network versions comes in as data
 * (fvm_wasm_rules); what an actor may call comes in as a table of host functions; gas is a signed
 * counter of milligas in the instance, which the host reads and writes between stretches of wasm.
 *
 * Facts: reference/engine.md. Spec: WebAssembly core 1.0 plus bulk memory, sign extension,
 * saturating conversions, and what of reference types the rules allow. */
#ifndef FVM_WASM_WASM_H
#define FVM_WASM_WASM_H

#include "base/util.h"

/* --- rules ------------------------------------------------------------------------------------ */

/** How a module is metered and its stack limited. */
typedef enum fvm_wasm_metering {
    FVM_WASM_UNMETERED,   /* the bare standard: no gas, no limiter, no shape rules (core suite) */
    FVM_WASM_METERING_V2, /* nv17: wasm-instrument 0.2.0 on parity-wasm (engine.md 10) */
    FVM_WASM_METERING_V4, /* nv18+: wasm-instrument 0.4.0; fvm v3 and v4 meter alike */
} fvm_wasm_metering;

/** Everything in which network versions differ for the engine; a constant table row. Modules that
 *  were made under different rules are different modules. */
typedef struct fvm_wasm_rules {
    fvm_wasm_metering metering;
    uint32_t stack_limit;            /* limiter heights, 2048 */
    uint32_t instruction_milligas;   /* 4000 */
    uint32_t memory_byte_milligas;   /* grow, fill, copy, init: 400 per byte; 0 before nv18 */
    uint32_t table_element_milligas; /* 3200 per element; 0 before nv18 */
    uint32_t memory_max_pages;       /* of one instance: 8192 (512 MiB); 65536 before nv18 */
    uint32_t table_max_elements;     /* 20000; UINT32_MAX before nv18 */
    uint32_t frame_budget_bytes;     /* virtual native stack of one instance: 4 MiB */
    /* features beyond the MVP (with mutable globals); bulk memory is always on */
    bool sign_extension;
    bool saturating_conversion;
    bool reference_types; /* v3/v4: table.get/set/size/grow/fill decode; ref.* and typed select do
                             not load under metering (engine.md 2); all of them when unmetered */
    bool multi_value;     /* unmetered only */
    bool imports_beyond_functions; /* unmetered only: memories, tables, globals may be imported */
} fvm_wasm_rules;

/** Rules of the bare standard with its 2.0 features (no SIMD). */
extern const fvm_wasm_rules fvm_wasm_rules_standard;

/* --- modules ---------------------------------------------------------------------------------- */

typedef struct fvm_wasm_module fvm_wasm_module;
typedef struct fvm_wasm_instance fvm_wasm_instance;

/** A host function. `slots` holds the parameters, one u64 each (i32 zero extended), and receives
 *  the result in slots[0]. Any error unwinds the wasm; the call that entered it returns it. */
typedef fvm_err (*fvm_wasm_host_fn)(fvm_wasm_instance *instance, void *host, uint64_t *slots);

typedef struct fvm_wasm_host_func {
    const char *module, *name;
    const char *params;  /* a letter per parameter: i (i32) l (i64) f (f32) d (f64) */
    const char *results; /* "" or letters */
    fvm_wasm_host_fn fn;
} fvm_wasm_host_func;

/** What modules can import: a constant table; must outlive the modules made with it. */
typedef struct fvm_wasm_host_table {
    const fvm_wasm_host_func *funcs;
    size_t count;
} fvm_wasm_host_table;

/** Decodes, validates, meters and compiles a module in one forward pass.
 *  In:     wasm   untrusted; copied where it must outlive the call.
 *          hosts  imports are resolved against it now; one that does not resolve is recorded and
 *                 reported by fvm_wasm_instance_new. NULL: no host functions.
 *  Errors: FVM_ERR_WASM_MALFORMED, _INVALID, _UNSUPPORTED (feature off, cannot be metered);
 *          FVM_ERR_NOMEM. `detail` (may be NULL; FVM_WASM_DETAIL_MAX bytes) receives what and
 *          where in words. Time and memory are linear in wasm.len. */
#define FVM_WASM_DETAIL_MAX 160
FVM_NODISCARD fvm_err fvm_wasm_module_new(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                                          const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                                          char *detail, const fvm_allocator *alloc);
/** What runs a module: each gives the same results, traps and gas. All modules whose instances share
 *  functions or tables (store.h) must be made for the same one. */
typedef enum fvm_wasm_backend {
    FVM_WASM_BACKEND_DEFAULT, /* the compiler where there is one for the CPU */
    FVM_WASM_BACKEND_INTERP,
    FVM_WASM_BACKEND_X64,       /* the baseline compiler, with bounds checks; x86-64 Linux */
    FVM_WASM_BACKEND_X64_GUARD, /* the same with guarded memory: wasm/guard.h */
    FVM_WASM_BACKEND_PROFILE,   /* the interpreter, telling the context's watcher of each call */
} fvm_wasm_backend;
/** For X64_GUARD this installs the signal handlers. */
bool fvm_wasm_backend_available(fvm_wasm_backend backend);
/** As fvm_wasm_module_new, for a back end. FVM_ERR_WASM_UNSUPPORTED when it is not available. */
FVM_NODISCARD fvm_err fvm_wasm_module_new_on(fvm_wasm_module **out, const fvm_wasm_rules *rules,
                                             const fvm_wasm_host_table *hosts, fvm_bytes wasm,
                                             char *detail, const fvm_allocator *alloc,
                                             fvm_wasm_backend backend);
/** Modules are immutable, shared between threads, and held: whoever made one holds it, and so does
 *  whoever calls `hold`. `free` lets go, after the holder's last instance is gone; the last holder's
 *  frees. */
void fvm_wasm_module_free(const fvm_wasm_module *module);
const fvm_wasm_module *fvm_wasm_module_hold(const fvm_wasm_module *module);
/** Whether somebody beside one holder has it in use; instances kept for reuse do not count. A hint
 *  where other threads may let go, certain where none can take hold. */
bool fvm_wasm_module_in_use(const fvm_wasm_module *module);
/** Bytes of memory that the module holds. */
size_t fvm_wasm_module_size(const fvm_wasm_module *module);

typedef enum fvm_wasm_kind {
    FVM_WASM_FUNC,
    FVM_WASM_TABLE,
    FVM_WASM_MEMORY,
    FVM_WASM_GLOBAL,
} fvm_wasm_kind;

/** An export: index within its kind's index space. */
typedef struct fvm_wasm_export {
    fvm_wasm_kind kind;
    uint32_t index;
    uint32_t minimum;   /* pages of a memory, elements of a table; else 0 */
    const char *params; /* of a function, letters as above; else NULL */
    const char *results;
} fvm_wasm_export;

/** Finds an export by name; false when there is none. */
bool fvm_wasm_module_export(const fvm_wasm_module *module, fvm_wasm_export *out, fvm_bytes name);
/** Whether every import is a function that resolved against the host table. */
bool fvm_wasm_module_links(const fvm_wasm_module *module);

/* --- instances and calls ------------------------------------------------------------------------ */

/** Why wasm trapped. */
typedef enum fvm_wasm_trap {
    FVM_WASM_TRAP_NONE,
    FVM_WASM_TRAP_UNREACHABLE,
    FVM_WASM_TRAP_OUT_OF_GAS,     /* the counter is negative */
    FVM_WASM_TRAP_STACK_LIMIT,    /* the limiter's unreachable */
    FVM_WASM_TRAP_STACK_OVERFLOW, /* the virtual frame budget */
    FVM_WASM_TRAP_MEMORY_BOUNDS,
    FVM_WASM_TRAP_TABLE_BOUNDS,
    FVM_WASM_TRAP_NULL_FUNC,
    FVM_WASM_TRAP_BAD_SIGNATURE,
    FVM_WASM_TRAP_INT_OVERFLOW,
    FVM_WASM_TRAP_INT_DIVIDE_BY_ZERO,
    FVM_WASM_TRAP_BAD_CONVERSION,
    FVM_WASM_TRAP_UNDEFINED_ELEMENT, /* call_indirect past the end of the table */
} fvm_wasm_trap;
const char *fvm_wasm_trap_text(fvm_wasm_trap trap);

/** Accounting of memory across the instances of one message (engine.md 8): bytes of wasm memory
 *  plus 8 per table element. The engine asks before the initial size and before each growth;
 *  `grow` returns false to refuse. NULL limiter: no limit beyond the rules'. */
typedef struct fvm_wasm_limiter {
    bool (*grow)(void *ctx, uint64_t bytes);
    void *ctx;
} fvm_wasm_limiter;

/** What runs are made on: the guarded native stack and the pools of memories and value stacks of
 *  one thread of execution. Belongs to one fvm_context; not shared by threads. */
typedef struct fvm_wasm_context fvm_wasm_context;
FVM_NODISCARD fvm_err fvm_wasm_context_new(fvm_wasm_context **out, const fvm_allocator *alloc);
void fvm_wasm_context_free(fvm_wasm_context *context);
/** Whether the next instance of an X64_GUARD module finds address space (more than 4 GiB). Where it
 *  is short, the same code made for X64 gives the same results. */
bool fvm_wasm_context_guards(fvm_wasm_context *context);
/** Whether that is so, or the module needs none. */
bool fvm_wasm_context_takes(fvm_wasm_context *context, const fvm_wasm_module *module);
/** Runs `fn(arg)` on the context's guarded native stack and returns its result; when already on it,
 *  just calls. Everything that nests (sends within sends, 1024 deep) happens inside. */
FVM_NODISCARD fvm_err fvm_wasm_context_run(fvm_wasm_context *context, fvm_err (*fn)(void *arg),
                                           void *arg);

/** Hears of calls in modules that were made for FVM_WASM_BACKEND_PROFILE; `milligas` is the counter at
 *  that moment, so that what lies between two moments was spent where the first one said. After a
 *  trap nothing is told of the functions that it ended. */
typedef struct fvm_wasm_watcher {
    void (*enter)(void *ctx, uint32_t func, int64_t milligas); /* a function of the module begins */
    void (*leave)(void *ctx, int64_t milligas);                /* ... has returned to another one */
    void (*host_enter)(void *ctx, const fvm_wasm_host_func *func, int64_t milligas);
    void (*host_leave)(void *ctx, int64_t milligas);
    void *ctx;
} fvm_wasm_watcher;
/** NULL: nobody. Borrowed; not while wasm runs. */
void fvm_wasm_context_watch(fvm_wasm_context *context, const fvm_wasm_watcher *watcher);
bool fvm_wasm_context_watched(const fvm_wasm_context *context);

/** Makes an instance: limiter asked for memory and table minimum, globals, element and data
 *  segments, then the start function. `milligas` is the counter to start with.
 *  During start, host functions see a zero-length memory (engine.md 8).
 *  Out:    *out is set, even on FVM_ERR_TRAP / FVM_ERR_WASM_INSTANTIATE and on errors that a host
 *          function returned inside start, so that the gas counter can be read; free it. NULL on
 *          FVM_ERR_WASM_LINK and HOST errors.
 *  Errors: FVM_ERR_WASM_LINK         an import does not resolve.
 *          FVM_ERR_WASM_INSTANTIATE  limiter refused, or a segment is out of bounds.
 *          FVM_ERR_TRAP              start trapped; fvm_wasm_instance_trap tells why.
 *          FVM_ERR_NOMEM */
FVM_NODISCARD fvm_err fvm_wasm_instance_new(fvm_wasm_instance **out, fvm_wasm_context *context,
                                            const fvm_wasm_module *module, void *host,
                                            const fvm_wasm_limiter *limiter, int64_t milligas);
void fvm_wasm_instance_free(fvm_wasm_instance *instance);

/** Calls an exported function (through its thunk, with its gas). `args` and `results`: a u64 per
 *  value. Errors: FVM_ERR_TRAP, whatever a host function returned, FVM_ERR_INVALID (not a
 *  function). Must run inside fvm_wasm_context_run. */
FVM_NODISCARD fvm_err fvm_wasm_instance_call(fvm_wasm_instance *instance, uint64_t *results,
                                             uint32_t func_index, const uint64_t *args);
fvm_wasm_trap fvm_wasm_instance_trap(const fvm_wasm_instance *instance);

/** The gas counter in milligas; negative once it ran out. Exact inside host functions and between
 *  calls. */
int64_t fvm_wasm_instance_gas(const fvm_wasm_instance *instance);
void fvm_wasm_instance_set_gas(fvm_wasm_instance *instance, int64_t milligas);

/** Linear memory 0 as it is now; moves or grows only while wasm runs. len 0 without a memory, or
 *  during start. */
typedef struct fvm_wasm_memory {
    uint8_t *ptr;
    size_t len; /* bytes */
} fvm_wasm_memory;
fvm_wasm_memory fvm_wasm_instance_memory(const fvm_wasm_instance *instance);
#endif
