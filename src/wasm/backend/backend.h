/* backend.h - the seam between the front end (validate.c) and what makes code of a function.
 *
 * The front end makes one forward pass over a body. It checks it, and tells the back end each
 * instruction that can be reached; dead code is not shown, nor are blocks that begin in it. The
 * back end keeps a label stack and an operand stack of its own, which follow from what it is told.
 *
 * Gas. A metered block (engine.md 6) is announced where its charge has to stand, and its cost comes
 * later, since it includes code behind nested blocks:
 *
 *     charge_begin(id)      leave room for a charge here, keep the place under `id`
 *     ...instructions, blocks...
 *     charge_cost(id, n)    the charge costs n milligas, n > 0
 *
 * Ids count up from 0 in each function, in the order of the places. A charge whose cost never comes
 * costs nothing and may be left out. No charge is announced between two instructions of which the
 * first jumps: a charge belongs to the instruction that follows it.
 *
 * Locals are numbered anew: parameters as they are, then those that live code names, in the order in
 * which it does. Until func_end `n_locals` of the function is the number of the declared ones, an
 * upper bound; then it is the number of those in use. Likewise `n_zeroed`. Where a body has many
 * locals, entering zeroes only some: a call has one price, and a few instructions would otherwise
 * zero 400 kB for it. The others are zeroed in chunks when one of a chunk is first used, which
 * zero_locals stands for.
 *
 * Direct calls to defined functions are bracketed by the limiter: their cost is the callee's, which
 * may be a function that comes later, so it is read when running, or patched by `finish`. */
#ifndef FVM_WASM_BACKEND_H
#define FVM_WASM_BACKEND_H

#include "wasm/module.h"
#include "wasm/opcodes.h"

typedef struct fvm__op {
    fvm__opcode code;
    char type;       /* of the value at hand: typed select, global.*, table.* */
    uint32_t a, b;   /* immediates: index, depth, destination and source, table and type */
    uint64_t imm;    /* constant as bits, or offset of a load or store */
    uint32_t charge; /* run-time charge in milligas per unit of the top operand; 0 for none */
} fvm__op;

typedef struct fvm__backend fvm__backend;
struct fvm__validator;
typedef struct fvm__backend_ops {
    fvm_err (*func_begin)(fvm__backend *be, uint32_t func);
    /** Takes instructions as long as they are common: common_loop.h with these very ways. */
    fvm_err (*common)(struct fvm__validator *v);
    /* The commonest instructions: */
    fvm_err (*local_get)(fvm__backend *be, uint32_t local, char type);
    fvm_err (*local_set)(fvm__backend *be, uint32_t local, char type, bool tee);
    fvm_err (*constant)(fvm__backend *be, uint64_t bits);
    /** i32.const and i32.add behind it; may be missing. */
    fvm_err (*add_constant)(fvm__backend *be, uint32_t constant);
    /** local.get of an i32, and behind it i32.const and i32.add, or a load; may be missing, both. */
    fvm_err (*get_add)(fvm__backend *be, uint32_t local, uint32_t constant);
    fvm_err (*get_load)(fvm__backend *be, uint32_t local, fvm__opcode code, uint32_t offset);
    /** Those without an immediate (NONE in opcodes.def), drop and select. */
    fvm_err (*plain)(fvm__backend *be, fvm__opcode code);
    /** Loads and stores. */
    fvm_err (*access)(fvm__backend *be, fvm__opcode code, uint32_t offset);
    /** Whatever else is neither block nor branch; calls included. */
    fvm_err (*op)(fvm__backend *be, const fvm__op *op);
    /** If bit `bit` of the locals from `bitmap` on is clear, sets it and zeroes the FVM__ZERO_CHUNK
     *  locals from `first` on. Stands before each use of one of them that may be the first. */
    fvm_err (*zero_locals)(fvm__backend *be, uint32_t first, uint32_t bitmap, uint32_t bit);
    /** BLOCK, LOOP or IF, and what it takes and leaves; to a loop a branch carries the parameters. */
    fvm_err (*block)(fvm__backend *be, fvm__opcode code, const fvm__functype *type);
    /** `live`: the end of the arm before it is reached. */
    fvm_err (*else_)(fvm__backend *be, bool live);
    /** Ends a block or the function. `live`: reached from above. `no_else`: an `if` without. */
    fvm_err (*end)(fvm__backend *be, bool live, bool no_else);
    /** BR, BR_IF; RETURN is a BR to the function's label. */
    fvm_err (*br)(fvm__backend *be, fvm__opcode code, uint32_t depth);
    /** `depths` has n + 1 entries, the last is the default; borrowed. */
    fvm_err (*br_table)(fvm__backend *be, const uint32_t *depths, uint32_t n);
    fvm_err (*charge_begin)(fvm__backend *be, uint32_t id);
    void (*charge_cost)(fvm__backend *be, uint32_t id, uint64_t milligas);
    /** After the function's last `end`: `max_height` operands at most were on the stack. Fills the
     *  back end's own fields of the function. */
    fvm_err (*func_end)(fvm__backend *be, uint32_t max_height);
    /** After all functions: gives the code to the module. */
    fvm_err (*finish)(fvm__backend *be);
    /** Frees what was not given away. */
    void (*free)(fvm__backend *be);
} fvm__backend_ops;

#define FVM__ZERO_CHUNK 64u

/** The virtual size of a frame, which is taken from the frame budget by every back end alike, so that
 *  it must not use more of a value stack: 8 bytes for each local in use and each operand, and: */
#define FVM__FRAME_OVERHEAD 64u

struct fvm__backend {
    const fvm__backend_ops *ops;
    fvm_wasm_module *module; /* all but code is decoded before the first function begins */
};

/** The interpreter's translator (backend/interp). Makers set the module's runner. */
FVM_NODISCARD fvm_err fvm__interp_backend_new(fvm__backend **out, fvm_wasm_module *module);
/** The baseline compiler (backend/x64). FVM_ERR_WASM_UNSUPPORTED where the CPU is another.
 *  `wasm_bytes` of code are to come, to make room for. */
FVM_NODISCARD fvm_err fvm__x64_backend_new(fvm__backend **out, fvm_wasm_module *module,
                                           size_t wasm_bytes);
bool fvm__x64_supported(void);
/** What its code depends on of the CPU, as bits; 0 where it is not supported. */
uint32_t fvm__x64_features(void);
/** Whether the module's code is the compiler's. */
bool fvm__x64_owns(const fvm_wasm_module *module);
/** Maps `len` bytes of code for the module, which has no code yet, and makes its functions point into
 *  it. The addresses of what code calls in C are filled in at its front: nothing else in it depends
 *  on where things are. */
FVM_NODISCARD fvm_err fvm__x64_install(fvm_wasm_module *module, const uint8_t *code, size_t len,
                                       uint32_t enter_at);
#define FVM__X64_CALLEES 14u /* a constant, so that code from elsewhere has the same front */
#define FVM__X64_FRONT (FVM__X64_CALLEES * 8u)
#if defined(__x86_64__) && defined(__linux__)
#define FVM__X64 1
#endif
#endif
