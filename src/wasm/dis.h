/* dis.h - a module as text, with what each metered block costs.
 *
 *     (func $3 "invoke" (param i32) (result i32)  ;; limiter 6, thunk 56000 milligas, frame 88 bytes
 *       ;; block: 12000 milligas
 *       local.get 0
 *
 * The instructions are those of opcodes.def. Costs are what the meter tells its listener while the
 * module is made, so they are those that are charged. A block's cost is charged where its line
 * stands, and may be for instructions behind nested blocks, too (meter.h). What depends on an operand
 * at run time (growing and copying memory and tables) comes on top, at the instruction. */
#ifndef FVM_WASM_DIS_H
#define FVM_WASM_DIS_H

#include "wasm/wasm.h"

#define FVM_WASM_DIS_ALL UINT32_MAX

/** Lists a module, or one function of it (index, imports counted; FVM_WASM_DIS_ALL: all). `write` is
 *  called with pieces of text in order; its error ends the listing.
 *  Errors: as fvm_wasm_module_new, with `detail`; FVM_ERR_NOT_FOUND (no such defined function). */
FVM_NODISCARD fvm_err fvm_wasm_dis(const fvm_wasm_rules *rules, const fvm_wasm_host_table *hosts,
                                   fvm_bytes wasm, uint32_t func,
                                   fvm_err (*write)(void *ctx, fvm_bytes text), void *ctx,
                                   char *detail, const fvm_allocator *alloc);
#endif
