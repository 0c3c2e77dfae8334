/* engine.h - compiled modules by code CID, shared by threads. */
#ifndef FVM_MACHINE_ENGINE_H
#define FVM_MACHINE_ENGINE_H

#include "kernel/network.h"
#include "wasm/wasm.h"
#include <fvm/blockstore.h>
#include <fvm/machine.h>

/** The compiled module of `code` under `net`; compiled from `blocks` on first use. The
 *  caller holds it and lets go with fvm_wasm_module_free. `wasm` (may be NULL) is the context whose
 *  next instance it is for: where that has no address space for guarded memory, the module is one
 *  with bounds checks. Errors: FVM_ERR_MISSING_BLOCK; FVM_ERR_BAD_STATE (does not load under these
 *  rules); HOST. */
FVM_NODISCARD fvm_err fvm__engine_module(fvm_engine *engine, const fvm_wasm_module **out,
                                         fvm_wasm_context *wasm, const fvm_network *net,
                                         const fvm_wasm_host_table *hosts,
                                         const fvm_blockstore *blocks, const fvm_cid *code);
/** When a context is made: the signal handlers of a guarded engine come to the front again, should
 *  the host have installed its own since. */
void fvm__engine_look_after(const fvm_engine *engine);
/** Whether its modules tell of calls (fvm_wasm_watcher). */
bool fvm__engine_profiles(const fvm_engine *engine);
#endif
