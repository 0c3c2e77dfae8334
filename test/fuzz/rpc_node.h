/* rpc_node.h - a node in memory for the fuzz targets of its server: made once, with a contract and a few messages. */
#ifndef FVM_TEST_FUZZ_RPC_NODE_H
#define FVM_TEST_FUZZ_RPC_NODE_H

#include "rpc/node.h"
#include "test.h"

static inline uint64_t rpc_fuzz_clock(void *ctx)
{
    return *(uint64_t *)ctx;
}

/** The node; the same at each call. */
static inline fvm_node *rpc_fuzz_node(void)
{
    static fvm_node *node;
    static uint64_t clock_ms = UINT64_C(1700000000000);
    if (node) return node;
    fvm_key key;
    uint8_t seed[64];
    fvm_chain *chain;
    fvm_store_why why;
    CHECK(fvm_mnemonic_seed(seed, FVM_MNEMONIC_DEFAULT, "") == FVM_OK);
    CHECK(fvm_key_derive(&key, FVM_SIGNATURE_DELEGATED, seed, FVM_KEY_COIN_ETHEREUM, 0) == FVM_OK);
    const fvm_genesis_account account = { .address = key.address,
                                          .balance = fvm_big_u128(1000, 0) };
    const fvm_chain_options o = { .sealing = FVM_SEALING_MANUAL,
                                  .clock_ms = rpc_fuzz_clock,
                                  .clock_ctx = &clock_ms,
                                  .genesis_time = 1700000000,
                                  .accounts = &account,
                                  .account_count = 1 };
    CHECK(fvm_chain_open(&chain, &o, NULL, &why) == FVM_OK);
    CHECK(fvm_chain_mine(chain, 2, 0, 0) == FVM_OK);
    /* Without development methods: "mine a million blocks" is no finding. */
    const fvm_node_options n = {
        .chain = chain, .keys = &key, .key_count = 1, .log_off = true, .no_development = true
    };
    CHECK(fvm_node_new(&node, &n, NULL) == FVM_OK);
    if (fvm_chain_set_block_gas(chain, 50000000) != FVM_OK) abort(); /* calls end soon */
    return node;
}
#endif
