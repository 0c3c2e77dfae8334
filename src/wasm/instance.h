/* instance.h - the runtime's own view of contexts, instances and what they hold. */
#ifndef FVM_WASM_INSTANCE_H
#define FVM_WASM_INSTANCE_H

#include "wasm/module.h"

/* --- memories and tables ---------------------------------------------------------------------- */

/** A reserved stretch of address space, of which the front is in use. */
typedef struct fvm__memory {
    uint8_t *data;
    uint64_t len;      /* bytes in use */
    uint64_t reserved; /* bytes */
    fvm__limits limits;
    bool guarded; /* what is not in use has no access, up to FVM__GUARD_SLOT_BYTES (guard.h) */
} fvm__memory;

typedef struct fvm__table {
    uint64_t *elems;
    uint32_t size, cap;
    fvm__limits limits;
    char type;
    const fvm_allocator *alloc;
    const fvm__runner *runner; /* what functions in it are run by */
} fvm__table;

/** A global as an extern: where its value is, and its type. */
typedef struct fvm__global {
    uint64_t *value;
    const fvm__global_def *def;
    const fvm__runner *runner; /* as of a table, of funcrefs */
} fvm__global;

/** A function as a value: a funcref is a pointer to one of these. */
typedef struct fvm__funcref {
    fvm_wasm_instance *instance;
    const fvm__func_def *def;
    bool thunked; /* entering costs def->thunk_milligas (0 for imports and when unmetered) */
} fvm__funcref;

/* --- instances -------------------------------------------------------------------------------- */

struct fvm_wasm_instance {
    const fvm_wasm_module *module;
    fvm_wasm_context *context;
    void *host;
    fvm_wasm_limiter limiter; /* grow NULL: none */
    int64_t gas;
    uint32_t height;      /* of the stack limiter */
    uint32_t frames_used; /* bytes of the virtual frame budget */
    fvm_wasm_trap trap;
    bool starting; /* start runs: the host sees no memory */

    fvm__memory *memory;    /* NULL: none */
    fvm__memory own_memory; /* its length within reach of a displacement of one byte */
    fvm__table **tables;
    uint64_t *globals;           /* values of the defined ones, at FVM__GLOBALS_AT */
    uint64_t **imported_globals; /* where the imported ones are */
    fvm__funcref **imports;
    fvm__funcref *refs; /* by the module's list; of imports: not used */
    bool *elem_dropped, *data_dropped;
    fvm__global *global_externs; /* of all globals; only when unmetered */

    fvm__table *own_tables;
    fvm__funcref *own_imports;
    const fvm_allocator *alloc;
    size_t bytes;

    bool complete;         /* segments were written: what the pool can restore */
    uint32_t pooled_bytes; /* resident, while in the pool */
    uint16_t *pages;       /* of the memory that exist; as of `faults` page faults (pool.c) */
    uint32_t n_pages;
    uint64_t faults;
    uint32_t generation; /* of the context, when `pages` were listed; 0: never */
    uint64_t most_len;   /* that the memory ever had */
    fvm_wasm_instance *next_pooled;
};
/** Where the values of globals lie behind the instance: compiled code bakes it in. */
#define FVM__GLOBALS_AT ((sizeof(struct fvm_wasm_instance) + 15) & ~(size_t)15)

/** A reference of the module's list as a value. */
static inline uint64_t fvm__instance_ref(const fvm_wasm_instance *instance, uint32_t entry)
{
    const fvm__ref_def *def = &instance->module->refs[entry];
    const fvm__funcref *ref = def->func < instance->module->n_func_imports
                                  ? instance->imports[def->func]
                                  : &instance->refs[entry];
    return (uint64_t)(uintptr_t)ref;
}
static inline fvm__funcref *fvm__funcref_of(uint64_t value)
{
    return (fvm__funcref *)(uintptr_t)value; /* made by fvm__instance_ref or null */
}

/** memory.grow: the size before in pages, or -1. HOST errors when the node has no memory. */
FVM_NODISCARD fvm_err fvm__memory_grow(fvm_wasm_instance *instance, uint32_t *result,
                                       uint32_t delta);
/** table.grow, likewise in elements. */
FVM_NODISCARD fvm_err fvm__table_grow(fvm_wasm_instance *instance, uint32_t *result,
                                      fvm__table *table, uint32_t delta, uint64_t value);
/* Bulk instructions; a trap, or NONE. */
fvm_wasm_trap fvm__memory_init(fvm_wasm_instance *instance, uint32_t segment, uint32_t to,
                               uint32_t from, uint32_t len);
fvm_wasm_trap fvm__memory_copy(fvm_wasm_instance *instance, uint32_t to, uint32_t from,
                               uint32_t len);
fvm_wasm_trap fvm__memory_fill(fvm_wasm_instance *instance, uint32_t to, uint32_t byte,
                               uint32_t len);
fvm_wasm_trap fvm__table_init(fvm_wasm_instance *instance, uint32_t table, uint32_t segment,
                              uint32_t to, uint32_t from, uint32_t len);
