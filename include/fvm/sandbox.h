/* sandbox.h - run one actor over IPLD data, with no chain around it: a DAG goes in, a DAG comes out.
 *
 * The actor's state root is the root of the data. It reads with self.root and ipld.block_open, builds
 * with ipld.block_create and block_link, and hands over the new root with self.set_root, on
 * Filecoin's rules: what it may open is what it can reach, and all of it costs gas. */
#ifndef FVM_SANDBOX_H
#define FVM_SANDBOX_H

#include <fvm/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One run. Zero-initialise, then set code and root. */
typedef struct fvm_sandbox {
    uint32_t network_version; /* rules to run under; 0: the newest */
    fvm_cid code;             /* of the actor's wasm, in the store under this (raw) CID */
    fvm_cid root;             /* of the data */
    uint64_t method;          /* seen by the actor; 0 counts as 2, since method 0 runs no code */
    fvm_bytes params;         /* CBOR, handed to the actor as block 1; empty: none */
    uint64_t gas_limit;       /* gas; 0: 10^12 */
    uint64_t timestamp;       /* seconds, seen by network.context */
    int64_t epoch;
    const fvm_externs *externs;  /* NULL: no callback answers */
    const fvm_trace_sink *trace; /* NULL: off */
} fvm_sandbox;

/** Runs the actor once. If it exits with 0, the blocks of its new root that are not yet in `bs` are
 *  written there in one batch; otherwise nothing is.
 *  Out:    new_root  root after the run (the old one unless the exit code is 0); unchanged on error.
 *          receipt   exit code, return data, gas, events; initialised by the caller.
 *  Errors: FVM_ERR_VERSION; HOST class. A broken module gives exit code 10 in the receipt. */
FVM_API FVM_NODISCARD fvm_err fvm_sandbox_run(fvm_context *context, fvm_cid *new_root,
                                              fvm_receipt *receipt, const fvm_blockstore *bs,
                                              const fvm_sandbox *sandbox);

#ifdef __cplusplus
}
#endif
#endif