fvm_wasm_trap fvm__table_copy(fvm_wasm_instance *instance, uint32_t to_table, uint32_t from_table,
                              uint32_t to, uint32_t from, uint32_t len);
fvm_wasm_trap fvm__table_fill(fvm_wasm_instance *instance, uint32_t table, uint32_t to,
                              uint64_t value, uint32_t len);

/** Enters a function: charges its thunk, checks the limiter, runs it or calls the host. `slots`
 *  holds the arguments and receives the results. A trap is noted in `entry`, whose gas and limits
 *  count. */
FVM_NODISCARD fvm_err fvm__enter(fvm_wasm_instance *entry, const fvm__funcref *ref, uint64_t *slots,
                                 const uint64_t *args);
/** The interpreter's fvm__runner.run. */
FVM_NODISCARD fvm_err fvm__interp_run(fvm_wasm_instance *entry, const fvm__funcref *ref,
                                      uint64_t *fp);

/* --- contexts --------------------------------------------------------------------------------- */

/** A stretch of value stack. Calls that nest through the host go on where the outer one is; when
 *  less than a whole frame budget is left they go to the next chunk. */
typedef struct fvm__value_chunk {
    struct fvm__value_chunk *next, *prev;
    uint64_t *base;
    size_t bytes;
} fvm__value_chunk;

/** A reservation that an instance gave back, all zeros again. */
typedef struct fvm__spare_memory {
    struct fvm__spare_memory *next;
    uint8_t *data;
    uint64_t reserved;
    bool guarded;
} fvm__spare_memory;

struct fvm_wasm_context {
    const fvm_allocator *alloc;
    fvm__value_chunk *chunk; /* in use */
    uint64_t *sp;            /* first free slot in it */
    fvm__spare_memory *spare;
    uint32_t n_spare;
    fvm_wasm_instance *pool; /* newest first; pool.c */
    uint32_t n_pooled;
    uint64_t pooled_bytes;
    fvm_wasm_trap trap;
    const fvm_wasm_watcher *watcher;  /* NULL: none */
    fvm_wasm_instance *entry;         /* of the innermost run of compiled code */
    const fvm_wasm_instance *running; /* whose compiled code that is: guard.c asks */
    void *native_sp;                  /* where that run unwinds to */
    int pagemap;                      /* /proc/self/pagemap (pool.c) */
    bool has_pagemap;
    bool counts_faults;        /* the kernel does */
    uint32_t generation;       /* of processes: forks noticed, from 1 on */
    volatile uint8_t *process; /* a page that is cleared in a child of fork (pool.c) */
    struct fvm__fiber *fiber;  /* the native stack, made when first needed */
};

/** Makes `bytes` of value stack available from context->sp on; `saved` restores. */
typedef struct fvm__stack_mark {
    fvm__value_chunk *chunk;
    uint64_t *sp;
} fvm__stack_mark;
FVM_NODISCARD fvm_err fvm__stack_reserve(fvm_wasm_context *context, fvm__stack_mark *saved,
                                         size_t bytes);
static inline void fvm__stack_release(fvm_wasm_context *context, fvm__stack_mark saved)
{
    context->chunk = saved.chunk;
    context->sp = saved.sp;
}

/** A zeroed memory of `pages`, in a reservation that it can grow in. */
FVM_NODISCARD fvm_err fvm__memory_open(fvm_wasm_context *context, fvm__memory *memory,
                                       uint32_t pages, uint32_t pages_max, bool guarded);
/** Grows within the reservation, or moves; false: no memory. */
bool fvm__memory_extend(fvm__memory *memory, uint64_t len);
/** Shrinks to `len`; what is cut off holds zeros already. */
bool fvm__memory_cut(fvm__memory *memory, uint64_t len);
void fvm__memory_close(fvm_wasm_context *context, fvm__memory *memory);

/* fiber.c */
FVM_NODISCARD fvm_err fvm__fiber_run(struct fvm__fiber **fiber, const fvm_allocator *alloc,
                                     fvm_err (*fn)(void *), void *arg);
void fvm__fiber_free(struct fvm__fiber *fiber, const fvm_allocator *alloc);
/* pool.c */
/** Whether instances of a module can be restored. */
bool fvm__module_poolable(const fvm_wasm_module *module);
/** Restores an instance and keeps it; false: it is still the caller's to free. */
bool fvm__pool_park(fvm_wasm_instance *instance);
/** An instance of `module` as it was when its segments had been written, but for host, gas,
 *  limiter, globals and flags, which are the caller's to set. NULL when there is none. */
fvm_wasm_instance *fvm__pool_take(fvm_wasm_context *context, const fvm_wasm_module *module);
void fvm__pool_close_pagemap(fvm_wasm_context *context);
void fvm__pool_clear(fvm_wasm_context *context);
void fvm__pool_deinit(fvm_wasm_context *context);
void fvm__pool_forget_pages(fvm_wasm_instance *instance);
/** Frees for good. */
void fvm__instance_destroy(fvm_wasm_instance *instance);
#endif
